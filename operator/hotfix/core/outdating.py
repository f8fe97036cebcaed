"""Writes that may still be under way when what they were for is over: by a process that slept, or on a slow connection. Pure.

Each carries the version of its object. What was seen to be done has moved that on, so that the same write once more is refused;
what was given up before it was seen could still arrive. So the version is moved on by a change that leaves nothing behind.
"""

from .actions import Outdate
from .look import Look
from .pending import replicas_wanted
from .status import Phase, Stage


def outdated(look: Look) -> list[Outdate]:
    """The objects that such a write may be under way to, at a turn and at the end."""
    if look.seen.namespace_ending:
        return []  # they go too
    return _at_a_turn(look) if look.status.stage is Stage.WEIGHT_ZERO else _at_the_end(look)


def _at_a_turn(look: Look) -> list[Outdate]:
    """The way back began, or patched serves for a lost stable on it: until that is confirmed."""
    if look.status.acknowledged_at is not None:
        return []
    stable = _deployment(look, patched=False) if _was_being_promoted(look) else []
    return stable + (_deployment(look, patched=True) if look.status.stable_lost else [])


def _at_the_end(look: Look) -> list[Outdate]:
    if look.status.stage is not Stage.DONE or not look.seen.finalizer or look.status.phase is not Phase.ROLLED_BACK:
        return []
    found = _deployment(look, patched=False) if _was_being_promoted(look) else []
    if look.status.started_at is None:  # it ended before traffic moved
        found += [Outdate(target=route) for route in (look.seen.routes.routes if look.seen.routes else ())]
        found += _deployment(look, patched=True) if replicas_wanted(look) is not None else []
    scaler, borrowed = look.seen.stable.scaler if look.seen.stable else None, look.status.borrowed
    raised = scaler is not None and borrowed is not None and borrowed.hpa == scaler.name
    return found + ([Outdate(target=scaler)] if raised and scaler else [])


def _deployment(look: Look, *, patched: bool) -> list[Outdate]:
    side = look.seen.patched if patched else look.seen.stable
    return [Outdate(target=side.deployment)] if side and side.deployment else []


def _was_being_promoted(look: Look) -> bool:
    """Stable was to get the proven pod spec in this attempt."""
    since = look.status.started_at or ""
    return any(entry.what == "patch stable" and entry.time >= since for entry in look.status.decisions)
