"""What must be right before traffic moves: an ordered list of checks, each named by what is wrong. Pure.

A check gives one sentence that says what can be done, or None. The first that speaks is shown; all of it also runs
while the rollout is paused (the rehearsal). What is worth saying but no reason to refuse is in remarks.py.
"""

from collections.abc import Callable, Mapping

from . import kin, moments, retrying
from .countable import Problem, blind_to_grpc, metrics_unknown
from .labels import service_selects
from .look import Look, asked_rules, has_weight
from .observation import Ack, DeploymentView, RivalView, ServiceView, SideView
from .reasons import Reason, named
from .spec import PromotionMode
from .status import TERMINAL_PHASES

Check = Callable[[Look], Problem | None]


def unseen(look: Look) -> Problem | None:
    """A part of the cluster could not be read."""
    if look.seen.refused and look.seen.refused[0] != Reason.INVALID_QUERY:
        return Problem(named(look.seen.refused[0], Reason.FORBIDDEN), look.seen.refused[1])
    if look.seen.stable is None or look.seen.patched is None or look.seen.routes is None or look.seen.rivals is None:
        return Problem(Reason.CLUSTER_UNAVAILABLE, "The API server did not answer every question; asking again.")
    return None


def expired(look: Look) -> Problem | None:
    """Too late to start."""
    if look.spec.expires and moments.unix(look.spec.expires) <= look.now:
        return Problem(Reason.EXPIRED, f"Not started before {look.spec.expires}; apply it again with a later spec.expires.")
    return None


def target_missing(look: Look) -> Problem | None:
    """A Deployment, Service or named route does not exist."""
    stable, patched, routes = look.seen.stable, look.seen.patched, look.seen.routes
    names = [name for view in (stable, patched, routes) if view for name in view.missing]
    if not names:
        return None
    return Problem(Reason.TARGET_NOT_FOUND, f"Not found in this namespace: {', '.join(names)}. Create it or correct the name.")


def route_ambiguous(look: Look) -> Problem | None:
    """No route was named, and not exactly one fits."""
    view = look.seen.routes
    if view is None or view.candidates is None or len(view.candidates) == 1:
        return None
    service = look.spec.stable_service
    if not view.candidates:
        return Problem(
            Reason.ROUTE_AMBIGUOUS,
            f"No HTTPRoute of this namespace names Service {service}; traffic.httpRoutes can name one once it exists.",
        )
    found = ", ".join(view.candidates)
    return Problem(
        Reason.ROUTE_AMBIGUOUS, f"Several HTTPRoutes name Service {service}: {found}. Name those to shift in traffic.httpRoutes."
    )


def route_unfit(look: Look) -> Problem | None:
    """The router says it cannot shift this route, or no rule of it is to be shifted."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        if route.refusal:
            return Problem(Reason.ROUTE_UNFIT, f"HTTPRoute {route.name}: {route.refusal}")
        rules = asked_rules(route, look.spec)
        if not rules:
            return Problem(
                Reason.ROUTE_UNFIT,
                f"HTTPRoute {route.name}: no rule to shift names Service {look.spec.stable_service}; correct its backendRefs "
                "or traffic.httpRoutes.",
            )
        if any(rule.stable == 0 for rule in rules) and not route_busy(look):
            return Problem(
                Reason.ROUTE_UNFIT, f"HTTPRoute {route.name}: stable's weight is 0; give stable the traffic before the start."
            )
    return None


def patched_already_serves(look: Look) -> Problem | None:
    """Patched has a weight that nobody judged."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        if not all(has_weight(rule, 0) for rule in asked_rules(route, look.spec)):
            return Problem(
                Reason.PATCHED_ALREADY_SERVES,
                f"HTTPRoute {route.name} already sends requests to {look.spec.patched_service}; set that weight to 0 first.",
            )
    return None


