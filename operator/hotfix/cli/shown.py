"""What a status says, in a few words: for lines and tables. From the stored object as it is, also where this version of the
program does not know all that stands there.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum, StrEnum
from typing import Any

from hotfix.core.status import TERMINAL_PHASES
from hotfix.ports import Stored

UNSEEN = "It was not looked at yet; is the operator running? `kubectl get pods -A | grep hotfix`"
Status = Mapping[str, Any]


class Outcome(IntEnum):
    """How a rollout ended, as an exit code."""

    SUCCEEDED = 0
    FAILED = 1
    GOING = 3


class Goal(StrEnum):
    """What is waited for: its end, or that the fix serves everybody, as it does while git is awaited."""

    COMPLETED = "completed"
    READY = "ready"


def outcome(stored: Stored, goal: Goal = Goal.COMPLETED) -> Outcome:
    """By the conditions; one that is about an older spec says nothing of this one."""
    if goal is Goal.READY and _is_true(stored, "Ready"):
        return Outcome.SUCCEEDED
    if not _is_true(stored, "Completed"):
        return Outcome.GOING
    return Outcome.SUCCEEDED if _is_true(stored, "Succeeded") else Outcome.FAILED


def _is_true(stored: Stored, kind: str) -> bool:
    found: Mapping[str, Any] = next((entry for entry in stored.status.get("conditions") or () if entry.get("type") == kind), {})
    return found.get("status") == "True" and int(found.get("observedGeneration") or 0) >= stored.generation


def found(stored: Stored) -> dict[str, Any]:
    """For a program: how it ended, and the status as it is stored."""
    ended = {Outcome.SUCCEEDED: "Succeeded", Outcome.FAILED: "Failed", Outcome.GOING: None}[outcome(stored)]
    return {"namespace": stored.key.namespace, "name": stored.key.name, "outcome": ended, "status": dict(stored.status)}


def state(status: Status) -> str:
    """`Analyzing, patched gets 5 % (step 2/4)`."""
    share = f", patched gets {weight}" if (weight := percent(status)) else ""
    step = f" (step {status['step']})" if share and status.get("step") and not _ended(status) else ""
    return f"{status.get('phase') or 'Pending'}{share}{step}"


def percent(status: Status) -> str:
    """Patched's weight, `5 %`; empty while there is none."""
    weight = status.get("weight")
    return "" if weight is None else f"{weight} %"


def coming(status: Status) -> str:
    """What comes next; empty for what has ended."""
    return "" if _ended(status) else str(status.get("next") or "")


def rates(status: Status) -> Iterator[tuple[str, str]]:
    """("patched fails", "4.9 % (412/8402)") and the same of stable. Nothing once stable has the fix: the sides are judged the
    other way round then, and what the numbers are of stands in the message alone."""
    if (status.get("promotion") or {}).get("patchedAt"):
        return
    verdict = status.get("verdict") or {}
    for side in ("patched", "stable"):
        if verdict.get(side):
            yield f"{side} fails", str(verdict[side])


def judged(status: Status) -> str:
    """`NotWorse: patched fails 0.1 % (1/1019), stable fails 4.8 % (119/2480)`; empty without a verdict."""
    verdict = (status.get("verdict") or {}).get("state")
    numbers = ", ".join(f"{what} {number}" for what, number in rates(status))
    return f"{verdict}: {numbers}" if verdict and numbers else str(verdict or "")


def sentence(status: Status, *, verdict: bool = False) -> str:
    """State, message and what comes next, in one line; `verdict`: with what the counts say."""
    said = [f"{state(status)}.", str(status.get("message") or UNSEEN)]
    if verdict and (text := judged(status)):
        said.append(f"{text}.")
    if text := coming(status):
        said.append(f"Next: {text}.")
    return " ".join(said)


def _ended(status: Status) -> bool:
    return status.get("phase") in TERMINAL_PHASES
