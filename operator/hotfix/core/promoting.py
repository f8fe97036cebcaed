"""Promoting: everything to patched, the fix into stable, traffic back in gated steps judged with the sides swapped. Pure.

From the moment stable's template changes, the patched pods may be the only healthy ones: a failure holds them in place.
"""

from collections.abc import Sequence

from . import capacity, guards, moments, reports
from .guards import Veto
from .look import READY_SECONDS, Look, enter, hold, ready, record, record_once, routes_have, say
from .observation import DeploymentView
from .quantities import seconds, span
from .reasons import Reason
from .rolling_back import begin as roll_back
from .spec import PromotionMode
from .status import RETURN_WEIGHTS, Phase, PromotionRecord, Stage, Status

SWAPPED_SCRAPES = 4  # judged with the sides swapped before stable has everything
STEP_SCRAPES = 2  # of them at each weight

BEFORE_THE_CHANGE: tuple[guards.Guard, ...] = tuple(
    guard for guard in guards.ROLL_BACK_SEEN if guard is not guards.object_deleted
)
HOLD: tuple[guards.Guard, ...] = (
    guards.both_unready,
    guards.unseen,
    guards.route_missing,
    guards.weights_edited,
    guards.paused,
    guards.route_rejected,
    guards.weight_not_confirmed,
)


def planned(changes: Sequence[str]) -> PromotionRecord:
    """What promotion is going to change in stable: at most 32 paths."""
    return PromotionRecord(changes=list(changes)[:32])


def begin(look: Look) -> Status:
    """Everything to patched."""
    message = f"Patched baked for {span(look.status.bake_seconds)} and is not worse; it gets everything."
    recorded = record(look.status, look.now, "weight 100", Reason.PROMOTING, message)
    following = "move the fix into stable" if look.spec.promotion.mode is PromotionMode.PATCH_STABLE else "give the route back"
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.ALL_TO_PATCHED, weight=100), message, following)


def _held(look: Look) -> Status | None:
    veto = guards.first(HOLD, look)
    return _hold(look, veto) if veto else None


def _hold(look: Look, veto: Veto) -> Status:
    status = look.status
    if status.held != str(veto.reason):
        status = record_once(status, look.now, "hold", veto.reason, veto.message)
    return hold(status, veto.reason, veto.message, f"held at {status.weight} %")


def _lost_before_the_change(look: Look) -> Status | None:
    """Stable still runs what it ran: a patched that cannot serve gives everything back to it."""
    veto = guards.first(BEFORE_THE_CHANGE, look)
    return roll_back(look.status, look.now, veto) if veto and ready(look.seen.stable) else None


def all_to_patched(look: Look) -> Status:
    """Wait until the proxies send everything to patched."""
    back = _lost_before_the_change(look) or _held(look)
    if back:
        return back
    if not look.settled or not routes_have(look, 100):
        return say(look.status, look.status.message, "waiting for the route's controllers to confirm 100 %")
    if look.spec.promotion.mode is PromotionMode.KEEP_PATCHED:
        return say(
            enter(look.status, look.now, Phase.PROMOTING, Stage.GIVING_BACK),
            f"Patched is proven and serves everything; {look.spec.stable.deployment} still runs the old version.",
            "give the route back with its weights",
        )
    return say(enter(look.status, look.now, Phase.PROMOTING, Stage.DRAINING_STABLE), look.status.message, "drain stable")


def draining_stable(look: Look) -> Status:
    """Stable's last requests end before its pods are replaced."""
    back = _lost_before_the_change(look) or _held(look)
    if back:
        return back
    left = seconds(look.spec.traffic.drain) - look.elapsed(look.status.stage_started_at)
    if left > 0:
        return say(look.status, look.status.message, f"stable drains for another {span(left)}")
    odd = _other_template(look, before=True)
    if odd:
        return _hold(look, odd)
    deployment = look.seen.stable.deployment if look.seen.stable else None
    record_ = look.status.promotion or PromotionRecord()
    noted = record_.model_copy(update={"previous_revision": deployment.revision if deployment else None})
    message = f"{look.spec.stable.deployment} gets the pod spec that was proven."
    recorded = record(look.status, look.now, "patch stable", Reason.PROMOTING, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.PATCHING_STABLE, promotion=noted), message, "roll stable out")


