"""A pause is told when it begins and when it ends, wherever it held something."""

import pytest

from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

PAUSED, GOING = a_spec(paused=True), a_spec()


def told(world: World) -> list[str]:
    """The words about pauses among the announcements."""
    return [reason for reason in world.reasons if reason in ("Paused", "Resumed")]


@pytest.mark.parametrize("stage", [Stage.SCALING, Stage.ADOPTING, Stage.SHIFTING, Stage.DRAINING_STABLE, Stage.RETURNING])
def test_its_begin_and_its_end_are_announced(stage: Stage) -> None:
    world = ready_world().stage(stage)
    weight = world.remembered.weight or 0
    for times in (1, 2):
        world.asked = PAUSED
        world.held("Paused", seconds=20).rest(10)
        world.asked = GOING
        world.look()
        assert told(world) == ["Paused", "Resumed"] * times
        ended = next(entry for entry in reversed(world.remembered.decisions) if entry.reason == "Resumed")
        assert (ended.what, ended.type) == ("resume", "Normal")
        assert ended.message == f"No longer paused; it goes on at {weight} %."
        weight = world.remembered.weight or 0
    world.phase(Phase.PROMOTED)


def test_a_rehearsal_ends_with_the_start_and_not_with_a_pause() -> None:
    world = ready_world(asked=PAUSED).held("Paused").rest(10)
    world.asked = GOING
    world.phase(Phase.ANALYZING)
    assert told(world) == []
    assert world.reasons[0] == "HotfixDetected"


def test_on_the_way_back_a_pause_holds_nothing_and_is_not_told() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.asked = a_spec(traffic={"drain": "1m"}, paused=True)
    world.rest(10)
    world.asked = a_spec(traffic={"drain": "1m"})
    world.phase(Phase.ROLLED_BACK)
    assert told(world) == []
