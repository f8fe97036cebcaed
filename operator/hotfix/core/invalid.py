"""A manifest or a stored status that cannot be read: the status that says so and changes nothing else. Pure."""

from collections.abc import Mapping
from typing import Any

from . import moments
from .reasons import Reason

TYPES = (("Ready", "False"), ("Stalled", "True"), ("Succeeded", "Unknown"), ("Completed", "False"))


def since(refused: Mapping[str, Any]) -> float:
    """Since when such a status says that it is stalled; unix seconds."""
    return next(moments.unix(entry["lastTransitionTime"]) for entry in refused["conditions"] if entry["type"] == "Stalled")


def sentence(reason: Reason, problem: str) -> str:
    """What is wrong, in one line."""
    return f"{reason.sentence} {' '.join(problem.split())}"[:1024]


def status_of(stored: Mapping[str, Any], reason: Reason, problem: str, generation: int, now: float) -> dict[str, Any]:
    """The stored status with a message and conditions."""
    conditions = stored.get("conditions")
    before = (
        {entry.get("type"): entry for entry in conditions if isinstance(entry, Mapping)} if isinstance(conditions, list) else {}
    )
    text = sentence(reason, problem)
    moment = moments.whole_seconds(now)

    def entry(kind: str, state: str) -> dict[str, Any]:
        old = before.get(kind, {})
        since = old.get("lastTransitionTime", moment) if old.get("status") == state else moment
        return {
            "type": kind,
            "status": state,
            "reason": str(reason),
            "message": text,
            "lastTransitionTime": since,
            "observedGeneration": generation,
        }

    kept = {name: value for name, value in stored.items() if name != "conditions"}
    return {
        **kept,
        "observedGeneration": generation,
        "message": text,
        "conditions": [entry(kind, state) for kind, state in TYPES],
    }
