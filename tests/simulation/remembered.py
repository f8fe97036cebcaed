"""What is promised about the memory of a rollout: each status that is stored follows from the one that was stored before it.

A process that slept past its lease knows an older one. What it decides by that must not be stored over what another process
has stored since: the stage would go back, or decisions would be forgotten of which people have been told.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hotfix.core import kin
from hotfix.core.machine import STAGES
from hotfix.core.status import Phase, Stage

FOLLOWS, KNOWS = "a stage follows the stored one", "no decision is forgotten"


def went_back(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is odd about a status that is stored over another one, as (promise, what was done)."""
    was, now = before.get("stage"), after.get("stage")
    if was != now and now not in _following(was, before.get("phase")):
        yield FOLLOWS, f"{was} ({before.get('phase')}) became {now} ({after.get('phase')})"
    for name, old, new in (
        ("decision", _newest(before), _newest(after)),
        ("intention", before.get("intention", 0), after.get("intention", 0)),
    ):
        if new < old:
            yield KNOWS, f"{name} {old} was stored, and {name} {new} over it"


def _following(stage: str | None, phase: str | None) -> frozenset[Stage]:
    """The stages that one look may lead to: those of the state machine's table, and the ways out that every stage has."""
    if stage is None:
        return frozenset({Stage.CHECKING, *STAGES[Stage.CHECKING].following})
    if stage == Stage.DONE:
        return frozenset({Stage.CHECKING} if phase == Phase.ROLLED_BACK else ())  # a person has it tried again
    out = Stage.GIVING_BACK if phase == Phase.PENDING else Stage.WEIGHT_ZERO  # released, or there is nobody left to serve
    superseded = {Stage.DRAINING_PATCHED} if stage in kin.SUPERSEDABLE else set[Stage]()
    return frozenset({*STAGES[Stage(stage)].following, out, *superseded})


def _newest(status: Mapping[str, Any]) -> int:
    decisions = status.get("decisions") or ()
    return int(decisions[-1]["sequence"]) if decisions else 0
