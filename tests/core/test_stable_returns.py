"""Stable is lost and comes back: what is remembered of it, how long its return waits, and what is said meanwhile."""

import math

import pytest

from hotfix.core import moments
from hotfix.core.quantities import span
from hotfix.core.status import Phase, Span, StableLost, Stage

from .world import World, a_spec, ready_world


def on_the_second(world: World) -> World:
    """At a whole second, so that waits can be told from waits that are a moment longer."""
    world.advance(math.ceil(world.now) - world.now)
    return world


def lost(world: World | None = None) -> World:
    """Just seen to be lost, at 50 % where nothing else is given."""
    world = on_the_second(world or ready_world().run(lambda w: w.remembered.weight == 50))
    world.stable.ready = 0
    world.look()
    return world


def seen_ready(world: World) -> World:
    """Some seconds later it has its pods again, and just now that is seen."""
    on_the_second(world.rest(6))
    world.stable.ready = None
    world.look()
    return world


def on_its_way(world: World) -> World:
    """Stable has just got its first 5 % back."""
    on_the_second(world.run(lambda w: w.weight == 95, seconds=200))
    return world


def steps_until(world: World, phase: Phase, **more: float) -> list[float]:
    """The weights that patched has, one after the other, until this phase."""
    steps = [world.weight]

    def reached(world: World) -> bool:
        steps.append(world.weight)
        return world.remembered.phase is phase

    world.run(reached, **more)
    return [weight for place, weight in enumerate(steps) if place == 0 or weight != steps[place - 1]]


def with_losses(world: World, count: int) -> World:
    """Stable was lost so often already, for no time at all."""
    moment = world.remembered.evidence_from or ""
    world.remembered = world.remembered.model_copy(update={"excluded": [Span(start=moment, end=moment)] * count})
    return world


def test_a_loss_is_remembered_with_its_moment_and_the_share_to_return_to_and_said_at_once() -> None:
    world = lost()
    status = world.remembered
    assert (status.weight, world.weight) == (100, 100)
    assert status.stable_lost == StableLost(since=moments.rfc3339(world.now), return_weight=50)
    assert status.stable_lost_times == 1
    assert (status.phase, status.held, status.next) == (Phase.ANALYZING, "StableLost", "back when stable is ready")
    assert status.message.startswith("Stable has 0 ready pods; all traffic goes to patched")
    assert (status.decisions[-1].what, status.decisions[-1].reason) == ("weight 100", "StableLost")
    assert world.reasons[-1] == "StableLost"


def test_the_wait_is_thirty_seconds_at_first_and_twice_as_long_each_time() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    for times, wait in ((1, 30), (2, 60), (3, 120)):
        seen_ready(lost(world))
        assert world.remembered.stable_lost_times == times
        world.advance(wait - 0.5)
        world.look()
        assert world.weight == 100
        world.advance(0.5)
        world.look()
        assert world.weight == 95
        world.run(lambda w: w.remembered.stable_lost is None, seconds=100)


@pytest.mark.parametrize(("times", "wait"), [(6, 960), (7, 1920), (8, 1920), (40, 1920)])
def test_however_often_it_was_lost_it_waits_no_longer_than_half_an_hour(times: int, wait: int) -> None:
    world = lost()
    world.remembered = world.remembered.model_copy(update={"stable_lost_times": times})
    seen_ready(world).advance(wait - 0.5)
    world.look()
    assert world.weight == 100
    world.advance(0.5)
    world.look()
    assert world.weight == 95


def test_the_next_step_back_waits_until_two_scrapes_after_the_last_one_was_acknowledged() -> None:
    world = seen_ready(lost())
    world.ack_seconds = 20
    world.advance(30)
    world.look()
    for seconds, weight in ((19.5, 95), (0.5, 95), (9.5, 95), (0.5, 50)):  # it is acknowledged after the second
        assert world.weight == 95
        world.advance(seconds)
        world.look()
        assert world.weight == weight
    assert world.remembered.weight == 50


def test_no_step_back_is_made_while_the_route_cannot_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    world = on_its_way(seen_ready(lost()))
    world.advance(2)
    world.look()
    monkeypatch.setattr(World, "routes", lambda self: None)
    world.rest(60)
    assert world.remembered.weight == 95
    monkeypatch.undo()
    world.run(lambda w: w.weight == 50, seconds=15)


