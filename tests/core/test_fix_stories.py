"""Stories of the questions beside failed requests: does it cure what it is for, does it refuse more, is it slower?"""

import re
from dataclasses import replace
from typing import Any

import pytest

from hotfix.core.observation import Series, SideSeries
from hotfix.core.status import Phase

from .world import World, a_spec, ready_world

FIX = {"errors": 'http_requests_total{path="/pay",code="500"}'}
BUCKETS = (("100", 0.1, 900.0), ("250", 0.25, 980.0), ("500", 0.5, 995.0), ("+Inf", float("inf"), 1000.0))


def burning(*, left: float, errors: float = 0.001, **spec: Any) -> World:
    """Stable fails 5 % of requests with the bug; patched still has `left` of these failures."""
    world = World(asked=a_spec(fix=FIX, **spec))
    world.stable.errors, world.stable.target = errors, 0.05
    world.patched.errors, world.patched.target = errors, 0.05 * left
    world.advance(60)
    return world


def test_a_fix_that_works_is_proven_before_the_bake() -> None:
    world = burning(left=0.02).phase(Phase.BAKING)
    assert "errors of this bug reduced by at least" in world.remembered.message
    assert world.remembered.verdict is not None
    assert "reduced by at least" in world.remembered.verdict.fix
    assert world.remembered.verdict.state == "Fixed"
    world.phase(Phase.PROMOTED)


def test_a_patch_without_effect_on_the_bug_is_rolled_back_though_it_does_no_harm() -> None:
    world = burning(left=1.0).phase(Phase.ROLLED_BACK)
    assert world.remembered.why == "NotFixed"
    assert "the errors that the hotfix is for" in next(d.message for d in world.remembered.decisions if d.reason == "RollingBack")


def test_a_fix_that_falls_short_of_its_promise_but_not_of_the_least_is_promoted_once_the_least_was_proven() -> None:
    world = burning(left=0.4, errors=0.0)
    world.asked = a_spec(fix={**FIX, "expectedReduction": "61%"})
    world.phase(Phase.BAKING, seconds=2000)
    assert "EvidenceSufficient" in world.reasons


def test_a_fix_that_need_not_be_proven_is_promoted_on_the_guardrails_alone() -> None:
    """Its errors are far too rare to prove anything about them."""
    world = World(asked=a_spec(fix={**FIX, "required": False}))
    world.stable.target, world.patched.target = 0.00001, 0.00001
    world.stable.errors = world.patched.errors = 0.001
    world.advance(600)
    world.phase(Phase.PROMOTED, seconds=3000)
    assert "TargetErrorsTooRare" in world.reasons


def test_a_fix_that_need_not_be_proven_is_still_rolled_back_when_it_is_proven_to_fail() -> None:
    world = World(asked=a_spec(fix={**FIX, "required": False}, analysis={"bakeTime": "10m"}))
    world.stable.errors = world.patched.errors = 0.0
    world.stable.target, world.patched.target = 0.004, 0.004
    world.advance(600)
    world.phase(Phase.ROLLED_BACK, seconds=3000)
    assert world.remembered.why == "NotFixed"


def test_without_its_errors_on_stable_it_is_said_at_the_start_that_no_proof_will_come() -> None:
    world = World(asked=a_spec(fix=FIX))
    world.stable.target = 0.000001
    world.advance(600)
    world.phase(Phase.ANALYZING).rest(5)
    assert "TargetErrorsTooRare" in world.reasons


def test_errors_that_are_too_rare_are_counted_out_against_the_deadline() -> None:
    world = World(asked=a_spec(fix=FIX, analysis={"deadline": "20m"}))
    world.stable.target, world.stable.errors = 0.0001, 0.0
    world.advance(3600)
    world.phase(Phase.ANALYZING).rest(5)
    said = next(entry.message for entry in world.announced if entry.reason == "TargetErrorsTooRare")
    assert said.startswith(
        "Stable has about 37 errors of this bug an hour. Where they fall by 80 %, the proof that they fell by 50 %"
    )
    found = re.search(r"needs about (\d+) of them on stable, which are expected to take 1h(\d+)m.*; the deadline is 20m", said)
    assert found is not None, said
    needed, minutes = int(found[1]), 60 + int(found[2])
    assert 9 <= needed <= 40
    assert minutes > 20
    assert needed == pytest.approx(37 / 60 / 2 * minutes, rel=0.1)


def test_a_fixed_start_is_told_with_what_is_to_be_expected_of_it() -> None:
    world = World(asked=a_spec(startWeight=5))
    world.advance(60)
    world.phase(Phase.ANALYZING)
    assert world.remembered.resolved is not None
    why = world.remembered.resolved.start_reason or ""
    assert why.startswith("spec.startWeight; at 100 requests/s a patch that is 5 % worse is expected to be found out in")
    assert "a good one to have nearly all traffic in" in why


