"""Who keeps the objects of a rollout as they are in git, and how it is promoted therefore. Pure."""

from .look import Look, record
from .observation import DeploymentView, Observation, RouteView, ScalerView
from .reasons import Reason
from .spec import PromotionMode
from .status import Status

Owned = RouteView | DeploymentView | ScalerView | Observation

OURSELVES = "hotfix-"  # field managers of the operator and of its command line
PEOPLE = ("kubectl", OURSELVES)  # field managers of a person's tools begin like this


def owners(look: Look) -> list[str]:
    """`HTTPRoute checkout: Flux Kustomization flux-system/shop`, for each object of this rollout that has an owner."""
    seen = look.seen
    found: list[tuple[str, Owned | None]] = [("HTTPRoute", route) for route in (seen.routes.routes if seen.routes else ())]
    for side in (seen.stable, seen.patched):
        found += [("Deployment", side.deployment), ("HPA", side.scaler)] if side else []
    found.append(("HotfixRollout", seen))
    return [f"{kind} {item.name}: {item.owner}"[:253] for kind, item in found if item and item.owner]


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


def left_to_git(look: Look) -> Status:
    """The status in which Auto waits for git after all, where somebody has come to keep stable's pod template since the rollout
    began: what is written there would be undone. To be asked as long as nothing was."""
    found, deployment = look.status.resolved, look.seen.stable.deployment if look.seen.stable else None
    automatic_now = look.spec.promotion.mode is PromotionMode.AUTO and automatic(look) is PromotionMode.AWAIT_GIT
    if not automatic_now or mode_of(look) is not PromotionMode.PATCH_STABLE or found is None or deployment is None:
        return look.status
    keeper = deployment.owner or f"field manager {deployment.template_manager}"
    message = f"{deployment.name} is kept by {keeper} by now, which would undo a change of it; git is waited for."
    known = found.model_copy(update={"promotion": PromotionMode.AWAIT_GIT, "owners": owners(look)[:16]})
    return record(look.status, look.now, "left to git", Reason.AWAITING_GIT, message).model_copy(update={"resolved": known})