def test_each_step_back_and_the_end_of_the_loss_are_told_with_their_reasons() -> None:
    world = on_its_way(seen_ready(lost()))
    status = world.remembered
    assert (status.held, status.message) == ("StableLost", "Stable is back; it gets its share in steps.")
    assert status.next
    assert (status.decisions[-1].what, status.decisions[-1].reason) == ("weight 95", "TrafficShifted")
    world.run(lambda w: w.remembered.stable_lost is None, seconds=60)
    status = world.remembered
    assert [(entry.what, entry.reason) for entry in status.decisions[-2:]] == [
        ("weight 50", "TrafficShifted"),
        ("resume", "StableBack"),
    ]
    assert (status.phase, status.held, world.weight) == (Phase.ANALYZING, None, 50)
    assert world.reasons[-1] == "StableBack"


def test_the_time_without_stable_is_neither_judged_nor_counted_and_is_said() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.remembered = world.remembered.model_copy(update={"stopped_seconds": 7})
    begun = lost(world).now
    seen_ready(world).run(lambda w: w.remembered.stable_lost is None, seconds=100)
    status = world.remembered
    ended = moments.unix(status.decisions[-1].time)
    assert status.excluded == [Span(start=moments.rfc3339(begun), end=status.decisions[-1].time)]
    assert status.stopped_seconds == 7 + int(ended - begun)
    assert status.message == f"Stable was lost for {span(ended - begun)} and is back."


def test_lost_again_before_it_had_its_share_back_it_is_one_loss_and_none_of_it_is_judged() -> None:
    begun = lost(world := ready_world().run(lambda w: w.remembered.weight == 50)).now
    on_its_way(seen_ready(world)).rest(3)
    lost(world)
    assert world.remembered.stable_lost == StableLost(since=moments.rfc3339(begun), return_weight=50)
    assert (world.remembered.stable_lost_times, world.weight) == (2, 100)
    seen_ready(world).run(lambda w: w.remembered.stable_lost is None, seconds=200)
    status = world.remembered
    assert [entry.start for entry in status.excluded] == [moments.rfc3339(begun)]
    assert status.stopped_seconds == int(moments.unix(status.excluded[0].end) - begun)


def test_as_many_losses_as_can_be_remembered_keep_the_evidence() -> None:
    world = with_losses(ready_world().phase(Phase.BAKING), 19)
    begun = world.remembered.evidence_from
    seen_ready(lost(world)).run(lambda w: w.remembered.stable_lost is None, seconds=100)
    status = world.remembered
    assert (len(status.excluded), status.evidence_from, status.phase) == (20, begun, Phase.BAKING)
    assert status.stopped_seconds > 0


@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.BAKING])
def test_one_loss_more_begins_the_evidence_anew_and_a_bake_waits_for_it(phase: Phase) -> None:
    world = with_losses(ready_world().phase(phase), 20)
    seen_ready(lost(world)).run(lambda w: w.remembered.stable_lost is None, seconds=100)
    status = world.remembered
    assert (status.phase, status.stage, status.held) == (Phase.ANALYZING, Stage.SHIFTING, None)
    assert (status.excluded, status.evidence_from, status.stopped_seconds) == ([], status.decisions[-1].time, 0)
    world.phase(Phase.PROMOTED)


def test_one_loss_more_on_the_way_back_does_not_end_the_way_back() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "5m"}))
    world.patched.errors = 1.0
    seen_ready(lost(with_losses(world.stage(Stage.DRAINING_PATCHED), 20)))
    world.run(lambda w: w.remembered.stable_lost is None, seconds=100)
    assert (world.remembered.phase, world.remembered.excluded) == (Phase.ROLLING_BACK, [])
    world.phase(Phase.ROLLED_BACK, seconds=600)


def test_lost_during_a_rollback_patched_gets_nothing_once_stable_is_back_and_its_reason_stays() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    lost(world.stage(Stage.DRAINING_PATCHED))
    assert world.remembered.stable_lost is not None
    assert (world.remembered.stable_lost.return_weight, world.weight) == (0, 100)
    assert steps_until(seen_ready(world), Phase.ROLLED_BACK, seconds=300) == [100, 95, 50, 0]
    assert world.remembered.why == "PatchedWorse"
    assert world.remembered.message.startswith("PatchedWorse: ")


