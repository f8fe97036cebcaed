"""Traffic goes back to stable, which has the fix: in gated steps, judged with the sides swapped; and what happens when it is not
good there. Pure.

The patched pods may be the only healthy ones: a failure holds them in place.
"""

from . import capacity, edits, guards, moments, reports, stable_lost, vetoes
from .look import Look, enter, hold, ready, record, record_once, routes_have, say
from .preflight import managed_by_gitops
from .promotion_mode import mode_of
from .proven import fix_noted, has_fix, other_template, patched_going, runs_proven, unchanged
from .quantities import span
from .reasons import Reason
from .rolling_back import begin as roll_back
from .spec import PromotionMode
from .status import RETURN_WEIGHTS, Phase, PromotionRecord, Stage, Status
from .verbs import Verb
from .vetoes import Veto

SWAPPED_SCRAPES = 4  # judged with the sides swapped before stable has everything
STEP_SCRAPES = 2  # of them at each weight

HOLD: tuple[vetoes.Guard, ...] = (
    guards.both_unready,
    guards.unseen,
    guards.route_missing,
    guards.weights_edited,
    guards.contested,
    guards.paused,
    guards.route_rejected,
    guards.weight_not_confirmed,
)


def held(look: Look) -> Status | None:
    """Held by what keeps a promotion from going on, whatever its stage; None while nothing does."""
    veto = vetoes.first(HOLD, look)
    return hold_for(look, veto) if veto else None


def hold_for(look: Look, veto: Veto) -> Status:
    """Held where it is; people are told once."""
    status = look.status
    if status.held != str(veto.reason):
        status = record_once(status, look.now, "hold", veto.reason, veto.message)
    return hold(status, veto.reason, veto.message, f"held at {status.weight} %")


def begin(look: Look) -> Status:
    """Stable runs the fix, and gets its first share of it back; evidence from zero."""
    stable = look.seen.stable.deployment if look.seen.stable else None
    kept = {"patched_at": moments.rfc3339(look.now), "accepted_template": stable.template if stable else None}
    noted = (look.status.promotion or PromotionRecord()).model_copy(update=kept)  # known by its text from now on
    message = f"{look.spec.stable.deployment} runs the fix; traffic goes back to it in steps."
    recorded = record(look.status, look.now, f"weight {RETURN_WEIGHTS[0]}", Reason.TRAFFIC_SHIFTED, message)
    begun = enter(
        recorded,
        look.now,
        Phase.PROMOTING,
        Stage.RETURNING,
        weight=RETURN_WEIGHTS[0],
        promotion=noted,
        evidence_from=moments.rfc3339(look.now),
        excluded=[],
    )
    return say(begun, message, "judge stable against patched")


def stable_takes_over(look: Look) -> Status:
    """Patched cannot serve and stable, whose pod spec changes already, can."""
    message = "Patched has no ready pod while stable has; stable takes everything."
    return _everything_to_stable(look, record(look.status, look.now, "weight 0", Reason.PATCHED_LOST, message), message)


def stable_keeps_everything(look: Look) -> Status:
    """Stable, which serves everything since patched was lost, runs what was proven: patched need not have all its pods again."""
    name = look.spec.stable.deployment
    message = f"{name} serves everything and runs the fix; {look.spec.patched.deployment} is not waited for any more."
    return _everything_to_stable(look, record(look.status, look.now, "promote", Reason.PROMOTING, message), message)


def _everything_to_stable(look: Look, recorded: Status, message: str) -> Status:
    # what stable failed before the fix is not held against it
    fresh = {"evidence_from": moments.rfc3339(look.now), "excluded": []}
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.RETURNING, weight=0, **fresh), message)


def returning(look: Look) -> Status:
    """Traffic goes back to stable in steps, each gated on pods and on counts with the sides swapped."""
    look = look.having(edits.corrected(look))
    status = look.status
    lost = look.seen.patched is not None and (not ready(look.seen.patched) or patched_going(look))
    if lost and ready(look.seen.stable) and status.weight:
        return stable_takes_over(look)
    failed = _return_failed(look)
    if failed:
        return _fail(look, failed)
    standing = None if _alone(look) else held(look)
    if standing:
        return standing
    return _returned(look) if status.weight == 0 else _give_more(look)


