"""How others read a HotfixRollout as the API server shows it: its conditions (kubectl wait), kstatus (Flux), Argo CD's script.

The table is the one of the documented states, said anew here: nothing of it is taken from the operator.
"""

from dataclasses import dataclass
from typing import Any

import lupa

from tests.cluster.provider import ROOT
from tests.core.kstatus import verdict

HEALTH = ROOT / "deploy" / "argocd" / "health.lua"
Conditions = dict[str, tuple[str, str]]

FOR_EVER_REFUSED = {"InvalidSpec", "InvalidStatus", "InvalidQuery", "Forbidden"}  # in every phase
REFUSED = {
    *FOR_EVER_REFUSED,
    *("CountersUnfit", "Expired", "ManagedByGitOps", "MemoryLost", "MetricsMissing", "MetricsUnknown", "NothingToPromote"),
    *("PatchedAlreadyServes", "SelectorsOverlap", "ServiceSelectsBothSides", "StableMoved"),
}  # before traffic moves
WRONG_REFERENCE = {"TargetNotFound", "RouteAmbiguous", "RouteUnfit"}  # refused too, once it lasts
IN_PROGRESS: Conditions = {"Succeeded": ("Unknown", "InProgress"), "Completed": ("False", "InProgress")}


@dataclass(frozen=True)
class Reading:
    """What is read of one state."""

    conditions: Conditions
    kstatus: str
    argo: str


PROMOTED = Reading(dict.fromkeys(("Ready", "Succeeded", "Completed"), ("True", "Promoted")), "Current", "Healthy")
ROLLED_BACK = Reading(
    {
        "Ready": ("False", "RolledBack"),
        "Stalled": ("True", "RolledBack"),
        "Succeeded": ("False", "RolledBack"),
        "Completed": ("True", "RolledBack"),
    },
    "Failed",
    "Degraded",
)


SUPERSEDED = Reading(
    {"Ready": ("False", "Superseded"), "Succeeded": ("False", "Superseded"), "Completed": ("True", "Superseded")},
    "InProgress",
    "Healthy",
)
AWAITING_GIT = Reading(
    {"Ready": ("True", "ServingPatched"), "FollowUpRequired": ("True", "AwaitingGit"), **IN_PROGRESS}, "Current", "Healthy"
)


def moving(reason: str = "Progressing") -> Reading:
    """It goes on by itself."""
    return Reading({"Ready": ("False", reason), "Reconciling": ("True", reason), **IN_PROGRESS}, "InProgress", "Progressing")


def held(reason: str) -> Reading:
    """It stands where it is."""
    ready = reason if reason in ("Paused", "StableLost") else "Held"
    return Reading({"Ready": ("Unknown", ready), "Reconciling": ("True", reason), **IN_PROGRESS}, "InProgress", "Suspended")


def refused(reason: str) -> Reading:
    """Nothing happens until somebody puts it right."""
    return Reading({"Ready": ("False", reason), "Stalled": ("True", reason), **IN_PROGRESS}, "Failed", "Degraded")


def expected(status: dict[str, Any]) -> list[Reading]:
    """What a status may be read as: one reading, or two where it is a matter of how long it lasts."""
    phase, reason = status["phase"], status.get("held")
    ended = {"Promoted": PROMOTED, "RolledBack": ROLLED_BACK}
    if phase in ended:
        return [ended[phase]]
    if reason in FOR_EVER_REFUSED or (phase == "Pending" and reason in REFUSED):
        return [refused(reason)]
    if phase == "Pending" and reason in WRONG_REFERENCE:
        return [moving(), refused(reason)]
    if phase == "Superseded" and status.get("stage") == "Done":
        return [SUPERSEDED]
    if phase == "AwaitingGit" and reason == "Superseding":  # it serves as before
        return [AWAITING_GIT]
    if reason in ("Paused", "StableLost") or (reason and phase not in ("Pending", "RollingBack")):
        return [held(reason)]
    if phase == "AwaitingGit":
        return [AWAITING_GIT]
    return [moving("RollingBack" if phase == "RollingBack" else "Progressing")]


def health(item: dict[str, Any]) -> str:
    """What Argo CD's script says, run by lua."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    script = lua.eval(f"function(obj) {HEALTH.read_text()} end")
    return str(script(lua.table_from(item, recursive=True)).status)


def conditions(item: dict[str, Any]) -> Conditions:
    """Condition type -> (status, reason)."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in item["status"].get("conditions", [])}


def judged(item: dict[str, Any]) -> None:
    """The live object reads as its state is documented, for everybody who reads it."""
    status = item.get("status")
    if status is None or "deletionTimestamp" in item["metadata"]:
        return
    if status["observedGeneration"] != item["metadata"]["generation"]:
        assert (verdict(item), health(item)) == ("InProgress", "Progressing"), "an edit nobody has looked at"
        return
    found = conditions(item)
    paused = found.pop("Paused", None)
    if status["phase"] != "AwaitingGit":  # where it is told whatever else a person is to look at
        waits = status.get("followUp")
        assert found.pop("FollowUpRequired", None) == (("True", waits) if waits else None)
    read = Reading(found, verdict(item), health(item))
    assert read in expected(status), f"phase {status['phase']}, held {status.get('held')}"
    if read.argo == "Suspended":
        asked = item["spec"]["paused"] or status.get("paused")
        assert paused == (("True", "Paused") if asked else None)
    else:
        assert paused is None
    assert all(entry["observedGeneration"] == item["metadata"]["generation"] for entry in status["conditions"])
