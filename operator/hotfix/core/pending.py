"""Pending: references and preflight, patched to its replicas, patched's backend at weight 0, then the start. Pure.

Nothing is written before every check passes; a rehearsal (paused before the start) writes nothing at all.
"""

from . import (
    before,
    changes,
    countable,
    edits,
    fitness,
    incidents,
    kin,
    preflight,
    promotion_mode,
    remarks,
    starting,
    superseding,
)
from .look import READY_SECONDS, Look, asked_rules, enter, hold, ready, record, record_once, routes_acknowledge, say
from .observation import SideView
from .proven import planned
from .quantities import seconds, span
from .reasons import Reason
from .rolling_back import CONFIRM_SECONDS
from .rolling_back import begin as roll_back
from .spec import ReplicaPolicy
from .status import Phase, Resolved, ResolvedRoute, Stage, Status
from .vetoes import Veto

# right when it began, and it is our own write that a controller has not answered yet
PASSED_OVER = (Reason.NOTHING_TO_PROMOTE, Reason.ROUTE_PENDING)
# holds of the start that another rollout waits for too, or that a person wants
WAITS = frozenset(map(str, (Reason.SUPERSEDING, Reason.METRICS_UNAVAILABLE, Reason.PAUSED, Reason.CLUSTER_UNAVAILABLE)))


def checking(look: Look) -> Status:
    """Everything the rollout rests on, before anything is written."""
    status = look.status
    if look.seen.deleting:
        return say(enter(status, look.now, Phase.PENDING, Stage.GIVING_BACK), "Deleted before anything was written.")
    claimed = superseding.claimed(look)
    if claimed:
        return claimed
    problem = preflight.first_problem(look)
    if problem:
        status = superseding.let_go(look, status)
        if (look.lasted("Unfit") or 0.0) > 0:  # not for what is gone at the next look
            status = record_once(status, look.now, "wait", problem.reason, problem.message)
        return hold(status, problem.reason, problem.message, "goes on by itself when it is put right")
    resolved = _resolved(look)
    status = status.model_copy(update={"resolved": resolved, "promotion": planned(_changes(look))})
    if look.paused:
        status = superseding.let_go(look, status)
        return hold(status, Reason.PAUSED, _rehearsal(look, status), "nothing is written while it is paused")
    message = _detected(look, status)
    recorded = record(status, look.now, "start", Reason.HOTFIX_DETECTED, message)
    as_it_was = {"baseline": superseding.baseline(look), "borrowed": superseding.borrowed(look)}
    started = enter(recorded, look.now, Phase.PENDING, Stage.SCALING, **as_it_was)
    return say(started, message, "wait for patched's pods")


def _changes(look: Look) -> list[str]:
    stable, patched = look.seen.stable, look.seen.patched
    if not (stable and patched and stable.deployment and patched.deployment):
        return []  # pragma: no cover - preflight has found both
    return changes.changed_paths(stable.deployment.pod_spec, patched.deployment.pod_spec)


def _resolved(look: Look) -> Resolved:
    routes = look.seen.routes.routes if look.seen.routes else ()
    return Resolved(
        stable_service=look.spec.stable_service,
        patched_service=look.spec.patched_service,
        routes=[ResolvedRoute(name=route.name, rules=[rule.index for rule in asked_rules(route, look.spec)]) for route in routes],
        bypasses=remarks.bypasses(look)[:16],
        preset=countable.preset_name(look),
        promotion=promotion_mode.resolved(look),
        owners=promotion_mode.owners(look)[:16],
    )


def _detected(look: Look, status: Status) -> str:
    routes = ", ".join(route.name for route in status.resolved.routes) if status.resolved else ""
    changes = ", ".join(status.promotion.changes) if status.promotion else ""
    notes = "".join(f" Note: {remark}." for remark in remarks.worth_saying(look))
    about = incidents.named(look.spec.incident)
    beginning = f"For {about}. " if about else ""
    sides = f"{look.spec.patched.deployment} goes against {look.spec.stable.deployment}"
    return f"{beginning}{sides} on {routes}; it changes {changes}.{notes}"


def _rehearsal(look: Look, status: Status) -> str:
    return f"Rehearsal: every check of the cluster passes; counters are not looked at yet. {_detected(look, status)}"


def replicas_wanted(look: Look) -> int | None:
    """What patched is raised to; None where its replicas are not ours to write."""
    side, baseline = look.seen.patched, look.status.baseline
    if side is None or side.deployment is None or baseline is None or side.scaler or side.deployment.owner:
        return None
    if look.spec.patched.replicas is ReplicaPolicy.OWN:
        return None
    older = kin.older(look)  # stable may have fewer by now, as that one has some of its traffic
    return max(baseline.stable_pods, kin.stable_pods_of(older) if older else 0)


