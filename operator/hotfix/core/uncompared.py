"""A person promotes patched while stable is lost: stable may never be able to serve without the fix, so that there is nothing to
compare patched with. What it must have shown all the same. Pure."""

from . import alone, capacity, from_zero, guards, vetoes
from .look import Look, enter, ready, record, routes_have, say, versions
from .reasons import Reason
from .status import Phase, StableLost, Stage, Status
from .verbs import Verb

PODS: tuple[vetoes.Guard, ...] = (guards.patched_gone, guards.patched_without_endpoints, guards.patched_crash_looping)


def may_be_promoted(look: Look) -> bool:
    """It goes forward and has everything, while stable has too few pods."""
    status = look.status
    forward = status.phase in (Phase.ANALYZING, Phase.BAKING) and status.weight == 100 and status.superseded_by is None
    return forward and not look.seen.deleting and look.lasted("StableReady") is None


def missing(look: Look) -> str | None:
    """Why it would be refused now; None where it would not."""
    name = look.spec.patched.deployment
    if look.paused:
        return f"It is paused. {guards.how_to_resume(look)} first."
    if not look.settled or not routes_have(look, 100):
        return "The route's controllers have not confirmed 100 % yet."
    veto = vetoes.first(PODS, look)
    if veto:
        return veto.message
    if not ready(look.seen.patched):
        return f"{name} is not seen to have a ready pod."
    if versions(look.seen.patched) > 1 or from_zero.other_patch(look):
        return f"{name} is being given another pod spec."
    short, unproven = capacity.patched_short(look, 100), alone.unproven(look)
    return short or (unproven.message if unproven else None)


def promoted(look: Look) -> Status | None:
    """The status of a promotion that a person asks for and nothing speaks against; else None."""
    if look.asked is not Verb.PROMOTE or not may_be_promoted(look) or missing(look):
        return None
    message = f"A person promotes it while {look.spec.stable.deployment} cannot serve; patched, which does, was not compared."
    recorded = record(look.status, look.now, "promote", Reason.REQUESTED, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.ALL_TO_PATCHED, weight=100, stable_lost=None), message)


def way_out(look: Look) -> str:
    """What a person may do, or why not yet."""
    if not may_be_promoted(look):
        return ""
    lacks, way = missing(look), f"kubectl hotfix promote {look.seen.name}"
    if lacks:
        return f" {lacks} As long as that is so, {way} is refused."
    return f" Where {look.spec.stable.deployment} cannot serve without the fix: {way}."


def another_patch(look: Look, away: StableLost) -> Status | None:
    """Patched was given another pod spec meanwhile: nothing that was counted before is of it, and it begins at the start again
    once stable is back."""
    patched = from_zero.other_patch(look)
    if patched is None or look.status.phase is Phase.ROLLING_BACK or look.status.superseded_by:
        return None
    start = min(away.return_weight, from_zero.start_weight(look.status))
    message = f"The pod spec of {patched.name} changed while stable is lost; evidence from zero at {start} % when it is back."
    returns = away.model_copy(update={"return_weight": start})
    return from_zero.with_patch(look, patched, "evidence from zero", message, stable_lost=returns)
