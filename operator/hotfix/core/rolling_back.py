"""The way back to stable, and the end of both ways: weight 0, settle, drain, scale down, give back. Pure.

The first write waits for nothing; pods go only after the proxies stopped sending them requests.
"""

from . import edits, guards, incidents, vetoes
from .borrowed import left_behind, matched, original_of
from .fencing import is_anothers, stamped
from .kin import shared
from .look import Look, enter, hold, ready, record, record_once, route_has, routes_have, say, share_of, shifted_rules
from .observation import RouteView
from .proven import patched_going
from .quantities import seconds, span
from .reasons import Reason
from .spec import AfterRollback
from .status import Phase, Stage, Status

CONFIRM_SECONDS = 120.0


def begin(status: Status, now: float, veto: vetoes.Veto, *, keep_pods: bool = False) -> Status:
    """All traffic to stable, for the reason given."""
    recorded = record(status, now, "weight 0", Reason.ROLLING_BACK, f"{veto.reason}: {veto.message}")
    started = enter(recorded, now, Phase.ROLLING_BACK, Stage.WEIGHT_ZERO, weight=0, why=str(veto.reason), keep_pods=keep_pods)
    return say(started, f"{veto.reason}: {veto.message}", "weight 0, then drain")


ENDING = frozenset({Stage.WEIGHT_ZERO, Stage.DRAINING_PATCHED, Stage.SCALING_DOWN, Stage.GIVING_BACK})


def on_its_way(look: Look) -> bool:
    """It comes to its end already, and not to one that keeps patched."""
    keeps = look.status.phase is Phase.PROMOTING and look.status.weight == 100
    return look.status.stage in ENDING and not keeps


def release(look: Look) -> Status:
    """A person wants everything back at stable, whatever was being done; patched's pods stay."""
    veto = guards.rollback_requested(look) or vetoes.Veto(
        Reason.RELEASED, "A person released the rollout; traffic goes back to stable."
    )
    if look.status.phase is Phase.PENDING:
        ended = enter(look.status, look.now, Phase.PENDING, Stage.GIVING_BACK, keep_pods=True, why=str(veto.reason))
        return say(ended, veto.message, "give back")
    return begin(look.status, look.now, veto, keep_pods=True)


def weight_zero(look: Look) -> Status:
    """Wait until the proxies no longer send requests to patched."""
    status = look.status
    # a controller that misses the Service of a patched that is gone never confirms
    if look.settled or (patched_going(look) and routes_have(look, 0)):
        drained = enter(status, look.now, status.phase or Phase.ROLLING_BACK, Stage.DRAINING_PATCHED)
        return say(drained, _begun_with(status), "drain patched")
    veto = guards.unseen(look)
    if veto and not look.seen.refused:
        return hold(status, veto.reason, f"{status.why}: {veto.message}", "weight 0 as soon as it answers")
    broken = guards.route_missing(look)
    if broken and not _out_of_reach(look):
        return hold(status, broken.reason, f"{status.why}: {broken.message}", "weight 0 as soon as stable is named again")
    if look.elapsed(status.stage_started_at) < CONFIRM_SECONDS or not _out_of_reach(look):
        return say(status, _begun_with(status), "waiting for the route's controllers to confirm weight 0")
    message = f"The controllers did not confirm weight 0 in {span(CONFIRM_SECONDS)}; patched is left running."
    recorded = record(status, look.now, "end", Reason.WEIGHT_NOT_CONFIRMED, message)
    return say(enter(recorded, look.now, Phase.ROLLING_BACK, Stage.GIVING_BACK, keep_pods=True), message, "give the route back")


def _out_of_reach(look: Look) -> bool:
    """The weight is written, or there is no route to write it to."""
    return routes_have(look, 0) or bool(look.seen.routes and look.seen.routes.missing)


def draining_patched(look: Look) -> Status:
    """Patched's last requests end before its pods do."""
    if look.status.phase is not Phase.SUPERSEDED and edits.by_git(look):  # a tool's weights are written over, as anywhere
        look = look.having(edits.corrected(look))
        fight = edits.contested(look)
        if fight:
            return hold(look.status, Reason.TRAFFIC_CONTESTED, fight, "drain patched when its weight stays 0")
        return say(look.status, _outcome(look), "weight 0 again, then drain patched")
    status = look.status
    if _served_again(look):
        return _kept_serving(look)
    drained = min(look.elapsed(status.stage_started_at), look.lasted("PatchedUnweighted") or 0.0)
    left = seconds(look.spec.traffic.drain) - drained
    if left > 0:
        return say(status, _outcome(look), f"patched drains for another {span(left)}")
    if look.seen.routes is None:  # somebody may have given patched a weight again
        return hold(status, Reason.CLUSTER_UNAVAILABLE, "The API server does not answer; patched's pods end when it does.")
    return say(enter(status, look.now, status.phase or Phase.ROLLING_BACK, Stage.SCALING_DOWN), _outcome(look), "scale down")


def is_unweighted(look: Look) -> bool | None:
    """Nothing gives patched a weight, so that its last requests end; None where no route can be seen."""
    return None if look.seen.routes is None else not _served_again(look)


