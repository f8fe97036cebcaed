"""Baking without a control: stable is vulnerable, so it gets nothing, and patched is judged by what pods and its own errors say;
so it is also where stable is lost and a person would promote patched.

Nothing can be proven here. Pods that cannot serve take everything back to stable; an error rate that stable never had holds the
promotion and calls a person. Pure.
"""

from collections.abc import Sequence

from . import guards, moments, reports, vetoes
from .countable import CUSTOM, preset_name
from .counting import Block, counted
from .fitness import problems
from .judgement import Tally
from .look import Look, has_its_share, say
from .quantities import percent, share, span
from .reasons import Reason
from .status import Stage, Status
from .urgency import bake_seconds, failing_before
from .vetoes import Veto

ALARM_BLOCKS = 6
HOLD: tuple[vetoes.Guard, ...] = (
    guards.both_unready,
    guards.unseen,
    guards.route_missing,
    guards.weights_edited,
    guards.contested,
    guards.paused,
    guards.route_rejected,
    guards.weight_not_confirmed,
    guards.metrics_unavailable,
)


def is_alone(look: Look) -> bool:
    """Stable has nothing, and not because it was lost: told by what is so, for the manifest may say something else by now."""
    status = look.status
    return status.stage is Stage.SHIFTING and status.weight == 100 and status.stable_lost is None


def standing(look: Look) -> Veto | None:
    """What keeps it from being promoted."""
    return vetoes.first(HOLD, look) or _unfit(look) or _silent(look) or _failing(look)


def unproven(look: Look) -> Veto | None:
    """Stable is lost and patched has everything: what is missing for a person to promote it. That it is not seen to fail more
    than stable did is told by as many scrapes as the alarm goes by, since then and of what it runs now."""
    return guards.metrics_unavailable(look) or _unfit(look) or _uncounted(look) or _worse(look)


def _alone_since(look: Look) -> float:
    """Unix seconds since which patched has everything, as what it runs now."""
    status, now = look.status, moments.rfc3339(look.now)
    return max(moments.unix(status.acknowledged_at or now), moments.unix(status.evidence_from or now))


def _told(look: Look) -> Sequence[Block]:
    """The blocks with requests of patched since then."""
    since = _alone_since(look)
    return [block for block in _blocks(look) if block.start >= since and block.patched.requests]


def _uncounted(look: Look) -> Veto | None:
    """Too few of the scrapes told of requests, or none has for longer than these usually take to come."""
    told = _told(look)
    if len(told) < ALARM_BLOCKS:
        message = f"Patched had requests in {len(told)} scrapes since it has everything; it takes {ALARM_BLOCKS}."
        return Veto(Reason.NO_TRAFFIC, message)
    usual = (look.now - _alone_since(look)) / len(told)
    silent = look.now - told[-1].end > guards.STALE_BLOCKS * max(look.interval_seconds, usual)
    return _no_requests(look) if silent else None


def _worse(look: Look) -> Veto | None:
    rates = failing(look, _told(look))
    return Veto(Reason.ERROR_ALARM, f"{rates}; stable would fail as much.") if rates else None


def baked(look: Look) -> tuple[Status, float]:
    """The status with the newest blocks counted towards the bake, and the seconds that are left."""
    status = look.status
    since = moments.unix(status.baked_until or status.phase_started_at or moments.rfc3339(look.now))
    fresh = [block for block in _blocks(look) if block.start >= since and block.patched.requests]
    counted = sum(block.end - block.start for block in fresh[-guards.STALE_BLOCKS :]) if has_its_share(look) else 0.0
    if fresh:
        update = {"bake_seconds": status.bake_seconds + round(counted), "baked_until": moments.rfc3339(fresh[-1].end)}
        status = status.model_copy(update=update)
    return status, bake_seconds(look.spec) - status.bake_seconds


def waiting(look: Look, status: Status, left: float) -> Status:
    """Nothing is wrong, and it has not baked for long enough."""
    bad, requests = _newest(_blocks(look))
    rates = f"patched fails {percent(bad / requests)} ({bad}/{requests})" if requests else "patched has no requests"
    return say(status, f"Nothing is left on stable: {rates}.", f"promote after {span(left)} more of fresh requests")


def _blocks(look: Look) -> Sequence[Block]:
    metrics = look.seen.metrics
    if metrics is None or metrics.problem:
        return ()
    found = counted(metrics)
    return () if found.problem else found.blocks


def _newest(blocks: Sequence[Block]) -> tuple[int, int]:
    """(failed, all) requests of patched in the newest blocks."""
    newest = blocks[-ALARM_BLOCKS:]
    return sum(block.patched.bad for block in newest), sum(block.patched.requests for block in newest)


def _unfit(look: Look) -> Veto | None:
    """Its counters cannot be judged."""
    metrics = look.seen.metrics
    found = problems(metrics, own_queries=preset_name(look) == CUSTOM) if metrics else []
    return Veto(found[0].reason, found[0].message) if found else None


def _silent(look: Look) -> Veto | None:
    """Patched has completed no request for some scrapes."""
    blocks, patience = _blocks(look), guards.STALE_BLOCKS * look.interval_seconds
    newest = next((block.end for block in reversed(blocks) if block.patched.requests), None)
    since = max(newest or 0.0, moments.unix(look.status.phase_started_at or moments.rfc3339(look.now)))
    return None if look.now - since <= patience else _no_requests(look)


def _no_requests(look: Look) -> Veto:
    return Veto(
        Reason.NO_TRAFFIC,
        f"Patched has everything and completes no requests: either none come, or it does not answer; see kubectl logs "
        f"deploy/{look.spec.patched.deployment}.",
    )


def _failing(look: Look) -> Veto | None:
    """A person decides about an error rate that stable never had."""
    rates = failing(look, _blocks(look))
    if rates is None:
        return None
    return Veto(
        Reason.ERROR_ALARM,
        f"{rates}; there is no control to tell whether that is the patch. A person decides: "
        f"kubectl hotfix rollback or promote {look.seen.name}.",
    )


def failing(look: Look, blocks: Sequence[Block]) -> str | None:
    """Both rates in words where patched fails more than stable did and more than is tolerated, surely (95 %)."""
    bad, requests = _newest(blocks)
    before, margin = failing_before(look.status.baseline), float(share(look.spec.analysis.max_error_rate_increase))
    if requests == 0 or reports.bounds(Tally(requests=requests, bad=bad))[0] <= before + margin:
        return None
    newest = f"Patched fails {percent(bad / requests)} ({bad}/{requests}) of its newest requests"
    return f"{newest}, where stable failed {percent(before)}"


def alarmed(look: Look) -> str:
    """A person promotes it in spite of the alarm."""
    return f"A person promotes it all the same. {failing(look, _blocks(look))}."