def _other_template(look: Look, *, before: bool) -> Veto | None:
    """Somebody gave a side a pod spec that is neither the old one nor the proven one: never written over."""
    baseline, stable, patched = look.status.baseline, look.seen.stable, look.seen.patched
    if baseline is None or not (stable and stable.deployment):
        return Veto(Reason.TARGET_NOT_FOUND, f"Deployment {look.spec.stable.deployment} is gone; patched keeps everything.")
    allowed = {baseline.patched_template} | ({baseline.stable_template} if before else set())
    if stable.deployment.template not in allowed:
        images = ", ".join(stable.deployment.images)
        return Veto(
            Reason.STABLE_CHANGED,
            f"{stable.deployment.name} got a pod spec that is neither the old nor the proven one ({images}); it is not written "
            "over and patched keeps its share. Put one of the two back.",
        )
    if stable.deployment.template == baseline.patched_template:
        return None
    if not (patched and patched.deployment) or patched.deployment.template != baseline.patched_template:
        return Veto(
            Reason.PATCHED_CHANGED,
            f"{look.spec.patched.deployment} no longer has the pod spec that was proven; put it back to go on.",
        )
    return None


def rolled_out(deployment: DeploymentView) -> bool:
    """Every pod of the Deployment is of its present template and ready."""
    return (
        deployment.observed_generation >= deployment.generation
        and deployment.updated == deployment.replicas == deployment.total == deployment.ready
        and deployment.replicas > 0
    )


def runs_proven(look: Look) -> bool:
    """Stable's template is what was proven, rolled out, and its pods are behind its Service."""
    stable, baseline = look.seen.stable, look.status.baseline
    if not (stable and stable.deployment and baseline):
        return False
    right = stable.deployment.template == baseline.patched_template and rolled_out(stable.deployment)
    return right and stable.ready_endpoints >= stable.deployment.replicas


def patching_stable(look: Look) -> Status:
    """The template is set once, rolled out, and its pods have been ready for some seconds."""
    if _unchanged(look):
        back = _lost_before_the_change(look)
        if back:
            return back
    elif not ready(look.seen.patched) and look.seen.patched and ready(look.seen.stable):
        return _stable_takes_over(look)
    held = _held(look)
    if held:
        return held
    odd = _other_template(look, before=True)
    if odd:
        return _hold(look, odd)
    if not runs_proven(look) or (look.lasted("StableProven") or 0.0) < READY_SECONDS:
        return _rolling_out(look)
    noted = (look.status.promotion or PromotionRecord()).model_copy(update={"patched_at": moments.rfc3339(look.now)})
    message = f"{look.spec.stable.deployment} runs the fix; traffic goes back to it in steps."
    recorded = record(look.status, look.now, f"weight {RETURN_WEIGHTS[0]}", Reason.TRAFFIC_SHIFTED, message)
    returning = enter(
        recorded,
        look.now,
        Phase.PROMOTING,
        Stage.RETURNING,
        weight=RETURN_WEIGHTS[0],
        promotion=noted,
        evidence_from=moments.rfc3339(look.now),
        excluded=[],
    )
    return say(returning, message, "judge stable against patched")


def _unchanged(look: Look) -> bool:
    """Stable still has the pod spec it had: the write of the proven one is still to come."""
    deployment = look.seen.stable.deployment if look.seen.stable else None
    return bool(deployment and look.status.baseline and deployment.template == look.status.baseline.stable_template)


def _rolling_out(look: Look) -> Status:
    deployment = look.seen.stable.deployment if look.seen.stable else None
    grace = deployment.progress_deadline_seconds if deployment else 600
    if look.elapsed(look.status.stage_started_at) > grace:
        count = ready(look.seen.stable)
        message = f"{look.spec.stable.deployment} has not rolled out in {span(grace)} ({count} ready); patched keeps everything."
        return _hold(look, Veto(Reason.PROMOTION_FAILED, message))
    return say(look.status, f"{look.spec.stable.deployment} rolls out the fix; patched serves everything.", "wait for its pods")


def _stable_takes_over(look: Look) -> Status:
    message = "Patched has no ready pod while stable has; stable takes everything."
    recorded = record(look.status, look.now, "weight 0", Reason.PATCHED_LOST, message)
    return say(enter(recorded, look.now, Phase.PROMOTING, Stage.RETURNING, weight=0), message)


