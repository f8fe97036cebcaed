"""Pods that go at the worst moment: right before stable is changed, right after it got everything, and while git is awaited."""

import pytest

from hotfix.core.status import Phase, Stage

from .test_requested import answer, ask
from .world import World, a_spec, ready_world


def ten() -> World:
    world = ready_world()
    world.stable.replicas = world.patched.replicas = 10
    return world


@pytest.mark.parametrize("left", [0, 1])
def test_a_stable_that_loses_its_pods_while_patched_drains_gives_everything_to_patched(left: int) -> None:
    world = ten().stage(Stage.DRAINING_PATCHED, seconds=600)
    world.stable.ready = left
    world.rest(60)
    assert (world.remembered.stage, world.weight, world.patched.replicas) == (Stage.RETURN_FAILED, 100, 10)
    assert world.remembered.decisions[-1].reason == "PromotionFailed"
    world.stable.ready = None
    ask(world, "promote:1").phase(Phase.PROMOTED, seconds=900)
    assert world.weight == 0


def test_a_stable_that_has_everything_and_one_pod_of_ten_does_not_keep_it() -> None:
    world = ten()
    world.run(lambda w: w.remembered.stage is Stage.RETURNING and w.remembered.weight == 0, seconds=600)
    world.stable.ready = 1
    world.rest(30)
    assert (world.remembered.stage, world.weight) == (Stage.RETURN_FAILED, 100)
    assert "too few ready pods with the fix (1)" in world.story()


def test_a_patched_that_drains_and_is_gone_is_not_given_everything() -> None:
    world = ten().stage(Stage.DRAINING_PATCHED, seconds=600)
    world.patched.exists, world.stable.ready = False, 0
    world.rest(5)
    assert world.weight == 0


@pytest.mark.parametrize("stage", [Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE])
def test_a_rollback_that_waits_for_stables_pods_keeps_stable_as_it_is(stage: Stage) -> None:
    world = ready_world().stage(stage)
    world.stable.ready = 0
    ask(world, "rollback:1").rest(60)
    assert (world.remembered.held, world.stable.template, world.weight) == ("StableLost", "v1", 100)
    assert answer(world)[0] == "Waiting"
    assert "checkout has no ready pod; traffic goes back to it when it has" in world.remembered.message
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=200)
    assert (answer(world)[0], world.stable.template) == ("Accepted", "v1")


def lost_often() -> World:
    """Stable was, four times, and is back each time; patched is as good as it."""
    world = ready_world(asked=a_spec(startWeight=25, steps=[25], analysis={"deadline": "24h"}))
    world.patched.errors = world.stable.errors
    world.phase(Phase.ANALYZING).rest(10)
    for _ in range(4):
        world.stable.ready = 0
        world.run(lambda w: w.weight == 100, seconds=60)
        world.stable.ready = None
        world.run(lambda w: w.remembered.stable_lost is None, seconds=4000)
    return world


@pytest.mark.parametrize("verb", ["release", "rollback"])
def test_a_person_does_not_wait_longer_for_a_stable_that_was_lost_often(verb: str) -> None:
    world = lost_often()
    world.stable.ready = 0
    world.run(lambda w: w.weight == 100, seconds=60)
    world.stable.ready = None
    ask(world.rest(3), f"{verb}:1")
    world.run(lambda w: w.weight == 0, seconds=90)
    assert world.remembered.phase is Phase.ROLLING_BACK


def awaiting() -> World:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    world.stable.replicas = world.patched.replicas = 4
    return world.phase(Phase.AWAITING_GIT, seconds=600).rest(5)


@pytest.mark.parametrize("back", [None, 3])
def test_where_git_is_awaited_and_stable_is_dead_patched_is_not_waited_for(back: int | None) -> None:
    world = awaiting()
    for _ in range(4):
        world.patched.ready = 0
        world.rest(8)
        world.patched.ready = None
        world.run(lambda w: w.weight == 100, seconds=400)
    world.patched.ready = 0
    world.rest(8)
    world.stable.ready = 0
    world.rest(3)
    assert world.remembered.held == "BothUnready"
    world.patched.ready = back
    world.run(lambda w: w.weight == 100, seconds=5)
    assert world.remembered.phase is Phase.AWAITING_GIT


def test_pods_that_restarted_before_the_start_do_not_crash_however_many_they_are() -> None:
    world = ready_world()
    world.stable.replicas = world.patched.replicas = 140
    world.patched.restarts = 2
    world.phase(Phase.ANALYZING).rest(30)
    assert len(world.remembered.baseline.patched_restarts) == 64
    world.patched.restarts = 4
    world.phase(Phase.ROLLING_BACK, seconds=10)
    assert world.remembered.why == "PatchedLost"


@pytest.mark.parametrize("ready", [0, 1])
def test_a_pause_before_the_start_takes_nothing_of_the_time_that_pods_may_need(ready: int) -> None:
    world = ready_world(asked=a_spec(analysis={"readyGrace": "60s"}))
    world.patched.ready = ready
    ask(world.stage(Stage.SCALING).rest(10), "pause:1").rest(200)
    ask(world, "resume:1").rest(40)
    assert world.remembered.phase is Phase.PENDING
    world.phase(Phase.ROLLED_BACK, seconds=40)
    assert world.remembered.why == "PatchedNeverReady"
