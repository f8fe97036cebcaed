"""Weights that somebody else writes before ours were confirmed: what stands there is what was confirmed last, and an edit all the
same. A write of ours that cannot be seen yet, or never came, is none.
"""

import pytest

from hotfix.core import actions as act
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

ARGO = "argocd-controller"
HEAL_SECONDS = 5.0


def slow_world(**more: object) -> World:
    """Its gateway confirms a weight later than git takes it back."""
    return ready_world(asked=a_spec(startWeight=5), **more)


def put_back(world: World, weights: tuple[int, int | None] = (1, None), manager: str = ARGO, *, stamp_stays: bool = True) -> None:
    """Somebody writes the split: only this (apply), or the route as a whole (replace)."""
    world.weights, world.ours, world.manager = weights, False, manager
    world.acked_at = world.now
    if not stamp_stays:
        world.stamp = None


def unconfirmed(world: World, weight: int = 5) -> World:
    """Patched has its weight, and nobody has confirmed it."""
    world.run(lambda w: w.remembered.stage is Stage.SHIFTING and w.weight == weight)
    assert world.now < world.acked_at
    return world


def heal(world: World, times: int, weights: tuple[int, int | None] = (1, None), *, stamp_stays: bool = True) -> World:
    for _ in range(times):
        wanted = world.remembered.weight
        put_back(world, weights, stamp_stays=stamp_stays)
        world.run(lambda w, wanted=wanted: w.weight == wanted, seconds=5).rest(HEAL_SECONDS)  # type: ignore[misc]
    return world


@pytest.mark.parametrize("stamp_stays", [True, False], ids=["applied", "replaced"])
@pytest.mark.parametrize("git_has", [(1, None), (100, 0)], ids=["drops patched", "names patched"])
def test_a_tool_that_takes_the_first_weight_back_before_it_is_confirmed_is_told_the_setting(
    git_has: tuple[int, int | None], stamp_stays: bool
) -> None:
    world = unconfirmed(slow_world(weights=git_has, ack_seconds=8.0))
    heal(world, 3, git_has, stamp_stays=stamp_stays)
    assert world.reasons.count("TrafficDriftCorrected") == 3
    assert world.remembered.held == "TrafficContested"
    assert "RespectIgnoreDifferences=true" in world.remembered.message
    assert world.weight == 5
    world.phase(Phase.PROMOTED, seconds=2000)


def test_a_tool_that_takes_a_later_weight_back_to_the_one_before_is_told_too() -> None:
    world = slow_world().run(lambda w: w.remembered.acknowledged_weight == 5)
    world.ack_seconds = 30.0
    world.run(lambda w: w.remembered.weight != 5)
    heal(unconfirmed(world, world.remembered.weight or 0), 3, (95, 5))
    assert world.remembered.acknowledged_weight == 5
    assert world.reasons.count("TrafficDriftCorrected") == 3
    assert world.remembered.held == "TrafficContested"


@pytest.mark.parametrize("stamp_stays", [True, False], ids=["edited", "replaced"])
def test_what_a_person_takes_back_before_it_is_confirmed_is_left_until_it_is_resumed(stamp_stays: bool) -> None:
    world = unconfirmed(slow_world(ack_seconds=60.0))
    put_back(world, (100, 0), "kubectl-edit", stamp_stays=stamp_stays)
    world.rest(200)
    assert (world.weights, world.remembered.held) == ((100, 0), "WeightsEdited")
    assert world.reasons.count("WeightsEdited") == 1
    assert "TrafficDriftCorrected" not in world.reasons
    world.ack_seconds = 0.5
    for request in ("pause:1", "resume:2"):
        world.request = request
        world.rest(3)
    assert (world.weight, world.remembered.held) == (5, "NoTraffic")
    world.phase(Phase.PROMOTED)


def test_a_weight_that_never_arrived_was_not_taken_back_by_anybody() -> None:
    world = slow_world(weights=(100, 0)).stage(Stage.ADOPTING).rest(1)
    assert not world.ours, "git names patched already, so only the stamp was written"
    world.refuses = (act.SetWeights,)
    world.stage(Stage.SHIFTING).rest(30)
    assert (world.weights, world.remembered.weight) == ((100, 0), 5)
    world.refuses = ()
    world.rest(5)
    assert (world.weight, world.remembered.held) == (5, "NoTraffic")
    assert not {"WeightsEdited", "TrafficDriftCorrected"} & set(world.reasons)


def test_a_route_that_is_seen_as_it_was_before_the_weight_was_not_edited() -> None:
    world = unconfirmed(slow_world(weights=(100, 0), ack_seconds=8.0))
    now = (world.weights, world.ours, world.manager, world.stamp)
    world.weights, world.ours, world.manager, world.stamp = (100, 0), False, "kubectl", "fix.8c1f2e7a.1"
    world.refuses = (act.SetWeights,)  # the version is an old one
    world.rest(3)
    world.weights, world.ours, world.manager, world.stamp = now
    world.refuses = ()
    world.rest(3)
    assert world.remembered.held is None
    assert not {"WeightsEdited", "TrafficDriftCorrected"} & set(world.reasons)


def test_no_weight_is_given_before_the_stamp_is_on_the_route() -> None:
    """Else one that has none later could not be told from one that was never written."""
    world = slow_world(weights=(100, 0))
    world.refuses = (act.SetWeights,)
    world.stage(Stage.ADOPTING).rest(60)
    assert (world.remembered.stage, world.remembered.held) == (Stage.ADOPTING, None)
    assert world.remembered.next == "start when the route carries the stamp of this rollout"
    world.refuses = ()
    world.phase(Phase.PROMOTED)
