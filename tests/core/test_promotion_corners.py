"""Promotion where both sides are in trouble, where confirmations are slow, and how long each step has."""

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import Ack
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world


def whats(world: World) -> list[str]:
    """What was decided, as far as it is remembered."""
    return [entry.what for entry in world.remembered.decisions]


def without_patched(world: World) -> World:
    """Patched is lost while traffic returns: stable, with the fix, has everything."""
    world.patched.ready = 0
    return world.run(lambda w: w.weight == 0, seconds=30)


@pytest.mark.parametrize("stage", [Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE])
def test_while_neither_side_has_pods_before_stable_is_changed_nothing_is_given_back(stage: Stage) -> None:
    world = ready_world()
    world.refuses = (act.SetPodSpec,)
    world.stage(stage)
    world.patched.ready = world.stable.ready = 0
    world.rest(60)
    assert (world.remembered.phase, world.weight) == (Phase.PROMOTING, 100)
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=120)


def test_a_stable_that_has_the_fix_but_no_pods_yet_does_not_take_over() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.ready = world.patched.ready = 0
    world.rest(60)
    assert (world.remembered.stage, world.weight) == (Stage.PATCHING_STABLE, 100)


@pytest.mark.parametrize("how", ["ready", "deleting"])
def test_a_bad_stable_keeps_everything_while_there_is_no_patched_to_give_it_to(how: str) -> None:
    world = ready_world().stage(Stage.RETURNING)
    setattr(world.patched, how, 0 if how == "ready" else True)
    world.run(lambda w: w.weight == 0, seconds=10)
    world.stable.crash_looping, world.ack = 2, Ack.PENDING
    world.rest(20)
    assert (world.remembered.weight, "PromotionFailed" in world.reasons) == (0, False)


def test_nothing_is_done_to_stable_before_everything_is_confirmed_to_be_with_patched() -> None:
    world = ready_world().stage(Stage.ALL_TO_PATCHED)
    world.ack = Ack.PENDING
    world.rest(20)
    assert world.remembered.stage is Stage.ALL_TO_PATCHED
    world.ack = None
    world.stage(Stage.DRAINING_STABLE, seconds=20)


def test_the_revision_to_undo_to_is_remembered() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    assert world.remembered.promotion
    assert world.remembered.promotion.previous_revision == "1"
    assert "patch stable" in whats(world)


@pytest.mark.parametrize("deadline", [60, 900])
def test_a_rollout_of_the_fix_has_as_long_as_the_deployment_gives_it(deadline: int) -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.progress_deadline, world.stable.ready = deadline, 1
    world.rest(deadline - 10)
    assert world.remembered.held is None
    world.held("PromotionFailed", seconds=20)


@pytest.mark.parametrize("deadline", [60, 900])
def test_so_has_a_rollout_that_goes_on_when_stable_has_everything(deadline: int) -> None:
    world = without_patched(ready_world().stage(Stage.RETURNING))
    world.stable.progress_deadline, world.stable.ready = deadline, 1
    world.rest(deadline - 15)
    assert world.remembered.held is None
    world.held("PromotionFailed", seconds=30)


def test_each_share_that_stable_gets_back_is_judged_for_two_scrapes() -> None:
    world, since = ready_world().stage(Stage.RETURNING), {}
    for weight in (95, 50, 0):
        since[weight] = world.run(lambda w, weight=weight: w.weight == weight, seconds=60).now  # type: ignore[misc]
    assert [10 <= since[less] - since[more] <= 20 for more, less in ((95, 50), (50, 0))] == [True, True]


def test_no_share_is_judged_before_it_is_confirmed() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.ack = Ack.PENDING
    world.rest(25)
    assert world.weight == 95
    world.ack = None
    world.phase(Phase.PROMOTED, seconds=120)


def test_no_traffic_is_not_told_before_there_was_time_for_some() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.rate = 0.0
    world.rest(17)
    assert world.remembered.held is None
    world.held("NoTraffic", seconds=15)


def test_who_serves_after_a_failed_promotion_is_told_each_time() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    assert "or set promotion.mode to KeepPatched to end with patched" in world.remembered.message
    world.patched.ready = 0
    world.rest(5)
    world.patched.ready = None
    world.rest(5)
    assert whats(world)[-2:] == ["weight 0", "weight 100"]


def test_paused_it_does_not_end_without_patched_but_deleted_it_does() -> None:
    world = without_patched(ready_world().stage(Stage.RETURNING))
    world.patched.exists, world.ack, world.asked = False, Ack.REJECTED, a_spec(paused=True)
    world.rest(60)
    assert (world.remembered.stage, world.remembered.held) == (Stage.RETURNING, "Paused")
    world.deleting = True
    world.run(lambda w: w.gone, seconds=120)
    assert world.reasons[-1] == "Promoted"
