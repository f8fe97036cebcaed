"""Backtests: what an analysis would have made of the past."""

from dataclasses import replace

import numpy
import pytest

from hotfix.core.judgement import Verdict
from hotfix.core.observation import MetricsView, SideSeries
from hotfix.core.replay import Outcome, halves, windows

from .made import INTERVAL, counter, side, view
from .world import a_spec

BLOCKS = 240


def pods(rates: tuple[float, ...], seed: int, requests: int = 100) -> SideSeries:
    """One process for each error rate, Poisson counts."""
    random = numpy.random.default_rng(seed)
    good, bad = [], []
    for number, rate in enumerate(rates):
        good.append(counter(f"pod-{number}|r", numpy.cumsum(random.poisson(requests, BLOCKS + 1)).tolist()))
        bad.append(counter(f"pod-{number}|e", numpy.cumsum(random.poisson(requests * rate, BLOCKS + 1)).tolist()))
    return side(good, bad)


def past(patched: SideSeries, stable: SideSeries) -> MetricsView:
    return view(patched, stable, BLOCKS)


def test_a_patch_that_failed_more_would_have_been_rolled_back_in_every_window() -> None:
    found = windows(a_spec(), past(pods((0.06,), 1), pods((0.01, 0.01), 2)), every_seconds=300)
    assert len(found) == BLOCKS * INTERVAL / 300
    assert {window.outcome for window in found} == {Outcome.ROLLED_BACK}
    assert {window.verdict for window in found} == {Verdict.WORSE}
    assert max(window.seconds for window in found) < 120


def test_a_patch_that_cured_would_have_been_proven_not_before_half_a_minute() -> None:
    found = windows(a_spec(), past(pods((0.001,), 1), pods((0.05, 0.05), 2)), every_seconds=300)
    assert {window.outcome for window in found} == {Outcome.PROVEN}
    assert min(window.seconds for window in found) >= 30


def test_too_few_requests_decide_nothing_within_the_deadline() -> None:
    spec = a_spec(analysis={"deadline": "1m"})
    found = windows(spec, past(pods((0.01,), 1, requests=1), pods((0.01,), 2, requests=1)), every_seconds=300)
    assert {window.outcome for window in found} == {Outcome.UNDECIDED}
    assert max(window.seconds for window in found) <= 60


def test_a_window_without_any_scrape_is_left_out() -> None:
    whole = past(pods((0.001,), 1), pods((0.05,), 2))
    assert windows(a_spec(), replace(whole, start=whole.end, end=whole.end + 60), every_seconds=30) == []


def test_a_window_knows_what_was_before_it_and_nothing_of_its_own_future() -> None:
    whole = past(pods((0.001,), 1), pods((0.05,), 2))
    begin = whole.start + 600
    first = windows(a_spec(), whole, every_seconds=300, begin=begin)[0]
    assert (first.start, first.outcome) == (begin, Outcome.PROVEN)
    short = replace(whole, end=begin + first.seconds)
    assert windows(a_spec(), short, every_seconds=300, begin=begin)[0] == first
    unknown = windows(a_spec(), replace(whole, start=begin), every_seconds=300)[0]
    assert unknown.judgement.findings.not_worse != first.judgement.findings.not_worse, "it learns from the time before"


def test_a_deployment_against_itself_is_hardly_ever_rolled_back() -> None:
    """A/A over many hours: the stated risk is one in a hundred."""
    back = total = 0
    for seed in range(12):
        parts = halves(pods((0.02, 0.02, 0.02, 0.02), seed))
        assert parts is not None
        found = windows(a_spec(analysis={"deadline": "20m"}), past(*parts), every_seconds=1200)
        back += sum(window.outcome is Outcome.ROLLED_BACK for window in found)
        total += len(found)
    assert total >= 12
    assert back <= 1


def test_halves_share_no_process_and_lose_none() -> None:
    whole = pods((0.1, 0.2, 0.3), 1)
    whole = replace(whole, slow=whole.errors)
    parts = halves(whole)
    assert parts is not None
    names = [{series.process for series in part.requests} for part in parts]
    assert names == [{"pod-0", "pod-2"}, {"pod-1"}]
    assert [len(part.slow or ()) for part in parts] == [2, 1]
    assert parts[0].started is None


@pytest.mark.parametrize("rates", [(), (0.1,)])
def test_one_process_has_no_halves(rates: tuple[float, ...]) -> None:
    assert halves(pods(rates, 1)) is None
