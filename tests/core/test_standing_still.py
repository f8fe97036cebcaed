"""One that stands still for a newer one, and what makes it go on, move its share at once, or end."""

from dataclasses import replace

import pytest

from hotfix.core.fencing import numbered
from hotfix.core.observation import Ack, RivalView
from hotfix.core.status import Phase

from .test_superseded import analysed, newer, standing
from .world import World, a_spec, ready_world

STARTED = newer("Analyzing", "Shifting", yielded=True)
ON_ITS_WAY_BACK = newer("RollingBack", "WeightZero", yielded=True, moved=True)


def control(phase: Phase = Phase.AWAITING_GIT) -> World:
    """It is proven, and the newer one, which has not started, is to be judged against it."""
    spec = a_spec(promotion={"mode": "AwaitGit"}, analysis={"bakeTime": "10m"})
    return standing(ready_world(asked=spec).phase(phase).rest(3))


def since(world: World) -> str | None:
    """Since when it stands still."""
    return world.remembered.superseded_by.since if world.remembered.superseded_by else None


def test_it_goes_on_when_the_newer_one_cannot_start_after_all() -> None:
    world = standing()
    world.rivals = (newer(ready=False),)
    world.rest(3)
    assert since(world) is None


@pytest.mark.parametrize("rival", [newer(), ON_ITS_WAY_BACK], ids=["has not started", "on its way back"])
def test_it_serves_for_a_lost_stable_while_the_newer_one_does_not(rival: RivalView) -> None:
    world = standing()
    world.rivals, world.stable.ready = (rival,), 0
    world.run(lambda w: w.weight == 100, seconds=30)
    assert (world.remembered.stable_lost is not None, since(world)) == (True, None)


def test_it_moves_nothing_while_neither_side_has_pods() -> None:
    world = control()
    began = since(world)
    world.patched.ready = world.stable.ready = 0
    world.rest(60)
    assert (world.weight, since(world)) == (100, began)


def test_a_control_without_pods_gives_everything_to_stable_only_before_the_newer_one_has_a_share() -> None:
    world = control()
    world.rivals, world.patched.ready = (STARTED,), 0
    assert world.rest(30).remembered.weight == 100
    world.rivals = (newer(),)
    world.run(lambda w: w.weight == 0, seconds=10)


def test_a_control_that_bakes_serves_for_a_lost_stable() -> None:
    world = control(Phase.BAKING)
    world.rivals, world.stable.ready = (STARTED,), 0
    world.run(lambda w: w.remembered.stable_lost is not None, seconds=30)
    assert world.remembered.weight == 100


def test_what_the_newer_one_had_is_not_given_way_to_on_its_way_back() -> None:
    world = standing()
    world.rivals, world.weights = (ON_ITS_WAY_BACK,), (100, 0)
    assert world.rest(10).remembered.phase is Phase.ANALYZING


