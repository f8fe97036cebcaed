"""When the next look is due. Where changes are told, a look that only waits for one is rarer; what a clock ends is not."""

from dataclasses import replace

import pytest

from hotfix.core import machine
from hotfix.core.looking import LOOK_SECONDS, SOON_SECONDS, TOLD_LOOK_SECONDS
from hotfix.core.status import Phase, Stage

from .test_git_stories import awaiting
from .world import World, a_spec, ready_world


def waits(world: World, *, told: bool, interval: int = 60) -> float:
    """Seconds until the next look; scrapes of a minute, so that none of them is near."""
    status = world.remembered
    if status.baseline:
        status = status.model_copy(update={"baseline": status.baseline.model_copy(update={"interval_seconds": interval})})
    seen = replace(world.observe(), told=told, scrape_interval_seconds=float(interval))
    again = machine.decide(world.asked, status, seen).look_again_seconds
    assert again is not None
    return again


def analysed() -> World:
    """Its weight stays as it is, and the proxies have taken it."""
    world = ready_world().phase(Phase.ANALYZING)
    world.asked = a_spec(paused=True)
    return world.rest(60)


def test_while_counts_decide_a_told_rollout_is_looked_at_every_fifteen_seconds_and_another_one_every_five() -> None:
    world = analysed()
    found = {told: [] for told in (True, False)}
    for _ in range(60):
        world.now += 1
        for told, seconds in found.items():
            seconds.append(waits(world, told=told))
    assert LOOK_SECONDS < max(found[True]) <= TOLD_LOOK_SECONDS + SOON_SECONDS
    assert max(found[False]) <= LOOK_SECONDS + SOON_SECONDS
    assert all(one >= other for one, other in zip(found[True], found[False], strict=True))


def test_a_scrape_is_judged_as_soon_as_it_can_be_also_where_changes_are_told() -> None:
    world = analysed()
    assert waits(world, told=True, interval=5) == waits(world, told=False, interval=5)


@pytest.mark.parametrize(
    "what", ["no pod of patched is ready", "stable has fewer pods", "Prometheus does not answer", "stable is lost"]
)
def test_what_a_clock_ends_is_looked_at_as_often_as_without_being_told(what: str) -> None:
    world = analysed()
    match what:
        case "no pod of patched is ready":
            world.patched.ready = 0
        case "stable has fewer pods":
            world.stable.ready = 0
        case "stable is lost":
            world.stable.ready = 0
            world.rest(20)
            world.stable.ready = None
            assert world.remembered.stable_lost
        case _:
            world.blind = True
    assert waits(world, told=True) <= LOOK_SECONDS + SOON_SECONDS
    assert waits(world, told=True) == waits(world, told=False)


def test_pods_that_are_awaited_are_told_and_the_time_that_they_have_to_be_ready_is_not() -> None:
    world = ready_world()
    world.patched.ready = 0
    world.stage(Stage.SCALING)
    assert (waits(world, told=True), waits(world, told=False)) == (LOOK_SECONDS, 1.0)
    world.patched.ready = 2
    assert (waits(world, told=True), waits(world, told=False)) == (1.0, 1.0)


def test_git_is_awaited_by_being_told_until_stable_runs_what_was_proven() -> None:
    world = awaiting()
    world.rest(30)
    assert (waits(world, told=True), waits(world, told=False)) == (TOLD_LOOK_SECONDS, 1.0)
    world.stable.template = "v2"
    assert waits(world, told=True) == waits(world, told=False) <= 1.0
