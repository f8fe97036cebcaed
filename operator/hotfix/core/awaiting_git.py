"""AwaitingGit: patched serves everything, and git is to give stable the same; then traffic goes back. Pure.

Nothing of stable is written here. While stable has the old pod spec, a way back to it is a person's decision alone; once git has
changed it, patched may be the only healthy side.
"""

import math

from . import capacity, edits, guards, handover, moments, returning
from .look import READY_SECONDS, Look, enter, hold, ready, record, record_once, routes_have, say
from .preflight import managed_by_gitops
from .promotion_mode import mode_of
from .proven import noted, other_template, patched_going, runs_proven, unchanged
from .quantities import seconds, span
from .reasons import FREEZING, Reason
from .rolling_back import begin as roll_back
from .spec import PromotionMode
from .status import Phase, PromotionRecord, Stage, Status
from .verbs import Verb
from .vetoes import Veto

LONGEST_SECONDS = 300.0  # that patched is waited for after it was lost again and again


def begin(look: Look) -> Status:
    """Patched serves everything; what git is to say is put into words."""
    kept = _worded(noted(look), look).model_copy(update={"reminders": 0})
    message = f"Patched serves everything. {kept.handover or ''}".rstrip()
    recorded = record(look.status, look.now, "await git", Reason.AWAITING_GIT, handover.with_parts(message, kept.handover))
    return _waiting(enter(recorded, look.now, Phase.AWAITING_GIT, Stage.AWAITING_GIT, promotion=kept), look, message)


def _worded(kept: PromotionRecord, look: Look) -> PromotionRecord:
    """With what git is to say, ready to be pasted, as far as both sides can be seen."""
    stable, patched = look.seen.stable, look.seen.patched
    if not (stable and stable.deployment and patched and patched.deployment):
        return kept
    told = handover.handover(look.seen.namespace, stable.deployment.name, stable.deployment.pod_spec, patched.deployment.pod_spec)
    return kept.model_copy(update={"handover": told.ready_made})


def _waiting(status: Status, look: Look, message: str) -> Status:
    return say(status, message, f"traffic returns when {look.spec.stable.deployment} runs what was proven")


def awaiting_git(look: Look) -> Status:
    """Until stable runs what was proven."""
    look = look.having(edits.corrected(look))
    after = _nothing_more(look) or _awaiting(look)
    if after.stage is not Stage.AWAITING_GIT:
        return after
    after = _refusal_told(look, after)
    return _deletion_held(look, after) if look.seen.deleting else after


def _refusal_told(look: Look, after: Status) -> Status:
    """The manifest asks by now for a way that git would undo: that is said, and git is waited for all the same."""
    refused = managed_by_gitops(look)
    if refused is None or after.held:
        return after
    text = f"promotion.mode {look.spec.promotion.mode} is refused: {refused.message}"
    if all(entry.message != text for entry in after.decisions):
        after = record(after, look.now, "refuse", refused.reason, text)
    return after if text in after.message else after.model_copy(update={"message": f"{text} {after.message}"[:1024]})


def nothing_left(look: Look) -> Status | None:
    """Deleted, and no route, or neither side, is left: nothing can be given back that is worth waiting for."""
    view, sides = look.seen.routes, (look.seen.stable, look.seen.patched)
    routeless = bool(view and view.missing and not view.routes)
    gone = routeless or all(side is not None and side.deployment is None for side in sides)
    return _let_go(look) if look.seen.deleting and gone else None


def _nothing_more(look: Look) -> Status | None:
    """Deleted, and a route is gone, or stable serves everything already."""
    over = bool(look.seen.routes and look.seen.routes.missing) or (look.status.weight == 0 and routes_have(look, 0))
    return _let_go(look) if look.seen.deleting and over else None


def _let_go(look: Look) -> Status:
    veto = Veto(Reason.DELETED, "The HotfixRollout was deleted, and there is nothing left to wait for.")
    return roll_back(look.status, look.now, veto, keep_pods=True)


