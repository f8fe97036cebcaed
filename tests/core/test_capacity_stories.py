"""Pods on both sides: an HPA's floor is borrowed where it is ours and named where not; no share goes where pods are missing."""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage

from .world import World, ready_world

HPA = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")


def with_a_scaler(owner: str | None) -> World:
    world = ready_world()
    world.stable.scaler = replace(HPA, owner=owner)
    return world


@pytest.mark.parametrize("owner", ["ScaledObject checkout", "Flux Kustomization flux-system/shop"])
def test_the_floor_of_a_scaler_that_others_keep_is_named_and_never_written(owner: str) -> None:
    world = with_a_scaler(owner).phase(Phase.PROMOTED).rest(5)
    assert not any(isinstance(action, act.SetScalerFloor) for action in world.performed)
    detected = next(entry for entry in world.announced if entry.reason == "HotfixDetected")
    assert f"HPA checkout belongs to {owner} and may shrink stable to 1 pods, where 2 are needed" in detected.message


def test_nothing_is_said_of_a_floor_that_is_high_enough() -> None:
    world = with_a_scaler("ScaledObject checkout")
    world.stable.scaler = replace(HPA, owner="ScaledObject checkout", min_replicas=2)
    world.phase(Phase.ANALYZING)
    assert "may shrink" not in world.announced[0].message


def test_a_stable_that_was_shrunk_in_the_bake_gets_only_what_its_pods_can_serve() -> None:
    world = with_a_scaler("ScaledObject checkout").phase(Phase.BAKING)
    world.stable.replicas = 1
    world.stage(Stage.RETURNING, seconds=300)
    world.held("InsufficientCapacity", seconds=120)
    assert world.weight == 50, "one of the two pods that everything needs"
    assert "raise minReplicas of HPA checkout to 2 in ScaledObject checkout" in world.remembered.message
    world.stable.replicas = 2
    world.phase(Phase.PROMOTED, seconds=120)


def test_a_stable_scaled_by_hand_in_the_bake_is_waited_for_with_the_line_to_type() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.stable.replicas = 1
    world.held("InsufficientCapacity", seconds=300)
    assert "kubectl scale deployment/checkout --replicas=2 -n shop" in world.remembered.message


def test_a_patched_scaled_down_by_hand_keeps_its_weight_and_is_not_promoted() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.patched.replicas = 1
    world.held("InsufficientCapacity", seconds=300)
    assert world.weight == 95
    assert "kubectl scale deployment/checkout-hotfix --replicas=2" in world.remembered.message
    world.patched.replicas = 2
    world.phase(Phase.PROMOTED, seconds=300)


def test_a_floor_that_somebody_set_meanwhile_is_left_alone() -> None:
    world = with_a_scaler(None).phase(Phase.BAKING)
    assert world.stable.scaler is not None
    assert world.stable.scaler.min_replicas == 2
    world.stable.scaler = replace(world.stable.scaler, min_replicas=5)
    world.phase(Phase.PROMOTED, seconds=300).rest(5)
    assert world.stable.scaler.min_replicas == 5
