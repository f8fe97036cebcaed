"""Small vetoes, each named by what is wrong. A guard may stop or roll back, never advance. Ordered; the first speaks.

The two `ROLL_BACK_*` are asked before anything else, `HOLD` before anything that would raise a weight. Pure.
"""

from . import edits, preflight, reports
from .judgement import Verdict
from .look import READY_SECONDS, Look, displaced, ready, routes_have, shifted_rules, versions
from .observation import Ack, SideView
from .reasons import Reason, named
from .status import OTHER_PODS
from .verbs import Verb
from .vetoes import Guard, Veto

STALE_BLOCKS = 4  # newest block with requests on both sides may be this many blocks old
OFF_BLOCKS = 3
UNANSWERED_BLOCKS = 3
LOST_SHARE = 0.2  # of stable's pods at the start
CONFIRM_SECONDS = 120.0


# ---- what takes all traffic away from patched


def object_deleted(look: Look) -> Veto | None:
    """Somebody deleted the HotfixRollout."""
    return Veto(Reason.DELETED, "The HotfixRollout was deleted; traffic goes back to stable.") if look.seen.deleting else None


def rollback_requested(look: Look) -> Veto | None:
    """A person wants the old version back."""
    return Veto(Reason.REQUESTED, "A person asked for the rollback.") if look.asked is Verb.ROLLBACK else None


def patched_gone(look: Look) -> Veto | None:
    """Patched's Deployment does not exist, is being deleted, or was scaled to 0."""
    side = look.seen.patched
    if side is None:
        return None
    name = look.spec.patched.deployment
    if side.deployment is None or side.deployment.deleting:
        return Veto(Reason.PATCHED_LOST, f"Deployment {name} is gone or being deleted.")
    if side.deployment.replicas == 0:
        return Veto(Reason.PATCHED_SCALED_TO_ZERO, f"Deployment {name} was scaled to 0 while it had traffic.")
    return None


def patched_without_endpoints(look: Look) -> Veto | None:
    """No ready endpoint for some seconds, and none now: a look that cannot see does not tell that it lasts."""
    if ready(look.seen.patched) != 0 or (look.lasted("PatchedUnready") or 0.0) < READY_SECONDS or both_unready(look):
        return None
    return Veto(Reason.PATCHED_LOST, f"No pod of {look.spec.patched.deployment} has been ready for {READY_SECONDS:.0f} s.")


def patched_crash_looping(look: Look) -> Veto | None:
    """Half of the pods crash, or crashed twice since the start."""
    side, baseline = look.seen.patched, look.status.baseline
    if side is None or not side.pods or baseline is None:
        return None
    before = baseline.patched_restarts
    others = before.get(OTHER_PODS, 0)
    bad = [pod.name for pod in side.pods if pod.crash_looping or pod.restarts - before.get(pod.name, others) >= 2]
    if 2 * len(bad) < len(side.pods):
        return None
    return Veto(
        Reason.PATCHED_LOST,
        f"{len(bad)} of {len(side.pods)} pods of {look.spec.patched.deployment} crash; see kubectl logs {bad[0]}.",
    )


def patched_not_answering(look: Look) -> Veto | None:
    """A patch that hangs fails nothing: it finishes nothing."""
    judged = look.judgement
    if judged is None or not look.settled:
        return None
    if judged.not_answering_blocks >= UNANSWERED_BLOCKS:
        scrapes = judged.not_answering_blocks
        told = f"Patched starts requests but finished less than half of its share in {scrapes} scrapes running."
        return Veto(Reason.PATCHED_NOT_ANSWERING, told)
    if judged.silence and is_told(look):
        return Veto(Reason.PATCHED_NOT_ANSWERING, f"Patched does not answer any more: {reports.silence(judged.silence)}.")
    return None


def is_told(look: Look) -> bool:
    """Requests that are missing tell that a side hangs: the route still has the weight, and no request by-passes it. Where some
    do, those of the route may just have ended."""
    return look.settled and routes_have(look, look.status.weight or 0) and not look.by_passed


