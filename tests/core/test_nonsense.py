"""A stored status that no sequence of looks leads to is refused as a whole, with what is wrong about it."""

from typing import Any

import pytest

from hotfix.core import status
from hotfix.core.status import Stage

from .world import ready_world

RETURNING: dict[str, Any] = status.dump(ready_world().stage(Stage.RETURNING).remembered)
SCALING: dict[str, Any] = status.dump(ready_world().stage(Stage.SCALING).remembered)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"phase": "Analyzing"}, "phase and stage must both be set"),
        ({"stage": "Shifting"}, "phase and stage must both be set"),
        ({"phase": "Promoted", "stage": "Shifting"}, "stage Shifting is none of phase Promoted"),
        (
            {"phase": "Analyzing", "stage": "Shifting", "weight": 5},
            "baseline, resolved, borrowed, started_at, evidence_from is missing",
        ),
        ({**RETURNING, "weight": 7}, "a weight of 7 in stage Returning"),
        ({name: value for name, value in RETURNING.items() if name != "weight"}, "weight is missing in stage Returning"),
        ({**RETURNING, "evidenceFrom": "yesterday"}, "evidenceFrom"),
        ({**RETURNING, "weight": 101}, "weight"),
    ],
)
def test_what_cannot_be_is_refused(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        status.parse(raw)


@pytest.mark.parametrize("raw", [None, {}, RETURNING, SCALING, {"phase": "Pending", "stage": "GivingBack"}])
def test_what_can_be_is_read(raw: dict[str, Any] | None) -> None:
    assert status.dump(status.parse(raw)).get("phase") == (raw or {}).get("phase")
