"""Edits of the borrowed routes by others: who changed the weights, and what to tell those who keep changing them. Pure.

What a GitOps tool puts back is written again at once, for while its weights hold the fix reaches nobody. One that goes on doing
so is named, with the setting that ends it.
"""

from . import moments
from .fencing import arrived
from .look import Look, displaced, record, route_has, shifted_rules
from .observation import RouteView
from .reasons import Reason
from .status import Status

GITOPS_MANAGERS = ("kustomize-controller", "helm-controller", "argocd", "helm", "fleet", "kapp")
CONTESTED_TIMES, CONTESTED_SECONDS = 3, 600.0
ARGO_CD = (
    "spec: {ignoreDifferences: [{group: gateway.networking.k8s.io, kind: HTTPRoute, managedFieldsManagers: [hotfix-operator]}], "
    "syncPolicy: {syncOptions: [RespectIgnoreDifferences=true]}}"
)
HELM = "spec: {{driftDetection: {{ignore: [{rules}]}}}}"
IGNORED = "{{paths: [/spec/rules], target: {{kind: HTTPRoute, name: {route}}}}}"
FLUX = "metadata: {annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}"


def foreign_edit(look: Look) -> RouteView | None:
    """A route with a split that is not written by us and not the wanted one. Until this has arrived there, the one that was
    acknowledged last is no edit either."""
    status, view = look.status, look.seen.routes
    if view is None or status.acknowledged_weight is None or status.weight is None:
        return None
    for route in view.routes:
        known = {status.weight} if arrived(route, look) else {status.weight, status.acknowledged_weight}
        told = status.held == Reason.WEIGHTS_EDITED  # that is so although another rollout wrote to the route since
        if (told or not route.ours) and not any(route_has(look, route, weight) for weight in known):
            return route
    return None


def by_git(look: Look) -> RouteView | None:
    """A route where a GitOps tool put other weights back."""
    route = foreign_edit(look)
    return route if route and (route.weight_manager or "").startswith(GITOPS_MANAGERS) else None


def older_displaced(look: Look) -> str | None:
    """A sentence for a person who took from the older patch what it stands still with."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        managed = route.ours or (route.weight_manager or "").startswith(GITOPS_MANAGERS)
        if not managed and any(displaced(look, rule) for rule in shifted_rules(look, route)):
            who = route.weight_manager or "Somebody"
            return f"{who} changed the weights of HTTPRoute {route.name}; they are left as they are."
    return None


def corrected(look: Look) -> Status:
    """The status with a manager named that wrote its own weights; the plan writes ours again. One edit is told and counted once,
    however many looks its repair takes."""
    route = by_git(look)
    edit = f"{route.name}/{route.generation}" if route else None
    if route is None or edit == look.status.drift_told:
        return look.status
    message = (
        f"{route.weight_manager} changed the weights of HTTPRoute {route.name}; patched is set back to {look.status.weight} %."
    )
    recorded = record(look.status, look.now, "weights", Reason.TRAFFIC_DRIFT_CORRECTED, message)
    return recorded.model_copy(update={"drift_told": edit})


def contested(look: Look) -> str | None:
    """A sentence for one who has changed the weights again and again in the last minutes; None while nobody has."""
    times = [moments.unix(entry.time) for entry in look.status.decisions if entry.reason == str(Reason.TRAFFIC_DRIFT_CORRECTED)]
    recent = [moment for moment in times if abs(look.now - moment) < CONTESTED_SECONDS]
    if len(recent) < CONTESTED_TIMES:
        return None
    newest = next(e.message for e in reversed(look.status.decisions) if e.reason == str(Reason.TRAFFIC_DRIFT_CORRECTED))
    manager = newest.partition(" ")[0]
    return (
        f"{manager} changed the weights {len(recent)} times in {CONTESTED_SECONDS / 60:.0f} minutes; they are set back each "
        f"time, and no further step is made. {_setting(manager, look)}"
    )


def _setting(manager: str, look: Look) -> str:
    """What ends it, for the tool that this field manager is of."""
    if manager.startswith("argocd"):
        return f"To end it, add to the Application: {ARGO_CD}"
    routes = look.status.borrowed.routes if look.status.borrowed else ()
    rules = ", ".join(IGNORED.format(route=route.name) for route in routes)
    if manager.startswith("kustomize-controller"):
        return (
            f"To end it, give the HTTPRoute in git, for as long as the rollout runs: {FLUX}; or, from kustomize-controller 1.10 "
            f"on, the Kustomization: spec: {{ignore: [{rules}]}}"
        )
    if manager.startswith("helm-controller"):
        return f"To end it, give the HelmRelease: {HELM.format(rules=rules)}"
    return f"Keep {manager} from writing the route for as long as the rollout runs."
