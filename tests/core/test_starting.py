"""The first weight: what is waited for before it, what is learnt, and what is said of it."""

from dataclasses import replace

import pytest

from hotfix.core import starting
from hotfix.core.baseline import Proxies
from hotfix.core.look import Look
from hotfix.core.moments import rfc3339
from hotfix.core.spacing import SLOW_SECONDS
from hotfix.core.status import LISTED, OTHER_PODS, Phase, Stage

from .world import World, a_spec, ready_world


def adopted(**spec: object) -> Look:
    """The look that gives patched its first weight."""
    world = ready_world(asked=a_spec(**spec))
    world.run(lambda w: w.remembered.stage is Stage.ADOPTING)
    while True:
        look = world.shown()
        world.look()
        if world.remembered.stage is Stage.SHIFTING:
            return look
        world.advance(0.5)


def test_the_first_weight_says_why_and_which_step_it_is() -> None:
    begun = starting.begin(adopted(startWeight=25, steps=[10, 25, 50]))
    assert (begun.phase, begun.stage, begun.weight, begun.step) == (Phase.ANALYZING, Stage.SHIFTING, 25, "2/3")
    assert (begun.decisions[-1].what, begun.decisions[-1].reason) == ("weight 25", "TrafficShifted")
    assert "scraped every" not in begun.message


@pytest.mark.parametrize(("seconds", "said"), [(SLOW_SECONDS, False), (SLOW_SECONDS + 1, True)])
def test_scrapes_that_are_far_apart_are_spoken_of(seconds: float, said: bool) -> None:
    look = adopted()
    assert look.status.baseline is not None
    slow = look.status.model_copy(update={"baseline": look.status.baseline.model_copy(update={"interval_seconds": int(seconds)})})
    assert ("would decide sooner" in starting.begin(look.having(slow)).message) is said


@pytest.mark.parametrize(
    ("stage", "stamp", "waits"),
    [(Stage.ADOPTING, None, True), (Stage.ADOPTING, "8c1f2e7a-0000", False), (Stage.SHIFTING, None, False)],
)
def test_before_the_first_weight_each_route_carries_the_stamp(stage: Stage, stamp: str | None, waits: bool) -> None:
    look = adopted()
    assert look.seen.routes is not None
    routes = tuple(replace(route, stamp=route.stamp if stamp else None) for route in look.seen.routes.routes)
    seen = replace(look.seen, routes=replace(look.seen.routes, routes=routes))
    begun = starting.begin(replace(look, status=look.status.model_copy(update={"stage": stage}), seen=seen))
    assert (begun.weight == 0) is waits


@pytest.mark.parametrize(("waited", "starts"), [(19.9, False), (20.1, True)])
def test_while_nothing_was_scraped_since_it_began_four_scrapes_are_waited_for(waited: float, starts: bool) -> None:
    look = adopted()
    assert look.seen.metrics is not None
    none = replace(look.seen.metrics, end=look.seen.metrics.start)
    late = look.status.model_copy(update={"stage_started_at": rfc3339(look.now - waited)})
    begun = starting.begin(replace(look, status=late, seen=replace(look.seen, metrics=none)))
    assert begun.message.startswith("Patched gets" if starts else "Learning")


def pods(world: World, stable: int, patched: int) -> Proxies | None:
    world.stable.ready, world.patched.ready = stable, patched
    look = world.shown()
    assert look.seen.metrics is not None
    return starting._proxies(look, look.seen.metrics)


def test_what_a_proxy_counts_is_of_all_pods_behind_it() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    assert pods(world, 2, 1) == Proxies(stable_pods=2, patched_pods=1)
    assert pods(world, 0, 0) == Proxies(stable_pods=0, patched_pods=0)


def test_of_many_pods_those_that_restarted_most_are_remembered() -> None:
    few = {f"pod-{number}": number + 1 for number in range(LISTED)}
    assert starting._bounded(few) == few
    many = {f"pod-{number}": number + 1 for number in range(LISTED + 2)}
    kept = starting._bounded(many)
    assert len(kept) == LISTED
    assert kept.pop(OTHER_PODS) == 3
    assert kept == {name: count for name, count in many.items() if count > 3}