def returning(look: Look) -> Status:
    """Traffic goes back to stable in steps, each gated on pods and on counts with the sides swapped."""
    status = look.status
    if not ready(look.seen.patched) and look.seen.patched and ready(look.seen.stable) and status.weight:
        return _stable_takes_over(look)
    failed = _return_failed(look)
    if failed:
        return _fail(look, failed)
    held = _held(look)
    if held:
        return held
    if status.weight == 0:
        return _returned(look)
    judged, following = look.judgement, next(weight for weight in RETURN_WEIGHTS if weight < (status.weight or 0))
    if look.seen.metrics is None or (look.seen.metrics and look.seen.metrics.problem):
        veto = guards.metrics_unavailable(look) or guards.counters_unfit(look)
        return _hold(look, veto) if veto else status
    if judged is None or not look.settled or judged.blocks_at_weight < STEP_SCRAPES:
        quiet = (
            guards.no_traffic(look) if look.elapsed(status.stage_started_at) > SWAPPED_SCRAPES * look.interval_seconds else None
        )
        return _hold(look, quiet) if quiet else say(status, f"Stable serves {100 - (status.weight or 0)} % again.", "judge it")
    short = capacity.stable_short(look, following)
    if short:
        return _hold(look, Veto(Reason.INSUFFICIENT_CAPACITY, short))
    message = (
        f"Stable with the fix fails {reports.rate(judged.patched)}, patched {reports.rate(judged.stable)}; stable gets more."
    )
    recorded = record(status, look.now, f"weight {following}", Reason.TRAFFIC_SHIFTED, message)
    update = {"weight": following, "request_rate": reports.request_rate(judged)}
    return say(recorded.model_copy(update=update), message, "judge it")


def _returned(look: Look) -> Status:
    if not look.settled:
        return say(look.status, look.status.message, "waiting for the route's controllers to confirm weight 0")
    odd = _other_template(look, before=False)
    if odd:
        return hold(enter(look.status, look.now, Phase.PROMOTING, Stage.RETURN_FAILED), odd.reason, odd.message)
    if not runs_proven(look):
        message = f"{look.spec.stable.deployment} serves everything and still rolls out the fix."
        return say(look.status, message, "wait for its pods")
    message = f"{look.spec.stable.deployment} serves everything with the fix."
    return say(enter(look.status, look.now, Phase.PROMOTING, Stage.DRAINING_PATCHED), message, "drain patched")


def _return_failed(look: Look) -> Veto | None:
    """The swapped guard: the new stable against patched. While patched can serve, it takes everything back."""
    baseline, stable, judged = look.status.baseline, look.seen.stable, look.judgement
    if not ready(look.seen.patched):
        return None
    name = look.spec.stable.deployment
    if ready(stable) == 0:
        return Veto(Reason.PROMOTION_FAILED, f"{name} has no ready pod with the fix.")
    if stable and stable.pods and 2 * sum(pod.crash_looping for pod in stable.pods) >= len(stable.pods):
        return Veto(Reason.PROMOTION_FAILED, f"The pods of {name} crash with the fix.")
    if stable and stable.deployment and baseline and stable.deployment.template != baseline.patched_template:
        return Veto(Reason.PROMOTION_FAILED, f"{name} no longer has the pod spec that was proven.")
    if judged and judged.findings.worse.reached_ever:
        rates = f"{reports.rate(judged.patched)} of its requests, patched {reports.rate(judged.stable)}"
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix fails {rates}.")
    if judged and look.settled and judged.not_answering_blocks >= guards.UNANSWERED_BLOCKS:
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix takes requests but does not finish them.")
    if judged and judged.silence and guards.is_told(look):
        missing = reports.silence(judged.silence)
        return Veto(Reason.PROMOTION_FAILED, f"{name} with the fix does not answer any more: {missing}.")
    return None


def _fail(look: Look, veto: Veto) -> Status:
    message = f"{veto.message} Patched has everything again; nothing is drained, scaled or given back."
    recorded = record(look.status, look.now, "weight 100", veto.reason, message)
    failed = enter(recorded, look.now, Phase.PROMOTING, Stage.RETURN_FAILED, weight=100)
    return hold(failed, veto.reason, message, "a person decides: promotion.mode KeepPatched ends it with patched")


def return_failed(look: Look) -> Status:
    """Patched holds everything until a person decides; stable takes over only while patched cannot serve at all."""
    status = look.status
    if look.spec.promotion.mode is PromotionMode.KEEP_PATCHED and look.settled and routes_have(look, 100):
        message = f"Patched keeps everything; {look.spec.stable.deployment} is not good with the fix."
        return say(enter(status, look.now, Phase.PROMOTING, Stage.GIVING_BACK), message, "give the route back with its weights")
    patched, stable = ready(look.seen.patched), ready(look.seen.stable)
    wanted = 0 if patched == 0 and stable else 100 if patched else status.weight
    if wanted != status.weight:
        message = "Stable takes over while patched cannot serve." if wanted == 0 else "Patched can serve again."
        status = record(status, look.now, f"weight {wanted}", Reason.PROMOTION_FAILED, message)
    reason = Reason.DELETION_HELD if look.seen.deleting else Reason.PROMOTION_FAILED
    text = f"{Reason.PROMOTION_FAILED.sentence} Set promotion.mode to KeepPatched to end with patched."
    return hold(status.model_copy(update={"weight": wanted}), reason, text, "a person decides")
