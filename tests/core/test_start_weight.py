"""Where a rollout starts: the fewest bad requests to be expected."""

import pytest

from hotfix.core.counting import Counter
from hotfix.core.start_weight import best_start, fitting_margin, fix_seconds, outlook, outlooks, reach_seconds
from hotfix.core.terms import FixTerms, SlowTerms

from .made import terms

FIX = FixTerms(min_reduction=0.5, expected_reduction=0.8, required=True)


def test_a_rare_bug_is_no_reason_to_expose_many_requests() -> None:
    assert best_start(terms(baseline_rate=0.001), 100).weight == 1


def test_a_burning_stable_is_worth_more_risk() -> None:
    assert best_start(terms(baseline_rate=0.01), 100).weight == 1
    assert best_start(terms(baseline_rate=0.05), 100).weight == 5
    assert [outlook.weight for outlook in outlooks(terms(baseline_rate=0.05), 100)] == [1, 5, 10, 25, 50]
    assert [outlook.weight for outlook in outlooks(terms(baseline_rate=0.04), 100)] == [1, 5, 10]


def test_of_starts_that_cost_about_the_same_the_one_that_decides_soonest_is_taken() -> None:
    one, five = outlooks(terms(baseline_rate=0.05), 100)[:2]
    assert one.cost < five.cost < 1.05 * one.cost
    assert best_start(terms(baseline_rate=0.05), 100) == five


def test_in_a_quiet_service_the_soonest_decision_is_worth_a_few_requests() -> None:
    """At 10 requests/s 25 % are under 50 requests a scrape, at 14 not: there the fewest bad requests decide."""
    scrapes = {"interval_seconds": 15.0, "late_blocks": 240}
    quiet, busy = best_start(terms(**scrapes), 13), best_start(terms(**scrapes), 14)
    assert quiet.weight == 25
    assert [outlook.weight for outlook in outlooks(terms(**scrapes), 13)] == [1, 5, 10, 25]
    assert quiet.decision_seconds == min(outlook.decision_seconds for outlook in outlooks(terms(**scrapes), 13))
    assert busy.weight == 1
    assert [outlook.weight for outlook in outlooks(terms(**scrapes), 14)] == [1, 5, 10]
    assert [outlook.weight for outlook in outlooks(terms(baseline_rate=0.2, **scrapes), 13)] == [1, 5, 10, 25]


def test_a_patch_that_is_worse_costs_what_it_gets_and_a_good_one_what_stable_fails_until_it_has_everything() -> None:
    five = outlook(terms(baseline_rate=0.001), 100, 5)
    assert five.exposed == pytest.approx(5 * five.detect_seconds)  # it looks bad soon: no step is taken
    assert five.bad_if_worse == pytest.approx(0.05 * five.exposed)
    assert five.bad_if_crash == pytest.approx(0.999 * 5 * 10)  # half a scrape, a whole one, and half of one until that is judged
    assert five.bad_if_good == pytest.approx(0.9 * 0.001 * 100 * five.reach_seconds)
    assert five.cost == pytest.approx(0.2 * five.exposed + 0.8 * five.bad_if_good)


@pytest.mark.parametrize("asked", [{"sigma2": 5.0}, {"sigma2": 30.0, "processes": 6}])
def test_noise_between_processes_makes_everything_expected_later(asked: dict[str, float]) -> None:
    quiet, noisy = (outlook(terms(baseline_rate=0.02, **more), 1000, 10) for more in ({"sigma2": 0.0}, asked))
    assert noisy.detect_seconds > quiet.detect_seconds
    assert noisy.reach_seconds > 1.5 * quiet.reach_seconds


def test_with_large_steps_alone_the_start_is_ten_percent_nonetheless() -> None:
    assert [outlook.weight for outlook in outlooks(terms(baseline_rate=0.001, ramp_weights=(25, 50)), 100)] == [10]


def test_more_traffic_decides_sooner_and_a_larger_share_detects_sooner() -> None:
    """To two scrapes: with whole requests and a weight that follows the evidence, one may come sooner by chance."""
    for rate in (50, 100, 1000):
        slow, fast = outlooks(terms(), rate), outlooks(terms(), 10 * rate)
        assert all(a.detect_seconds + 5 >= b.detect_seconds for a, b in zip(slow, fast, strict=True))
        assert all(a.reach_seconds + 5 >= b.reach_seconds for a, b in zip(slow, fast, strict=True))
        assert slow[0].detect_seconds + 10 >= slow[1].detect_seconds >= slow[2].detect_seconds - 5
        assert slow[0].detect_seconds > slow[2].detect_seconds


def test_nothing_is_expected_before_the_shortest_time_to_the_bake_nor_after_the_deadline() -> None:
    assert reach_seconds(terms(), 10_000, 50) == 30
    assert reach_seconds(terms(late_blocks=12), 0.01, 1) == 60


def test_a_proof_of_the_fix_and_of_speed_is_waited_for_too() -> None:
    rates = ((Counter.BAD, 0.002), (Counter.TARGET, 0.001), (Counter.SLOW, 0.05))
    plain, fixing, fast = (
        reach_seconds(asked, 100, 5)
        for asked in (
            terms(rates=rates),
            terms(rates=rates, fix=FIX),
            terms(rates=rates, slow=SlowTerms(delta=0.005, required=True)),
        )
    )
    assert plain < fixing
    assert plain < fast


def test_errors_that_stable_does_not_have_can_never_be_proven_to_fall() -> None:
    assert fix_seconds(terms(fix=FIX), 100) is None
    assert fix_seconds(terms(), 100) is None
    often, seldom = (fix_seconds(terms(rates=((Counter.TARGET, rate),), fix=FIX), 100) for rate in (0.05, 0.0005))
    assert often is not None
    assert seldom is not None
    assert often < seldom


@pytest.mark.parametrize(("rate", "margin"), [(100, 0.01), (0.001, None)])
def test_the_margin_that_would_fit_is_the_smallest(rate: float, margin: float | None) -> None:
    assert fitting_margin(terms(delta=0.0001, late_blocks=120), rate, 5) == margin