def test_lost_right_before_its_pods_end_patched_drains_again_before_they_do() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED).rest(50)
    world.run(lambda w: w.remembered.stage is Stage.SCALING_DOWN)
    world.patched.replicas = 2  # somebody scaled it up again before that was seen
    seen_ready(lost(world)).run(lambda w: w.weight == 0, seconds=100)
    put_back = world.now
    world.run(lambda w: w.patched.replicas == 0)
    assert world.now - put_back >= 60


@pytest.mark.parametrize("wish", ["deleted", "released"])
def test_deleted_or_released_on_the_way_back_it_goes_on_in_steps_down_to_nothing(wish: str) -> None:
    world = on_its_way(seen_ready(lost()))
    world.deleting, world.request = wish == "deleted", "release" if wish == "released" else None
    world.look()
    status = world.remembered
    assert (status.weight, status.phase, status.why) == (95, Phase.ROLLING_BACK, wish.capitalize())
    assert (status.held, status.stable_lost_times) == ("StableLost", 1)
    assert status.stable_lost is not None
    assert status.stable_lost.return_weight == 0
    assert f"The HotfixRollout was {wish}; traffic goes back once stable can serve." in status.decisions[-1].message
    assert steps_until(world, Phase.ROLLED_BACK, seconds=200)[:3] == [95, 50, 0]
    assert world.patched.replicas == 2, "its pods stay"


def test_both_lost_and_only_stable_back_is_a_rollback_of_a_lost_patch() -> None:
    world = lost()
    world.rest(6)
    world.patched.ready = 0
    world.look()
    assert (world.remembered.held, world.weight) == ("BothUnready", 100)
    assert world.remembered.message.startswith("Neither side has a ready pod;")
    world.stable.ready = 1
    world.look()
    status = world.remembered
    assert (status.phase, status.why, status.stable_lost) == (Phase.ROLLING_BACK, "PatchedLost", None)
    assert status.message == "PatchedLost: Patched has no ready pod, and stable has some again."
    assert (status.weight, world.weight) == (0, 0)


def nothing_changes(world: World) -> None:
    """Stable stays lost."""


def counted(world: World) -> None:
    """Stable stays lost for longer."""
    world.rest(30)


def out_of_sight(world: World) -> None:
    """The API server does not answer."""
    world.unseen = True


def ready_again(world: World) -> None:
    """Stable has its pods."""
    world.stable.ready = None


REFUSED = "As long as that is so, kubectl hotfix promote fix is refused."
FEW = f"Patched had requests in 1 scrapes since it has everything; it takes 6. {REFUSED}"
WAY_OUT = "Where checkout cannot serve without the fix: kubectl hotfix promote fix."


@pytest.mark.parametrize(
    ("happens", "message", "following"),
    [
        (nothing_changes, f"Stable has too few ready pods; patched keeps 100 %. {FEW}", "back when it has enough"),
        (counted, f"Stable has too few ready pods; patched keeps 100 %. {WAY_OUT}", "back when it has enough"),
        (out_of_sight, "Stable cannot be seen; weights stay.", "back when it has ready pods"),
        (ready_again, "Stable has ready pods again; making sure.", "back in 30s"),
    ],
)
def test_while_it_is_waited_for_it_is_said_what_for(happens, message: str, following: str) -> None:  # type: ignore[no-untyped-def]
    world = lost()
    world.rest(6)
    happens(world)
    world.look()
    status = world.remembered
    assert (status.held, status.message, status.next, world.weight) == ("StableLost", message, following, 100)


def test_between_two_steps_back_it_is_said_what_patched_has() -> None:
    world = on_its_way(seen_ready(lost()))
    world.rest(3)
    status = world.remembered
    assert (status.held, status.message) == ("StableLost", "Stable is back; patched has 95 %.")
    assert status.next == "the next step back"


def test_too_few_pods_on_the_way_back_stop_it_there_and_that_is_what_is_said() -> None:
    world = ready_world()
    world.stable.replicas = world.patched.replicas = 12
    on_its_way(seen_ready(lost(world.run(lambda w: w.remembered.weight == 50))))
    world.stable.ready = 3
    world.rest(60)
    assert (world.remembered.held, world.weight) == ("StableLost", 95)
    assert world.remembered.message == "Stable has too few ready pods; patched keeps 95 %."
