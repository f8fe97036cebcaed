"""No way back or out is blocked by what stands beside it: a pause, a rollback for another reason, git's hand on the route."""

import pytest

from hotfix.core.status import Phase, Stage

from .test_lost_at_the_end import lost_often
from .test_requested import answer, ask
from .world import World, a_spec, ready_world


@pytest.mark.parametrize("verb", ["release", "rollback"])
def test_a_person_who_wants_it_back_does_not_wait_for_a_stable_that_was_lost_often(verb: str) -> None:
    world = lost_often()
    world.patched.errors = 1.0
    world.phase(Phase.ROLLING_BACK, seconds=200)
    world.stable.ready = 0
    world.run(lambda w: w.weight == 100, seconds=30)
    world.stable.ready = None
    ask(world.rest(3), f"{verb}:1")
    assert (answer(world)[0], world.remembered.why) == ("Accepted", "PatchedWorse")
    began = world.now
    world.run(lambda w: w.weight == 0, seconds=3000)
    assert world.now - began < 90


@pytest.mark.parametrize("before", [True, False], ids=["paused before", "paused after patched was lost"])
def test_while_git_is_awaited_a_pause_does_not_keep_everything_on_a_stable_that_died(before: bool) -> None:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    world.phase(Phase.AWAITING_GIT, seconds=600)
    if before:
        ask(world, "pause:1")
    world.patched.ready = 0
    world.rest(8)
    assert world.weight == 0
    if not before:
        ask(world, "pause:1")
    world.stable.ready, world.patched.ready = 0, None
    world.rest(10)
    assert world.weight == 100


def drained_for(seconds: float, drain: str = "30s") -> World:
    world = ready_world(asked=a_spec(traffic={"drain": drain})).stage(Stage.DRAINING_STABLE)
    world.asked = a_spec(traffic={"drain": drain}, promotion={"mode": "KeepPatched"})
    return world.rest(seconds)


def test_to_end_with_patched_while_stable_drains_is_refused_where_git_would_undo_it() -> None:
    world = drained_for(1)
    world.route_owner = "Flux Kustomization flux-system/shop"
    world.rest(30)
    assert (world.stable.template, world.remembered.held) == ("v1", "ManagedByGitOps")


@pytest.mark.parametrize(("drain", "seconds"), [("30s", 9), ("0s", 0)])
def test_to_end_with_patched_while_stable_drains_waits_for_everything(drain: str, seconds: float) -> None:
    world = drained_for(seconds, drain)
    for _ in range(2):  # git puts its weights back before each look
        world.weights, world.ours, world.manager = (100, 0), False, "kustomize-controller"
        world.look()
        world.advance(0.5)
    assert world.stable.template == "v1"
    assert world.remembered.stage is Stage.DRAINING_STABLE
    world.phase(Phase.PROMOTED, seconds=60)
    assert world.weight == 100
