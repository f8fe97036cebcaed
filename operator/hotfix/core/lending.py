"""How long a GitOps tool leaves a borrowed route alone, where the route itself can tell it to. Pure.

The mark has an end, so that a route is not hidden from git for ever when the operator is taken away; it is put off while the
rollout lives. What is overdue and of no rollout any more is taken away by any operator that finds it.
"""

from . import moments
from .look import Look
from .observation import RouteView

LENT_SECONDS = 24 * 3600.0
LEFT_ALONE = "disabled"  # Flux: value of the annotation kustomize.toolkit.fluxcd.io/reconcile


def until_wanted(look: Look, route: RouteView) -> str | None:
    """Until when the route is to be marked anew; None where its mark is good, it has no tool that heeds one, or somebody else
    keeps the tool away already."""
    if not route.heeds_mark:
        return None
    alone = route.reconcile == LEFT_ALONE
    if alone and route.lent_until is None:
        return None
    good = alone and route.lent_until is not None and moments.unix(route.lent_until) - look.now > LENT_SECONDS / 2
    return None if good else moments.rfc3339(look.now + LENT_SECONDS)


def overdue(lent_until: str | None, now: float) -> bool:
    """A mark whose end has passed."""
    return lent_until is not None and moments.unix(lent_until) < now
