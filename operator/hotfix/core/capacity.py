"""How many pods a share needs, and whether a side has them. Pure.

need(side, share) = ceil(share * R), R = stable's ready pods when the rollout began. Rollbacks and a lost stable ignore it.
"""

import math

from .look import Look
from .observation import SideView
from .quantities import percent


def needed(look: Look, share_percent: float) -> int:
    """Pods that a share of all requests needs; at least one for a share above 0."""
    baseline = look.status.baseline
    pods = baseline.stable_pods if baseline else 0
    return math.ceil(share_percent * pods / 100 - 1e-9) if share_percent > 0 else 0


def largest_weight(look: Look, weights: tuple[int, ...]) -> int:
    """The largest of the weights that patched has ready pods for; 0 when there is none."""
    ready = look.seen.patched.ready_endpoints if look.seen.patched else 0
    return max((weight for weight in weights if 0 < needed(look, weight) <= ready), default=0)


def patched_short(look: Look, weight: int) -> str | None:
    """What to do when patched has too few ready pods for a weight; None when it has enough."""
    ready = look.seen.patched.ready_endpoints if look.seen.patched else 0
    need = max(1, needed(look, weight))
    if ready >= need:
        return None
    name = look.spec.patched.deployment
    return f"{weight} % needs {need} ready pods of {name}, it has {ready}: {_cure(look, name, look.seen.patched, need)}"


def stable_short(look: Look, weight: int) -> str | None:
    """The same for stable, which gets 100 - `weight` percent."""
    ready = look.seen.stable.ready_endpoints if look.seen.stable else 0
    need = max(1, needed(look, 100 - weight))
    if ready >= need:
        return None
    name = look.spec.stable.deployment
    cure = _cure(look, name, look.seen.stable, need)
    return f"{percent(1 - weight / 100)} for stable needs {need} ready pods of {name}, it has {ready}: {cure}"


def _cure(look: Look, name: str, side: SideView | None, need: int) -> str:
    """An autoscaler would take back what is scaled by hand."""
    scaler = side.scaler if side else None
    if scaler is None:
        return f"kubectl scale deployment/{name} --replicas={need} -n {look.seen.namespace}"
    return f"raise minReplicas of HPA {scaler.name} to {need}" + (f" in {scaler.owner}" if scaler.owner else "")
