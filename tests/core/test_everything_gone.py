"""A deletion ends where there is nothing that could be given back, at every stage of a promotion."""

from dataclasses import replace

import pytest

from hotfix.core.status import Stage

from .test_noted_anew import FLUX
from .world import World, ready_world

PROMOTING = [
    Stage.ALL_TO_PATCHED,
    Stage.DRAINING_STABLE,
    Stage.PATCHING_STABLE,
    Stage.AWAITING_GIT,
    Stage.RETURNING,
    Stage.RETURN_FAILED,
]
STAGES = [Stage.SHIFTING, *PROMOTING, Stage.DRAINING_PATCHED]


def at(stage: Stage) -> World:
    world = ready_world(after_promotion=lambda: 0.3 if stage is Stage.RETURN_FAILED else 0.001)
    world.stable.owner = FLUX if stage is Stage.AWAITING_GIT else None
    return world.stage(stage)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("sides", [True, False])
def test_a_deletion_ends_when_the_route_is_gone(stage: Stage, sides: bool) -> None:
    world = at(stage)
    world.route_exists = False
    if not sides:
        for side in (world.stable, world.patched):
            side.exists = side.service = False
    world.rest(5)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=400)
    assert not world.finalizer


@pytest.mark.parametrize("stage", [Stage.ALL_TO_PATCHED, Stage.RETURNING])
def test_nothing_is_over_while_it_is_not_deleted(stage: Stage) -> None:
    world = at(stage)
    world.route_exists = False
    world.rest(60)
    assert (world.remembered.stage, world.remembered.held) == (stage, "RouteMissing")


def test_a_deletion_that_waits_for_stable_in_the_route_is_not_what_one_is_told_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    world, routes = ready_world().stage(Stage.SHIFTING).rest(6), World.routes

    def without_stable(self: World) -> object:
        view = routes(self)
        rule = replace(view.routes[0].rules[0], stable=None)
        return replace(view, routes=(replace(view.routes[0], rules=(rule,), ours=False),))

    monkeypatch.setattr(World, "routes", without_stable)
    world.held("RouteMissing", seconds=5)
    assert "a deletion waits for that too" in world.remembered.message
