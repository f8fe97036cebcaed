"""A clock that was put back: nothing waits for a moment that lies in the future."""

import pytest

from hotfix.core import stepped
from hotfix.core.moments import rfc3339
from hotfix.core.status import Span, StableLost, Status, Verdict

NOW = 1_800_000_000.0
PAST, SOON, FUTURE = rfc3339(NOW - 100), rfc3339(NOW + 5), rfc3339(NOW + 3600)


@pytest.mark.parametrize("field", stepped.FIELDS)
def test_what_runs_from_the_future_runs_from_now(field: str) -> None:
    assert getattr(stepped.present(Status(**{field: FUTURE}), NOW), field) == rfc3339(NOW)


def test_the_past_and_a_few_seconds_between_two_clocks_are_left_alone() -> None:
    status = Status(
        started_at=PAST,
        stage_started_at=SOON,
        since={"Paused": SOON},
        excluded=[Span(start=PAST, end=SOON)],
        stable_lost=StableLost(since=SOON, return_weight=5),
        verdict=Verdict(at=SOON),
    )
    assert stepped.present(status, NOW) is status


def test_clocks_spans_and_numbers_for_people_are_put_right_too() -> None:
    status = stepped.present(
        Status(
            since={"Paused": FUTURE, "Blind": PAST},
            excluded=[Span(start=PAST, end=FUTURE), Span(start=FUTURE, end=FUTURE)],
            stable_lost=StableLost(since=FUTURE, return_weight=5),
            verdict=Verdict(at=FUTURE),
        ),
        NOW,
    )
    now = rfc3339(NOW)
    assert status.since == {"Paused": now, "Blind": PAST}
    assert status.excluded == [Span(start=PAST, end=now)]
    assert status.stable_lost is not None
    assert status.stable_lost.since == now
    assert status.verdict is not None
    assert status.verdict.at == now
