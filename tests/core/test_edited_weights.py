"""Weights that somebody else writes while patched serves everything: a person's edit is held, a manager's is written over."""

import pytest
import yaml

from hotfix.core import actions as act
from hotfix.core.status import Phase, Stage

from .world import World, ready_world

FLUX = "kustomize-controller"


def edit(world: World, weights: tuple[int, int], manager: str = "kubectl-edit") -> None:
    """Somebody writes the split."""
    world.weights, world.ours, world.manager = weights, False, manager


def awaiting() -> World:
    world = ready_world()
    world.stable.owner = "Flux Kustomization flux-system/shop"
    return world.phase(Phase.AWAITING_GIT).rest(5)


def failed() -> World:
    return ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)


def test_weights_that_a_person_sets_while_a_deletion_is_held_are_left_and_told_once() -> None:
    world = awaiting()
    world.deleting = True
    world.held("DeletionHeld", seconds=5).rest(5)
    edit(world, (100, 0))
    world.rest(30)
    assert (world.weights, world.remembered.held, world.gone) == ((100, 0), "WeightsEdited", False)
    assert world.reasons.count("WeightsEdited") == 1
    assert "kubectl hotfix release fix" in world.remembered.message
    edit(world, (0, 100))
    world.held("DeletionHeld", seconds=5)


def test_weights_that_a_person_sets_after_a_failed_promotion_are_left_and_told_once() -> None:
    world = failed()
    edit(world, (100, 0))
    world.rest(30)
    assert (world.weights, world.remembered.held) == ((100, 0), "WeightsEdited")
    assert world.reasons.count("WeightsEdited") == 1
    world.request = "promote:1"
    world.rest(5)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Refused"
    assert world.weights == (100, 0)
    world.request = "pause:1"
    world.rest(3)
    world.request = "resume:1"
    world.held("PromotionFailed", seconds=5).rest(5)
    assert world.weight == 100


def test_a_patched_that_cannot_serve_after_a_failed_promotion_is_left_whatever_a_person_set() -> None:
    world = failed()
    edit(world, (50, 50))
    world.held("WeightsEdited", seconds=5)
    world.patched.ready = 0
    world.rest(5)
    assert world.weight == 0
    edit(world, (50, 50))
    world.patched.ready = None
    world.held("WeightsEdited", seconds=5).rest(5)
    assert world.weight == 50


def test_what_a_manager_sets_after_a_failed_promotion_is_written_over() -> None:
    world = failed()
    edit(world, (100, 0), FLUX)
    world.rest(5)
    assert (world.weight, world.remembered.held) == (100, "PromotionFailed")


@pytest.mark.parametrize("cause", ["both sides unready", "writes fail"])
def test_one_edit_of_a_manager_is_told_and_counted_once_however_long_its_repair_takes(cause: str) -> None:
    world = awaiting()
    if cause == "writes fail":
        world.refuses = (act.SetWeights,)
    else:
        world.patched.ready = world.stable.ready = 0
    edit(world, (100, 0), FLUX)
    world.rest(30)
    assert world.weights == (100, 0)
    assert world.reasons.count("TrafficDriftCorrected") == 1
    world.refuses, world.patched.ready, world.stable.ready = (), None, None
    world.rest(30)
    assert (world.weight, world.remembered.held) == (100, None)
    edit(world, (100, 0), FLUX)
    world.rest(5)
    assert world.reasons.count("TrafficDriftCorrected") == 2
    edit(world, (100, 0), FLUX)
    world.held("TrafficContested", seconds=5)


@pytest.mark.parametrize("stage", [Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE, Stage.RETURN_FAILED])
def test_what_a_manager_sets_during_the_promotion_is_told_too(stage: Stage) -> None:
    world = failed() if stage is Stage.RETURN_FAILED else ready_world().stage(stage)
    edit(world, (100, 0), FLUX)
    world.rest(2)
    assert world.weight == 100
    assert world.reasons.count("TrafficDriftCorrected") == 1


def test_helm_controller_that_goes_on_is_told_the_setting_of_its_release() -> None:
    world = awaiting()
    for _ in range(3):
        edit(world, (100, 0), "helm-controller")
        world.rest(5)
    world.held("TrafficContested", seconds=5)
    snippet = yaml.safe_load(world.remembered.message.rpartition("To end it, give the HelmRelease: ")[2])
    rule = {"paths": ["/spec/rules"], "target": {"kind": "HTTPRoute", "name": "shop"}}
    assert snippet == {"spec": {"driftDetection": {"ignore": [rule]}}}
