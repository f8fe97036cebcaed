"""Counters become blocks: what counts, what is left out, and what is said about it."""

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotfix.core.counting import Block, Count, count, paired
from tests.core.made import INTERVAL, START, block, counter, side, view

STEADY = counter("s", [0, 100, 200, 300, 400, 500, 600])


def grown(patched, blocks=6, which="patched"):
    """(requests, bad) per block of one side beside a steady stable."""
    counted = count(view(patched, side([STEADY]), blocks))
    return [(getattr(one, which).requests, getattr(one, which).bad) for one in counted.blocks]


def test_a_block_holds_what_both_sides_grew_by_and_the_processes_that_grew():
    patched = side([counter("a", [5, 10]), counter("b", [7, 7])], [counter("a", [1, 3])])
    counted = count(view(patched, side([counter("s", [0, 100])], [counter("s", [0, 4])]), 1))
    assert counted.blocks == (Block(START, START + INTERVAL, Count(5, 2, 1), Count(100, 4, 1)),)
    assert counted.problem is None


def test_a_drop_below_half_is_a_restart_and_counts_from_zero():
    assert grown(side([counter("a", [0, 50, 60, 12, 20])]))[:4] == [(50, 0), (10, 0), (12, 0), (8, 0)]


def test_a_restart_that_served_nothing_yet_counts_nothing_and_no_process():
    counted = count(view(side([counter("a", [10, 0, 0, 0])]), side([STEADY]), 3))
    assert counted.blocks[0].patched == Count(0, 0, 0)
    assert counted.problem is None


def test_any_other_drop_makes_the_block_unusable_and_is_named():
    counted = count(view(side([counter("a", [0, 50, 40, 45, 47])]), side([STEADY]), 4))
    assert [one.patched.requests for one in counted.blocks] == [50, 5, 2]
    assert counted.problem is not None
    assert counted.problem[0] == "CountersNotMonotone"
    assert "a fell from 50 to 40" in counted.problem[1]


def test_two_replicas_that_disagree_never_count_a_request_twice():
    assert grown(side([counter("a", [0, 100, 98, 101, 99, 104])]))[:3] == [(100, 0), (1, 0), (3, 0)]


def test_a_counter_that_goes_on_from_a_lower_value_counts_from_there():
    assert grown(side([counter("a", [0, 100, 60, 70, 80])]))[:3] == [(100, 0), (10, 0), (10, 0)]


def test_an_unusable_block_is_no_problem_any_more_once_it_is_old():
    falls_early = counter("a", [10, 9, *range(10, 20)])
    long = counter("s", range(0, 1200, 100))
    assert count(view(side([falls_early]), side([long]), 4)).problem is not None
    assert count(view(side([falls_early]), side([long]), 5)).problem is None


def test_errors_of_a_restarted_process_begin_again_even_when_they_hardly_fell():
    patched = side([counter("a", [0, 5000, 300])], [counter("a", [0, 4, 3])])
    assert grown(patched)[:2] == [(5000, 4), (300, 3)]


def test_errors_of_a_restarted_process_begin_again_even_when_they_are_more_than_before():
    patched = side([counter("a", [0, 5000, 300])], [counter("a", [0, 1, 5])])
    assert grown(patched)[:2] == [(5000, 1), (300, 5)]


def test_errors_that_come_back_a_while_after_the_restart_begin_again_too():
    requests = counter("a|code=200", [0, 5000, 300, 600, 900])
    assert grown(side([requests], [counter("a|code=500", {0: 0, 1: 10, 4: 12})]), 4) == [
        (5000, 10),
        (300, 0),
        (300, 0),
        (300, 12),
    ]


def test_a_restart_told_by_one_counter_of_a_process_holds_for_all_of_them():
    ok, bad = counter("a|code=200", [0, 5000, 300]), counter("a|code=500", [0, 4, 3])
    assert grown(side([ok, bad], [bad]))[:2] == [(5004, 4), (303, 3)]


def test_a_process_with_several_counters_is_one_process():
    patched = side([counter("a|code=200", [0, 10]), counter("a|code=500", [0, 2]), counter("b|code=200", [0, 1])])
    assert count(view(patched, side([STEADY]), 1)).blocks[0].patched == Count(13, 0, 2)


