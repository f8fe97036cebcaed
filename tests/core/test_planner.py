"""What is expected: when a decision comes, and where to start."""

import math

import pytest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from hotfix.core.bets import Null, Side
from hotfix.core.evidence import Question, State, extend
from hotfix.core.planner import SUSPECT_SCRAPES, Traffic, expected_rate, expected_seconds, quiet, suspect
from tests.core.made import block, noise

NOT_WORSE = Question("not worse", Null(Side.BETTER, 0.005, ((0.001, 0.001),)), 0.05)


def traffic(**changes):
    values = {"request_rate": 100.0, "share": 0.5, "patched_rate": 0.001, "stable_rate": 0.001, "interval_seconds": 5.0}
    return Traffic(**{**values, **changes})


def test_a_rate_starts_from_what_was_known_and_follows_the_counts():
    assert expected_rate(0, 0, 0.05) == pytest.approx(0.05)
    assert expected_rate(100, 10_000, 0.05) == pytest.approx(0.0104, abs=1e-4)
    assert expected_rate(500, 1, 0.05) == 1.0


def test_an_answer_that_was_reached_is_expected_now():
    assert expected_seconds(NOT_WORSE, 3.0, traffic()) == 0.0


def test_the_expectation_is_close_to_what_steady_traffic_needs():
    state, scrapes = State(), 0
    while state.log_now < NOT_WORSE.log_threshold:
        state, scrapes = extend(NOT_WORSE, state, block((1000, 1), (1000, 1)), noise()), scrapes + 1
    planned = expected_seconds(NOT_WORSE, 0.0, traffic(request_rate=400.0))
    assert planned is not None
    assert planned <= scrapes * 5.0 <= 2.5 * planned


def test_less_traffic_more_noise_and_a_smaller_share_take_longer():
    usual = expected_seconds(NOT_WORSE, 0.0, traffic())
    assert usual is not None
    for slower in (traffic(request_rate=20.0), traffic(sigma2=30.0), traffic(share=0.05)):
        longer = expected_seconds(NOT_WORSE, 0.0, slower)
        assert longer is not None
        assert longer > 1.5 * usual


def test_two_scrapes_are_never_undercut_and_one_is_always_left():
    busy = traffic(request_rate=1e6)
    assert expected_seconds(NOT_WORSE, 0.0, busy) == 10.0
    assert expected_seconds(NOT_WORSE, 2.9, busy) == 5.0


def test_lost_ground_is_regained_no_faster_than_the_cap_allows():
    scrapes = math.ceil((10 + NOT_WORSE.log_threshold) / NOT_WORSE.cap)
    assert expected_seconds(NOT_WORSE, -10.0, traffic(request_rate=1e6)) == 5.0 * scrapes


@pytest.mark.parametrize(
    "hopeless",
    [traffic(request_rate=0.0), traffic(share=0.0), traffic(share=1.0), traffic(patched_rate=0.05)],
    ids=["no traffic", "nothing on patched", "nothing on stable", "patched is worse"],
)
def test_it_cannot_be_told_when_evidence_is_not_expected_to_grow(hopeless):
    assert expected_seconds(NOT_WORSE, 0.0, hopeless) is None


def test_expected_seconds_are_whole_scrapes():
    seconds = expected_seconds(NOT_WORSE, 0.0, traffic())
    assert seconds is not None
    assert math.isclose(seconds % 5.0, 0.0)


@pytest.mark.parametrize(("patched", "stable"), [(0.0, 0.05), (0.001, 0.05), (0.02, 0.1)])
def test_the_planned_requests_are_of_the_size_that_a_fixed_sample_would_need(patched, stable):
    """A test that may be looked at after every scrape needs more than one whose sample size is fixed, and not many times more.

    The oracle is the sample size of a one-sided comparison of two proportions at 95 % power.
    """
    question = Question("fixed", Null(Side.BETTER, 0.0, ((patched, stable),), rho=1.0), 0.05)
    seconds = expected_seconds(question, 0.0, traffic(patched_rate=patched, stable_rate=stable, interval_seconds=1.0))
    assert seconds is not None
    effect = proportion_effectsize(stable, patched)
    fixed = NormalIndPower().solve_power(effect, power=0.95, alpha=0.05, ratio=1.0, alternative="larger")
    assert 0.3 * fixed <= 50 * seconds <= 3 * fixed


def test_a_patch_that_is_about_to_be_found_out_is_suspect_except_in_a_quiet_service():
    soon = SUSPECT_SCRAPES * 15.0
    assert suspect(soon, 15.0, 100.0)
    assert not suspect(soon + 0.1, 15.0, 100.0)
    assert not suspect(None, 15.0, 100.0)
    assert not suspect(soon, 15.0, 13.0)
    assert (quiet(15.0, 13.0), quiet(15.0, 14.0)) == (True, False)
