"""status -> the condition list: the truth table for kubectl wait, kstatus (Flux) and Argo CD. Pure.

`Reconciling` and `Stalled` exist only while True; lastTransitionTime moves only when a condition's status flips.
"""

from dataclasses import dataclass

from . import moments
from .look import WRONG_SECONDS, Look, condition
from .reasons import Reason
from .status import Condition, Phase, Stage, Status

STALLING = frozenset(
    {
        Reason.TARGET_NOT_FOUND,
        Reason.ROUTE_AMBIGUOUS,
        Reason.ROUTE_UNFIT,
        Reason.ROUTE_REJECTED,
        Reason.METRICS_UNKNOWN,
        Reason.METRICS_MISSING,
        Reason.COUNTERS_UNFIT,
        Reason.SIDES_INDISTINCT,
        Reason.METRICS_BLIND_TO_GRPC,
        Reason.LATENCY_UNKNOWN,
        Reason.INVALID_QUERY,
        Reason.INVALID_SPEC,
        Reason.INVALID_STATUS,
        Reason.MEMORY_LOST,
        Reason.FORBIDDEN,
        Reason.SERVICE_SELECTS_BOTH_SIDES,
        Reason.SELECTORS_OVERLAP,
        Reason.NOTHING_TO_PROMOTE,
        Reason.STABLE_MOVED,
        Reason.MANAGED_BY_GITOPS,
        Reason.PATCHED_ALREADY_SERVES,
        Reason.EXPIRED,
        Reason.FAILED_BEFORE,
    }
)
# Stalled only after 30 s: what is applied together is not there at once
PATIENT = frozenset({Reason.TARGET_NOT_FOUND, Reason.ROUTE_AMBIGUOUS, Reason.ROUTE_UNFIT, Reason.ROUTE_REJECTED})


@dataclass(frozen=True, slots=True)
class Fact:
    """One condition without its times."""

    type: str
    status: str
    reason: str
    message: str


def facts(look: Look) -> list[Fact]:
    """The truth table for one status."""
    status = look.status
    text = status.message
    if status.phase is Phase.PROMOTED:
        return [_fact("Ready", "True", Reason.PROMOTED, text), *_ended("True", Reason.PROMOTED, text)]
    if status.phase is Phase.ROLLED_BACK:
        reason: str = Reason.ROLLED_BACK
        return [_fact("Ready", "False", reason, text), _fact("Stalled", "True", reason, text), *_ended("False", reason, text)]
    if status.phase is Phase.SUPERSEDED and status.stage is Stage.DONE:
        return [_fact("Ready", "False", Reason.SUPERSEDED, text), *_ended("False", Reason.SUPERSEDED, text)]
    going = Reason.IN_PROGRESS
    open_ended = [_fact("Succeeded", "Unknown", going, text), _fact("Completed", "False", going, text)]
    if _stalled(look):
        reason = status.held or Reason.HELD
        return [_fact("Ready", "False", reason, text), _fact("Stalled", "True", reason, text), *open_ended]
    if _held(status) and not (status.phase is Phase.AWAITING_GIT and status.held == Reason.SUPERSEDING):
        why = status.held or Reason.HELD
        ready = why if why in (Reason.PAUSED, Reason.STABLE_LOST) else Reason.HELD
        held = [_fact("Ready", "Unknown", ready, text), _fact("Reconciling", "True", why, text)]
        if look.paused:
            by = "spec.paused" if look.spec.paused else "a request"
            held.append(_fact("Paused", "True", Reason.PAUSED, f"Paused by {by}."))
        return held + open_ended
    if status.phase is Phase.AWAITING_GIT:
        waits = [
            _fact("Ready", "True", Reason.SERVING_PATCHED, text),
            _fact("FollowUpRequired", "True", Reason.AWAITING_GIT, text),
        ]
        return waits + open_ended
    reason = Reason.ROLLING_BACK if status.phase is Phase.ROLLING_BACK else Reason.PROGRESSING
    return [_fact("Ready", "False", reason, text), _fact("Reconciling", "True", reason, text), *open_ended]


def _fact(kind: str, state: str, reason: str, message: str) -> Fact:
    return Fact(kind, state, str(reason), message)


def _ended(succeeded: str, reason: str, message: str) -> list[Fact]:
    return [_fact("Succeeded", succeeded, reason, message), _fact("Completed", "True", reason, message)]


def _stalled(look: Look) -> bool:
    status = look.status
    if status.held is None or status.phase is not Phase.PENDING or look.status.held not in STALLING:
        return status.held in (Reason.INVALID_SPEC, Reason.INVALID_STATUS, Reason.INVALID_QUERY, Reason.FORBIDDEN)
    return status.held not in PATIENT or (look.lasted("Unfit") or 0.0) >= WRONG_SECONDS


def _held(status: Status) -> bool:
    """Held, seen from outside: a Pending rollout that waits is in progress, and so is one on its way back."""
    if status.held in (Reason.PAUSED, Reason.STABLE_LOST):
        return True
    return status.held is not None and status.phase not in (Phase.PENDING, Phase.ROLLING_BACK)


def attach(look: Look) -> Status:
    """The status with its conditions for this look."""
    status = look.status
    found = facts(look)
    if status.follow_up and all(fact.type != "FollowUpRequired" for fact in found):
        text = f"{status.follow_up}: look at what was shipped, then: kubectl hotfix acknowledge {look.seen.name}"
        found.append(_fact("FollowUpRequired", "True", status.follow_up, text))
    entries = [_condition(look, fact) for fact in found]
    return status.model_copy(update={"conditions": entries})


def _condition(look: Look, fact: Fact) -> Condition:
    before = condition(look.status, fact.type)
    flipped = before is None or before.status != fact.status
    return Condition(
        type=fact.type,
        status=fact.status,
        reason=fact.reason,
        message=fact.message,
        last_transition_time=moments.whole_seconds(look.now) if flipped or before is None else before.last_transition_time,
        observed_generation=look.seen.generation,
    )