def _deletion_held(look: Look, after: Status) -> Status:
    """A person has to know what the deletion waits for, and how to end it all the same."""
    if after.held == str(Reason.CLUSTER_UNAVAILABLE):
        return after
    message = (
        f"Deleting now would bring the old version back; kubectl hotfix release {look.seen.name} does it all the same. "
        f"{after.message}"
    )
    if after.held in FREEZING:  # another reason would let the weights be written again
        return after.model_copy(update={"message": message[:1024]})
    if after.held and after.weight == look.status.weight:  # told by this hold; a weight that changes is told as well
        after = after.model_copy(update={"decisions": look.status.decisions})
    return hold(record_once(after, look.now, "hold", Reason.DELETION_HELD, message), Reason.DELETION_HELD, message, after.next)


def _awaiting(look: Look) -> Status:
    status, patched = look.status, look.seen.patched
    asked = guards.rollback_requested(look)
    if asked and unchanged(look):
        return roll_back(status, look.now, asked)
    if patched is not None and (not ready(patched) or patched_going(look)) and ready(look.seen.stable):
        return _stable_serves(look)
    if _serves_alone(look):
        return _patched_again(look)
    standing = returning.held(look)
    if standing:
        return standing
    if status.weight == 0:
        return _patched_again(look)
    return _another_mode(look) or _compared(look)


def _compared(look: Look) -> Status:
    """Patched serves everything: what stable runs against what was proven."""
    if not look.settled or not routes_have(look, 100):
        return say(look.status, look.status.message, "waiting for the route's controllers to confirm 100 %")
    odd = other_template(look, before=True)
    if odd:
        accepted = odd.reason is Reason.STABLE_CHANGED and look.asked is Verb.PROMOTE
        return _accept(look) if accepted else returning.hold_for(look, odd)
    return returning.begin(look) if _has_it_for_good(look) else _still(look)


def _has_it_for_good(look: Look) -> bool:
    """Stable runs what was proven, and has for long enough."""
    return runs_proven(look) and (look.lasted("StableProven") or 0.0) >= READY_SECONDS


def _another_mode(look: Look) -> Status | None:
    """The manifest asks for another way of promotion by now, or a person does where git does not keep stable, and nothing speaks
    against it."""
    status = look.status
    mode = mode_of(look) if look.asked is Verb.PROMOTE else look.spec.promotion.mode
    stage = {PromotionMode.PATCH_STABLE: Stage.DRAINING_STABLE, PromotionMode.KEEP_PATCHED: Stage.GIVING_BACK}.get(mode)
    if stage is None or not unchanged(look) or not look.settled or managed_by_gitops(look):
        return None
    who = "The manifest" if mode is look.spec.promotion.mode else "A person"
    message = f"{who} asks for {mode}; git is not waited for any more."
    recorded = record(status, look.now, str(mode), Reason.PROMOTING, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, stage), message)


def _stable_serves(look: Look) -> Status:
    """Patched cannot serve, or is on its way out, while stable can: stable has everything, until git's fix is there for good or
    patched is back."""
    status, name = look.status, look.spec.patched.deployment
    if look.seen.deleting and patched_going(look) and unchanged(look):
        return roll_back(
            status, look.now, Veto(Reason.DELETED, f"The object and Deployment {name} were deleted."), keep_pods=True
        )
    if runs_proven(look) or (patched_going(look) and not unchanged(look)):
        return returning.stable_takes_over(look)
    runs = "which runs the old version, " if unchanged(look) else ""
    message = f"{name} cannot serve; {look.spec.stable.deployment}, {runs}serves until it can."
    if status.weight != 0:
        kept = status.promotion or PromotionRecord()
        kept = kept.model_copy(update={"lost_times": kept.lost_times + 1})
        status = record(status, look.now, "weight 0", Reason.PATCHED_LOST, message).model_copy(update={"promotion": kept})
    return hold(
        status.model_copy(update={"weight": 0}), Reason.PATCHED_LOST, message, "100 % as soon as patched's pods are ready"
    )