def _outcome(look: Look) -> str:
    """What it comes to its end with. What it was held for meanwhile is no longer so."""
    status = look.status
    if status.held is None:
        return status.message
    if status.phase is Phase.PROMOTING:
        return f"{look.spec.patched_service if status.weight else look.spec.stable.deployment} serves everything with the fix."
    return _begun_with(status)


def _begun_with(status: Status) -> str:
    """Why the way back began, whatever was said on it."""
    newest = (entry.message for entry in reversed(status.decisions) if entry.reason == str(Reason.ROLLING_BACK))
    return next(newest, status.why or "")


def _kept_serving(look: Look) -> Status:
    message = f"Somebody gave {look.spec.patched_service} a weight again; its pods are kept until it is 0."
    told = record_once(look.status, look.now, "hold", Reason.WEIGHTS_EDITED, message)
    draining = enter(told, look.now, look.status.phase or Phase.ROLLING_BACK, Stage.DRAINING_PATCHED)
    return hold(draining, Reason.WEIGHTS_EDITED, message, "drain patched when its weight is 0 again")


def _served_again(look: Look) -> bool:
    routes = look.seen.routes.routes if look.seen.routes else ()
    return any(share_of(rule) > 0 for route in routes for rule in shifted_rules(look, route))


def scales_down(look: Look) -> bool:
    """Patched's pods are ours to end: the spec says so, and neither an HPA nor a GitOps manager owns the replicas."""
    side = look.seen.patched
    kept = look.spec.patched.after_rollback is AfterRollback.KEEP
    if look.status.keep_pods or (look.status.phase in (Phase.ROLLING_BACK, Phase.SUPERSEDED) and kept):
        return False
    return bool(side and side.deployment and not side.deployment.deleting and side.scaler is None and not side.deployment.owner)


def scaling_down(look: Look) -> Status:
    """Patched to 0 replicas, where that is ours to do."""
    status, side = look.status, look.seen.patched
    if side is None or look.seen.routes is None:  # somebody may have given patched a weight again
        return hold(status, Reason.CLUSTER_UNAVAILABLE, "The API server does not answer; patched is scaled down when it does.")
    if scales_down(look) and side.deployment and side.deployment.replicas > 0:
        if _served_again(look):
            return _kept_serving(look)
        return say(status, _outcome(look), "patched to 0 replicas")
    kept = bool(side.deployment and side.deployment.replicas > 0)
    note = f"{_outcome(look)} Patched keeps running at weight 0." if kept else _outcome(look)
    return say(enter(status, look.now, status.phase or Phase.ROLLING_BACK, Stage.GIVING_BACK), note, "give the route back")


def giving_back(look: Look) -> Status:
    """The route as it was, our ownership gone; then the end."""
    status = look.status
    if not _given_back(look):
        veto = guards.unseen(look)
        if veto:
            return hold(status, veto.reason, f"Giving back: {veto.message}")
        return say(status, _outcome(look), "give the route back")
    good = status.phase is Phase.PROMOTING
    phase, reason = (Phase.PROMOTED, Reason.PROMOTED) if good else (Phase.ROLLED_BACK, Reason.ROLLED_BACK)
    if status.phase is Phase.SUPERSEDED:
        phase, reason = Phase.SUPERSEDED, Reason.SUPERSEDED
    told = (_outcome(look) or reason.sentence, _left_serving(look), incidents.closing(look, promoted=good))
    message = " ".join(filter(None, told))
    recorded = record(status, look.now, "end", reason, message)
    return say(enter(recorded, look.now, phase, Stage.DONE), message)


def _left_serving(look: Look) -> str:
    """Where a rollback, also of what never began, leaves patched with requests that others gave it; empty where it has none."""
    routes = look.seen.routes.routes if look.seen.routes and look.status.phase in (Phase.PENDING, Phase.ROLLING_BACK) else ()
    own = [route for route in routes if not is_anothers(route, look)]  # what another rollout gives is its own
    names = [f"HTTPRoute {route.name}" for route in own if any(share_of(rule) > 0 for rule in shifted_rules(look, route))]
    if not names:
        return ""
    where = " and ".join(names)
    return f"{look.spec.patched_service} still gets requests, by a weight that is not this rollout's: set it to 0 in {where}."


def lost_its_weight(look: Look, route: RouteView) -> bool:
    """Patched, which can serve, no longer has everything in this route."""
    return bool(ready(look.seen.patched)) and not route_has(look, route, 100)


def _given_back(look: Look) -> bool:
    borrowed, view = look.status.borrowed, look.seen.routes
    if borrowed is None:
        return True
    if view is None or look.seen.stable is None:
        return False
    keeps, beside = look.status.phase is Phase.PROMOTING and (look.status.weight or 0) == 100, shared(look)
    if beside is None:
        return False
    for route in view.routes:
        original = original_of(borrowed, route.name)
        left = original is not None and any(left_behind(rule, was, shared=beside) for rule, was in matched(route.rules, original))
        alone = not beside and not is_anothers(route, look)
        held = stamped(route, look) or (alone and (route.ours or route.lent_until is not None))
        if held or (left and not keeps) or (keeps and lost_its_weight(look, route)):
            return False
    scaler = look.seen.stable.scaler
    return beside or not (
        scaler and borrowed.hpa == scaler.name and scaler.min_replicas in borrowed.hpa_floors - {borrowed.hpa_min_replicas}
    )
