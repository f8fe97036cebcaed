"""Analyzing and Baking: the weight follows the evidence. One look -> the next status. Pure.

Order: what rolls back, then changed versions, then the blind policy, then what holds, then the deadline, then the next step.
"""

from . import alone as without_control
from . import capacity, edits, from_zero, guards, incidents, moments, promoting, reports, vetoes
from .judgement import Judgement
from .look import Look, enter, has_its_share, hold, record, record_once, say, versions
from .planner import suspect
from .quantities import seconds, span
from .reasons import Reason
from .rolling_back import begin as roll_back
from .spec import OnDeadline, OnMetricsUnavailable, Urgency
from .status import Baseline, Phase, Stage, Status
from .terms import HELD_SCRAPES, MINIMUM_BLOCKS, MINIMUM_SECONDS
from .urgency import alone, bake_seconds, bakes_on, control_percent
from .verbs import Verb


def shifting(look: Look) -> Status:
    """One look while the weight follows the evidence."""
    veto = vetoes.first(guards.ROLL_BACK_SEEN, look)
    if veto:
        return roll_back(look.status, look.now, veto, keep_pods=veto.reason is Reason.DELETED)
    changed = _changed_versions(look)
    if changed:
        return changed
    if without_control.is_alone(look):
        told = look.spec.analysis.on_metrics_unavailable is OnMetricsUnavailable.ROLLBACK
        return (_blind_too_long(look) if told else None) or _bake_alone(look)
    veto = vetoes.first(guards.ROLL_BACK_JUDGED, look)
    if veto:
        return roll_back(look.status, look.now, veto)
    blind = _blind_too_long(look)
    if blind:
        return blind
    look = _baked(look)
    look = look.having(edits.corrected(look))
    veto = vetoes.first(guards.HOLD, look)
    if look.status.phase is Phase.BAKING:
        return _hold(look, veto) if veto else _without_control(look) or _bake(look)
    return _asked_for(look, veto) or _deadline(look, veto) or (_hold(look, veto) if veto else _advance(look))


def _without_control(look: Look) -> Status | None:
    """It bakes with a control that it was not to have, and may do without by now."""
    judged = look.judgement
    if judged is None or not alone(look) or look.status.weight == 100 or not look.settled or not _proven(look):
        return None
    return _begin_bake(look, judged, Reason.EVIDENCE_SUFFICIENT, reports.not_worse(judged))


def _bake_alone(look: Look) -> Status:
    """Stable has nothing: pods and patched's own errors tell."""
    status, left = without_control.baked(look.having(edits.corrected(look)))
    look = look.having(status)
    veto = without_control.standing(look)
    if veto and veto.reason is Reason.ERROR_ALARM and look.asked is Verb.PROMOTE and look.settled:
        return promoting.begin(look, without_control.alarmed(look))
    if veto and veto.reason is Reason.ERROR_ALARM:  # it bakes without that from the beginning
        look = look.having(status.model_copy(update={"bake_seconds": 0}))
    if veto:
        return _hold(look, veto)
    return without_control.waiting(look, status, left) if left > 0 or not look.settled else promoting.begin(look)


def _asked_for(look: Look, veto: vetoes.Veto | None) -> Status | None:
    """A person does not wait for the evidence: to the bake, with every guard armed, and with counts at this weight."""
    judged, haste = look.judgement, look.spec.urgency is Urgency.BREAK_GLASS
    if not (look.asked is Verb.PROMOTE or haste) or veto or judged is None or not look.settled or judged.blocks_at_weight < 1:
        return None
    why, text = (Reason.BREAK_GLASS, "urgency BreakGlass") if haste else (Reason.REQUESTED, "A person promotes it")
    look = look.having(look.status.model_copy(update={"follow_up": str(why)})) if haste else look
    return _begin_bake(look, judged, why, f"{text}: {reports.not_worse(judged)}")


def _hold(look: Look, veto: vetoes.Veto) -> Status:
    status = look.status
    if status.held != str(veto.reason):
        status = record_once(status, look.now, "hold", veto.reason, veto.message)
    return hold(status, veto.reason, veto.message, f"held at {status.weight} %")


