"""Somebody's weights, and a route that is broken, are left as they are, whatever else speaks at the same time. Pure.

Of several reasons to hold one is told. Were it another one, the weights would be written again: a person who has taken patched
out by hand would find it back when the deadline comes, Prometheus falls silent, or a side is out of sight for a moment.
"""

from . import guards
from .look import Look, hold, ready, record_once
from .reasons import FREEZING
from .status import Phase, Stage, Status

KEEPS = frozenset(
    {
        Stage.SHIFTING,
        Stage.ALL_TO_PATCHED,
        Stage.DRAINING_STABLE,
        Stage.PATCHING_STABLE,
        Stage.AWAITING_GIT,
        Stage.RETURNING,
        Stage.RETURN_FAILED,
    }
)


def kept(look: Look, after: Status) -> Status:
    """What follows this look, held for the edit where there is one. A way back and a side that cannot serve come first."""
    leaves = after.phase is Phase.ROLLING_BACK or after.stable_lost is not None or after.stage not in KEEPS
    if leaves or after.held in FREEZING or 0 in (ready(look.seen.stable), ready(look.seen.patched)):
        return after
    veto = guards.route_missing(look) or guards.weights_edited(look)
    if veto is None:
        return after
    if look.status.held != veto.reason:
        after = record_once(after, look.now, "hold", veto.reason, veto.message)
    return hold(after, veto.reason, veto.message, f"held at {after.weight} %")
