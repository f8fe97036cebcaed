"""A clock that was put back: nothing waits for a moment that lies in the future."""

import pytest

from hotfix.core import stepped
from hotfix.core.moments import rfc3339
from hotfix.core.status import DecisionRecord, Span, StableLost, Status, Verdict

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


def test_a_clock_that_is_right_again_starts_everything_anew() -> None:
    behind = stepped.present(
        Status(
            started_at=PAST,
            evidence_from=FUTURE,
            since={"Paused": FUTURE},
            excluded=[Span(start=PAST, end=SOON)],
            stopped_seconds=7,
            stable_lost=StableLost(since=PAST, return_weight=5),
        ),
        NOW,
    )
    assert (behind.clock_ahead, behind.evidence_from) == (FUTURE, rfc3339(NOW))
    assert stepped.present(behind, NOW + 3599) is behind

    right, again = rfc3339(NOW + 3601), stepped.present(behind, NOW + 3601)
    assert (again.started_at, again.evidence_from, again.since, again.clock_ahead) == (right, right, {"Paused": right}, None)
    assert (again.excluded, again.stopped_seconds, again.stage_started_at) == ([], 0, None)
    assert again.stable_lost is not None
    assert again.stable_lost.since == right


def test_what_does_not_run_is_not_started_by_a_clock_that_is_right_again() -> None:
    again = stepped.present(Status(started_at=PAST, clock_ahead=PAST), NOW)
    assert (again.started_at, again.evidence_from, again.stable_lost) == (rfc3339(NOW), None, None)


def test_a_clock_put_back_is_known_by_the_last_decision_too() -> None:
    decided = DecisionRecord(sequence=1, time=FUTURE, what="weight 5", reason="TrafficShifted")
    behind = stepped.present(Status(evidence_from=PAST, decisions=[decided]), NOW)
    assert (behind.clock_ahead, behind.evidence_from) == (FUTURE, PAST)


def test_put_back_once_more_the_moment_that_comes_first_is_waited_for() -> None:
    later = rfc3339(NOW + 7200)
    assert stepped.present(Status(evidence_from=FUTURE, clock_ahead=later), NOW).clock_ahead == FUTURE


def test_a_decision_of_a_clock_that_was_ahead_does_not_hide_that_it_is_right_again() -> None:
    """Ahead for a while, then behind, then right: what was noted while it was behind is from before the fix."""
    later = rfc3339(NOW + 7200)
    decided = DecisionRecord(sequence=1, time=later, what="weight 5", reason="TrafficShifted")
    behind = stepped.present(Status(evidence_from=FUTURE, clock_ahead=later, decisions=[decided]), NOW)
    assert stepped.present(behind, NOW + 3599) is behind
    right = stepped.present(behind, NOW + 3601)
    assert (right.evidence_from, right.clock_ahead) == (rfc3339(NOW + 3601), later), "the other moment may come too"
    assert stepped.present(right, NOW + 7201).evidence_from == rfc3339(NOW + 7201)


@pytest.mark.parametrize("field", ["evidence_from", "baked_until"])
def test_a_bake_that_a_wrong_clock_counted_begins_again(field: str) -> None:
    baking = Status(bake_seconds=9, **{field: FUTURE})
    behind = stepped.present(baking, NOW)
    assert behind.bake_seconds == 0
    right_again = stepped.present(behind.model_copy(update={"bake_seconds": 8}), NOW + 3601)
    assert right_again.bake_seconds == 0
    assert stepped.present(Status(bake_seconds=9, phase_started_at=FUTURE), NOW).bake_seconds == 9
