"""A memory that was lost: a route carries the stamp of a rollout that remembers nothing of it. Pure.

Somebody took the status away, or made it unreadable. How the route was before is not known any more, and which side should have
the traffic only a person knows: nothing is written and nothing ends, until `release` gives everything to stable.
"""

from . import before
from .fencing import stamped
from .look import Look, asked_rules, hold, record_once, share_of
from .observation import RouteView
from .reasons import Reason
from .rolling_back import begin as roll_back
from .status import Borrowed, BorrowedRoute, BorrowedRule, Resolved, ResolvedRoute, Stage, Status
from .vetoes import Veto


def handle(look: Look) -> Status | None:
    """The next status of a rollout that has forgotten what it did; None where this rule has nothing to say."""
    status, ends = look.status, look.seen.deleting or look.released
    if status.stage is not Stage.CHECKING or status.supersedes:  # it went back there, and remembers
        return None
    if look.seen.routes is None and look.seen.finalizer and ends:
        message = "The API server does not answer; it ends when the route was seen."
        return hold(status, Reason.CLUSTER_UNAVAILABLE, message, "asking again")
    marked = tuple(route for route in (look.seen.routes.routes if look.seen.routes else ()) if stamped(route, look))
    if not marked or _remembers(look, marked):
        return None
    if look.released:
        message = "A person released it, and what was remembered of it is lost; traffic goes to stable."
        return roll_back(_made_up(look, marked), look.now, Veto(Reason.RELEASED, message), keep_pods=True)
    message = _sentence(look, marked)
    recorded = record_once(status, look.now, "hold", Reason.MEMORY_LOST, message)
    return hold(recorded, Reason.MEMORY_LOST, message, "a person decides")


def _remembers(look: Look, marked: tuple[RouteView, ...]) -> bool:
    """It was about to start, and is checked again: what it borrowed is known, and nothing was shifted yet."""
    unshifted = all(share_of(rule) == 0 for route in marked for rule in asked_rules(route, look.spec))
    return look.status.borrowed is not None and unshifted


def _sentence(look: Look, marked: tuple[RouteView, ...]) -> str:
    shares = {route.name: {f"{share_of(rule):.0f} %" for rule in asked_rules(route, look.spec)} for route in marked}
    shifted = ", ".join(f"HTTPRoute {name} (patched has {', '.join(sorted(found))})" for name, found in shares.items())
    stable = look.spec.stable.deployment
    return (
        f"The status was lost while {shifted} was shifted. Nothing is written, and a deletion waits. Put the status back; or see "
        f"that {stable} can serve, and give it everything: kubectl hotfix release {look.seen.name}."
    )


def _made_up(look: Look, marked: tuple[RouteView, ...]) -> Status:
    """A memory to end with: all that both sides have was stable's, and patched stays named in the route at weight 0. An HPA
    floor that was raised is not known."""
    routes = [
        BorrowedRoute(
            name=route.name,
            rules=[
                BorrowedRule(
                    index=rule.index,
                    name=rule.name,
                    stable_weight=(rule.stable or 0) + (rule.patched or 0) or 1,
                    patched_weight=0,
                    others=list(rule.others),
                )
                for rule in asked_rules(route, look.spec)
            ],
            reconcile=before.reconcile(route),
        )
        for route in marked
    ]
    resolved = [ResolvedRoute(name=route.name, rules=[rule.index for rule in route.rules]) for route in routes]
    borrowed = Borrowed(routes=routes, undo=before.undo(look))
    update = {"baseline": before.baseline(look), "borrowed": borrowed, "resolved": Resolved(routes=resolved)}
    return look.status.model_copy(update=update)