REJECTED = {
    Verdict.WORSE: Reason.PATCHED_WORSE,
    Verdict.CLIENT_ERRORS: Reason.CLIENT_ERRORS,
    Verdict.SLOW: Reason.SLOW,
    Verdict.NOT_FIXED: Reason.NOT_FIXED,
}


def patched_rejected(look: Look) -> Veto | None:
    """The evidence says that it is worse, or no cure; no threshold on a rate could."""
    judged = look.judgement
    found = judged.findings.rejected if judged else None
    if judged is None or found is None or several_versions(look):
        return None
    return Veto(REJECTED[found], reports.rejected(judged, found))


# told by the API server alone; asked before anything that needs counts
ROLL_BACK_SEEN: tuple[Guard, ...] = (
    object_deleted,
    rollback_requested,
    patched_gone,
    patched_without_endpoints,
    patched_crash_looping,
)
# told by counts, which mean something only for one version on each side
ROLL_BACK_JUDGED: tuple[Guard, ...] = (patched_not_answering, patched_rejected)


# ---- what keeps the weight from being raised


def both_unready(look: Look) -> Veto | None:
    """Nobody can serve; a weight would not help."""
    if ready(look.seen.stable) == 0 and ready(look.seen.patched) == 0:
        return Veto(Reason.BOTH_UNREADY, "Neither side has a ready pod; weights are left as they are until one has.")
    return None


def unseen(look: Look) -> Veto | None:
    """The cluster does not answer; what cannot be seen is not changed."""
    if look.seen.refused:
        return Veto(named(look.seen.refused[0], Reason.FORBIDDEN), look.seen.refused[1])
    if look.seen.stable is None or look.seen.patched is None or look.seen.routes is None:
        return Veto(Reason.CLUSTER_UNAVAILABLE, "The API server does not answer; the weight is left as it is.")
    return None


def route_missing(look: Look) -> Veto | None:
    """The route, or stable's backend in it, is gone."""
    view = look.seen.routes
    if view and view.missing:
        return Veto(Reason.ROUTE_MISSING, f"Gone: {', '.join(view.missing)}. Nothing is recreated; put it back or delete this.")
    for route in view.routes if view else ():
        rules = shifted_rules(look, route)
        put_right = [rule for rule in rules if displaced(look, rule)]
        broken = not rules or any(rule.stable is None and rule not in put_right for rule in rules)
        if put_right and not broken:
            continue
        # rules that the manifest names by their place may have moved: these are judged by what they are now
        by_place = any(entry.name == route.name and entry.rules for entry in look.spec.traffic.http_routes or ())
        if broken or (route.refusal and not by_place):
            why = route.refusal or f"a rule that is shifted no longer names {look.spec.stable_service}."
            stranded = any(rule.patched and rule.stable is None for rule in rules)  # a deletion could not give it to anybody
            how = "Put it right; a deletion waits for that too." if stranded else "Put it right, or delete this rollout."
            return Veto(Reason.ROUTE_MISSING, f"HTTPRoute {route.name}: {why} {how}")
    return None


def weights_edited(look: Look) -> Veto | None:
    """A person changed the weights after we had set them."""
    route, wanted = edits.foreign_edit(look), look.status.weight
    if route is None or edits.by_git(look):
        return None
    return Veto(
        Reason.WEIGHTS_EDITED,
        f"{route.weight_manager or 'Somebody'} changed the weights of HTTPRoute {route.name}; they are left as they are. Set "
        f"patched back to {wanted} %, or let the rollout set it: kubectl hotfix pause {look.seen.name}, then kubectl hotfix "
        f"resume {look.seen.name} (or spec.paused true and then false).",
    )


def contested(look: Look) -> Veto | None:
    """A GitOps tool keeps putting its own weights back."""
    text = edits.contested(look)
    return Veto(Reason.TRAFFIC_CONTESTED, text) if text else None


def paused(look: Look) -> Veto | None:
    """A person asked for it."""
    if not look.paused:
        return None
    return Veto(Reason.PAUSED, f"Paused at {look.status.weight} %; rollback rules stay armed. {how_to_resume(look)} to go on.")


def how_to_resume(look: Look) -> str:
    """What ends a pause, by whoever asked for it."""
    return "Set spec.paused to false" if look.spec.paused else f"Use kubectl hotfix resume {look.seen.name}"


