"""How requests were really split, and a side that takes requests without finishing them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hotfix.core import split
from hotfix.core.counting import Block, Count
from tests.core.made import INTERVAL, START, block


def hanging(done, started, stable=90, at=0):
    """A scrape in which patched began `started` requests and completed `done`."""
    start = START + at * INTERVAL
    return Block(start, start + INTERVAL, Count(done, 0, 3, started), Count(stable, 0, 6, stable))


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.01, 0.99))
def test_the_tail_is_the_one_of_the_binomial(hits, trials, share):
    hits = min(hits, trials)
    law = stats.binom(trials, share)
    exact = law.sf(hits - 1) if hits > trials * share else law.cdf(hits)
    assert split.tail(hits, trials, share) == pytest.approx(exact, rel=1e-4, abs=1e-60)


@pytest.mark.parametrize(
    ("patched", "stable", "is_off"),
    [
        (25, 475, False),
        (15, 485, False),
        (60, 440, True),
        (3, 497, True),
        (0, 500, True),
        (0, 20, False),
        (2, 18, False),
        (0, 0, False),
    ],
)
def test_a_block_is_off_when_it_is_outside_the_band_and_far_from_five_percent(patched, stable, is_off):
    assert split.off(block((patched, 0), (stable, 0)), 0.05) is is_off


def test_a_block_far_outside_the_band_but_near_the_wanted_share_is_not_off():
    assert not split.off(block((5900, 0), (94100, 0)), 0.05)


def test_only_the_newest_run_of_blocks_that_are_off_counts():
    off, right = block((100, 0), (400, 0)), block((25, 0), (475, 0))
    assert split.off_blocks([off, off, right, off, off, off], 0.05) == 3
    assert split.off_blocks([off, off], 0.05) == 2
    assert split.off_blocks([off, right], 0.05) == 0
    assert split.off_blocks([], 0.05) == 0


def test_a_side_that_begins_requests_and_finishes_few_is_not_answering():
    assert split.not_answering_blocks([hanging(10, 10), hanging(2, 10), hanging(0, 10), hanging(4, 10)], 0.1) == 3


@pytest.mark.parametrize(
    "fine",
    [
        hanging(10, 10),
        hanging(0, 0),
        hanging(0, None),
        hanging(0, 10, stable=0),
        hanging(3, 5),
        hanging(6, 20, stable=90),
    ],
    ids=["answers", "nothing began", "not counted", "stable is silent too", "finishes most", "has more than half of its share"],
)
def test_a_side_is_not_said_to_hang_when(fine):
    assert split.not_answering_blocks([hanging(0, 10), hanging(0, 10), fine], 0.1) == 0


def test_a_handful_of_requests_is_too_few_to_call_it_hanging():
    quiet = hanging(0, 3, stable=27)
    assert split.not_answering_blocks([quiet] * 3, 0.1) == 0
    assert split.not_answering_blocks([quiet] * 4, 0.1) == 4


def test_rates_and_loads_are_per_second_and_process():
    blocks = [block((30, 0), (120, 0)), block((15, 0), (60, 0), at=1)]
    assert split.request_rate(blocks) == pytest.approx(22.5)
    assert split.loads(blocks) == (pytest.approx(1.5), pytest.approx(3.0))
    assert split.observed_share(blocks) == pytest.approx(0.2)


def test_without_blocks_nothing_is_known_of_rates_loads_and_share():
    assert split.request_rate([]) is None
    assert split.loads([]) == (None, None)
    assert split.observed_share([]) is None
    assert split.loads([block((0, 0), (5, 0), pods=(0, 1))]) == (None, 1.0)


def test_the_newest_blocks_are_those_of_the_last_minute():
    many = [block((1, 0), (1, 0), at=place) for place in range(30)]
    assert list(split.newest(many)) == many[-12:]
    assert list(split.newest(many[:1])) == many[:1]
    assert list(split.newest([])) == []
