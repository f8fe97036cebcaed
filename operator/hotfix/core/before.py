"""The cluster as it was before anything was written, as far as it must be known later. Pure.

What is learnt from counters, and the first weight, is in starting.py.
"""

from .borrowed import original_of
from .fencing import stamped
from .look import Look, asked_rules
from .observation import RouteView, SideView
from .quantities import seconds
from .spacing import block_seconds
from .status import Baseline, Borrowed, BorrowedRoute, BorrowedRule, Status

LONGEST = 253


def stable_pods(side: SideView | None) -> int:
    """R: stable's ready pods at the start; what it should have when none is ready."""
    if side is None or side.deployment is None:
        return 0
    return side.ready_endpoints or side.deployment.replicas


def baseline(look: Look) -> Baseline:
    """Everything but the rates, which are learnt right before the start."""
    stable, patched = look.seen.stable, look.seen.patched
    one, two = stable and stable.deployment, patched and patched.deployment
    interval = seconds(look.spec.metrics.interval) if look.spec.metrics.interval else look.seen.scrape_interval_seconds
    block = block_seconds(interval, None)
    return Baseline(
        interval_seconds=block,
        late_blocks=late_blocks(look, block),
        stable_template=one.template if one else "",
        patched_template=two.template if two else "",
        stable_images=list(one.images) if one else [],
        patched_images=list(two.images) if two else [],
        stable_pods=stable_pods(stable),
    )


def late_blocks(look: Look, interval_seconds: int) -> int:
    """The deadline in blocks."""
    return max(2, round(seconds(look.spec.analysis.deadline) / interval_seconds))


def borrowed(look: Look) -> Borrowed:
    stable = look.seen.stable
    scaler = stable.scaler if stable and stable.scaler and not stable.scaler.owner else None
    raised = min(stable_pods(stable), scaler.max_replicas) if scaler else None
    floor = scaler if scaler and raised and raised > scaler.min_replicas else None
    return Borrowed(
        routes=[_original(look, route) for route in (look.seen.routes.routes if look.seen.routes else ())],
        hpa=floor.name if floor else None,
        hpa_min_replicas=floor.min_replicas if floor else None,
        hpa_raised_to=raised if floor else None,
        undo=undo(look),
    )


def as_many(look: Look) -> Status:
    """The status with stable's pods, and its HPA's floor, as they are by now, where there are more than when it was checked."""
    known, pods = look.status.baseline, stable_pods(look.seen.stable)
    if known is None or look.status.supersedes or pods <= known.stable_pods:
        return look.status
    lent = _raised_further(look)
    if lent is None:
        return look.status
    return look.status.model_copy(update={"baseline": known.model_copy(update={"stable_pods": pods}), "borrowed": lent})


def _raised_further(look: Look) -> Borrowed | None:
    """What is borrowed, with stable's HPA floor for the pods that stable has by now; None while the one asked for is not seen."""
    known, now = look.status.borrowed, borrowed(look)
    if known is None or now.hpa is None:
        return known
    if known.hpa is None:
        floor = {"hpa": now.hpa, "hpa_min_replicas": now.hpa_min_replicas, "hpa_raised_to": now.hpa_raised_to}
        return known.model_copy(update=floor)
    scaler = look.seen.stable.scaler if look.seen.stable else None
    if scaler is None or scaler.name != known.hpa or scaler.min_replicas not in known.hpa_floors:
        return known  # another one, or somebody else's number: it stays as it is
    if scaler.min_replicas != known.hpa_raised_to:
        return None
    return known.model_copy(update={"hpa_raised_to": now.hpa_raised_to, "hpa_raised_before": known.hpa_raised_to})


def noted_anew(look: Look) -> Borrowed | None:
    """What is borrowed, with each route that was not written to yet as it is by now: others may have changed it since.

    None before anything was noted.
    """
    borrowed = look.status.borrowed
    seen = {route.name: route for route in (look.seen.routes.routes if look.seen.routes else ())}
    routes = [_original(look, seen[was.name]) if was.name in seen else was for was in (borrowed.routes if borrowed else ())]
    return borrowed and borrowed.model_copy(update={"routes": routes})


def injected_before(look: Look) -> set[tuple[str, int]]:
    """(route, index) of the rules into which this very rollout put patched when it was about to start before."""
    routes = look.status.borrowed.routes if look.status.borrowed else ()
    return {(route.name, rule.index) for route in routes for rule in route.rules if rule.patched_weight is None}


def undo(look: Look) -> str:
    """What a person can paste when the operator is gone; it needs the plugin and that person's rights alone."""
    return f"kubectl hotfix release {look.seen.name} -n {look.seen.namespace}"


def reconcile(route: RouteView) -> str | None:
    """What the annotation was before any rollout marked the route; nothing for what nobody writes by hand."""
    left_behind = route.lent_until is not None
    return None if left_behind or len(route.reconcile or "") > LONGEST else route.reconcile


def _original(look: Look, route: RouteView) -> BorrowedRoute:
    known, injected = original_of(look.status.borrowed, route.name), injected_before(look)
    if known and stamped(route, look):  # written to already, when this very rollout was about to start before
        return known
    rules = [
        BorrowedRule(
            index=rule.index,
            name=rule.name,
            stable_weight=rule.stable or 0,
            patched_weight=None if (route.name, rule.index) in injected or rule.patched is None else 0,
            others=list(rule.others),
        )
        for rule in asked_rules(route, look.spec)
    ]
    return BorrowedRoute(name=route.name, rules=rules, reconcile=reconcile(route))
