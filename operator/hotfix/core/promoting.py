"""Promoting: everything to patched, then the fix into stable. How traffic goes back to it is in returning.py. Pure.

From the moment stable's template changes, the patched pods may be the only healthy ones: a failure holds them in place.
"""

from . import awaiting_git, edits, guards, returning, superseding, vetoes
from .look import READY_SECONDS, Look, enter, ready, record, routes_have, say
from .preflight import managed_by_gitops
from .promotion_mode import left_to_git, mode_of
from .proven import fix_noted, has_fix, other_template, runs_proven, unchanged
from .quantities import seconds, span
from .reasons import Reason
from .returning import held, hold_for, not_rolled_out, stable_takes_over
from .rolling_back import begin as roll_back
from .spec import PromotionMode
from .status import Phase, PromotionRecord, Stage, Status
from .vetoes import Veto

BEFORE_THE_CHANGE: tuple[vetoes.Guard, ...] = tuple(
    guard for guard in guards.ROLL_BACK_SEEN if guard is not guards.object_deleted
)
FOLLOWING = {
    PromotionMode.PATCH_STABLE: "move the fix into stable",
    PromotionMode.AWAIT_GIT: "wait until git has given stable the fix",
    PromotionMode.KEEP_PATCHED: "give the route back",
}


def begin(look: Look, why: str | None = None) -> Status:
    """Everything to patched; `why` where it is for something else than its bake."""
    message = why or f"Patched baked for {span(look.status.bake_seconds)} and is not worse; it gets everything."
    recorded = record(look.status, look.now, "weight 100", Reason.PROMOTING, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.ALL_TO_PATCHED, weight=100), message, FOLLOWING[mode_of(look)])


def _lost_before_the_change(look: Look) -> Status | None:
    """Stable still runs what it ran: a patched that cannot serve gives everything back to it, as soon as it can."""
    veto, count = vetoes.first(BEFORE_THE_CHANGE, look), ready(look.seen.stable)
    if veto is None or count is None:
        return None
    if count:
        return roll_back(look.status, look.now, veto)
    message = f"{veto.message} {look.spec.stable.deployment} has no ready pod; traffic goes back to it when it has."
    return None if guards.both_unready(look) else hold_for(look, Veto(Reason.STABLE_LOST, message))


def all_to_patched(look: Look) -> Status:
    """Wait until the proxies send everything to patched."""
    look = look.having(edits.corrected(look))
    back = _lost_before_the_change(look) or held(look)
    if back:
        return back
    if not look.settled or not routes_have(look, 100):
        return say(look.status, look.status.message, "waiting for the route's controllers to confirm 100 %")
    again = superseding.with_stable_again(look)
    if again:
        return again
    odd = other_template(look, before=True)
    if odd and odd.reason is Reason.PATCHED_CHANGED:  # what it runs now was not proven, and is not handed over
        return hold_for(look, odd)
    refused = managed_by_gitops(look)
    if refused:
        return hold_for(look, Veto(refused.reason, refused.message))
    look = look.having(left_to_git(look))
    mode = mode_of(look)
    if mode is PromotionMode.AWAIT_GIT:
        return awaiting_git.begin(look)
    if mode is PromotionMode.KEEP_PATCHED:
        return _kept_by_patched(look)
    return say(enter(look.status, look.now, Phase.PROMOTING, Stage.DRAINING_STABLE), look.status.message, "drain stable")


def _kept_by_patched(look: Look) -> Status:
    runs = "has the fix too" if has_fix(look) else "still runs the old version"
    message = f"Patched serves everything; {look.spec.stable.deployment} {runs}."
    return say(enter(look.status, look.now, Phase.PROMOTING, Stage.GIVING_BACK), message, "give the route back with its weights")


