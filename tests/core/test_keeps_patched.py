"""promotion.mode KeepPatched, asked for when it is under way already: nothing is done to stable that is not wanted any more."""

import pytest

from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

KEEPS = a_spec(promotion={"mode": "KeepPatched"})


def not_rolled_out(world: World) -> World:
    """Stable has got the fix, and none of its pods gets ready."""
    world.stage(Stage.PATCHING_STABLE)
    world.stable.ready = 0
    return world.held("PromotionFailed", seconds=900)


def test_asked_for_while_stable_drains_stable_is_left_as_it_is() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.asked = KEEPS
    world.phase(Phase.PROMOTED, seconds=120)
    assert (world.stable.template, world.weight) == ("v1", 100)
    assert "checkout still runs the old version" in world.remembered.message


def test_asked_for_when_stable_does_not_get_ready_with_the_fix_it_ends_with_patched() -> None:
    world = not_rolled_out(ready_world())
    assert "or set promotion.mode to KeepPatched" in world.remembered.message
    assert "kubectl hotfix release fix" in world.remembered.message
    world.asked = KEEPS
    world.phase(Phase.PROMOTED, seconds=60)
    assert (world.weight, world.remembered.message.startswith("Patched keeps everything")) == (100, True)


@pytest.mark.parametrize("seconds", [60, 900])
def test_where_git_keeps_the_route_it_is_neither_told_nor_done(seconds: int) -> None:
    world = not_rolled_out(ready_world())
    world.route_owner = "Flux Kustomization flux-system/shop"
    world.rest(5)
    assert "KeepPatched" not in world.remembered.message
    world.asked = KEEPS
    world.rest(seconds)
    assert world.remembered.held == "PromotionFailed"