def _changed_versions(look: Look) -> Status | None:
    """A changed pod spec: evidence from zero, and a bake begins again once it suffices; for patched the weight goes down to the
    start too."""
    status, baseline, fresh = look.status, look.status.baseline, from_zero.fresh(look.now)
    stable, patched = look.seen.stable, look.seen.patched
    if baseline is None or not (stable and patched and stable.deployment and patched.deployment):
        return None
    another = from_zero.other_patch(look)
    if another:
        start = min(status.weight or 0, from_zero.start_weight(status))
        edited = guards.weights_edited(look)
        what, where = ("evidence from zero", ", the weights stay") if edited else (f"weight {start}", f" at {start} %")
        message = f"The pod spec of {another.name} changed; evidence from zero{where}."
        return from_zero.with_patch(look, another, what, message, weight=start)
    if stable.deployment.template != baseline.stable_template:
        message = f"The pod spec of {stable.deployment.name} changed; evidence from zero, the weight stays at {status.weight} %."
        runs = {"stable_template": stable.deployment.template, "stable_images": list(stable.deployment.images)}
        if without_control.is_alone(look):
            return _rebased(look, baseline.model_copy(update=runs))
        recorded = record(status, look.now, "evidence from zero", Reason.STABLE_CHANGED, message)
        again = enter(recorded, look.now, Phase.ANALYZING, Stage.SHIFTING, baseline=baseline.model_copy(update=runs), **fresh)
        return say(again, message)
    mixed = "SeveralVersions" in status.since and not without_control.is_alone(look)
    if mixed and versions(stable) == 1 == versions(patched) and not guards.several_versions(look):
        since = {name: moment for name, moment in status.since.items() if name != "SeveralVersions"}
        message = "One image is left on each side; evidence from zero."
        recorded = record(status, look.now, "evidence from zero", Reason.SEVERAL_VERSIONS, message)
        return say(enter(recorded, look.now, Phase.ANALYZING, Stage.SHIFTING, since=since, **fresh), message)
    return None


def _rebased(look: Look, baseline: Baseline) -> Status:
    """Stable, which has nothing, runs something else: nothing was being compared with it, and the bake begins again."""
    message = f"The pod spec of {look.spec.stable.deployment} changed, which has no traffic; the bake begins again."
    recorded = record(look.status, look.now, "bake again", Reason.STABLE_CHANGED, message)
    return say(recorded.model_copy(update={"baseline": baseline, "bake_seconds": 0, "baked_until": None}), message)


def _blind_too_long(look: Look) -> Status | None:
    """After metricsGrace the policy may lower the weight, never raise it."""
    analysis, status = look.spec.analysis, look.status
    blind_seconds = look.lasted("Blind")
    if blind_seconds is None or blind_seconds < seconds(analysis.metrics_grace):
        return None
    problem = look.seen.metrics.problem if look.seen.metrics else None
    silent = "no fresh samples" if look.seen.metrics else "Prometheus does not answer"
    why = look.seen.metrics_error or (problem[1] if problem else silent)
    message = f"No usable metrics for {span(blind_seconds)}: {why.rstrip('.')}."
    if analysis.on_metrics_unavailable is OnMetricsUnavailable.ROLLBACK:
        return roll_back(status, look.now, vetoes.Veto(Reason.BLIND_TOO_LONG, message))
    proven = max(status.proven_weight or 0, from_zero.start_weight(status))
    lowers = proven < (status.weight or 0) and not guards.weights_edited(look)  # the weights of a person stay
    if analysis.on_metrics_unavailable is OnMetricsUnavailable.LAST_PROVEN and lowers:
        recorded = record(status, look.now, f"weight {proven}", Reason.BLIND_TOO_LONG, message)
        unbaked = {"bake_seconds": 0, "baked_until": None, "request_rate": None, "stopped_seconds": 0}
        lowered = enter(recorded, look.now, Phase.ANALYZING, Stage.SHIFTING, weight=proven, **unbaked)
        return hold(lowered, Reason.METRICS_UNAVAILABLE, message, f"held at {proven} % until metrics are back")
    return None


def _deadline(look: Look, veto: vetoes.Veto | None) -> Status | None:
    """Undecided for too long: say so, with the bound proven so far, and do what the spec says. The clock runs in this analysis,
    of what is compared now."""
    status, analysis = look.status, look.spec.analysis
    since = min(look.elapsed(status.phase_started_at), look.elapsed(status.evidence_from))
    running = since - status.stopped_seconds - min(since, look.lasted("Paused") or 0.0)
    if look.paused or running < seconds(analysis.deadline):
        return None
    judged = look.judgement
    bound = reports.proven(judged) if judged else "nothing yet"
    message = f"Undecided after {span(running)}; proven so far: {bound}."
    if veto:
        message += f" {veto.message}"
    if analysis.on_deadline is OnDeadline.ROLLBACK:
        return roll_back(status, look.now, vetoes.Veto(Reason.DEADLINE, message))
    if analysis.on_deadline is OnDeadline.PROMOTE and judged and not veto and _harmless(judged):
        return _begin_bake(look, judged, Reason.DEADLINE, message)
    if _proven(look):
        return None
    if status.held != str(Reason.INCONCLUSIVE):
        status = record_once(status, look.now, "hold", Reason.INCONCLUSIVE, message)
    return hold(status, Reason.INCONCLUSIVE, message, f"held at {status.weight} %; rollback rules stay armed")


def _harmless(judged: Judgement) -> bool:
    """Enough was counted to have shown a crash, whatever the clocks say, and nothing against the patch is half-way to its
    mark."""
    against = judged.findings.against.values()
    return judged.blocks >= MINIMUM_BLOCKS and all(evidence.log_max <= evidence.log_threshold / 2 for evidence in against)


