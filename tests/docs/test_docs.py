"""The generated pages say what the code says, and the pictures show what the operator saw."""

import pytest

from .evidence import record, retold, story
from .generate import DOCS, PAGES, PICTURES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("name", PICTURES)
def test_the_recorded_counts_give_the_evidence_that_the_operator_wrote_beside_its_decisions(name: str) -> None:
    told = retold(record()["runs"][name])
    assert told
    assert [now for _, now in told] == [then for then, _ in told], "record anew: `python -m tests.docs.record`"


@pytest.mark.parametrize(("name", "against", "missed"), [("good", False, set()), ("bad", True, {"not worse", "50 % is safe"})])
def test_a_recorded_rollout_ends_as_its_picture_says(name: str, against: bool, missed: set[str]) -> None:
    told = story(record()["runs"][name])
    reached = {curve.against for curve in told.curves if curve.points[-1][1] >= curve.threshold}
    assert (True in reached) is against
    assert {curve.name for curve in told.curves if not curve.against and curve.points[-1][1] < curve.threshold} >= missed
    assert (told.decisions[-1].weight == 0) is against
