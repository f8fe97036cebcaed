"""What one look does around the decision itself: what it hears first, what it keeps, and which decisions carry numbers."""

from dataclasses import replace

import pytest

from hotfix.core import looking, machine
from hotfix.core.lineage import Supersedes
from hotfix.core.status import Phase, Stage, Status

from .world import World, a_spec, ready_world

CLAIM = Supersedes(name="older", uid="0", service="checkout-older")


def at(weight: int | None, *, moved: bool | None = None) -> Status:
    """Acknowledged with this weight; of one that supersedes another where `moved` is given."""
    claim = None if moved is None else CLAIM.model_copy(update={"moved": moved})
    return Status(weight=weight, acknowledged_at="2027-01-15T08:00:00Z", acknowledged_weight=weight, supersedes=claim)


@pytest.mark.parametrize(
    ("before", "after", "anew"),
    [
        (at(5), at(5), False),
        (at(5), at(25), True),
        (at(None), at(0), True),
        (at(5, moved=False), at(5, moved=False), False),
        (at(5, moved=False), at(5, moved=True), True),
        (at(5, moved=True), at(5, moved=True), False),
        (at(5), at(5, moved=True), True),
        (at(5, moved=True), at(5), False),
    ],
)
def test_a_new_weight_or_a_share_that_moves_is_acknowledged_anew(before: Status, after: Status, anew: bool) -> None:
    assert (machine._unacknowledged(before, after).acknowledged_at is None) is anew


def test_decisions_carry_the_numbers_that_they_were_made_on_and_no_others() -> None:
    world = ready_world().phase(Phase.BAKING)
    made = world.remembered.decisions
    assert [bool(entry.counts) for entry in made[:3]] == [False, False, False], "before anything was counted"
    assert made[-1].counts
    assert made[-1].evidence
    kept = list(made)
    world.rest(20)
    assert world.remembered.decisions[: len(kept)] == kept, "and keep them"


def test_the_decision_with_which_a_phase_begins_says_so() -> None:
    world = ready_world().phase(Phase.BAKING)
    told = [(entry.phase, str(entry.reason)) for entry in world.remembered.decisions]
    assert told == [
        (Phase.PENDING, "HotfixDetected"),
        (None, "PatchedReady"),
        (Phase.ANALYZING, "TrafficShifted"),
        (None, "TrafficShifted"),
        (Phase.BAKING, "EvidenceSufficient"),
    ]


@pytest.mark.parametrize("stage", [Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE])
def test_a_stable_that_is_lost_while_it_is_promoted_is_not_gone_back_to_in_steps(stage: Stage) -> None:
    world = ready_world().stage(stage)
    world.stable.ready = 0
    world.rest(3)
    assert world.remembered.stable_lost is None
    assert world.weight == 100


def judged(world: World, **more: object) -> bool:
    look = world.shown()
    return machine._with_judgement(replace(look, status=look.status.model_copy(update=more))).judgement is not None


def test_nothing_is_judged_where_there_is_nothing_to_compare() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(20)
    assert judged(world)
    assert judged(world, stage=Stage.RETURNING)
    for stage in (Stage.ADOPTING, Stage.ALL_TO_PATCHED, Stage.WEIGHT_ZERO):
        assert not judged(world, stage=stage)
    assert not judged(world, baseline=None)
    lost = ready_world(asked=a_spec()).phase(Phase.ANALYZING).rest(20)
    lost.stable.ready = 0
    lost.held("StableLost", seconds=5)
    assert not judged(lost)


def test_a_stable_that_dies_at_the_end_of_a_promotion_is_no_loss_to_wait_out() -> None:
    world = ready_world().stage(Stage.DRAINING_PATCHED)
    assert world.remembered.phase is Phase.PROMOTING
    world.stable.ready = 0
    world.rest(2)
    assert (world.remembered.stable_lost, world.remembered.stage, world.weight) == (None, Stage.RETURN_FAILED, 100)


# ---- when it looks again


def again(world: World, **more: object) -> float | None:
    look = world.shown()
    return machine._look_again(look.having(look.status.model_copy(update=more)))


def test_an_end_that_everybody_heard_of_is_not_looked_at_again() -> None:
    world = ready_world().phase(Phase.PROMOTED).rest(5)
    said = world.remembered.announced
    assert said == world.remembered.decisions[-1].sequence
    assert again(world) is None
    assert again(world, decisions=[]) is None
    assert again(world, announced=said - 1) == looking.LOOK_SECONDS
    world.finalizer = True
    assert again(world) == looking.SOON_SECONDS


def test_before_the_start_it_looks_as_often_as_pods_change() -> None:
    world = ready_world()
    assert again(world, phase=Phase.PENDING, stage=Stage.CHECKING) == 5.0
    world.stage(Stage.SCALING)
    assert again(world) == 1.0


def test_a_weight_that_is_not_there_yet_is_looked_at_soon() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    assert again(world, acknowledged_at=None) == looking.SOON_SECONDS
    assert again(world, weight=None, stage=Stage.ALL_TO_PATCHED) == 1.0
    waited = again(world)
    assert waited is not None
    assert looking.SOON_SECONDS < waited <= looking.LOOK_SECONDS
    world.weights = (50, 50)
    assert again(world) == looking.SOON_SECONDS
    world = ready_world().stage(Stage.DRAINING_STABLE).rest(3)
    assert again(world) == 1.0
