-- Health of a HotfixRollout for Argo CD (resource.customizations.health.hotfix-operator.dev_HotfixRollout).
local health = { status = "Progressing", message = "Waiting for the operator" }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
health.message = status.message or ""
if status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and status.observedGeneration < obj.metadata.generation then
  health.message = "Waiting for the operator to see the latest change"
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]
if conditions["Stalled"] ~= nil and conditions["Stalled"].status == "True" then
  health.status = "Degraded"
elseif ready ~= nil and ready.reason == "Superseded" then
  health.status = "Healthy" -- another hotfix took its place; that one's health counts
elseif ready ~= nil and ready.status == "True" then
  health.status = "Healthy"
elseif ready ~= nil and ready.status == "Unknown" then
  health.status = "Suspended"
end
return health