def _give_more(look: Look) -> Status:
    """Stable's next share, once what it has is judged."""
    status = look.status
    judged, following = look.judgement, next(weight for weight in RETURN_WEIGHTS if weight < (status.weight or 0))
    if look.seen.metrics is None or (look.seen.metrics and look.seen.metrics.problem):
        veto = guards.metrics_unavailable(look) or guards.counters_unfit(look)
        return hold_for(look, veto) if veto else status
    if judged is None or not look.settled or judged.blocks_at_weight < STEP_SCRAPES:
        quiet = (
            guards.no_traffic(look) if look.elapsed(status.stage_started_at) > SWAPPED_SCRAPES * look.interval_seconds else None
        )
        return hold_for(look, quiet) if quiet else say(status, f"Stable serves {100 - (status.weight or 0)} % again.", "judge it")
    short = capacity.stable_short(look, following)
    if short:
        return hold_for(look, Veto(Reason.INSUFFICIENT_CAPACITY, short))
    message = (
        f"Stable with the fix fails {reports.rate(judged.patched)}, patched {reports.rate(judged.stable)}; stable gets more."
    )
    recorded = record(status, look.now, f"weight {following}", Reason.TRAFFIC_SHIFTED, message)
    update = {"weight": following, "request_rate": reports.request_rate(judged)}
    return say(recorded.model_copy(update=update), message, "judge it")


def _alone(look: Look) -> bool:
    """Patched is gone and nothing is sent to it: a controller that misses its Service is no reason to wait."""
    return look.status.weight == 0 and patched_going(look) and routes_have(look, 0) and (look.seen.deleting or not look.paused)


def _returned(look: Look) -> Status:
    if not look.settled and not _alone(look):
        return say(look.status, look.status.message, "waiting for the route's controllers to confirm weight 0")
    odd = other_template(look, before=False)
    if odd:
        return hold(enter(look.status, look.now, Phase.PROMOTING, Stage.RETURN_FAILED), odd.reason, odd.message)
    if not runs_proven(look):
        return _still_rolling_out(look)
    message = f"{look.spec.stable.deployment} serves everything with the fix."
    status = fix_noted(look).status  # not noted yet where stable took over from a patched that was lost
    return say(enter(status, look.now, Phase.PROMOTING, Stage.DRAINING_PATCHED), message, "drain patched")


def _still_rolling_out(look: Look) -> Status:
    deployment = look.seen.stable.deployment if look.seen.stable else None
    grace = deployment.progress_deadline_seconds if deployment else 600
    message = f"{look.spec.stable.deployment} serves everything and still rolls out the fix."
    if look.elapsed(look.status.stage_started_at) > grace:
        return hold_for(look, Veto(Reason.PROMOTION_FAILED, f"{message} It should have taken no more than {span(grace)}."))
    return say(look.status, message, "wait for its pods")


def _return_failed(look: Look) -> Veto | None:
    """The swapped guard: the new stable against patched. While patched can serve, it takes everything back."""
    if not ready(look.seen.patched) or patched_going(look):
        return None
    return _told_by_pods(look) or _told_by_counts(look)


def _told_by_pods(look: Look) -> Veto | None:
    stable, name = look.seen.stable, look.spec.stable.deployment
    few = _too_few(look)
    if few:
        return few
    if stable and stable.pods and 2 * sum(pod.crash_looping for pod in stable.pods) >= len(stable.pods):
        return Veto(Reason.PROMOTION_FAILED, f"The pods of {name} crash with the fix.")
    return _taken_away(look)


def _taken_away(look: Look) -> Veto | None:
    stable, name = look.seen.stable, look.spec.stable.deployment
    if stable and stable.deployment and not has_fix(look):
        return Veto(Reason.PROMOTION_FAILED, f"{name} no longer has the pod spec that was proven.")
    return None


def _told_by_counts(look: Look) -> Veto | None:
    judged, name = look.judgement, look.spec.stable.deployment
    if judged and judged.findings.worse.reached_ever:
        rates = f"{reports.rate(judged.patched)} of its requests, patched {reports.rate(judged.stable)}"
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix fails {rates}.")
    if judged and look.settled and judged.not_answering_blocks >= guards.UNANSWERED_BLOCKS:
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix takes requests but does not finish them.")
    if judged and judged.silence and guards.is_told(look):
        missing = reports.silence(judged.silence)
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix does not answer any more: {missing}.")
    return None


def _too_few(look: Look) -> Veto | None:
    """Stable has no pods, or where it has everything far too few."""
    name, count = look.spec.stable.deployment, ready(look.seen.stable)
    if count == 0:
        return Veto(Reason.PROMOTION_FAILED, f"{name} has no ready pod with the fix.")
    thin = not look.status.weight and stable_lost.is_thin(look) and (look.lasted("StableThin") or 0.0) > 0
    return Veto(Reason.PROMOTION_FAILED, f"{name} has too few ready pods with the fix ({count}).") if count and thin else None


def lost_at_the_end(look: Look) -> Status | None:
    """Stable, which has everything with the fix, cannot serve while patched's pods are still there: patched takes everything."""
    status = look.status
    ends = status.phase is Phase.PROMOTING and status.stage in (Stage.DRAINING_PATCHED, Stage.SCALING_DOWN)
    if not ends or status.weight or not ready(look.seen.patched) or patched_going(look):
        return None
    veto = _too_few(look) or _taken_away(look)
    return _fail(look, veto) if veto else None


