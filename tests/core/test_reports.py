"""Numbers as people read them: rates, their intervals, evidence against its mark."""

import math
from dataclasses import replace

import pytest
from statsmodels.stats.proportion import proportion_confint

from hotfix.core import machine, reports
from hotfix.core.counting import Counter
from hotfix.core.judgement import Evidence, Judgement, Sides, Tally
from hotfix.core.status import Phase

from .world import a_spec, ready_world


@pytest.mark.parametrize(("bad", "requests"), [(0, 1), (1, 1), (0, 60), (81, 1440), (412, 8402), (1, 3), (999, 1000)])
def test_the_interval_of_a_rate_is_wilsons(bad: int, requests: int) -> None:
    low, high = proportion_confint(bad, requests, alpha=0.05, method="wilson")
    assert reports.bounds(Tally(requests=requests, bad=bad)) == pytest.approx((max(0.0, low), min(1.0, high)), abs=1e-7)


def test_a_rate_is_told_with_its_counts() -> None:
    assert reports.rate(Tally(requests=8402, bad=412)) == "4.9 % (412/8402)"
    assert reports.interval(Tally(requests=8402, bad=412)) == "4.46 to 5.39 %"
    assert (reports.rate(Tally(requests=0, bad=0)), reports.interval(Tally(requests=0, bad=0))) == ("no requests", "")


@pytest.mark.parametrize(
    ("now", "told"), [(0.5, "0.5"), (1.0, "1.0"), (9.94, "9.9"), (10, "10"), (37.4, "37"), (9_999, "9999"), (10_000, "1e+04")]
)
def test_evidence_is_told_as_a_number_of_times(now: float, told: str) -> None:
    found = Evidence(log_now=math.log(now), log_max=math.log(20), log_threshold=math.log(20))
    assert reports.evidence("not worse", found) == f"not worse {told} of 20"
    assert reports.evidence("worse", found, ever=True) == "worse 20 of 20"


def test_evidence_beyond_all_numbers_is_still_told() -> None:
    assert reports.evidence("worse", Evidence(log_now=5000.0, log_max=5000.0, log_threshold=0.0)).startswith("worse 1e+304 of")


def judged(**more: object) -> Judgement:
    """Of a patch that is analysed, and of which these things are so."""
    world = ready_world(asked=a_spec(), rate=20.0).phase(Phase.ANALYZING).rest(20)
    found = machine._with_judgement(world.shown()).judgement
    assert found is not None
    return replace(found, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("patched", "hint"), [(30.0, False), (30.1, True)])
def test_more_than_three_times_the_load_may_be_the_reason(patched: float, hint: bool) -> None:
    told = reports.loads(judged(patched_load=patched, stable_load=10.0))
    assert told.startswith(f" Load per pod: patched {patched:.1f}/s, stable 10.0/s")
    assert told.endswith("; capacity suspected.") is hint
    assert "capacity" not in reports.loads(judged(patched_load=5.0, stable_load=0.0))


def test_what_the_hotfix_is_for_is_told_of_both_sides() -> None:
    sides = Sides(patched=Tally(requests=100, bad=1), stable=Tally(requests=200, bad=20))
    counted = {**judged().counted, Counter.TARGET: sides}
    told = "patched 1 % (1/100), stable 10 % (20/200): "
    assert reports.fix(judged(counted=counted, proven_reduction=0.8)) == f"{told}reduced by at least 80 %"
    assert reports.fix(judged(counted=counted, proven_reduction=None)) == f"{told}no reduction proven yet"


def test_the_tightest_bounds_are_told_under_the_side_they_are_of() -> None:
    assert reports.proven(judged(proven_reduction=0.5, proven_margin=0.005)) == (
        "errors of this bug reduced by at least 50 %, patched at most +0.5 pp worse"
    )
    assert reports.proven(judged(proven_reduction=None, proven_margin=0.02, swapped=True)) == (
        "stable with the fix at most +2 pp worse"
    )
    assert reports.proven(judged(proven_reduction=None, proven_margin=None)) == "nothing yet"


def test_the_status_shows_each_side_under_its_own_name() -> None:
    both = Sides(patched=Tally(requests=100, bad=1), stable=Tally(requests=200, bad=20))
    kept = reports.remembered(judged(counted={Counter.BAD: both}), 1_800_000_000.0)
    assert (kept.patched, kept.stable) == ("1 % (1/100)", "10 % (20/200)")
    assert kept.intervals == "patched 0.18 to 5.45 %, stable 6.57 to 14.94 %"
    assert kept.at == "2027-01-15T08:00:00.000Z"
    assert "worse" in kept.evidence
