"""Patched's pods end only after their last requests, whatever somebody does to the weights meanwhile."""

from hotfix.core import actions as act
from hotfix.core.status import Stage

from .world import a_spec, ready_world


def test_somebody_who_gives_patched_a_weight_while_it_drains_keeps_its_pods() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(120)
    assert world.patched.replicas == 2


def test_after_a_person_served_patched_again_it_drains_from_the_start() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(120)
    world.weights = (100, 0)
    put_back = world.now
    world.stage(Stage.SCALING_DOWN)
    assert world.now - put_back >= 60


def test_a_weight_given_to_patched_right_before_its_pods_end_keeps_them() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.refuses = (act.Scale,)
    world.stage(Stage.SCALING_DOWN)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.look()
    assert (world.remembered.stage, world.remembered.held) == (Stage.DRAINING_PATCHED, "WeightsEdited")