def test_pods_that_count_themselves_are_compared_with_each_other_and_proxies_over_time() -> None:
    """The same counts: outages in the past that all pods had are noise only where nobody tells the pods apart."""

    def learnt(process: str) -> float:
        world = World(asked=a_spec(startWeight=5))
        seen = world._series
        world._series = lambda *asked: renamed(seen(*asked), process)  # type: ignore[method-assign]
        for errors in (0.05, 0.5) * 10:
            world.stable.errors = errors
            world.advance(150)
        world.phase(Phase.ANALYZING)
        assert world.remembered.baseline is not None
        return float(world.remembered.baseline.sigma2["bad"])

    def renamed(side: SideSeries, process: str) -> SideSeries:
        def two(many: tuple[Series, ...]) -> tuple[Series, ...]:
            return tuple(Series(f"{process}-{place}|{one.id}", one.samples) for place in (1, 2) for one in many)

        return replace(side, requests=two(side.requests), errors=two(side.errors))

    assert learnt("checkout-6d4f9c7b8-x2x5") < 0.02
    assert learnt("envoy") > 0.2


def test_without_requests_nothing_is_expected_of_a_fixed_start() -> None:
    world = World(asked=a_spec(startWeight=5), rate=0.0).phase(Phase.ANALYZING)
    assert world.remembered.resolved is not None
    assert world.remembered.resolved.start_reason == "spec.startWeight"


def test_a_decision_later_than_the_deadline_is_said_at_the_start_with_the_margin_that_would_fit() -> None:
    world = World(asked=a_spec(startWeight=1, analysis={"deadline": "4m"}), rate=10.0)
    world.stable.errors = 0.001
    world.advance(600)
    world.phase(Phase.ANALYZING).rest(5)
    assert "DecisionLaterThanDeadline" in world.reasons
    assert "maxErrorRateIncrease 2% would fit" in next(
        entry.message for entry in world.announced if entry.reason == "DecisionLaterThanDeadline"
    )


def test_no_margin_fits_where_there_is_hardly_any_traffic() -> None:
    world = World(asked=a_spec(analysis={"deadline": "1m"}), rate=0.5)
    world.advance(900)
    world.phase(Phase.ANALYZING, seconds=300).rest(5)
    assert any("no margin fits" in entry.message for entry in world.announced)


@pytest.mark.parametrize(("guard", "phase"), [("Guard", Phase.ROLLED_BACK), ("Off", Phase.PROMOTED)])
def test_a_patch_that_refuses_good_requests_is_rolled_back_unless_refusing_is_the_fix(guard: str, phase: Phase) -> None:
    world = ready_world(asked=a_spec(analysis={"clientErrors": guard}))
    world.patched.client_errors = 0.2
    world.phase(phase, seconds=2000)
    assert world.remembered.why == ("ClientErrors" if guard == "Guard" else None)


def slow_world(share: float, **latency: Any) -> World:
    world = World(asked=a_spec(analysis={"latency": latency}), buckets=BUCKETS)
    world.patched.slow = share
    world.advance(60)
    return world


@pytest.mark.parametrize("latency", [{}, {"threshold": "200ms"}])
def test_a_patch_that_answers_slowly_is_rolled_back(latency: dict[str, str]) -> None:
    world = slow_world(0.3, **latency).phase(Phase.ROLLED_BACK)
    assert world.remembered.why == "Slow"
    assert world.remembered.baseline is not None
    assert world.remembered.baseline.slow_bound == ("500" if not latency else "250")


def test_a_patch_as_fast_as_stable_is_promoted_with_a_proof_where_a_threshold_was_given() -> None:
    world = slow_world(0.02, threshold="200ms").phase(Phase.BAKING)
    assert "not slower" in next(d.message for d in world.remembered.decisions if d.reason == "EvidenceSufficient")
    world.phase(Phase.PROMOTED)


def test_slow_first_answers_of_a_cold_cache_are_forgiven() -> None:
    world = slow_world(0.5).phase(Phase.ANALYZING)
    world.rest(20)
    world.patched.slow = 0.02
    world.phase(Phase.PROMOTED)
    assert "RollingBack" not in world.reasons


def test_a_threshold_without_a_histogram_waits_and_says_so() -> None:
    world = ready_world(asked=a_spec(analysis={"latency": {"threshold": "200ms"}})).held("LatencyUnknown")
    assert "latency histogram" in world.remembered.message
    world.buckets = BUCKETS
    world.phase(Phase.PROMOTED)
