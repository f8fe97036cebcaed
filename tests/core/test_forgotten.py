"""A status that somebody took away while traffic was shifted: nothing is written until a person releases it."""

import pytest

from hotfix.core import actions as act
from hotfix.core.originals import BorrowedRule
from hotfix.core.status import Phase, Stage, Status

from .world import World, a_spec, ready_world


def forgotten(stage: Stage = Stage.AWAITING_GIT, **more) -> World:  # type: ignore[no-untyped-def]
    """It was under way, and its status is empty."""
    world = ready_world(**more)
    world.stable.owner = "Flux Kustomization flux-system/shop" if stage is Stage.AWAITING_GIT else None
    world.stage(stage).rest(3)
    assert world.stamp
    world.remembered = Status()
    return world


def writes(world: World) -> list[act.Action]:
    return [action for action in world.performed if not isinstance(action, act.Announce)]


@pytest.mark.parametrize("stage", [Stage.SHIFTING, Stage.AWAITING_GIT, Stage.RETURNING])
def test_nothing_is_written_and_people_are_told_what_to_do(stage: Stage) -> None:
    world = forgotten(stage)
    weights, done = world.weights, len(writes(world))
    world.rest(60)
    assert (world.weights, writes(world)[done:], world.finalizer) == (weights, [], True)
    assert (world.remembered.stage, world.remembered.held) == (Stage.CHECKING, "MemoryLost")
    assert "see that checkout can serve, and give it everything: kubectl hotfix release fix." in world.remembered.message
    assert [entry.reason for entry in world.remembered.decisions] == ["MemoryLost"]
    stalled = next(entry for entry in world.remembered.conditions if entry.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", "MemoryLost")


@pytest.mark.parametrize("unseen", [False, True])
def test_a_deletion_waits_for_the_release(unseen: bool) -> None:
    world = forgotten()
    world.deleting, world.unseen = True, unseen
    world.rest(60)
    assert (world.gone, world.finalizer, world.weight) == (False, True, 100)
    assert world.remembered.held == ("ClusterUnavailable" if unseen else "MemoryLost")
    world.request = "release:1"
    world.rest(5)
    assert world.gone is False
    world.unseen = False
    world.run(lambda w: w.gone, seconds=120)
    assert (world.weights, world.ours, world.stamp) == ((100, 0), False, None)


@pytest.mark.parametrize("stage", [Stage.SHIFTING, Stage.AWAITING_GIT])
def test_a_release_gives_everything_to_stable_in_the_order_of_every_way_back(stage: Stage) -> None:
    world = forgotten(stage, heeds_mark=True)
    assert world.lent_until
    world.request = "release:1"
    world.look()
    assert (world.weight, world.remembered.phase, world.remembered.why) == (0, Phase.ROLLING_BACK, "Released")
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Accepted"
    assert world.remembered.message.startswith("Released: A person released it, and what was remembered of it is lost;")
    made_up = world.remembered.borrowed
    assert made_up is not None
    assert made_up.undo == "kubectl hotfix release fix -n shop"
    rule = BorrowedRule(index=0, stable_weight=100, patched_weight=0)
    assert [(route.name, route.rules) for route in made_up.routes] == [("shop", [rule])]
    assert world.remembered.resolved is not None
    assert [(route.name, route.rules) for route in world.remembered.resolved.routes] == [("shop", [0])]
    world.phase(Phase.ROLLED_BACK, seconds=120).rest(5)
    assert (world.weights, world.ours, world.stamp, world.lent_until, world.finalizer) == ((100, 0), False, None, None, False)
    assert world.patched.replicas == 2, "its pods are left running"


def test_a_stable_that_cannot_serve_is_given_nothing_by_a_release() -> None:
    world = forgotten()
    world.stable.exists = False
    world.request = "release:1"
    world.rest(60)
    assert world.weight == 100
    world.stable.exists = True
    world.phase(Phase.ROLLED_BACK, seconds=120)


@pytest.mark.parametrize("verb", ["rollback", "promote"])
def test_what_was_asked_before_the_memory_was_lost_is_not_done_now(verb: str) -> None:
    world = forgotten()
    world.request = f"{verb}:1"
    world.rest(10)
    assert (world.remembered.held, world.weight) == ("MemoryLost", 100)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Refused"


def test_a_stamp_of_an_earlier_rollout_of_this_name_is_no_memory() -> None:
    world = ready_world(stamp="fix.ffffffff.7")
    world.phase(Phase.ANALYZING)
    assert "MemoryLost" not in world.reasons


def test_a_memory_that_is_put_back_goes_on() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(3)
    kept, world.remembered = world.remembered, Status()
    world.held("MemoryLost", seconds=5).rest(5)
    world.remembered = kept
    world.phase(Phase.PROMOTED)
    assert (world.weight, world.remembered.started_at) == (0, kept.started_at)


def test_a_rehearsal_writes_nothing_either() -> None:
    world = forgotten(Stage.SHIFTING)
    world.asked = a_spec(paused=True)
    world.rest(10)
    assert world.remembered.held == "MemoryLost"
