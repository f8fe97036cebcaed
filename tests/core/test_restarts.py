"""A process that began again, told from two Prometheus that disagree: what is counted is never more than what was served."""

from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotfix.core.counting import Counter, count, pod_counts
from tests.core.made import counter, side, view

HOURS = 20_000
BUSY = counter("a|code=200", range(HOURS, HOURS + 1200, 100))  # a process with a past, 100 requests a block


def counted_of(requests, errors=(), blocks=8, *, upto=None):
    """Patched's (requests, bad) in all blocks, and the problem."""
    found = count(view(side(requests, errors), side([counter("s", range(0, 2000, 100))]), upto or blocks))
    return (
        sum(block.patched.requests for block in found.blocks),
        sum(block.patched.bad for block in found.blocks),
        found.problem[0] if found.problem else None,
    )


@pytest.mark.parametrize("values", [[0, 1, 0, 1, 0, 1, 0, 1, 1], [3, 7, 3, 7, 3, 7, 3, 7, 7]])
@pytest.mark.parametrize(
    "requests", [[BUSY], [BUSY, counter("a|code=500", [9, 9, 9, 9, 9, 9, 9, 9, 9])], [counter("p", range(9))]]
)
def test_errors_seen_by_turns_through_two_replicas_are_counted_once_and_said(values, requests):
    """With and without request counters of the process that counts the errors."""
    for upto in range(1, 9):
        _, bad, problem = counted_of(requests, [counter("a", values)], upto=upto)
        assert bad <= max(values[: upto + 1]) - values[0]
        assert problem == "CountersNotMonotone" or upto < 3


def test_one_class_of_answers_that_is_seen_by_turns_is_no_restart_of_its_process():
    """As of a proxy: failed requests are among the requests, in a counter of their own."""
    failed = counter("a|code=500", [0, 1, 0, 1, 0, 1, 0, 1, 1])
    assert counted_of([BUSY, failed], [failed])[1:] == (1, "CountersNotMonotone")


def test_requests_seen_by_turns_are_counted_once_and_said():
    values = [0, 10, 4, 14, 6, 18]
    assert [counted_of([counter("a", values)], upto=upto)[0] for upto in range(1, 6)] == [10, 10, 14, 14, 18]
    assert counted_of([counter("a", values)], upto=5)[2] == "CountersNotMonotone"


def test_a_fall_that_is_not_explained_yet_is_neither_counted_nor_said():
    values = [0, 5000, 300, 600, 900, 1200]
    seen = [counted_of([counter("a", values)], upto=upto) for upto in range(1, 6)]
    assert [requests for requests, _, _ in seen] == [5000, 5000, 5000, 5900, 6200]
    assert {problem for _, _, problem in seen} == {None}


def test_a_process_that_is_gone_after_its_restart_does_not_hold_what_others_count():
    died = counter("a", [0, 5000, 300])
    assert counted_of([died, counter("b", range(0, 900, 100))], blocks=8) == (5300 + 800, 0, None)


def test_a_pod_that_restarts_begins_again_with_all_its_counters():
    ok = counter("a|code=200", {0: 9000, 1: 9100, 2: 90, 3: 190, 4: 290, 5: 390})
    failed = counter("a|code=500", {0: 40, 1: 41, 4: 2, 5: 3})  # gone until the first error of the new process
    assert counted_of([ok, failed], [failed], blocks=5) == (100 + 390 + 1 + 3, 1 + 3, None)


@pytest.mark.parametrize(
    "errors", [[5, 6, 6, 1, 2, 3, 4], [5, 6, 0, 1, 2, 3, 4], [5, 6, 1, 2, 2, 3, 4]], ids=["later", "same", "earlier"]
)
def test_errors_may_begin_again_one_sample_beside_the_requests_and_are_counted_once(errors):
    place = 2 if errors[3] != 2 else 3
    requests = counter("a", [*range(9000, 9000 + 100 * place, 100), *range(30, 30 + 100 * (7 - place), 100)])
    assert counted_of([requests], [counter("a", errors)], blocks=6)[1:] == (1 + 4, None)


def test_errors_that_fall_two_samples_beside_a_restart_are_not_explained_by_it():
    requests = counter("a", [9000, 30, 130, 230, 330, 430, 530])
    assert counted_of([requests], [counter("a", [9, 9, 9, 9, 3, 3, 3])], blocks=6)[2] == "CountersNotMonotone"


