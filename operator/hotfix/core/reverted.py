"""After a promotion, while the object exists: the broken version that comes back to stable is told, and nothing is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import moments
from .look import Look, record
from .reasons import Reason
from .status import Phase, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A promoted rollout whose stable has the fix. `told`: that it was taken away again is known already."""

    deployment: str
    template: str  # hash of the pod spec before the fix
    images: tuple[str, ...]  # before the fix
    fixed: tuple[str, ...]  # with the fix
    told: bool

    def is_back(self, template: str, images: Sequence[str]) -> bool:
        """A pod spec of this hash with these images is the broken version."""
        return template == self.template or (tuple(images) == self.images != self.fixed)


def watched(deployment: str, status: Status) -> Watched | None:
    """What is to be watched for; None where stable was not given the fix."""
    baseline, promotion = status.baseline, status.promotion
    if status.phase is not Phase.PROMOTED or baseline is None or promotion is None or promotion.patched_at is None:
        return None
    if status.weight or baseline.stable_template == baseline.patched_template:  # patched was kept, or git was first
        return None
    return Watched(
        deployment=deployment,
        template=baseline.stable_template,
        images=tuple(baseline.stable_images),
        fixed=tuple(baseline.patched_images),
        told=status.fix_reverted_at is not None,
    )


def noticed(look: Look) -> Status:
    """The status after a look at a rollout that has ended."""
    status, stable = look.status, look.seen.stable
    known = watched(look.spec.stable.deployment, status)
    if known is None or stable is None or stable.deployment is None:
        return status
    back = known.is_back(stable.deployment.template, stable.deployment.images)
    if back == known.told:
        return status
    if not back:
        return status.model_copy(update={"fix_reverted_at": None})
    images = ", ".join(stable.deployment.images)
    message = f"{known.deployment} runs what it ran before the hotfix ({images}); nothing is done about it."
    recorded = record(status, look.now, "notice", Reason.FIX_REVERTED, message)
    return recorded.model_copy(update={"fix_reverted_at": moments.rfc3339(look.now)})
