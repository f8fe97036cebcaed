"""Pods on both sides: an HPA's floor is borrowed where it is ours and named where not; no share goes where pods are missing."""

import math
from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

FLUX = "Flux Kustomization flux-system/shop"
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


# ---- the autoscaler gives stable more pods before traffic moves


def more_pods(pods: int, least: int) -> World:
    """Of a rollout that waits for patched's pods, when stable has two, of which the HPA may take away all but `least`."""
    world = ready_world()
    world.stable.scaler = replace(HPA, min_replicas=least)
    world.patched.ready = 0
    world.stage(Stage.SCALING).rest(3)
    world.stable.replicas, world.patched.ready = pods, None
    return world.rest(3)


def floor(world: World) -> int:
    assert world.stable.scaler is not None
    return world.stable.scaler.min_replicas


@pytest.mark.parametrize("least", [1, 2])
def test_the_floor_follows_and_is_given_back(least: int) -> None:
    world = more_pods(5, least)
    assert (floor(world), world.patched.replicas) == (5, 5)
    world.stable.replicas = 7
    world.rest(3)
    assert (floor(world), world.patched.replicas) == (7, 7)
    world.phase(Phase.PROMOTED, seconds=300).rest(5)
    assert floor(world) == least


def test_a_floor_that_is_never_written_is_not_asked_for_anew() -> None:
    world = more_pods(2, 1)
    world.stable.scaler = replace(HPA, min_replicas=1)  # the write was not seen yet
    world.stable.replicas = 5
    world.look()
    assert world.remembered.borrowed is not None
    assert (world.remembered.borrowed.hpa_raised_to, floor(world), world.patched.replicas) == (2, 2, 2)
    world.rest(2)
    assert (floor(world), world.patched.replicas) == (5, 5)


@pytest.mark.parametrize("written", [1, 2, 5])
def test_whichever_floor_was_written_last_it_is_given_back(written: int) -> None:
    """The second write may be lost, or not be seen."""
    world = more_pods(5, 1)
    world.stable.scaler = replace(HPA, min_replicas=written)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=60)
    assert floor(world) == 1


def test_the_floor_of_a_person_is_not_raised_further() -> None:
    world = more_pods(2, 1)
    world.stable.scaler = replace(HPA, min_replicas=3)
    world.stable.replicas = 5
    world.phase(Phase.PROMOTED, seconds=300).rest(5)
    assert (floor(world), world.patched.replicas) == (3, 0)


def test_a_stable_that_shrinks_before_traffic_moves_has_had_its_pods() -> None:
    world = more_pods(1, 1)
    assert world.remembered.baseline is not None
    assert (world.remembered.baseline.stable_pods, world.patched.replicas) == (2, 2)


@pytest.mark.parametrize("another", [None, replace(HPA, name="another", min_replicas=1)])
def test_a_floor_of_an_autoscaler_that_is_gone_is_nobodys(another: ScalerView | None) -> None:
    world = more_pods(2, 1)
    world.stable.scaler, world.stable.replicas = another, 5
    world.rest(2)
    assert world.patched.replicas == 5
    assert another is None or floor(world) == 1


def test_a_stable_that_its_autoscaler_would_shrink_comes_back() -> None:
    world = more_pods(3, 1).stage(Stage.SHIFTING).rest(1)
    world.stable.ready = 0
    world.held("StableLost", seconds=5).rest(20)
    world.stable.ready, world.stable.replicas = None, max(2, floor(world))
    world.run(lambda w: w.remembered.stable_lost is None, seconds=300)
    assert world.weight == 5


# ---- an autoscaler of others has shrunk stable for the few requests that it gets


def shrunk(phase: Phase, *, pods: int = 2) -> World:
    """Of twenty pods; what stable has left is a tenth, and all that it asks for."""
    world = ready_world(asked=a_spec(analysis={"bakeTime": "10m"}), rate=400.0)
    world.stable.replicas = world.patched.replicas = 20
    world.stable.owner = FLUX
    world.stable.scaler = replace(HPA, owner=FLUX, min_replicas=2, max_replicas=40)
    world.run(lambda w: w.weight == 50) if phase is Phase.ANALYZING else world.phase(phase).rest(60)
    world.stable.replicas = pods
    return world.rest(10)


def grows(world: World, phase: Phase, *, lag: int = 30, seconds: int = 600) -> list[int]:
    """The weights until this phase, while the autoscaler gives stable the pods for what it got `lag` seconds ago."""
    weights = [world.weight] * lag
    for _ in range(seconds):
        world.look()
        world.advance(1)
        weights.append(world.weight)
        world.stable.replicas = max(2, math.ceil(20 * (100 - weights[-lag]) / 100))
        if world.remembered.phase is phase:
            return list(dict.fromkeys(weights))
    raise AssertionError(world.story())


def test_it_is_not_taken_for_lost_in_the_bake_and_what_patched_does_is_judged() -> None:
    world = shrunk(Phase.BAKING)
    assert (world.remembered.stable_lost, world.weight) == (None, 95)
    world.patched.errors = 0.5
    assert grows(world, Phase.ROLLED_BACK) == [95, 0]


def test_the_bake_of_a_good_patch_goes_to_its_end() -> None:
    world = shrunk(Phase.BAKING).phase(Phase.AWAITING_GIT, seconds=1200)
    assert (world.weight, world.remembered.stable_lost) == (100, None)


@pytest.mark.parametrize("verb", ["rollback:1", "release:1", None])
@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.AWAITING_GIT])
def test_a_person_gets_everything_back_to_it_at_once(phase: Phase, verb: str | None) -> None:
    world = shrunk(phase)
    if verb:
        world.request = verb
        assert grows(world, Phase.ROLLED_BACK) == [100 if phase is Phase.AWAITING_GIT else 95, 0]
    else:
        world.deleting = world.patched.deleting = True
        world.run(lambda w: w.gone, seconds=300)
        assert world.weight == 0


def test_it_is_lost_when_most_of_the_pods_that_it_asks_for_are_gone() -> None:
    world = shrunk(Phase.BAKING, pods=12)
    world.stable.ready = 2
    world.held("StableLost", seconds=30)
    assert world.weight == 100


@pytest.mark.parametrize(("pods", "lost"), [(1, True), (2, False)])
def test_it_is_lost_when_its_share_needs_more_than_twice_its_pods(pods: int, lost: bool) -> None:
    world = ready_world(asked=a_spec(analysis={"bakeTime": "10m"}), rate=40.0)
    world.stable.replicas = world.patched.replicas = 20
    world.phase(Phase.BAKING)
    assert world.weight == 80, "stable's share needs four pods"
    world.stable.replicas = pods
    world.rest(10)
    assert (world.remembered.held == "StableLost") is lost


def test_it_is_told_what_gives_it_the_pods_for_its_share() -> None:
    world = shrunk(Phase.ANALYZING).held("StableLost", seconds=30)
    assert world.weight == 100
    assert "raise minReplicas of HPA checkout to" in (world.remembered.next or "")


def test_one_that_came_back_small_gets_everything_in_steps_when_a_person_asks() -> None:
    world = shrunk(Phase.ANALYZING).held("StableLost", seconds=30)
    world.request = "rollback:1"
    assert grows(world, Phase.ROLLED_BACK) == [100, 95, 50, 0]
