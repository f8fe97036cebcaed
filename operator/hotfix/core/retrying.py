"""A rollout that was rolled back, begun again because a person asks for it; and what was rolled back before it began, or promoted
meanwhile. Pure.

Without a changed patch the same would happen again, so that has to be said expressly (`retry-same`).
"""

from . import kin, moments
from .look import Look, record
from .observation import RivalView
from .reasons import Reason
from .spec import ReplicaPolicy
from .status import Phase, Stage, Status
from .verbs import RETRIES, HandledRequest, RequestResult, Verb

RETRY = "retry"  # the decision that begins another attempt


def asked(request: str | None, status: Status) -> bool:
    """A rollout that was rolled back is asked to begin again, and has not answered yet: its patched is to be looked at."""
    known = status.last_handled_request
    waits = known if known and known.result is RequestResult.WAITING else None
    new = request if request and not (known and known.request == request) else None
    verb = HandledRequest.verb_of(new) if new else waits.verb if waits else None
    return status.phase is Phase.ROLLED_BACK and verb in RETRIES


def begun(look: Look) -> Status | None:
    """The status of another attempt; None where that is not asked for, or not allowed."""
    if look.asked not in RETRIES or refusal(look) or not _seen(look):
        return None
    status, moment = look.status, moments.rfc3339(look.now)
    same = look.asked is Verb.RETRY_SAME
    message = f"Begun again{' with the same patch' if same else ' with another patch'}; it was rolled back for {status.why}."
    told = record(status, look.now, RETRY, Reason.REQUESTED, message)
    return Status(
        phase=Phase.PENDING,
        stage=Stage.CHECKING,
        message=message,
        phase_started_at=moment,
        stage_started_at=moment,
        observed_generation=status.observed_generation,
        conditions=status.conditions,
        decisions=told.decisions,
        announced=status.announced,
        intention=status.intention,
        last_handled_request=status.last_handled_request,
        handled_requests=status.handled_requests,
        follow_up=status.follow_up,
        same_again=_template(look) if same else None,
    )


def refusal(look: Look) -> str | None:
    """Why it is not begun again; None where it may be, or where patched was not seen yet."""
    status = look.status
    if status.phase is Phase.PENDING and look.asked is Verb.RETRY_SAME:
        return None
    if status.stage is not Stage.DONE:
        return "It is under way; only what was rolled back is begun again."
    if status.phase is not Phase.ROLLED_BACK:
        return f"It has ended as {status.phase}: {status.message}"
    baseline, patched = status.baseline, look.seen.patched
    if baseline is None or patched is None or look.asked is Verb.RETRY_SAME:
        return None
    if patched.deployment is None:
        return f"Deployment {look.spec.patched.deployment} does not exist."
    others = look.spec.patched.replicas is ReplicaPolicy.OWN or patched.scaler or patched.deployment.owner
    if others and patched.deployment.replicas == 0:
        return f"{patched.deployment.name} has no replicas, and they are not the operator's to set; scale it up first."
    if patched.deployment.template == baseline.patched_template:
        return (
            f"{patched.deployment.name} still has the pod spec that was rolled back ({status.why}); change it, or say that it is "
            f"to be tried again as it is: kubectl hotfix retry {look.seen.name} --same."
        )
    return None


def _seen(look: Look) -> bool:
    """A rollout that ended before patched was known has nothing to compare with."""
    return look.status.stage is Stage.DONE and (look.seen.patched is not None or look.status.baseline is None)


def _template(look: Look) -> str | None:
    deployment = look.seen.patched.deployment if look.seen.patched else None
    return deployment.template if deployment else None


def same_again(look: Look) -> Status:
    """Before the start: a person wants the very patch that another rollout rolled back."""
    if look.asked is not Verb.RETRY_SAME or look.status.phase is not Phase.PENDING or _template(look) is None:
        return look.status
    return look.status.model_copy(update={"same_again": _template(look)})


def failed_before(look: Look) -> RivalView | None:
    """Another rollout of the same stable that rolled this very pod spec back; None where a person wants it all the same."""
    template = _template(look)
    if template is None or look.status.same_again == template:
        return None
    return next(
        (
            rival
            for rival in look.seen.rivals or ()
            if rival.phase == Phase.ROLLED_BACK and rival.stable == kin.stable_of(look) and rival.template == template
        ),
        None,
    )


def overtaken_by(look: Look) -> RivalView | None:
    """A newer rollout that has given the same stable its fix while this one waited, and that this one would take back again; None
    where a person has begun it since then, or wants its patch all the same."""
    template = _template(look)
    if template is None or look.status.same_again == template:
        return None
    return next((rival for rival in look.seen.rivals or () if _overtakes(look, rival)), None)


def _overtakes(look: Look, rival: RivalView) -> bool:
    """It ended since this attempt began, which may be another one than the first."""
    newer = (rival.created, rival.name) > (look.seen.created, look.seen.name)
    ended, began = rival.status.get("phaseStartedAt"), look.status.phase_started_at
    before = isinstance(ended, str) and began is not None and began >= ended
    return newer and rival.phase == Phase.PROMOTED and rival.stable == kin.stable_of(look) and not before