def pods_needed(look: Look) -> int:
    """Ready pods that patched needs before the start: stable's number, or one where its replicas are not ours."""
    return max(1, replicas_wanted(look) or 1)


def _withdrawn(look: Look) -> Status | None:
    """Deleted, paused, or no longer fit, before traffic moved. Pods get ready whatever a controller says of the route."""
    status, scaling = look.status, look.status.stage is Stage.SCALING
    if look.seen.deleting:
        return say(enter(status, look.now, Phase.PENDING, Stage.GIVING_BACK, keep_pods=True), "Deleted before traffic moved.")
    if look.paused:
        message = "Paused before traffic moves; patched stays at 0 %."
        if status.held != str(Reason.PAUSED):
            status = record_once(status, look.now, "hold", Reason.PAUSED, message)
        return hold(status, Reason.PAUSED, message, "goes on when unpaused")
    problem = preflight.first_problem(look)
    if problem and problem.reason not in PASSED_OVER and not (scaling and problem.reason is Reason.ROUTE_REJECTED):
        return hold(status, problem.reason, problem.message, "goes on by itself when it is put right")
    return None


def scaling(look: Look) -> Status:
    """Patched's pods, ready and behind their Service for some seconds."""
    look = look.having(before.as_many(look))
    status = look.status
    again = superseding.dropped(look)
    if again:
        return again
    never = _never_ready(look) if _too_late(look) else superseding.falls_again_and_again(look)
    if never:
        return roll_back(_as_lent(look), look.now, Veto(Reason.PATCHED_NEVER_READY, never))
    withdrawn = _withdrawn(look)
    if withdrawn:
        return superseding.let_go(look, withdrawn)
    patched = look.seen.patched
    need, count = pods_needed(look), ready(patched) or 0
    if count < need or _ready_seconds(look, need) < READY_SECONDS:
        trouble = _trouble(patched)
        if patched and count < need:
            status = superseding.unasked(look, status, fell=count == 0)
        return say(
            status,
            f"Patched has {count} of {need} ready pods.{trouble}",
            f"start when they have been ready {READY_SECONDS:.0f} s",
        )
    waits = _could_not_start(look) or superseding.asks_later(look) or superseding.waits(look)
    if waits:
        return waits
    message = f"Patched has {count} ready pods."
    recorded = record(_as_lent(look), look.now, "adopt", Reason.PATCHED_READY, message)
    return say(
        enter(recorded, look.now, Phase.PENDING, Stage.ADOPTING, weight=0), message, "name patched in the route at weight 0"
    )


def _ready_seconds(look: Look, need: int) -> float:
    """For how long so many of patched's pods have been ready, as their conditions or looks tell; 0 when they are not."""
    seen, pods = look.lasted("PatchedReady"), look.seen.patched.pods if look.seen.patched else ()
    if seen is None:
        return 0.0
    told = sorted(pod.ready_since for pod in pods if pod.ready and pod.ready_since is not None)
    return max(seen, look.now - told[need - 1]) if 0 < need <= len(told) else seen


def _too_late(look: Look) -> bool:
    """The grace is over and the pods are seen not to be ready."""
    side = look.seen.patched
    if side is None or side.ready_endpoints >= pods_needed(look):
        return False
    waited = look.lasted("PatchedAwaited") or 0.0  # while it is paused nobody asks for its pods
    if look.status.supersedes:  # it may have been ready for long, and waited for the older one
        waited = min(waited, look.lasted("PatchedFew") or 0.0)
    return not look.paused and not look.seen.deleting and waited > _grace_seconds(look, side)


def has_few(look: Look, wanted: int) -> bool | None:
    """Patched has fewer ready pods than it needs, or had them only for a moment since (None: as it was)."""
    if (ready(look.seen.patched) or 0) < wanted:
        return True
    return False if (look.lasted("PatchedReady") or 0.0) >= READY_SECONDS else None


def _grace_seconds(look: Look, side: SideView) -> float:
    """For how long its pods may take to get ready."""
    grace = seconds(look.spec.analysis.ready_grace)
    return min(grace, side.deployment.progress_deadline_seconds) if side.deployment else grace


def _trouble(side: SideView | None) -> str:
    found = sorted({pod.trouble for pod in side.pods if pod.trouble}) if side else []
    return f" Pods report {', '.join(found)}." if found else ""