def test_the_first_errors_of_a_new_series_are_counted():
    patched = side([counter("a", [0, 40, 80])], [counter("a", {2: 3})])
    assert grown(patched, 2) == [(40, 0), (40, 3)]


def test_a_process_born_after_the_start_counts_from_zero():
    assert grown(side([counter("a", {1: 25, 2: 50})]), 2) == [(25, 0), (25, 0)]


def test_a_series_seen_in_the_hour_before_goes_on_from_its_last_value():
    assert grown(side([counter("a", {-300: 1000, 3: 1010})]), 4) == [(0, 0), (0, 0), (10, 0), (0, 0)]


def test_a_series_that_vanishes_adds_nothing_and_one_that_reappears_goes_on():
    assert grown(side([counter("a", {0: 0, 1: 10, 4: 30})]), 5) == [(10, 0), (0, 0), (0, 0), (20, 0), (0, 0)]


def test_a_series_that_reappears_with_less_began_anew():
    """A proxy forgets a backend that no route names, and counts from zero when one does again."""
    assert grown(side([counter("a", {-60: 14, 2: 7, 3: 50})]), 3) == [(0, 0), (7, 0), (43, 0)]


def test_no_error_series_beside_a_request_series_is_zero_errors():
    assert grown(side([counter("a", [0, 10])]), 1) == [(10, 0)]


def test_errors_without_a_request_series_are_no_evidence():
    counted = count(view(side([], [counter("a", [0, 5])]), side([STEADY]), 2))
    assert [one.patched for one in counted.blocks] == [Count(0, 5, 0, sampled=False), Count(0, 0, 0, sampled=False)]
    assert list(paired(counted.blocks)) == []


def test_without_any_series_there_is_no_block():
    assert count(view(side([]), side([]), 5)).blocks == ()


def test_a_gap_in_everything_is_one_bigger_block():
    patched, stable = counter("a", {0: 0, 1: 1, 4: 40}), counter("s", {0: 0, 1: 9, 4: 400})
    counted = count(view(side([patched]), side([stable]), 4))
    assert [(one.start, one.end) for one in counted.blocks] == [
        (START, START + INTERVAL),
        (START + INTERVAL, START + 4 * INTERVAL),
    ]
    assert counted.blocks[1].patched.requests == 39
    assert counted.blocks[1].scrapes == 1


def test_stable_whose_past_was_lost_begins_with_its_first_values():
    counted = count(view(side([]), side([counter("s", {1: 1_000_000, 2: 1_000_100})], [counter("s", {2: 5000})]), 2))
    assert [one.stable.requests for one in counted.blocks] == [0, 100]
    assert [one.stable.bad for one in counted.blocks] == [0, 0]


def test_requests_that_began_are_counted_where_asked_for():
    patched = side([counter("a", [0, 10])], started=[counter("a", [0, 12])])
    counted = count(view(patched, side([STEADY], started=[]), 1))
    assert counted.blocks[0].patched.started == 12
    assert counted.blocks[0].stable.started == 0


def test_excluded_spans_leave_out_every_block_that_may_hold_their_requests():
    counted = count(view(side([]), side([STEADY]), 6), [(START + 11.0, START + 12.0)])
    assert [one.start - START for one in counted.blocks] == [0.0, 5.0, 20.0, 25.0]


def test_blocks_lie_on_the_grid_wherever_the_start_is():
    counted = count(view(side([]), side([STEADY]), 6, start=START + 3.2, end=START + 17.9))
    assert [one.start - START for one in counted.blocks] == [0.0, 5.0, 10.0]


def test_an_end_before_the_start_is_no_block():
    assert count(view(side([]), side([STEADY]), 6, end=START - 60)).blocks == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 2.0**54])
def test_a_value_no_counter_can_have_makes_the_block_unusable(value):
    counted = count(view(side([counter("a", [0, 10, value, 30])]), side([STEADY]), 3))
    assert [one.patched.requests for one in counted.blocks] == [10, 20]
    assert counted.problem is not None
    assert counted.problem[0] == "CountersInvalid"


def test_time_that_goes_backwards_makes_the_block_unusable():
    backwards = counter("a", {0: 0, 2: 20, 1: 25, 3: 30})
    counted = count(view(side([backwards]), side([STEADY]), 3))
    assert [one.patched.requests for one in counted.blocks] == [20, 10]
    assert counted.problem is not None
    assert counted.problem[0] == "CountersInvalid"


