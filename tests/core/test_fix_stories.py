"""Stories of the questions beside failed requests: does it cure what it is for, does it refuse more, is it slower?"""

from typing import Any

import pytest

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


def test_a_decision_later_than_the_deadline_is_said_at_the_start_with_the_margin_that_would_fit() -> None:
    world = World(asked=a_spec(startWeight=1, analysis={"deadline": "4m"}), rate=10.0)
    world.stable.errors = 0.001
    world.advance(600)
    world.phase(Phase.ANALYZING).rest(5)
    assert "DecisionLaterThanDeadline" in world.reasons
    assert "maxErrorRateIncrease 1% would fit" in next(
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


def test_a_threshold_without_a_histogram_waits_and_says_so() -> None:
    world = ready_world(asked=a_spec(analysis={"latency": {"threshold": "200ms"}})).held("LatencyUnknown")
    assert "latency histogram" in world.remembered.message
    world.buckets = BUCKETS
    world.phase(Phase.PROMOTED)
