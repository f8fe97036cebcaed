"""Who keeps the objects of a rollout as they are in git, and how it is promoted therefore. Pure."""

from .look import Look
from .spec import PromotionMode

OURSELVES = "hotfix-"  # field managers of the operator and of its command line
PEOPLE = ("kubectl", OURSELVES)  # field managers of a person's tools begin like this


def owners(look: Look) -> list[str]:
    """`HTTPRoute checkout: Flux Kustomization flux-system/shop`, for each object of this rollout that has an owner."""
    seen = look.seen
    named = [(f"HTTPRoute {route.name}", route.owner) for route in (seen.routes.routes if seen.routes else ())]
    for side in (seen.stable, seen.patched):
        if side and side.deployment:
            named.append((f"Deployment {side.deployment.name}", side.deployment.owner))
        if side and side.scaler:
            named.append((f"HPA {side.scaler.name}", side.scaler.owner))
    named.append((f"HotfixRollout {seen.name}", seen.owner))
    return [f"{name}: {owner}"[:253] for name, owner in named if owner]


def automatic(look: Look) -> PromotionMode:
    """What Auto comes to: git is waited for where somebody other than a person or ourselves keeps stable's pod template."""
    deployment = look.seen.stable.deployment if look.seen.stable else None
    writer = deployment.template_manager if deployment else None
    kept = bool(deployment and deployment.owner) or bool(writer and not writer.startswith(PEOPLE))
    return PromotionMode.AWAIT_GIT if kept else PromotionMode.PATCH_STABLE


def resolved(look: Look) -> PromotionMode:
    """How it is going to be promoted, as the cluster is now."""
    mode = look.spec.promotion.mode
    return automatic(look) if mode is PromotionMode.AUTO else mode


def mode_of(look: Look) -> PromotionMode:
    """How it is promoted: as the manifest says, and for Auto as it was when the rollout began."""
    mode, found = look.spec.promotion.mode, look.status.resolved
    if mode is not PromotionMode.AUTO:
        return mode
    return PromotionMode(found.promotion) if found and found.promotion else automatic(look)
