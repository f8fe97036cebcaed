"""What is written follows from what is wanted and what is seen: one situation each."""

import pytest

from hotfix.core import actions as act
from hotfix.core import plan
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world


def planned(world: World, kind: type, **more: object) -> list[act.Action]:
    """The writes of a kind, for a memory that differs in this."""
    look = world.shown()
    return [done for done in plan.actions(look.having(look.status.model_copy(update=more))) if isinstance(done, kind)]


def sharing(weights: tuple[int, int], stable: int, patched: int) -> World:
    """Analysed at 25 %, while the route has these weights and the sides these ready pods."""
    world = ready_world(asked=a_spec(startWeight=25)).phase(Phase.ANALYZING).rest(5)
    assert world.weight == 25
    world.weights, world.stable.ready, world.patched.ready = weights, stable, patched
    return world


# ---- weights


@pytest.mark.parametrize(
    ("weights", "stable", "patched", "writes"),
    [
        ((75, 25), 2, 2, False),
        ((100, 0), 2, 2, True),
        ((100, 0), 2, 1, True),
        ((100, 0), 2, 0, False),
        ((100, 0), 0, 2, True),
        ((0, 100), 2, 2, True),
        ((0, 100), 1, 2, True),
        ((0, 100), 0, 2, False),
        ((0, 100), 0, 0, True),
        ((50, 50), 1, 0, True),
    ],
)
def test_no_weight_goes_to_a_side_without_ready_pods(weights: tuple[int, int], stable: int, patched: int, writes: bool) -> None:
    found = planned(sharing(weights, stable, patched), act.SetWeights)
    assert [getattr(done, "weight", None) for done in found] == ([25] if writes else [])


def test_weights_are_written_with_what_the_route_was_before() -> None:
    world = sharing((100, 0), 2, 2)
    (write,) = planned(world, act.SetWeights)
    assert isinstance(write, act.SetWeights)
    assert world.remembered.borrowed is not None
    assert (write.route.name, write.rules, write.original) == ("shop", (0,), world.remembered.borrowed.routes[0])
    assert (write.kept_percent, write.takes_over, write.restores, write.drops) == (0, False, (), ())


def test_a_stamp_that_is_missing_is_written_alone() -> None:
    world = sharing((75, 25), 2, 2)
    world.stamp = None
    (write,) = planned(world, act.SetWeights)
    assert isinstance(write, act.SetWeights)
    assert (write.rules, write.drops) == ((), ())


def test_a_finalizer_that_somebody_took_off_stops_no_weight() -> None:
    world = sharing((100, 0), 2, 2)
    world.finalizer = False
    assert planned(world, act.SetWeights)
    assert planned(world, act.SetFinalizer)


def test_before_traffic_moves_the_finalizer_comes_first() -> None:
    world = ready_world()
    world.patched.replicas = 1
    world.stage(Stage.SCALING)
    world.patched.replicas, world.finalizer = 1, False
    assert planned(world, act.SetFinalizer)
    assert not planned(world, act.Scale)
    world.finalizer = True
    assert planned(world, act.Scale)


# ---- pods


@pytest.mark.parametrize(
    ("update", "spec", "scales"),
    [({}, {}, True), ({"paused": True}, {}, False), ({}, {"paused": True}, False), ({"held": "StableMoved"}, {}, False)],
)
def test_patched_gets_its_pods_while_nothing_holds_it(update: dict[str, object], spec: dict[str, object], scales: bool) -> None:
    world = ready_world().stage(Stage.SCALING)
    world.patched.replicas, world.asked = 1, a_spec(**spec)
    found = planned(world, act.Scale, **update)
    assert [getattr(done, "replicas", None) for done in found] == ([2] if scales else [])
    world.patched.replicas = 2
    assert not planned(world, act.Scale, **update), "that many already"


@pytest.mark.parametrize(("replicas", "scales"), [(2, True), (1, True), (0, False)])
def test_at_the_end_patched_goes_to_no_pods(replicas: int, scales: bool) -> None:
    world = ready_world().stage(Stage.SCALING_DOWN)
    world.patched.replicas = replicas
    found = planned(world, act.Scale)
    assert [getattr(done, "replicas", None) for done in found] == ([0] if scales else [])


@pytest.mark.parametrize("missing", ["stable", "patched", None])
def test_the_fix_goes_into_stable_where_both_are_seen(missing: str | None) -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template = "v1"
    if missing:
        getattr(world, missing).exists = False
    assert bool(planned(world, act.SetPodSpec)) is (missing is None)


# ---- words, and the way back


def test_each_decision_is_told_once_with_the_phase_that_it_began() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(2)
    told = world.remembered.announced
    assert not planned(world, act.Announce)
    world.announced.clear()
    again = [done for done in planned(world, act.Announce, announced=told - 1) if isinstance(done, act.Announce)]
    assert [(done.sequence, done.phase, done.reason) for done in again] == [(told, "Analyzing", "TrafficShifted")]


@pytest.mark.parametrize(
    ("patched", "ours", "confirmed", "releases"),
    [(0, True, 5, True), (0, True, None, True), (0, False, None, True), (None, False, 5, True), (None, False, None, False)],
)
def test_a_route_is_given_back_where_something_of_ours_may_be_on_it(
    patched: int | None, ours: bool, confirmed: int | None, releases: bool
) -> None:
    world = ready_world().stage(Stage.GIVING_BACK)
    world.weights, world.ours = (1, patched), ours
    world.stamp = world.stamp if ours else None
    assert bool(planned(world, act.ReleaseRoute, acknowledged_weight=confirmed)) is releases


def test_a_patched_that_an_edit_took_out_of_a_rule_is_named_there_again_before_it_is_weighed() -> None:
    world = sharing((75, 25), 2, 2)
    world.weights = (1, None)
    (named,) = planned(world, act.AdoptRoute)
    assert isinstance(named, act.AdoptRoute)
    assert (named.route.name, named.rules, named.restores) == ("shop", (0,), ())
    assert not planned(world, act.SetWeights)