def several_versions(look: Look) -> Veto | None:
    """A rolling update runs inside one side."""
    for name, side in (("patched", look.seen.patched), ("stable", look.seen.stable)):
        if versions(side) > 1 or _rolling(side):
            return Veto(Reason.SEVERAL_VERSIONS, f"The pods of {name} run several images; nothing is judged until one is left.")
    return None


def _rolling(side: SideView | None) -> bool:
    return side is not None and len({pod.template for pod in side.pods if pod.ready and pod.template}) > 1


def route_rejected(look: Look) -> Veto | None:
    """A controller refuses the route as it is now."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        if route.ack is Ack.REJECTED:
            return Veto(Reason.ROUTE_REJECTED, f"HTTPRoute {route.name} is not accepted: {route.ack_message}")
    return None


def weight_not_confirmed(look: Look) -> Veto | None:
    """The ack does not come."""
    if (look.lasted("Unacknowledged") or 0.0) < CONFIRM_SECONDS:
        return None
    return Veto(
        Reason.WEIGHT_NOT_CONFIRMED, f"No controller confirmed {look.status.weight} % in {CONFIRM_SECONDS / 60:.0f} minutes."
    )


def metrics_unavailable(look: Look) -> Veto | None:
    """Blind: nothing is raised."""
    if look.seen.metrics is not None:
        return None
    why = look.seen.metrics_error or "Prometheus does not answer"
    return Veto(Reason.METRICS_UNAVAILABLE, f"{why}. The weight is not raised.")


def counters_unfit(look: Look) -> Veto | None:
    """Prometheus answers, but with something that cannot be judged."""
    metrics = look.seen.metrics
    return Veto(Reason.COUNTERS_UNFIT, metrics.problem[1]) if metrics and metrics.problem else None


def weight_not_effective(look: Look) -> Veto | None:
    """Proxies serve another share than the route asks for."""
    judged = look.judgement
    if judged is None or judged.share_off_blocks < OFF_BLOCKS or not look.settled:
        return None
    # requests that by-pass the weights go to stable: patched then gets less than its weight, and never more
    if look.by_passed and judged.observed_share is not None and 100 * judged.observed_share <= (look.status.weight or 0):
        return None
    wanted, share = look.status.weight or 0, 100 * (judged.observed_share or 0.0)
    causes = "other routes, sticky sessions or stale proxies"
    if share < wanted:  # requests are counted when they end: those that hang are missing
        causes = f"a patch that does not answer (kubectl logs deploy/{look.spec.patched.deployment}), {causes}"
    return Veto(
        Reason.WEIGHT_NOT_EFFECTIVE,
        f"Patched should complete {wanted} % of the requests but completes {share:.1f} %; look for {causes}.",
    )


def no_traffic(look: Look) -> Veto | None:
    """Nothing fresh to judge."""
    judged = look.judgement
    patience = STALE_BLOCKS * look.interval_seconds
    fresh_until = judged.fresh_until if judged else None
    if look.elapsed(look.status.evidence_from) < patience or (fresh_until is not None and look.now - fresh_until <= patience):
        return None
    if judged and judged.observed_share == 0:
        names = look.spec.stable.deployment, look.spec.patched.deployment
        some, none = reversed(names) if judged.swapped else names
        return Veto(
            Reason.NO_TRAFFIC,
            f"{some} completes requests and {none} none: either none reach it, or it does not answer; see kubectl logs "
            f"deploy/{none}. Without requests on both sides nothing can be proven.",
        )
    return Veto(Reason.NO_TRAFFIC, "There are no fresh requests on both sides; without them nothing can be proven.")


def sides_mixed(look: Look) -> Veto | None:
    """A Service came to select pods of the other side too: what is counted for one side is the other's."""
    problem = preflight.selects_both_sides(look)
    return Veto(problem.reason, problem.message) if problem else None


HOLD: tuple[Guard, ...] = (
    both_unready,
    unseen,
    route_missing,
    weights_edited,
    contested,
    paused,
    sides_mixed,
    route_rejected,
    weight_not_confirmed,
    several_versions,
    metrics_unavailable,
    counters_unfit,
    weight_not_effective,
    no_traffic,
)
