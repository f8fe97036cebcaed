"""The moment before traffic moves: what is remembered of the cluster as it was, and the first weight. Pure.

What must be right before is in pending.py.
"""

from . import capacity, moments
from .judgement import baseline_of, start_weight_first_form
from .look import Look, asked_rules, enter, hold, record, say
from .observation import RouteView, SideView
from .quantities import seconds
from .reasons import Reason
from .spacing import SLOW_SECONDS, block_seconds, spacing_seconds
from .status import Baseline, Borrowed, BorrowedRoute, BorrowedRule, Phase, Resolved, Stage, Status

LEARNING_SCRAPES = 4  # stable's request rate is waited for this long; without it the largest start is taken


def stable_pods(side: SideView | None) -> int:
    """R: stable's ready pods at the start; what it should have when none is ready."""
    if side is None or side.deployment is None:
        return 0  # pragma: no cover - preflight has found it
    return side.ready_endpoints or side.deployment.replicas


def baseline(look: Look) -> Baseline:
    """Everything but the rates, which are learnt right before the start."""
    stable, patched = look.seen.stable, look.seen.patched
    one, two = stable and stable.deployment, patched and patched.deployment
    interval = seconds(look.spec.metrics.interval) if look.spec.metrics.interval else look.seen.scrape_interval_seconds
    block = block_seconds(interval, None)
    return Baseline(
        rate="0.001",
        sigma2="0.02",
        interval_seconds=block,
        late_blocks=_late_blocks(look, block),
        stable_template=one.template if one else "",
        patched_template=two.template if two else "",
        stable_images=list(one.images) if one else [],
        patched_images=list(two.images) if two else [],
        stable_pods=stable_pods(stable),
    )


def _late_blocks(look: Look, interval_seconds: int) -> int:
    """The deadline in blocks."""
    return max(2, round(seconds(look.spec.analysis.deadline) / interval_seconds))


def borrowed(look: Look) -> Borrowed:
    stable, patched = look.seen.stable, look.seen.patched
    scaler = stable.scaler if stable and stable.scaler and not stable.scaler.owner else None
    raised = min(stable_pods(stable), scaler.max_replicas) if scaler else None
    floor = scaler if scaler and raised and raised > scaler.min_replicas else None
    return Borrowed(
        routes=[_original(look, route) for route in (look.seen.routes.routes if look.seen.routes else ())],
        hpa=floor.name if floor else None,
        hpa_min_replicas=floor.min_replicas if floor else None,
        hpa_raised_to=raised if floor else None,
        patched_replicas=patched.deployment.replicas if patched and patched.deployment else None,
    )


def _original(look: Look, route: RouteView) -> BorrowedRoute:
    rules = [
        BorrowedRule(
            index=rule.index,
            name=rule.name,
            stable_weight=rule.stable or 0,
            patched_weight=rule.patched,
            others=list(rule.others),
        )
        for rule in asked_rules(route, look.spec)
    ]
    return BorrowedRoute(name=route.name, rules=rules)


def begin(look: Look) -> Status:
    status, metrics, patched = look.status, look.seen.metrics, look.seen.patched
    assert metrics is not None
    assert status.baseline is not None
    block = block_seconds(look.interval_seconds, spacing_seconds(metrics.stable, metrics.end))
    if block > look.interval_seconds:
        longer = status.baseline.model_copy(update={"interval_seconds": block, "late_blocks": _late_blocks(look, block)})
        text = f"Stable's counters are scraped every {block} s, so counts are judged in blocks of {block} s."
        return say(status.model_copy(update={"baseline": longer}), text, "start after the next look")
    learnt = baseline_of(metrics)
    if learnt.request_rate is None and look.elapsed(status.stage_started_at) < LEARNING_SCRAPES * look.interval_seconds:
        return say(status, "Learning stable's request rate.", "start after two scrapes with requests")
    weight, why = _first_weight(look, learnt.request_rate)
    if look.interval_seconds > SLOW_SECONDS:
        why += f"; counters are scraped every {look.interval_seconds:.0f} s, {SLOW_SECONDS:.0f} s or less would decide sooner"
    short = capacity.patched_short(look, weight)
    if short:
        return hold(status, Reason.INSUFFICIENT_CAPACITY, short, "start when patched has the pods")
    restarts = {pod.name: pod.restarts for pod in patched.pods if pod.restarts} if patched else {}
    update = {
        "rate": f"{learnt.rate:.6g}",
        "sigma2": f"{learnt.sigma2:.6g}",
        "patched_restarts": dict(list(restarts.items())[:64]),
    }
    resolved = (status.resolved or Resolved()).model_copy(update={"start_weight": weight, "start_reason": why})
    moment = moments.rfc3339(look.now)
    recorded = record(status, look.now, f"weight {weight}", Reason.TRAFFIC_SHIFTED, f"Patched gets {weight} %: {why}.")
    done = sum(1 for step in look.spec.steps if step <= weight)
    started = enter(
        recorded,
        look.now,
        Phase.ANALYZING,
        Stage.SHIFTING,
        weight=weight,
        started_at=moment,
        evidence_from=moment,
        baseline=status.baseline.model_copy(update=update),
        resolved=resolved,
        step=f"{done}/{len(look.spec.steps)}",
    )
    return say(started, f"Patched gets {weight} %: {why}.", "judge the first scrapes")


def _first_weight(look: Look, request_rate: float | None) -> tuple[int, str]:
    if isinstance(look.spec.start_weight, int):
        return look.spec.start_weight, "spec.startWeight"
    interval = look.interval_seconds
    weight = start_weight_first_form(look.spec.steps, request_rate, interval)
    if not request_rate:
        return weight, "no requests were seen, so the largest start"
    per_scrape = request_rate * interval * weight / 100
    return weight, f"the smallest step with 10 patched requests a scrape, at most 10 % (about {per_scrape:.0f} a scrape)"