def _kept_instead(look: Look) -> Status:
    """The manifest asks by now to end with patched: what git would undo is refused, and its weight is waited for."""
    refused = managed_by_gitops(look)
    if refused:
        return hold_for(look, Veto(refused.reason, refused.message))
    if not routes_have(look, 100):
        return say(look.status, look.status.message, "waiting for 100 % in every route")
    return _kept_by_patched(look)


def draining_stable(look: Look) -> Status:
    """Stable's last requests end before its pods are replaced."""
    look = look.having(edits.corrected(look))
    back = _lost_before_the_change(look) or held(look)
    if back:
        return back
    drained = min(look.elapsed(look.status.stage_started_at), look.lasted("StableUnweighted") or 0.0)
    left = seconds(look.spec.traffic.drain) - drained
    if left > 0:
        return say(look.status, look.status.message, f"stable drains for another {span(left)}")
    odd = other_template(look, before=True)
    if odd:
        return hold_for(look, odd)
    look = look.having(left_to_git(look))
    if mode_of(look) is PromotionMode.AWAIT_GIT:
        return awaiting_git.begin(look)
    if mode_of(look) is PromotionMode.KEEP_PATCHED:
        return _kept_instead(look)
    deployment = look.seen.stable.deployment if look.seen.stable else None
    record_ = look.status.promotion or PromotionRecord()
    # what was once seen in stable, and taken away since, is written again: a person asked for that
    noted = record_.model_copy(update={"previous_revision": deployment.revision if deployment else None, "patched_at": None})
    message = f"{look.spec.stable.deployment} gets the pod spec of {look.spec.patched.deployment}."
    recorded = record(look.status, look.now, "patch stable", Reason.PROMOTING, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.PATCHING_STABLE, promotion=noted), message, "roll stable out")


def _without_fix(look: Look) -> bool:
    """Stable still runs what it ran, and that is not the very fix, which git may have given it while it was compared."""
    return unchanged(look) and not has_fix(look)


def patching_stable(look: Look) -> Status:
    """The template is set once, rolled out, and its pods have been ready for some seconds."""
    look = look.having(edits.corrected(look))
    if _without_fix(look):
        back = _lost_before_the_change(look)
        if back:
            return back
    elif not ready(look.seen.patched) and look.seen.patched and ready(look.seen.stable):
        return stable_takes_over(look)
    standing = held(look)
    if standing:
        return standing
    odd = other_template(look, before=True)
    if odd:
        return hold_for(look, odd)
    look = fix_noted(look)
    if _without_fix(look) and look.status.promotion and look.status.promotion.patched_at:
        message = (
            f"Somebody gave {look.spec.stable.deployment} its old pod spec back; it is not written again. Put the fix there."
        )
        return hold_for(look, Veto(Reason.STABLE_CHANGED, message))
    if not runs_proven(look) or (look.lasted("StableProven") or 0.0) < READY_SECONDS:
        return _rolling_out(look)
    return returning.begin(look)


def _rolling_out(look: Look) -> Status:
    deployment, name = look.seen.stable.deployment if look.seen.stable else None, look.spec.stable.deployment
    grace = deployment.progress_deadline_seconds if deployment else 600
    if _without_fix(look):
        return _not_written(look, name, grace)
    if look.elapsed(look.status.stage_started_at) > grace:
        return not_rolled_out(look, f"{name} has not rolled out in {span(grace)}")
    return say(look.status, f"{name} rolls out the fix; patched serves everything.", "wait for its pods")


def _not_written(look: Look, name: str, grace: float) -> Status:
    """The write of the fix fails, or is not seen yet: it is done again and again. The manifest may ask to end with patched."""
    if look.elapsed(look.status.stage_started_at) <= grace:
        return say(look.status, f"{name} gets the fix; patched serves everything.", "wait for its pods")
    if look.spec.promotion.mode is PromotionMode.KEEP_PATCHED:
        return _kept_instead(look)
    message = f"{name} has not taken the fix in {span(grace)}; patched serves everything. The operator's log tells why."
    return hold_for(look, Veto(Reason.PROMOTION_FAILED, message))