def test_huge_counters_are_counted_one_by_one():
    assert grown(side([counter("a", {0: 10.0**15, 1: 10.0**15 + 1})]), 1) == [(1, 0)]


def test_floats_are_rounded_as_totals_so_that_nothing_is_lost_or_doubled():
    assert [n for n, _ in grown(side([counter("a", [0, 0.4, 0.8, 1.2, 1.6, 2.0])]), 5)] == [0, 1, 0, 1, 0]


def test_what_the_queries_could_not_answer_is_passed_on():
    problem = ("CountersSummedOverProcesses", "Keep the label pod.")
    assert count(view(side([]), side([STEADY]), 3, problem=problem)).problem == problem


def test_a_block_with_one_side_only_is_carried_over_to_the_next():
    blocks = [block((0, 0), (100, 3), at=0), block((4, 1), (90, 2), at=1)]
    (pair,) = paired(blocks)
    assert (pair.start, pair.end) == (START, START + 2 * INTERVAL)
    assert (pair.patched.requests, pair.patched.bad, pair.stable.requests, pair.stable.bad) == (4, 1, 190, 5)
    assert pair.scrapes == 2


def test_started_requests_are_carried_over_too():
    one, other = (Block(START + k, START + k + 1, Count(k, 0, 1, 5), Count(9, 0, 1, None)) for k in (0, 1))
    (pair,) = paired([one, other])
    assert (pair.patched.started, pair.stable.started) == (10, None)


def test_carried_blocks_are_dropped_after_five_minutes():
    lonely = [block((0, 0), (100, 50), at=place) for place in range(60)]
    (pair,) = paired([*lonely, block((4, 1), (90, 2), at=60)])
    assert (pair.stable.requests, pair.stable.bad) == (90, 2)


def test_nothing_is_carried_over_a_hole():
    (pair,) = paired([block((0, 0), (100, 3), at=0), block((4, 1), (90, 2), at=2)])
    assert pair.stable.requests == 90


def test_sides_scraped_one_block_apart_lose_nothing():
    blocks = [block((10, 0), (0, 0), at=0), block((0, 0), (100, 1), at=1)]
    (pair,) = paired(blocks)
    assert (pair.patched.requests, pair.stable.requests) == (10, 100)


steps = st.lists(st.integers(0, 1000), min_size=1, max_size=20)


@given(steps, st.integers(0, 5000), st.data())
def test_every_request_is_counted_once_whatever_gaps_the_samples_have(growths, first, data):
    totals = [first]
    for growth in growths:
        totals.append(totals[-1] + growth)
    kept = data.draw(st.sets(st.integers(0, len(totals) - 1)).map(lambda some: some | {0, len(totals) - 1}))
    holey = counter("a", {place: totals[place] for place in sorted(kept)})
    counted = count(view(side([holey]), side([holey]), len(growths)))
    assert sum(one.patched.requests for one in counted.blocks) == sum(growths)
    assert all(one.start == before.end for before, one in itertools.pairwise(counted.blocks))


@given(steps, st.integers(1, 20))
@example([2, 1, 1, 0, 0], 3)  # a fall, and right after it one that proves to be a restart
def test_what_was_counted_once_is_counted_the_same_at_every_later_look(growths, earlier):
    series = side([counter("a", growths)], [counter("a", [growth // 2 for growth in growths])])
    early = count(view(series, side([STEADY]), min(earlier, len(growths)))).blocks
    late = count(view(series, side([STEADY]), len(growths))).blocks
    assert late[: len(early)] == early


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=90))
def test_pairing_keeps_order_never_overlaps_and_never_doubles(counts):
    blocks = [block((c, 0), (s, 0), at=place) for place, (c, s) in enumerate(counts)]
    pairs = list(paired(blocks))
    assert all(one.patched.requests and one.stable.requests for one in pairs)
    assert all(before.end <= one.start for before, one in itertools.pairwise(pairs))
    assert sum(one.patched.requests for one in pairs) <= sum(c for c, _ in counts)
    assert all(one.end - one.start <= 300 + INTERVAL for one in pairs)