def _never_ready(look: Look) -> str:
    count = ready(look.seen.patched) or 0
    waited = span(look.lasted("PatchedAwaited") or 0.0)
    return f"{look.spec.patched.deployment} has {count} ready pods after {waited}.{_trouble(look.seen.patched)}"


def _as_lent(look: Look) -> Status:
    """The status with the routes as they are right before the first write to them. What an older rollout had is its own note."""
    return look.status if look.status.supersedes else look.status.model_copy(update={"borrowed": before.noted_anew(look)})


def adopting(look: Look) -> Status:
    """Patched is named in the route at weight 0 and all controllers say so; metrics are seen; then the first weight."""
    look = look.having(before.as_many(look.having(_as_lent(look))))
    status = look.status
    again = superseding.dropped(look)
    if again:
        return again
    withdrawn = _edited(look) or _withdrawn(look)
    if withdrawn:
        return superseding.let_go(look, withdrawn)
    if _ready_seconds(look, pods_needed(look)) < READY_SECONDS:
        return say(
            enter(status, look.now, Phase.PENDING, Stage.SCALING), "Patched's pods are not ready any more.", "wait for them"
        )
    unmeasured = _unmeasured(look)
    if unmeasured:
        return superseding.let_go(look, unmeasured)
    if not routes_acknowledge(look, 0) or not look.seen.finalizer:
        return _unconfirmed(look)
    begun = starting.begin(look)
    return superseding.let_go(look, begun) if begun.held else begun


def _edited(look: Look) -> Status | None:
    """A person took from the older patch what it stands still with: that stays so, and the older one goes on with it."""
    told = None if look.seen.deleting else edits.older_displaced(look)
    return hold(look.status, Reason.WEIGHTS_EDITED, told, "goes on when the older one does") if told else None


def _unconfirmed(look: Look) -> Status:
    """Nothing moves before the controllers confirm that patched is named; an older one does not stand still for that for ever."""
    message, following = "Patched is named in the route at weight 0.", "start when the controllers confirm it"
    if look.status.supersedes is None or look.elapsed(look.status.stage_started_at) < CONFIRM_SECONDS:
        return say(look.status, message, following)
    told = f"No controller confirmed the route with {look.spec.patched.deployment} in {span(CONFIRM_SECONDS)}."
    return superseding.unasked(look, hold(look.status, Reason.WEIGHT_NOT_CONFIRMED, told, following))


def is_unfit(look: Look) -> bool:
    """Something is in the way of the start that is not in the way of any other rollout."""
    held = look.status.held if look.status.stage in (Stage.SCALING, Stage.ADOPTING) else None
    return preflight.first_problem(look) is not None or (held is not None and held not in WAITS)


def _could_not_start(look: Look) -> Status | None:
    """What would hold the start is told before an older one is asked to stand still for it. That Prometheus does not answer
    holds the older one too."""
    claim, metrics = look.status.supersedes, look.seen.metrics
    if claim is None or claim.yielded or (metrics is None and not look.seen.refused):
        return None
    tried = _unmeasured(look) or starting.begin(look)
    if tried.phase is not Phase.PENDING:
        return None
    side, short = look.seen.patched, tried.held == str(Reason.INSUFFICIENT_CAPACITY)
    if side and short and not claim.ready and look.elapsed(look.status.stage_started_at) < _grace_seconds(look, side):
        return say(look.status, tried.message, tried.next)  # its pods may come one after another
    return superseding.let_go(look, tried)


def _unmeasured(look: Look) -> Status | None:
    """Held while there is nothing to judge patched by; None where there is."""
    status, metrics = look.status, look.seen.metrics
    if metrics is None:
        reason = Reason.INVALID_QUERY if look.seen.refused else Reason.METRICS_UNAVAILABLE
        why = look.seen.metrics_error or "Prometheus does not answer"
        return hold(status, reason, f"{why}. Traffic does not move before patched can be judged.", "start when it answers")
    unfit = fitness.problems(metrics, own_queries=countable.preset_name(look) == countable.CUSTOM)
    if unfit:
        return hold(status, unfit[0].reason, unfit[0].message, "start when the counters can be judged")
    if not metrics.stable.requests:
        return hold(status, Reason.METRICS_MISSING, _no_series(look), "start when there is a request counter")
    return None


def _no_series(look: Look) -> str:
    preset = look.status.resolved.preset if look.status.resolved else None
    return (
        f"No request counter for {look.spec.stable_service} in Prometheus (metrics {preset}); without it patched could not be "
        "judged. Send a request, or correct spec.metrics."
    )
