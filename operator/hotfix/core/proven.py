"""What was proven, and whether stable runs it: the pod spec of the baseline against what is seen. Pure.

The same image has several names, so what git gives stable may be written otherwise than what was proven: then the digests that
the pods of both sides run decide.
"""

from collections.abc import Sequence

from . import moments
from .changes import images_of, shape_of
from .look import Look
from .observation import DeploymentView, SideView
from .reasons import Reason
from .status import PromotionRecord, Stage
from .vetoes import Veto


def planned(changes: Sequence[str]) -> PromotionRecord:
    """What promotion is going to change in stable: at most 32 paths."""
    return PromotionRecord(changes=list(changes)[:32])


def noted(look: Look) -> PromotionRecord:
    """The record of the promotion with what patched runs, by which it is known in stable later."""
    record, patched = look.status.promotion or PromotionRecord(), look.seen.patched
    if not (patched and patched.deployment):
        return record  # pragma: no cover - patched serves everything here
    return record.model_copy(update={"shape": shape_of(patched.deployment.pod_spec), "digests": list(digests(patched))[:16]})


def digests(side: SideView) -> tuple[str, ...]:
    """Digests of the images that a side's ready pods run, sorted; none while they run several sets, or it is not told."""
    found = {tuple(sorted(image.rpartition("@")[2] for image in pod.image_ids)) for pod in side.pods if pod.ready}
    told = next(iter(found)) if len(found) == 1 else ()
    return told if all(digest.startswith("sha256:") for digest in told) else ()


def rolled_out(deployment: DeploymentView) -> bool:
    """Every pod of the Deployment is of its present template and ready."""
    return (
        deployment.observed_generation >= deployment.generation
        and deployment.updated == deployment.replicas == deployment.total == deployment.ready
        and deployment.replicas > 0
    )


def _accepted(look: Look) -> set[str]:
    """Hashes of the pod specs that stable may run in the end."""
    baseline, record = look.status.baseline, look.status.promotion
    proven = {baseline.patched_template} if baseline else set()
    return proven | ({record.accepted_template} if record and record.accepted_template else set())


def _shaped_alike(look: Look, deployment: DeploymentView) -> bool:
    """Only the names of images differ from what was proven."""
    record = look.status.promotion
    return bool(record and record.shape and record.shape == shape_of(deployment.pod_spec))


def has_fix(look: Look) -> bool:
    """Stable's pod spec is what was proven, by its text or by the digests that its pods run."""
    stable, record = look.seen.stable, look.status.promotion
    if not (stable and stable.deployment):
        return False
    if stable.deployment.template in _accepted(look):
        return True
    alike = record and record.digests and _shaped_alike(look, stable.deployment) and rolled_out(stable.deployment)
    return bool(alike and digests(stable) == tuple(record.digests if record else ()))


def fix_noted(look: Look) -> Look:
    """Once stable has the fix, that is remembered: it is written once, and watched for after the end."""
    kept = look.status.promotion or PromotionRecord()
    if kept.patched_at or not has_fix(look):
        return look
    noted = kept.model_copy(update={"patched_at": moments.rfc3339(look.now)})
    return look.having(look.status.model_copy(update={"promotion": noted}))


def runs_proven(look: Look) -> bool:
    """Stable's template is what was proven, rolled out, and its pods are behind its Service."""
    stable = look.seen.stable
    if not (look.status.baseline and has_fix(look) and stable and stable.deployment):
        return False
    return rolled_out(stable.deployment) and stable.ready_endpoints >= stable.deployment.replicas


def unchanged(look: Look) -> bool:
    """Stable still has the pod spec it had at the start."""
    deployment = look.seen.stable.deployment if look.seen.stable else None
    return bool(deployment and look.status.baseline and deployment.template == look.status.baseline.stable_template)


def patched_going(look: Look) -> bool:
    """Patched's Deployment or its Service is gone or on its way out; its pods still answer for a moment."""
    side = look.seen.patched
    return bool(side and (side.deployment is None or side.deployment.deleting or side.service is None))


def other_template(look: Look, *, before: bool) -> Veto | None:
    """Somebody gave a side a pod spec that is neither the old one nor the proven one: never written over."""
    baseline, stable, patched = look.status.baseline, look.seen.stable, look.seen.patched
    if baseline is None or not (stable and stable.deployment):
        return Veto(Reason.TARGET_NOT_FOUND, f"Deployment {look.spec.stable.deployment} is gone; patched keeps everything.")
    if has_fix(look):
        return None
    if not (before and unchanged(look)):
        if _shaped_alike(look, stable.deployment) and not rolled_out(stable.deployment):
            return None  # what image that is, its pods will tell
        return Veto(
            Reason.STABLE_CHANGED,
            f"{stable.deployment.name} got a pod spec that is neither the old nor the proven one ({_images(stable.deployment)}); "
            f"it is not written over and patched keeps its share. Put one of the two back{_or_accept(look)}.",
        )
    if not (patched and patched.deployment) or patched.deployment.template != baseline.patched_template:
        return Veto(
            Reason.PATCHED_CHANGED,
            f"{look.spec.patched.deployment} no longer has the pod spec that was proven; put it back to go on.",
        )
    return None


def _or_accept(look: Look) -> str:
    return f", or accept it: kubectl hotfix promote {look.seen.name}" if look.status.stage is Stage.AWAITING_GIT else ""


def _images(deployment: DeploymentView) -> str:
    return ", ".join(images_of(deployment.pod_spec).values())
