"""The other tools on the examples and numbers of their own documentation, and on series whose answer can be worked out."""

from dataclasses import replace
from typing import Any

import numpy
import pytest
from scipy import stats

from .decision.kayenta import HIGH, LOW, NO_DATA, PASS, Kayenta, classify, percentages, score, shift_of, standing
from .decision.opponents import ArgoRollouts, Flagger, success_rate
from .decision.runs import PROMOTED, ROLLED_BACK
from .decision.worlds import World

# the first thirty values of two of the judge's published example series, rounded to two decimals: around 10, and around 20
AROUND_10 = (9.78, 10.59, 7.84, 9.32, 8.38, 8.94, 8.27, 9.75, 11.62, 9.28, 8.15, 10.56, 13.50, 11.05, 6.95)
ALSO_10 = (11.15, 9.96, 7.07, 7.30, 9.79, 9.60, 6.19, 12.35, 10.37, 8.61, 9.91, 10.36, 14.21, 10.95, 10.22)
AROUND_20 = (20.88, 21.79, 19.71, 15.86, 19.51, 19.39, 22.93, 17.16, 18.66, 23.42, 24.06, 22.63, 21.98, 21.66, 20.07)


def world(patched: float, stable: float = 0.0, rps: float = 100.0) -> World:
    return World(name="example", rps=rps, patched=patched, stable=stable)


# ---- Flagger


@pytest.mark.parametrize(
    ("settings", "promoted", "back"),
    [
        # Deployment Strategies: 25 minutes to validate and promote, interval x threshold to roll back
        ({"interval": 60.0, "threshold": 10, "max_weight": 50, "step_weight": 2}, 25 * 60, 10 * 60),
        ({"interval": 60.0, "threshold": 10, "max_weight": 50, "step_weight": 5}, 10 * 60, 10 * 60),  # How it works
        ({"interval": 60.0, "threshold": 5, "max_weight": 50, "step_weight": 10}, 5 * 60, 5 * 60),  # the tutorials
        ({"interval": 15.0, "threshold": 2, "window": 30.0}, 75, 30),
    ],
)
def test_flagger_takes_as_long_as_its_formulas_say(settings: dict[str, Any], promoted: float, back: float) -> None:
    tool = Flagger(name="", **settings)
    good, bad = tool.run(world(0.0), 1), tool.run(world(1.0), 1)
    assert (good.end, good.seconds) == (PROMOTED, promoted)
    assert (bad.end, bad.seconds) == (ROLLED_BACK, back)


def test_flagger_compares_the_success_rate_with_99_percent_and_halts_below() -> None:
    tool = Flagger(name="")
    assert tool.passes(success_rate([(1000, 10)], 1))
    assert not tool.passes(success_rate([(1000, 11)], 1))


def test_flagger_counts_failed_checks_of_the_whole_analysis_and_halts_at_each() -> None:
    """An outage of three minutes costs three checks and as many steps; two more checks would have rolled back."""
    burning = replace(world(0.0), outage=(60.0, 240.0, 0.5))
    halted = Flagger(name="").run(burning, 1)
    assert (halted.end, halted.seconds) == (PROMOTED, 300 + 180)
    assert Flagger(name="", threshold=3).run(burning, 1).end == ROLLED_BACK


def test_flagger_fails_a_check_that_finds_no_values() -> None:
    assert success_rate([(0, 0)] * 4, 4) is None
    silent = Flagger(name="").run(world(0.0, rps=0.0), 1)
    assert (silent.end, silent.seconds) == (ROLLED_BACK, 300)


# ---- Argo Rollouts


def test_argo_raises_by_20_percent_every_10_minutes_and_ends_after_the_last_pause() -> None:
    good = ArgoRollouts(name="").run(world(0.0), 1)
    assert (good.end, good.seconds, good.reached) == (PROMOTED, 40 * 60, 30 * 60)


def test_argo_lets_as_many_measurements_fail_as_the_limit_says() -> None:
    """Every 5 minutes one fails; failureLimit 3 allows three, the default 0 none."""
    bad = ArgoRollouts(name="").run(world(1.0), 1)
    assert (bad.end, bad.seconds) == (ROLLED_BACK, 4 * 300)
    assert bad.bad == pytest.approx(100 * (600 * 0.2 + 600 * 0.4), rel=0.05)
    assert ArgoRollouts(name="", failure_limit=0).run(world(1.0), 1).seconds == 300
    outage = replace(world(0.0), outage=(0.0, 901.0, 1.0))
    assert ArgoRollouts(name="").run(outage, 1).end == PROMOTED


@pytest.mark.parametrize(("bad", "good"), [(50, True), (51, False)])
def test_argo_wants_a_result_of_at_least_95_percent(bad: int, good: bool) -> None:
    assert ArgoRollouts(name="").succeeds(success_rate([(1000, bad)], 1)) is good


def test_argo_measures_what_grew_between_the_last_two_scrapes() -> None:
    """irate(): an outage that ended two scrapes before the measurement is not seen by it; rate() over a minute sees it."""
    outage = replace(world(0.0), outage=(0.0, 270.0, 1.0))
    assert ArgoRollouts(name="", failure_limit=0).run(outage, 1).end == PROMOTED
    assert ArgoRollouts(name="", failure_limit=0, window=60.0).run(outage, 1).end == ROLLED_BACK


