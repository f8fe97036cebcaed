"""While git is awaited: what is lost and comes back, what is deleted meanwhile, and what people are told of it."""

import pytest

from hotfix.core import spec
from hotfix.core.status import Phase, Stage

from .test_git_stories import awaiting
from .world import World, a_spec


def whats(world: World) -> list[str]:
    """What was decided, as far as it is remembered."""
    return [entry.what for entry in world.remembered.decisions]


def back_after(world: World) -> float:
    """Patched loses its pods and gets them back: seconds until it has everything again."""
    world.patched.ready = 0
    world.run(lambda w: w.weight == 0, seconds=10)
    world.patched.ready = None
    began = world.now
    world.run(lambda w: w.weight == 100, seconds=1000)
    return world.now - began


def test_the_wait_for_a_patched_that_is_lost_again_and_again_doubles_up_to_five_minutes() -> None:
    world = awaiting()
    waits = [back_after(world) for _ in range(9)]
    assert waits == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300], abs=3)


def test_a_loss_and_its_end_are_told() -> None:
    world = awaiting()
    back_after(world)
    assert whats(world)[-2:] == ["weight 0", "weight 100"]
    assert world.reasons[-2:] == ["PatchedLost", "AwaitingGit"]


def test_one_whose_replicas_are_its_own_gets_everything_back_only_with_enough_of_them() -> None:
    world = awaiting(asked=a_spec(patched={"replicas": spec.ReplicaPolicy.OWN}))
    world.patched.ready = 0
    world.run(lambda w: w.weight == 0, seconds=10)
    world.patched.ready = 1
    world.rest(60)
    assert (world.weight, world.remembered.held) == (0, "PatchedLost")
    assert "--replicas=2" in (world.remembered.next or "")
    world.patched.ready = None
    world.run(lambda w: w.weight == 100, seconds=20)


def test_a_patched_deployment_that_is_deleted_by_mistake_is_waited_for() -> None:
    world = awaiting()
    world.patched.exists = False
    world.rest(60)
    assert (world.remembered.phase, world.remembered.held, world.weight) == (Phase.AWAITING_GIT, "PatchedLost", 0)
    world.patched.exists = True
    world.rest(20)
    assert (world.remembered.phase, world.remembered.held, world.weight) == (Phase.AWAITING_GIT, None, 100)


def test_while_neither_side_has_pods_everything_stays_where_it_is() -> None:
    world = awaiting()
    world.patched.ready = world.stable.ready = 0
    world.rest(60)
    assert (world.remembered.phase, world.weight) == (Phase.AWAITING_GIT, 100)


@pytest.mark.parametrize("rolled_out", [True, False])
def test_what_one_commit_fixes_and_prunes_ends_as_promoted(rolled_out: bool) -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.stable.ready = None if rolled_out else 1
    world.patched.exists = world.patched.service = False
    world.deleting = True
    world.rest(10)
    world.stable.ready = None
    world.run(lambda w: w.gone, seconds=200)
    assert world.reasons[-1] == "Promoted"
    assert "Deleted" not in world.reasons


def test_a_stable_that_is_gone_is_no_reason_to_end_a_deleted_one() -> None:
    world = awaiting()
    world.stable.exists, world.deleting = False, True
    world.rest(60)
    assert (world.gone, world.remembered.phase, world.weight) == (False, Phase.AWAITING_GIT, 100)


def test_patched_lost_while_a_deletion_is_held_is_told() -> None:
    world = awaiting()
    world.deleting = True
    world.held("DeletionHeld", seconds=10)
    world.patched.ready = 0
    world.look()
    assert "weight 0" in whats(world)


def test_a_deletion_that_is_held_does_not_keep_people_from_being_reminded() -> None:
    world = awaiting(asked=a_spec(analysis={"deadline": "10m"}))
    world.deleting = True
    world.rest(700)
    assert "remind" in whats(world)


def test_nothing_is_accepted_for_stable_while_it_is_patched_that_changed() -> None:
    world = awaiting()
    world.patched.template = "v3"
    world.held("PatchedChanged", seconds=20)
    world.request = "promote:1"
    world.rest(60)
    assert (world.remembered.stage, world.remembered.held, world.weight) == (Stage.AWAITING_GIT, "PatchedChanged", 100)
    assert "accept" not in whats(world)


def test_what_a_person_accepts_is_told() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v3", 0.001
    world.held("StableChanged", seconds=60)
    world.request = "promote:1"
    world.phase(Phase.PROMOTING, seconds=100)
    assert "accept" in whats(world)


@pytest.mark.parametrize("asked", [60, 900])
def test_a_rollout_of_git_has_as_long_as_its_deployment_gives_it(asked: int) -> None:
    world = awaiting()
    world.stable.progress_deadline = asked
    world.stable.template, world.stable.ready = "v2", 1
    world.rest(asked - 10)
    assert world.remembered.held is None
    world.held("PromotionFailed", seconds=20)


def test_another_way_is_not_taken_before_everything_is_known_to_be_with_patched() -> None:
    world = awaiting()
    world.stable.owner, world.ack = None, world.route().ack.PENDING
    back = world.remembered
    world.remembered = back.model_copy(update={"acknowledged_at": None})
    world.asked = a_spec(promotion={"mode": "PatchStable"})
    world.rest(60)
    assert (world.remembered.stage, world.stable.template) == (Stage.AWAITING_GIT, "v1")


def test_another_way_is_not_taken_once_git_has_changed_stable() -> None:
    world = awaiting()
    world.stable.template, world.stable.ready = "v2", 1
    world.rest(2)
    world.stable.owner, world.asked = None, a_spec(promotion={"mode": "KeepPatched"})
    world.rest(30)
    assert world.remembered.stage is Stage.AWAITING_GIT
