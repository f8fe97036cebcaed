"""What was proven, and whether stable runs it: the pod spec of the baseline against what is seen. Pure."""

from .guards import Veto
from .look import Look
from .observation import DeploymentView
from .reasons import Reason


def rolled_out(deployment: DeploymentView) -> bool:
    """Every pod of the Deployment is of its present template and ready."""
    return (
        deployment.observed_generation >= deployment.generation
        and deployment.updated == deployment.replicas == deployment.total == deployment.ready
        and deployment.replicas > 0
    )


def runs_proven(look: Look) -> bool:
    """Stable's template is what was proven, rolled out, and its pods are behind its Service."""
    stable, baseline = look.seen.stable, look.status.baseline
    if not (stable and stable.deployment and baseline):
        return False
    right = stable.deployment.template == baseline.patched_template and rolled_out(stable.deployment)
    return right and stable.ready_endpoints >= stable.deployment.replicas


def unchanged(look: Look) -> bool:
    """Stable still has the pod spec it had at the start."""
    deployment = look.seen.stable.deployment if look.seen.stable else None
    return bool(deployment and look.status.baseline and deployment.template == look.status.baseline.stable_template)


def other_template(look: Look, *, before: bool) -> Veto | None:
    """Somebody gave a side a pod spec that is neither the old one nor the proven one: never written over."""
    baseline, stable, patched = look.status.baseline, look.seen.stable, look.seen.patched
    if baseline is None or not (stable and stable.deployment):
        return Veto(Reason.TARGET_NOT_FOUND, f"Deployment {look.spec.stable.deployment} is gone; patched keeps everything.")
    allowed = {baseline.patched_template} | ({baseline.stable_template} if before else set())
    if stable.deployment.template not in allowed:
        images = ", ".join(stable.deployment.images)
        return Veto(
            Reason.STABLE_CHANGED,
            f"{stable.deployment.name} got a pod spec that is neither the old nor the proven one ({images}); it is not written "
            "over and patched keeps its share. Put one of the two back.",
        )
    if stable.deployment.template == baseline.patched_template:
        return None
    if not (patched and patched.deployment) or patched.deployment.template != baseline.patched_template:
        return Veto(
            Reason.PATCHED_CHANGED,
            f"{look.spec.patched.deployment} no longer has the pod spec that was proven; put it back to go on.",
        )
    return None