def _fail(look: Look, veto: Veto) -> Status:
    edited = guards.weights_edited(look)  # then they stay as they are
    what, has = ("hold", "The weights are not touched") if edited else ("weight 100", "Patched has everything again")
    message = f"{veto.message} {has}; nothing is drained, scaled or given back."
    recorded = record(look.status, look.now, what, veto.reason, message)
    failed = enter(recorded, look.now, Phase.PROMOTING, Stage.RETURN_FAILED, weight=100)
    return hold(failed, veto.reason, message, "a person decides")


def patched_keeps(look: Look) -> Status | None:
    """Stable is not good with the fix, and the manifest asks by now to end with patched, which has everything."""
    keeps = look.spec.promotion.mode is PromotionMode.KEEP_PATCHED and not managed_by_gitops(look)
    if not keeps or not look.settled or not routes_have(look, 100):
        return None
    message = f"Patched keeps everything; {look.spec.stable.deployment} is not good with the fix."
    recorded = record(look.status, look.now, str(PromotionMode.KEEP_PATCHED), Reason.PROMOTING, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.GIVING_BACK), message, "give the route back with its weights")


def not_rolled_out(look: Look, what: str) -> Status:
    """Patched keeps everything while stable does not get ready with the fix; a person is told of the ways out."""
    name, ready_pods = look.spec.stable.deployment, ready(look.seen.stable)
    message = (
        f"{what} ({ready_pods} ready); patched keeps everything. Put {name} right{_or_keep(look)}; kubectl hotfix release "
        f"{look.seen.name} gives everything back to {name} as it is."
    )
    return patched_keeps(look) or hold_for(look, Veto(Reason.PROMOTION_FAILED, message))


def _or_keep(look: Look) -> str:
    """Git would take the weights of its route back after the end."""
    owned = any(route.owner for route in (look.seen.routes.routes if look.seen.routes else ()))
    return "" if owned else ", or set promotion.mode to KeepPatched to end with patched"


def return_failed(look: Look) -> Status:
    """Patched holds everything until a person decides; stable takes over only while patched cannot serve at all."""
    look = look.having(edits.corrected(look))
    status = look.status
    keeps = patched_keeps(look)
    if keeps:
        return keeps
    patched, stable = ready(look.seen.patched), ready(look.seen.stable)
    if look.seen.deleting and patched_going(look) and stable:
        veto = Veto(Reason.DELETED, f"The object and Deployment {look.spec.patched.deployment} were deleted.")
        return roll_back(status, look.now, veto, keep_pods=True)
    wanted = 0 if patched == 0 and stable else 100 if patched else status.weight
    edited = guards.weights_edited(look) if wanted else None  # a patched that cannot serve is left all the same
    if edited:
        return hold_for(look, Veto(edited.reason, f"{look.spec.stable.deployment} is not good with the fix. {edited.message}"))
    if look.asked is Verb.PROMOTE and not look.paused:
        if patched:
            return _tried_again(look)
        if _as_it_is(look):
            return stable_keeps_everything(look)
    if wanted != status.weight:
        message = "Stable takes over while patched cannot serve." if wanted == 0 else "Patched can serve again."
        status = record(status, look.now, f"weight {wanted}", Reason.PROMOTION_FAILED, message)
    return _failed_for(look, status.model_copy(update={"weight": wanted}))


def _tried_again(look: Look) -> Status:
    """Promoted anew where that is ours to do and stable runs what it ran before; else stable is waited for, however it gets the
    fix."""
    message = f"A person wants {look.spec.stable.deployment} to be tried again; patched serves everything meanwhile."
    again = record(look.status, look.now, "try again", Reason.REQUESTED, message)
    ours = mode_of(look) is PromotionMode.PATCH_STABLE and not managed_by_gitops(look)
    phase, stage = (
        (Phase.PROMOTING, Stage.ALL_TO_PATCHED) if ours and unchanged(look) else (Phase.AWAITING_GIT, Stage.AWAITING_GIT)
    )
    return say(enter(again, look.now, phase, stage, weight=100), message)


def _as_it_is(look: Look) -> bool:
    """Stable has everything, because patched cannot serve, and runs what was proven: a person may say that it is good by now."""
    return look.status.weight == 0 and bool(ready(look.seen.stable)) and runs_proven(look)


def _failed_for(look: Look, status: Status) -> Status:
    reason = Reason.DELETION_HELD if look.seen.deleting else Reason.PROMOTION_FAILED
    stable, patched, again = look.spec.stable.deployment, look.spec.patched.deployment, f"kubectl hotfix promote {look.seen.name}"
    text = f"{Reason.PROMOTION_FAILED.sentence} Put {stable} right and try again ({again}){_or_keep(look)}."
    if status.weight == 0:
        without = f"{stable} was not good with the fix, and serves everything since {patched} has no ready pod."
        accepted = f", or take {stable} as it is: {again}" if runs_proven(look) else ""
        text = f"{without} Give {patched} its pods back{accepted}."
    return hold(status, reason, text, "a person decides")
