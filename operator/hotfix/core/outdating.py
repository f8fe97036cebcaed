"""Writes that may still be under way when what they were for is over: by a process that slept, or on a slow connection. Pure.

Each carries the version of its object. What was seen to be done has moved that on, so that the same write once more is refused;
what was given up before it was seen could still arrive. So the version is moved on. At a turn a mark says that it was, so that
it is done once, however long nobody confirms the turn; at the end nothing is left behind.
"""

from . import moments
from .actions import Outdate
from .look import Look
from .observation import DeploymentView, RouteView, ScalerView
from .pending import replicas_wanted
from .rolling_back import scales_down
from .status import Phase, Stage

Targets = list[DeploymentView | ScalerView | RouteView]


def outdated(look: Look) -> list[Outdate]:
    """The objects that such a write may be under way to, at a turn and at the end; there also those with a mark."""
    if look.seen.namespace_ending:
        return []  # they go too
    if look.status.stage is Stage.WEIGHT_ZERO:
        mark = _turn(look)
        return [Outdate(target=target, mark=mark) for target in _at_a_turn(look) if target.outdated != mark]
    if not _ends(look):
        return []
    found = _at_the_end(look) if look.status.phase is Phase.ROLLED_BACK else []
    return [Outdate(target=target) for target in found + [one for one in _all(look) if one.outdated and one not in found]]


def unseen(look: Look) -> bool:
    """At the end, something does not answer that may have to get a new version, or has a mark. What is refused is not waited for:
    it would be refused for ever."""
    parts = (look.seen.stable, look.seen.patched, look.seen.routes)
    return _ends(look) and not look.seen.namespace_ending and look.seen.refused is None and None in parts


def _ends(look: Look) -> bool:
    return look.status.stage is Stage.DONE and look.seen.finalizer


def _turn(look: Look) -> str:
    """Which one: when it began, as a label may say it."""
    began = look.status.stage_started_at
    return f"turn-{moments.unix(began):.0f}" if began else "turn"


def _at_a_turn(look: Look) -> Targets:
    """The way back began, or patched serves for a lost stable on it: until that is confirmed."""
    if look.status.acknowledged_at is not None:
        return []
    stable = _deployment(look, patched=False) if _was_being_promoted(look) else []
    ended = look.status.stable_lost is not None and scales_down(look)  # where its pods are ours to end
    return stable + (_deployment(look, patched=True) if ended else [])


def _at_the_end(look: Look) -> Targets:
    found = _deployment(look, patched=False) if _was_being_promoted(look) else []
    if look.status.started_at is None and look.status.borrowed:  # between the first write and the first request
        found += look.seen.routes.routes if look.seen.routes else ()
        found += _deployment(look, patched=True) if replicas_wanted(look) is not None else []
    scaler, borrowed = look.seen.stable.scaler if look.seen.stable else None, look.status.borrowed
    raised = scaler is not None and borrowed is not None and borrowed.hpa == scaler.name
    return found + ([scaler] if raised and scaler else [])


def _all(look: Look) -> Targets:
    """Everything that may have a mark."""
    found = [*_deployment(look, patched=False), *_deployment(look, patched=True)]
    found += look.seen.routes.routes if look.seen.routes else ()
    return found + ([look.seen.stable.scaler] if look.seen.stable and look.seen.stable.scaler else [])


def _deployment(look: Look, *, patched: bool) -> Targets:
    side = look.seen.patched if patched else look.seen.stable
    return [side.deployment] if side and side.deployment else []


def _was_being_promoted(look: Look) -> bool:
    """Stable was to get the proven pod spec in this attempt."""
    since, promotion = look.status.started_at, look.status.promotion
    if since is None:
        return False  # an earlier attempt was, and is over
    if promotion and promotion.previous_revision:  # noted together with it; decisions are forgotten
        return True
    return any(entry.what == "patch stable" and entry.time >= since for entry in look.status.decisions)
