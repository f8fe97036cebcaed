"""Which objects get a new version because a write to them may still be under way, and when."""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core.status import Phase, Stage

from .test_capacity_stories import HPA
from .world import World, ready_world


def outdated(world: World, since: int = 0) -> list[str]:
    """Names of what was, once each, in their order."""
    return list(dict.fromkeys(action.target.name for action in world.performed[since:] if isinstance(action, act.Outdate)))


def ended(world: World) -> World:
    return world.run(lambda w: w.gone or (w.remembered.stage is Stage.DONE and not w.finalizer), seconds=600)


@pytest.mark.parametrize("stage", [Stage.SCALING, Stage.ADOPTING])
def test_what_ends_before_traffic_moved_may_have_written_to_the_route_and_to_patched(stage: Stage) -> None:
    world = ready_world()
    world.patched.ready = 0 if stage is Stage.SCALING else None
    world.stage(stage)
    world.deleting = True
    assert outdated(ended(world)) == ["shop", "checkout-hotfix"]


def test_where_others_scale_patched_nothing_of_it_is_under_way() -> None:
    world = ready_world()
    world.patched.owner = "Flux Kustomization flux-system/shop"
    world.stage(Stage.ADOPTING)
    world.deleting = True
    assert outdated(ended(world)) == ["shop"]


@pytest.mark.parametrize("errors", [0.001, 1.0])
def test_what_was_seen_to_be_done_needs_nothing(errors: float) -> None:
    world = ready_world()
    world.patched.errors = errors
    assert outdated(ended(world)) == []
    assert world.remembered.phase is (Phase.ROLLED_BACK if errors == 1.0 else Phase.PROMOTED)


def test_a_floor_that_was_raised_may_be_raised_again() -> None:
    world = ready_world()
    world.stable.scaler = replace(HPA, min_replicas=1)
    world.patched.errors = 1.0
    assert outdated(ended(world)) == ["checkout"]


def test_a_promotion_that_is_taken_back_may_be_written_yet() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template, since = "v1", len(world.performed)
    world.request = "release:1"
    world.look()
    assert world.remembered.stage is Stage.WEIGHT_ZERO
    assert outdated(world, since) == ["checkout"], "in the very look in which the way back begins"
    since = len(world.performed)
    assert outdated(ended(world), since)[-1:] == ["checkout"], "and at the end"


def test_a_promotion_is_remembered_however_much_was_decided_since() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template = "v1"
    for number in range(8):
        world.request = f"{'pause' if number % 2 == 0 else 'resume'}:{number}"
        world.rest(5)
    assert all(entry.what != "patch stable" for entry in world.remembered.decisions)
    world.request, since = "release:1", len(world.performed)
    world.look()
    assert outdated(world, since) == ["checkout"]


def test_patched_serves_for_a_lost_stable_while_its_end_may_be_under_way() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.stage(Stage.SCALING_DOWN, seconds=600)
    world.patched.replicas = 2
    world.stable.ready, since = 0, len(world.performed)
    world.run(lambda w: w.weight == 100, seconds=30)
    assert outdated(world, since) == ["checkout-hotfix"]
    world.rest(20)
    since = len(world.performed)
    world.rest(20)
    assert outdated(world, since) == [], "once it is confirmed"


@pytest.mark.parametrize("owner", [None, "Flux Kustomization flux-system/shop"])
def test_a_patched_whose_pods_others_end_is_not_written_when_it_serves_for_a_lost_stable(owner: str | None) -> None:
    world = ready_world()
    world.patched.errors, world.patched.owner = 1.0, owner
    world.stage(Stage.DRAINING_PATCHED, seconds=600)
    world.stable.ready, since = 0, len(world.performed)
    world.run(lambda w: w.weight == 100, seconds=30)
    assert outdated(world, since) == ([] if owner else ["checkout-hotfix"])


def test_nothing_is_written_in_a_namespace_that_ends() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.deleting = world.namespace_ending = True
    assert outdated(ended(world)) == []


def test_a_promotion_that_was_taken_back_may_be_written_at_the_very_end() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template, world.request = "v1", "release:1"
    since = len(world.stage(Stage.DRAINING_PATCHED).performed)
    assert outdated(ended(world), since) == ["checkout"]
    since = len(world.performed)
    world.rest(10)
    assert outdated(world, since) == [], "and that once"


def test_an_autoscaler_that_was_not_borrowed_is_left_alone() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.stable.scaler, world.patched.errors = HPA, 1.0
    assert outdated(ended(world)) == []


@pytest.mark.parametrize("started", [True, False])
def test_what_an_earlier_attempt_was_about_to_write_is_not_outdated_again(started: bool) -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template, world.request = "v1", "release:1"
    ended(world).rest(5)
    since, world.request = len(world.performed), "retry-same:2"
    world.stage(Stage.SHIFTING if started else Stage.ADOPTING, seconds=60)
    world.deleting = True
    assert outdated(ended(world), since) == ([] if started else ["shop", "checkout-hotfix"])
