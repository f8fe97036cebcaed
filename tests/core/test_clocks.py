"""Nothing is promoted, and nothing ended, by a clock that ran while something else was compared, or nothing was."""

import pytest

from hotfix.core.status import Phase

from .world import a_spec, ready_world


def test_a_stable_that_changes_in_the_bake_is_compared_anew_before_anything_is_promoted() -> None:
    """Stable got better than the patch: what was proven against the old one proves nothing."""
    world = ready_world(asked=a_spec(analysis={"bakeTime": "2m", "deadline": "20m"})).phase(Phase.BAKING).rest(20)
    world.patched.errors, world.stable.errors, world.stable.template = 0.01, 0.0, "v9"
    world.look()
    assert (world.remembered.phase, world.weight) == (Phase.ANALYZING, 95)
    assert (world.remembered.bake_seconds, world.remembered.stopped_seconds) == (0, 0)
    world.phase(Phase.ROLLED_BACK, seconds=1800)
    assert world.stable.template == "v9", "it was not written over"


def test_a_stable_that_changes_in_the_bake_to_another_broken_one_is_cured_after_a_proof_and_a_whole_bake() -> None:
    world = ready_world(asked=a_spec(analysis={"bakeTime": "2m"})).phase(Phase.BAKING).rest(60)
    world.stable.template = "v9"
    world.look()
    changed = world.now
    world.phase(Phase.BAKING, seconds=600)
    assert "EvidenceSufficient" in world.reasons[world.reasons.index("StableChanged") :]
    world.phase(Phase.PROMOTING, seconds=400)
    assert world.now - changed > 120 + 30


@pytest.mark.parametrize("policy", ["Hold", "Rollback"])
def test_the_deadline_runs_anew_for_a_patch_that_changed_in_the_bake(policy: str) -> None:
    asked = a_spec(analysis={"deadline": "2m", "onDeadline": policy, "bakeTime": "20m"})
    world = ready_world(asked=asked).phase(Phase.BAKING).rest(300)
    world.patched.template = "v3"
    world.look()
    assert (world.remembered.phase, world.remembered.held) == (Phase.ANALYZING, None)
    world.phase(Phase.BAKING, seconds=115)


@pytest.mark.parametrize(("policy", "phase", "weight"), [("Rollback", Phase.ROLLED_BACK, 0), ("LastProven", Phase.ANALYZING, 50)])
@pytest.mark.parametrize("trouble", ["unfit", "gone"])
def test_counts_that_cannot_be_judged_for_too_long_are_as_bad_as_none(
    trouble: str, policy: str, phase: Phase, weight: int
) -> None:
    asked = a_spec(analysis={"metricsGrace": "1m", "onMetricsUnavailable": policy})
    world = ready_world(asked=asked).phase(Phase.BAKING).rest(20)
    if trouble == "unfit":
        world.problem = ("CountersUnfit", "The counters fall.")
    else:
        world.patched.scraped_every = 0
    world.rest(50)
    assert world.weight == 95, "metricsGrace is a minute"
    world.run(lambda w: w.weight == weight, seconds=120).rest(5)
    assert world.remembered.phase in (phase, Phase.ROLLING_BACK)
    assert world.remembered.bake_seconds < 60


def test_a_time_in_which_nothing_was_seen_does_not_count_towards_the_bake() -> None:
    world = ready_world(asked=a_spec(analysis={"bakeTime": "10m", "metricsGrace": "2h"})).phase(Phase.BAKING).rest(30)
    world.blind = True
    before = world.remembered.bake_seconds
    world.rest(900)
    world.blind = False
    world.rest(10)
    assert world.remembered.phase is Phase.BAKING
    assert before < world.remembered.bake_seconds <= before + 40
    world.phase(Phase.PROMOTED)