def _proven(look: Look) -> bool:
    """All that is wanted is proven, for long enough, and two scrapes were taken at the present weight, one of them judged."""
    judged, since, interval = look.judgement, look.weight_since, look.interval_seconds
    if judged is None or since is None or judged.blocks_at_weight < 1:
        return False
    if not (judged.findings.not_worse.reached_now if alone(look) else judged.findings.proven):
        return False
    if look.now // interval - since // interval < HELD_SCRAPES:
        return False
    return look.elapsed(look.status.evidence_from) >= max(MINIMUM_SECONDS, MINIMUM_BLOCKS * interval)


def _advance(look: Look) -> Status:
    """Nothing is wrong: the next step that the evidence and the pods allow, or the bake."""
    status, judged = look.status, look.judgement
    if judged is None or not look.settled or judged.blocks_at_weight < 1:
        return say(status, f"Patched gets {status.weight} %; waiting for counts at this weight.", "judge the next scrape")
    weight = status.weight or 0
    allowed = () if alone(look) else tuple(step for step in look.spec.steps if step <= judged.ramp_weight)
    target = max(capacity.largest_weight(look, allowed), weight)
    proven = max(judged.ramp_weight, status.proven_weight or 0)
    status = status.model_copy(update={"proven_weight": proven if proven else None})
    if target > weight and suspect(judged.found_out_seconds, look.interval_seconds, judged.request_rate or 0.0):
        rates = f"fails {reports.rate(judged.patched)}, stable {reports.rate(judged.stable)}"
        return say(status, f"Patched looks bad: {rates}; it stays at {weight} % until that is told.", "judge the next scrapes")
    if target > weight:
        message = f"{target} % by the evidence: {reports.safe(judged, target)}"
        raised = record(status, look.now, f"weight {target}", Reason.TRAFFIC_SHIFTED, message)
        return say(
            raised.model_copy(update={"weight": target, "request_rate": reports.request_rate(judged), **_step(look, target)}),
            message,
            "judge the next scrapes",
        )
    look = Look(look.spec, status, look.seen, judged)
    short = capacity.patched_short(look, max(allowed)) if allowed and max(allowed) > weight else None
    if short:
        return _hold(look, vetoes.Veto(Reason.INSUFFICIENT_CAPACITY, short))
    if _proven(look):
        return _begin_bake(look, judged, Reason.EVIDENCE_SUFFICIENT, reports.not_worse(judged))
    expected = reports.expected(judged)
    return say(
        status,
        f"Patched gets {weight} %: fails {reports.rate(judged.patched)}, stable {reports.rate(judged.stable)}.",
        f"decision expected {expected}" if expected else "more requests are needed for a decision",
    )


def _step(look: Look, weight: int) -> dict[str, str]:
    steps = look.spec.steps
    done = sum(1 for step in steps if step <= weight)
    return {"step": f"{done}/{len(steps)}"}


def _begin_bake(look: Look, judged: Judgement, reason: Reason, message: str) -> Status:
    excess = judged.stable.rate - judged.patched.rate
    weight = (
        100 if alone(look) and judged.findings.not_worse.reached_now else 100 - control_percent(look, judged.request_rate, excess)
    )
    short = capacity.patched_short(look, weight)
    if short:
        return _hold(look, vetoes.Veto(Reason.INSUFFICIENT_CAPACITY, short))
    moment = moments.rfc3339(look.now)
    message = f"{message} {incidents.recovery(look, moment)}".rstrip()
    recorded = record(look.status, look.now, f"weight {weight}", reason, message)
    baking = enter(
        recorded,
        look.now,
        Phase.BAKING,
        Stage.SHIFTING,
        weight=weight,
        bake_seconds=0,
        baked_until=None,
        request_rate=reports.request_rate(judged),
        recovered_at=moment,
        **_step(look, weight),
    )
    return say(baking, message, f"bake for {span(bake_seconds(look.spec))}, then promote")


def _baked(look: Look) -> Look:
    """Count the newest blocks towards the bake, where patched has its share; a block counts once. Of many that are seen at once,
    after a time in which nothing was seen, only the last ones count: nobody was on guard in the others."""
    status, judged = look.status, look.judgement
    if status.phase is not Phase.BAKING or judged is None or judged.baked_until is None:
        return look
    guarded = min(judged.baked_seconds, guards.STALE_BLOCKS * look.interval_seconds)
    counted = round(guarded) if has_its_share(look) else 0
    update = {"bake_seconds": status.bake_seconds + counted, "baked_until": moments.rfc3339(judged.baked_until)}
    return Look(look.spec, status.model_copy(update=update), look.seen, judged)


def _bake(look: Look) -> Status:
    """Nearly everything is on patched; promote when it has baked, with fresh counts and pods for all of it."""
    status, judged = look.status, look.judgement
    waits = bakes_on(look)
    if waits:
        rates = f"fails {reports.rate(judged.patched)}, stable {reports.rate(judged.stable)}" if judged else "is not judged"
        return say(status, f"Baking at {status.weight} %: patched {rates}.", waits)
    short = capacity.patched_short(look, 100)
    if short:
        return _hold(look, vetoes.Veto(Reason.INSUFFICIENT_CAPACITY, short))
    return promoting.begin(look)
