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


@pytest.mark.parametrize(
    ("pause", "loss"),
    [
        ((0, 100), (40, 200)),
        ((40, 200), (0, 100)),
        ((0, 200), (40, 100)),
        ((40, 100), (0, 200)),
        ((0, 60), (100, 200)),
        ((100, 200), (0, 60)),
    ],
    ids=["pause first", "loss first", "loss inside", "pause inside", "pause before", "loss before"],
)
def test_a_pause_and_a_loss_of_stable_that_overlap_stop_the_clock_once(pause: tuple[int, int], loss: tuple[int, int]) -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "2h"})).phase(Phase.ANALYZING).rest(3)
    began, stopped = world.now, 0.0
    world.stable.errors = world.patched.errors = 0.048  # nothing is decided meanwhile
    while world.now < began + 500:
        at = world.now - began
        world.asked = a_spec(analysis={"deadline": "2h"}, paused=pause[0] <= at < pause[1])
        world.stable.ready = 0 if loss[0] <= at < loss[1] else None
        world.look()
        stopped += world.remembered.stable_lost is not None or "Paused" in world.remembered.since
        world.advance(1.0)
    assert world.remembered.phase is Phase.ANALYZING
    assert "StableBack" in world.reasons
    assert world.remembered.stopped_seconds == pytest.approx(stopped, abs=3)