def test_argo_takes_no_requests_for_a_success() -> None:
    assert ArgoRollouts(name="", failure_limit=0).run(world(1.0, rps=0.0), 1).end == PROMOTED


# ---- Kayenta


@pytest.mark.parametrize(
    ("experiment", "control", "direction", "expected"),
    [
        (AROUND_10, ALSO_10, "either", PASS),
        (AROUND_20, ALSO_10, "either", HIGH),
        (AROUND_10, AROUND_20, "either", LOW),
        (AROUND_10, AROUND_20, "increase", PASS),
        (AROUND_20, ALSO_10, "decrease", PASS),
        (AROUND_20, ALSO_10, "increase", HIGH),
        (AROUND_10, AROUND_20, "decrease", LOW),
        ((1.0, 1.0, 1.0), (1.0, 1.0), "decrease", PASS),  # tied
        ((1.0, 2.0, 3.0, 4.0, 5.0), (5.0, 4.0, 3.0, 2.0, 1.0), "either", PASS),  # the same population
        ((0.0, 1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0, 1.0), "decrease", PASS),
        ((), (1.0, 2.0, 3.0, 4.0, 5.0), "decrease", NO_DATA),
    ],
)
def test_kayenta_classifies_the_examples_of_its_own_suite(
    experiment: tuple[float, ...], control: tuple[float, ...], direction: str, expected: str
) -> None:
    assert classify(experiment, control, direction=direction, tolerance=0.10, confidence=0.95) == expected


@pytest.mark.parametrize("ties", [False, True])
def test_the_standing_is_that_of_the_mann_whitney_u_test(ties: bool) -> None:
    random = numpy.random.default_rng(7)
    for _ in range(20):
        x, y = random.normal(1, 1, 23), random.normal(0.6, 1.4, 17)
        if ties:
            x, y = x.round(), y.round()
        shift = float(random.integers(-1, 2)) if ties else float(random.normal())
        z = standing(x, y, shift)
        expected = stats.mannwhitneyu(x - shift, y, method="asymptotic", use_continuity=True)
        assert 2 * stats.norm.sf(abs(z)) == pytest.approx(min(1.0, expected.pvalue), abs=1e-9)
        assert numpy.sign(z) == numpy.sign(expected.statistic - len(x) * len(y) / 2)


def test_the_interval_holds_the_shifts_that_the_test_does_not_reject_and_the_estimate_is_hodges_lehmann() -> None:
    found = shift_of(AROUND_20, ALSO_10, 0.95)
    differences = numpy.subtract.outer(AROUND_20, ALSO_10)
    assert found.estimate == pytest.approx(float(numpy.median(differences)), abs=0.02)
    for edge, inside in ((found.low, 1), (found.high, -1)):
        p = [
            stats.mannwhitneyu(numpy.asarray(AROUND_20) - edge - step, ALSO_10, method="asymptotic").pvalue
            for step in (-0.05 * inside, 0.05 * inside)
        ]
        assert p[0] < 0.05 < p[1]


def test_kayenta_wants_the_interval_a_quarter_of_the_shift_away_from_zero() -> None:
    """The same series, with a tolerance that its interval does and does not clear."""
    found = shift_of(AROUND_20, ALSO_10)
    edge = found.low / found.estimate
    assert 0.25 < edge < 1
    assert classify(AROUND_20, ALSO_10, tolerance=edge - 0.01) == HIGH
    assert classify(AROUND_20, ALSO_10, tolerance=edge + 0.01) == PASS


def test_nine_of_ten_metrics_that_pass_score_90() -> None:
    assert score([PASS] * 9 + [HIGH]) == 90
    assert score([PASS, NO_DATA]) == 100
    assert score([NO_DATA]) == 0


def test_kayenta_needs_three_runs_of_an_hour_to_pass_and_fails_at_the_first_that_is_under_75() -> None:
    good, bad = Kayenta(name="").run(world(0.001, 0.001), 1), Kayenta(name="").run(world(0.05, 0.001), 1)
    assert (good.end, good.seconds) == (PROMOTED, 3 * 3600)
    assert (bad.end, bad.seconds) == (ROLLED_BACK, 3600)


def test_an_outage_that_hits_canary_and_baseline_alike_does_not_fail_a_canary() -> None:
    alike = replace(world(0.001, 0.001), outage=(0.0, 10_800.0, 0.05))
    assert Kayenta(name="").run(alike, 1).end == PROMOTED


def test_a_run_has_at_least_the_fifty_points_that_are_recommended() -> None:
    for tool in (Kayenta(name=""), Kayenta(name="", runs=1, interval=900.0, step=15.0)):
        assert tool.interval / tool.step >= 50


def test_missing_values_are_zero_and_scrapes_are_added_up_to_a_step() -> None:
    assert percentages([(10, 1), (10, 0), (0, 0), (0, 0)], 2) == [5.0, 0.0]
