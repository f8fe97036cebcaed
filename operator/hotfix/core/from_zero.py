"""Evidence from zero: a side runs another pod spec than the one that was compared so far. Pure."""

from . import changes, moments
from .look import Look, enter, record, say
from .observation import DeploymentView
from .proven import planned
from .reasons import Reason
from .status import Phase, Stage, Status


def fresh(now: float) -> dict[str, object]:
    """The fields of a status that forget what was counted before this moment (unix seconds)."""
    return {
        "evidence_from": moments.rfc3339(now),
        "excluded": [],
        "bake_seconds": 0,
        "baked_until": None,
        "proven_weight": None,
        "request_rate": None,
        "stopped_seconds": 0,
    }


def start_weight(status: Status) -> int:
    """Percent that patched began with."""
    return status.resolved.start_weight or 1 if status.resolved else 1


def other_patch(look: Look) -> DeploymentView | None:
    """Patched where it is seen with another pod spec than the one that is compared; else None."""
    baseline, side = look.status.baseline, look.seen.patched
    deployment = side.deployment if side else None
    return deployment if baseline and deployment and deployment.template != baseline.patched_template else None


def with_patch(look: Look, patched: DeploymentView, what: str, message: str, **more: object) -> Status:
    """Analysis from zero of what patched runs now. `what` and `message` are the decision's, `more` further fields."""
    baseline, stable = look.status.baseline, look.seen.stable
    assert baseline is not None, "nothing was compared"
    runs = {"patched_template": patched.template, "patched_images": list(patched.images)}
    update = {**fresh(look.now), "baseline": baseline.model_copy(update=runs), **more}
    if stable and stable.deployment:
        update["promotion"] = planned(changes.changed_paths(stable.deployment.pod_spec, patched.pod_spec))
    recorded = record(look.status, look.now, what, Reason.PATCHED_CHANGED, message)
    return say(enter(recorded, look.now, Phase.ANALYZING, Stage.SHIFTING, **update), message, "analysis from zero")