def _serves_alone(look: Look) -> bool:
    """Stable, which has everything since patched was lost, has no ready pod, and patched has: nothing else is waited for."""
    nobody = look.status.weight == 0 and ready(look.seen.stable) == 0
    return nobody and bool(ready(look.seen.patched)) and not patched_going(look) and not guards.route_missing(look)


def may_serve(look: Look) -> bool:
    """Patched, which had lost its traffic with its pods, has had them again for long enough to get it back."""
    return capacity.patched_short(look, 100) is None and (look.lasted("PatchedReady") or 0.0) >= _wait_seconds(look)


def _wait_seconds(look: Look) -> float:
    kept = look.status.promotion or PromotionRecord()
    return moments.doubled(READY_SECONDS, kept.lost_times - 1, LONGEST_SECONDS)


def _patched_again(look: Look) -> Status:
    """Pods tell, and nothing else: it was proven. Each time it was lost it is waited for twice as long; not any more once stable,
    which has everything meanwhile, has the fix too, or cannot serve."""
    status, name = look.status, look.spec.patched.deployment
    if not _serves_alone(look) and not may_serve(look):
        if _has_it_for_good(look):
            return returning.stable_keeps_everything(look)
        runs = ", which runs the old version," if unchanged(look) else ""
        message = f"{name} can serve again, but not everything yet; {look.spec.stable.deployment}{runs} serves meanwhile."
        wait = f"100 % when patched's pods have been ready for {span(_wait_seconds(look))}"
        return hold(status, Reason.PATCHED_LOST, message, capacity.patched_short(look, 100) or wait)
    message = f"{name} can serve again; it gets everything."
    return _waiting(record(status, look.now, "weight 100", Reason.AWAITING_GIT, message), look, message).model_copy(
        update={"weight": 100}
    )


def _accept(look: Look) -> Status:
    """Another pod spec than the proven one is taken for it; it is still judged with the sides swapped."""
    stable = look.seen.stable.deployment if look.seen.stable else None
    kept = (look.status.promotion or PromotionRecord()).model_copy(update={"accepted_template": stable and stable.template})
    message = f"A person accepts what {look.spec.stable.deployment} was given ({', '.join(stable.images if stable else ())})."
    recorded = record(look.status, look.now, "accept", Reason.REQUESTED, message)
    return _waiting(recorded.model_copy(update={"promotion": kept}), look, message)


def _still(look: Look) -> Status:
    """Nothing to do but to wait, and to remind people: at the deadline, and each time after twice as long."""
    status = look.status
    kept = status.promotion or PromotionRecord()
    if not unchanged(look):
        return _rolling_out(look)
    if kept.handover is None:  # stable was gone when the waiting began
        kept = _worded(kept, look)
        status = status.model_copy(update={"promotion": kept})
    waited = look.elapsed(status.stage_started_at)
    message = f"Patched serves everything. {kept.handover or ''}".rstrip()
    due = _reminders_due(waited, seconds(look.spec.analysis.deadline))
    if due > kept.reminders:
        reminder = f"Git is waited for since {span(waited)}; patched serves everything meanwhile. {kept.handover or ''}".rstrip()
        status = record(status, look.now, "remind", Reason.AWAITING_GIT, handover.with_parts(reminder, kept.handover))
        status = status.model_copy(update={"promotion": kept.model_copy(update={"reminders": due})})
    return _waiting(status, look, message)


def _reminders_due(waited: float, first: float) -> int:
    """How many reminders should have been given: one after `first` seconds, and one each time the waiting has doubled."""
    return 0 if waited < first else 1 + int(math.log2(waited / first))


def _rolling_out(look: Look) -> Status:
    """Git has given stable the fix; a rollout that does not end is told, and patched keeps everything."""
    stable, name = look.seen.stable, look.spec.stable.deployment
    grace = stable.deployment.progress_deadline_seconds if stable and stable.deployment else 600
    if (look.lasted("StableRollingOut") or 0.0) > grace:
        return returning.not_rolled_out(look, f"{name} has not rolled out what git says in {span(grace)}")
    return _waiting(look.status, look, f"{name} rolls out what git says; patched serves everything.")