def route_rejected(look: Look) -> Problem | None:
    """A controller does not accept the route as it is, or has not said so yet."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        if route.ack is Ack.REJECTED:
            return Problem(Reason.ROUTE_REJECTED, f"HTTPRoute {route.name} is not accepted: {route.ack_message}")
        if route.ack is Ack.PENDING:
            return Problem(Reason.ROUTE_PENDING, f"HTTPRoute {route.name} is not reported as accepted yet: {route.ack_message}")
    return None


def stable_moved(look: Look) -> Problem | None:
    """Stable runs another image than the one this hotfix is for."""
    wanted, deployment = look.spec.stable.image, look.seen.stable and look.seen.stable.deployment
    if not wanted or not deployment or runs_image(look.seen.stable, wanted):
        return None
    return Problem(
        Reason.STABLE_MOVED,
        f"Stable runs {', '.join(deployment.images)}, not {wanted}; nothing is written. If the hotfix is still needed, "
        "apply a new HotfixRollout with the present image.",
    )


def runs_image(side: SideView | None, wanted: str) -> bool:
    """A side's Deployment names this image, or its pods run this digest."""
    if side is None or side.deployment is None:
        return False
    digest = wanted.partition("@")[2]
    ids = {image for pod in side.pods for image in pod.image_ids}
    return wanted in side.deployment.images or bool(digest and any(image.endswith(digest) for image in ids))


def selects_both_sides(look: Look) -> Problem | None:
    """A Service or a Deployment selects pods of the other side too."""
    stable, patched = look.seen.stable, look.seen.patched
    if not (stable and patched and stable.deployment and patched.deployment):
        return None
    for name, service, labels in _crossings(stable.service, patched.service, stable.deployment, patched.deployment):
        if service and service_selects(service.selector, labels):
            return Problem(
                Reason.SERVICE_SELECTS_BOTH_SIDES,
                f"Service {service.name} also selects the pods of {name}; give the sides labels that differ and select by them.",
            )
    one, two = stable.deployment, patched.deployment
    if service_selects(one.selector, two.pod_labels) or service_selects(two.selector, one.pod_labels):
        return Problem(
            Reason.SELECTORS_OVERLAP,
            f"The selectors of Deployments {one.name} and {two.name} overlap; give patched a selector label of its own.",
        )
    return None


def _crossings(
    stable: ServiceView | None, patched: ServiceView | None, one: DeploymentView, two: DeploymentView
) -> tuple[tuple[str, ServiceView | None, Mapping[str, str]], ...]:
    return (two.name, stable, two.pod_labels), (one.name, patched, one.pod_labels)


def nothing_to_promote(look: Look) -> Problem | None:
    """Both sides have the same pod spec."""
    stable, patched = look.seen.stable, look.seen.patched
    if not (stable and patched and stable.deployment and patched.deployment):
        return None
    if stable.deployment.template != patched.deployment.template:
        return None
    both = f"{stable.deployment.name} and {patched.deployment.name} have the same pod spec; put the fix into the patched one"
    of_git = " (images of a kustomization above both are set in both)" if patched.deployment.owner else ""
    return Problem(Reason.NOTHING_TO_PROMOTE, f"{both}{of_git}.")


def managed_by_gitops(look: Look) -> Problem | None:
    """Git would undo the promotion as it is asked for."""
    mode = look.spec.promotion.mode
    owned = next((route for route in (look.seen.routes.routes if look.seen.routes else ()) if route.owner), None)
    if owned and mode is PromotionMode.KEEP_PATCHED:
        return Problem(
            Reason.MANAGED_BY_GITOPS,
            f"HTTPRoute {owned.name} is managed by {owned.owner}, which would take its weights back after the end; "
            "use promotion.mode: AwaitGit.",
        )
    deployment = look.seen.stable.deployment if look.seen.stable else None
    ours = deployment is not None and deployment.name == kin.stable_of(look)  # and not an older patch, the control
    if deployment and deployment.owner and ours and mode is PromotionMode.PATCH_STABLE:
        return Problem(
            Reason.MANAGED_BY_GITOPS,
            f"Deployment {deployment.name} is managed by {deployment.owner}, which would undo the promotion; "
            "use promotion.mode: AwaitGit, or leave it out.",
        )
    return None