def test_counters_that_only_errors_have_restart_by_themselves():
    """Errors counted by the pods, requests by the proxy in front of them."""
    assert counted_of([counter("proxy", range(0, 900, 100))], [counter("pod", [50, 52, 1, 2, 3, 4])], blocks=5) == (
        500,
        2 + 4,
        None,
    )


def test_a_fall_before_the_start_is_not_made_up_for_after_it():
    assert counted_of([counter("a", {-2: 100, -1: 100, 0: 40, 1: 110, 2: 120, 3: 130})], blocks=3)[0] == 30


def test_what_is_not_counted_of_a_fall_is_not_in_the_counts_of_pods_either():
    seen = view(side([]), side([counter("a", [0, 10, 4, 14])], [counter("a", [0, 2, 1, 3])]), 3)
    assert pod_counts(seen.stable, seen, [Counter.BAD])[Counter.BAD] == {0: {"a": (10, 2)}, 2: {"a": (4, 1)}}


growths = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=2, max_size=25)


@settings(deadline=None)  # it looks after every sample
@given(growths, st.integers(1, 3), st.data())
@example([(10, 1)] * 6, 1, None)
def test_two_views_of_one_truth_by_turns_never_count_what_nobody_served(steps, lag, data):
    """One lags behind by up to three samples; requests and errors are asked of either, each by itself."""
    truth = [[0, *accumulate(step[column] for step in steps)] for column in (0, 1)]
    size = len(truth[0])
    turns = [
        data.draw(st.lists(st.booleans(), min_size=size, max_size=size)) if data else [n % 2 == 1 for n in range(size)]
        for _ in truth
    ]
    seen = [[of[max(0, n - lag)] if late else of[n] for n, late in enumerate(by)] for of, by in zip(truth, turns, strict=True)]
    for upto in range(1, size):
        requests, bad, problem = counted_of([counter("a", seen[0])], [counter("a", seen[1])], upto=upto)
        assert requests <= truth[0][upto]
        assert bad <= truth[1][upto]
        explained = range(max(1, upto - 3), upto - 1)  # falls that are not old, and that two samples have followed
        if any(values[place] < values[place - 1] for values in seen for place in explained):
            assert problem == "CountersNotMonotone"


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), min_size=4, max_size=20), st.integers(0, 10), st.data())
def test_a_restart_is_counted_to_the_last_request_of_all_its_counters(steps, place, data):
    """One view; the process restarts once, long after its birth."""
    totals, seen = [HOURS, 50], [(HOURS, 50)]
    for n, (ok, failed) in enumerate(steps):
        if n == place:
            totals = [0, 0]
        totals = [totals[0] + ok, totals[1] + failed]
        seen.append((totals[0], totals[1]))
    ok, bad = (counter(f"a|code={code}", [values[column] for values in seen]) for column, code in ((0, 200), (1, 500)))
    upto = len(steps)
    requests, failed, problem = counted_of([ok, bad], [bad], upto=upto)
    known = place if place < upto <= place + 2 else upto  # the newest two samples have not told yet
    assert (requests, failed) == (sum(a + b for a, b in steps[:known]), sum(b for _, b in steps[:known]))
    assert problem is None


@pytest.mark.parametrize("fell_at", [2, 3, 4])
def test_errors_may_begin_again_one_sample_before_or_after_their_requests(fell_at):
    """Two queries of one moment see a scrape that ends between them differently."""
    requests = counter("a|code=all", [0, 5000, 5100, 300, 600, 900, 1200, 1500, 1800])
    errors = [0, 50, 60, 70, 80][:fell_at] + list(range(2, 11 - fell_at))
    assert counted_of([requests], [counter("a", errors)]) == (5100 + 1800, errors[fell_at - 1] + errors[-1], None)


@pytest.mark.parametrize("fell_at", [1, 5])
def test_errors_that_fall_at_another_time_than_their_requests_are_no_restart(fell_at):
    requests = counter("a|code=all", [0, 5000, 5100, 300, 600, 900, 1200, 1500, 1800])
    errors = [50, 60, 70, 80, 90][:fell_at] + list(range(2, 11 - fell_at))
    assert counted_of([requests], [counter("a", errors)], upto=fell_at + 3)[2] == "CountersNotMonotone"
