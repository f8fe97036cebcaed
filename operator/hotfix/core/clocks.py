"""Since when each thing is so that something waits for: clocks that a look starts, keeps or stops. Pure."""

from . import fitness, guards, moments, pending, proven, rolling_back, stable_lost
from .look import Look, ready, record, routes_have
from .reasons import Reason
from .status import Phase, Stage, Status

JUDGED = frozenset({Stage.SHIFTING, Stage.RETURNING})
WITH_THE_FIX = frozenset({Phase.PROMOTING, Phase.AWAITING_GIT})


def kept(look: Look) -> Status:
    """The status with since when each thing is so; what cannot be seen now stays as it was."""
    status, now = look.status, moments.rfc3339(look.now)
    since = dict(status.since)
    for name, so in _facts(look):
        if so:
            since.setdefault(name, now)
        elif so is False:
            since.pop(name, None)
    stopped, resumed = status.stopped_seconds, {}
    if "Paused" in status.since and "Paused" not in since:
        if status.phase is Phase.ANALYZING:
            stopped += stable_lost.paused_before(look)
        resumed = {"acknowledged_weight": None, "acknowledged_at": None} if status.held == "WeightsEdited" else {}
    after = status.model_copy(update={"since": since, "stopped_seconds": stopped, **resumed})
    return _resumed(after, look) if "Paused" in status.since and "Paused" not in since else after


def _resumed(status: Status, look: Look) -> Status:
    """A pause ended; on the way back, and before anything was written, it held nothing."""
    if status.stage is Stage.CHECKING or status.phase is Phase.ROLLING_BACK:
        return status
    message = f"No longer paused; it goes on at {status.weight or 0} %."
    return record(status, look.now, "resume", Reason.RESUMED, message)


def _blind(look: Look) -> bool:
    """No counts that can be judged: no answer, an unfit one, or one of a side whose samples have stopped."""
    metrics = look.seen.metrics
    if metrics is None or metrics.problem:
        return True
    return fitness.stopped(metrics, guards.STALE_BLOCKS * look.interval_seconds)


def _facts(look: Look) -> tuple[tuple[str, bool | None], ...]:
    """Name -> so, not so, or (None) not seen."""
    status, stable, patched = look.status, ready(look.seen.stable), ready(look.seen.patched)
    live = status.stage in JUDGED
    wanted = pending.pods_needed(look)
    return (
        ("Paused", look.paused),
        ("Blind", live and _blind(look)),
        ("Unfit", status.phase is Phase.PENDING and pending.is_unfit(look)),
        ("PatchedUnready", None if patched is None else patched == 0 and stable != 0),  # not where nobody can serve
        ("PatchedReady", None if patched is None else patched >= wanted),
        ("PatchedAwaited", _asks_for_pods(look)),
        ("PatchedFew", None if patched is None else pending.has_few(look, wanted)),
        ("StableThin", None if stable is None else stable_lost.is_thin(look)),
        ("StableReady", None if stable is None else stable_lost.is_back(look)),
        ("StableProven", None if look.seen.stable is None else status.phase in WITH_THE_FIX and proven.runs_proven(look)),
        ("StableRollingOut", None if look.seen.stable is None else _rolls_out(look)),
        ("SeveralVersions", True if live and guards.several_versions(look) else None),
        ("StableUnweighted", None if look.seen.routes is None else status.weight == 100 and routes_have(look, 100)),
        ("PatchedUnweighted", status.weight == 0 and rolling_back.is_unweighted(look)),
        ("Unacknowledged", status.weight is not None and status.acknowledged_at is None),
    )


def _asks_for_pods(look: Look) -> bool | None:
    """Patched's pods are waited for: it is gone, or nothing is in the way, for which it would not be scaled (None: not seen)."""
    status, side = look.status, look.seen.patched
    if status.stage is not Stage.SCALING or look.paused:
        return False
    unseen = side is None or status.held == Reason.CLUSTER_UNAVAILABLE
    return None if unseen or side is None else side.deployment is None or status.held is None


def _rolls_out(look: Look) -> bool:
    """Git has changed stable's pod spec, and its pods are not there yet."""
    rolls = look.status.stage is Stage.AWAITING_GIT and not proven.unchanged(look) and not proven.runs_proven(look)
    return rolls and proven.other_template(look, before=True) is None