def lost() -> World:
    """It waits for git without traffic, for its pods are gone, and stands still."""
    world = ready_world(asked=a_spec(promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(3)
    world.patched.ready = 0
    return standing(world.rest(5))


def test_one_without_traffic_that_waits_for_git_takes_it_when_its_pods_are_back_before_the_newer_one_starts() -> None:
    world = lost()
    world.patched.ready = None
    world.run(lambda w: w.weight == 100, seconds=30)
    assert (world.remembered.phase, since(world)) == (Phase.AWAITING_GIT, None)


def test_one_without_traffic_that_waits_for_git_stands_still_without_a_break() -> None:
    world = lost()
    began = since(world)
    world.rest(30)
    assert since(world) == began


def test_a_patch_that_is_changed_while_it_stands_still_is_rolled_back() -> None:
    world = standing()
    world.patched.template = "v3"
    world.phase(Phase.ROLLED_BACK)
    assert world.remembered.why == "PatchedChanged"


def test_a_deletion_waits_while_the_others_cannot_be_seen_unless_a_person_releases_it() -> None:
    world = analysed()
    world.rivals, world.deleting = None, True
    assert world.rest(20).remembered.held == "ClusterUnavailable"
    assert world.weight == 25
    world.request = "release:1"
    world.rest(5)
    assert world.weight == 0


# ---- when it gives way


@pytest.mark.parametrize("trouble", ["not confirmed", "route gone", "not seen"])
def test_it_does_not_give_way_before_all_say_that_it_has_nothing(trouble: str) -> None:
    world = standing()
    world.rivals, world.weights = (newer("Baking", "Shifting", yielded=True, moved=True),), (100, 0)
    if trouble == "not confirmed":
        world.ack = Ack.PENDING
    world.route_exists, world.unseen = trouble != "route gone", trouble == "not seen"
    assert world.rest(30).remembered.phase is Phase.ANALYZING
    world.ack, world.route_exists, world.unseen = None, True, False
    world.phase(Phase.SUPERSEDED, seconds=10)


COMING = replace(newer(None), status={})


@pytest.mark.parametrize(
    "rival",
    [
        replace(COMING, deleting=True),
        replace(COMING, stable="cart"),
        replace(COMING, status={"held": "TargetNotFound"}),
        replace(COMING, phase="Analyzing"),
    ],
    ids=["deleted too", "of another stable", "held", "beside it"],
)
def test_a_deletion_does_not_wait_for_one_that_will_not_take_over(rival: RivalView) -> None:
    world = analysed()
    world.rivals, world.deleting = (rival,), True
    world.phase(Phase.ROLLING_BACK, seconds=5)
    assert world.remembered.why == "Deleted"


@pytest.mark.no_cover  # long, and covers nothing that others do not
def test_a_deletion_waits_for_one_that_asks_already_until_what_it_has_is_confirmed() -> None:
    world = ready_world(asked=a_spec(startWeight=25), ack_seconds=1000.0).phase(Phase.ANALYZING)
    world.rivals, world.deleting = (newer(held="Superseding"),), True
    assert world.rest(20).remembered.held == "DeletionHeld"
    assert world.weight == 25


def test_nothing_is_said_of_a_deletion_where_there_is_none() -> None:
    world = analysed()
    world.rivals = (newer(ready=False),)
    assert world.rest(10).remembered.held != "DeletionHeld"


def test_standing_still_and_going_on_are_told() -> None:
    world = standing()
    world.rivals = ()
    world.rest(3)
    assert {"stand still", "resume"} <= {entry.what for entry in world.remembered.decisions}


# ---- when it does not stand still


def test_it_does_not_stand_still_for_one_that_is_on_its_way_back() -> None:
    world = analysed()
    world.rivals = (newer("RollingBack", "WeightZero"),)
    assert since(world.rest(10)) is None


def test_it_does_not_stand_still_with_weights_that_somebody_edited() -> None:
    world = analysed()
    world.weights, world.ours, world.manager = (50, 50), False, "kubectl"
    world.held("WeightsEdited", seconds=20).rivals = (newer(),)
    assert since(world.rest(20)) is None


def test_it_does_not_stand_still_while_it_serves_for_a_lost_stable() -> None:
    world = analysed()
    world.stable.ready = 0
    world.run(lambda w: w.weight == 100, seconds=30).rest(5).rivals = (newer(),)
    assert since(world.rest(20)) is None


def test_a_lost_stable_comes_before_standing_still() -> None:
    world = analysed()
    world.stable.ready, world.rivals = 0, (newer(),)
    world.run(lambda w: w.weight == 100, seconds=30)
    assert since(world) is None


# ---- numbers of intentions


def test_a_way_back_that_begins_without_traffic_is_a_new_intention() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(3)
    world.patched.ready = 0
    world.run(lambda w: w.weight == 0, seconds=10).rest(3)
    number, world.request = world.remembered.intention, "rollback:1"
    world.phase(Phase.ROLLING_BACK, seconds=5)
    assert (world.remembered.weight, world.remembered.intention) == (0, number + 1)


def test_of_several_routes_the_newest_stamp_counts() -> None:
    look = ready_world().phase(Phase.ANALYZING).shown()
    assert look.seen.routes
    routes = tuple(replace(look.seen.routes.routes[0], stamp=f"fix.8c1f2e7a.{number}") for number in (3, 70, 5))
    look = replace(look, seen=replace(look.seen, routes=replace(look.seen.routes, routes=routes)))
    assert numbered(look, look.status).status.intention == 71