def route_busy(look: Look) -> Problem | None:
    """Another rollout came first."""
    found = (rival for rival in look.seen.rivals or () if not kin.is_taken(look, rival) and _is_first(look, rival))
    busy = next(found, None)
    if busy is None:
        return None
    return Problem(Reason.ROUTE_BUSY, f"HotfixRollout {busy.name} uses the same route or stable; waiting for it.")


def another_is_first(look: Look, older: RivalView) -> bool:
    """A rollout beside the older one is to be waited for: it takes that one's place itself."""
    return any(rival.uid != older.uid and _is_first(look, rival) for rival in look.seen.rivals or ())


def _is_first(look: Look, rival: RivalView) -> bool:
    names = {route.name for route in look.seen.routes.routes} if look.seen.routes else set()
    same = rival.stable == kin.stable_of(look) or names & set(rival.routes)
    started = rival.phase not in (None, "Pending")
    claimed = rival.template is not None and not started  # it has passed these checks, and may start at any moment
    older = (rival.created, rival.name) < (look.seen.created, look.seen.name)
    passed = kin.cannot_start(look.status.phase, look.status.held)  # while this one could not start, that one may have gone on
    first = started or (claimed and (older or passed)) if look.status.baseline else started or claimed or older
    stands = kin.cannot_start(rival.phase, rival.status.get("held"))
    return bool(same and rival.phase not in TERMINAL_PHASES and first and not stands)


def failed_before(look: Look) -> Problem | None:
    """This very patch was rolled back."""
    rival = retrying.failed_before(look)
    if rival is None:
        return None
    return Problem(
        Reason.FAILED_BEFORE,
        f"HotfixRollout {rival.name} rolled this very pod spec back ({rival.why}); put another fix into "
        f"{look.spec.patched.deployment}, or: kubectl hotfix retry {look.seen.name} --same.",
    )


def overtaken(look: Look) -> Problem | None:
    """A newer fix is in stable by now, which this patch may not have."""
    rival = retrying.overtaken_by(look)
    if rival is None:
        return None
    stable, patched = kin.stable_of(look), look.spec.patched.deployment
    where = f"{rival.patched} serves its fix" if rival.status.get("weight") == 100 else f"{stable} has its fix already"
    return Problem(
        Reason.STABLE_MOVED,
        f"HotfixRollout {rival.name} is newer, and {where}, which {patched} might take back. Delete this "
        f"rollout; or, where {patched} has that fix too: kubectl hotfix retry {look.seen.name} --same.",
    )


def no_port(look: Look) -> Problem | None:
    """A Service lacks the port that the route sends to."""
    for route in look.seen.routes.routes if look.seen.routes else ():
        for rule in asked_rules(route, look.spec):
            service = look.seen.patched.service if look.seen.patched else None
            if service and rule.port is not None and rule.port not in service.ports:
                return Problem(
                    Reason.ROUTE_UNFIT,
                    f"Service {service.name} has no port {rule.port}, which HTTPRoute {route.name} sends to; add it.",
                )
    return None


CHECKS: tuple[Check, ...] = (
    unseen,
    expired,
    target_missing,
    route_ambiguous,
    route_unfit,
    stable_moved,
    selects_both_sides,
    nothing_to_promote,
    managed_by_gitops,
    failed_before,
    overtaken,
    no_port,
    metrics_unknown,
    blind_to_grpc,
    route_busy,
    patched_already_serves,
    route_rejected,
)


def first_problem(look: Look) -> Problem | None:
    """What stands in the way of the start, in the order in which it should be put right."""
    return next((problem for check in CHECKS if (problem := check(look))), None)
