"""Patched's pods end only after their last requests, whatever somebody does to the weights meanwhile."""

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import Ack
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world


def test_somebody_who_gives_patched_a_weight_while_it_drains_keeps_its_pods() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(120)
    assert world.patched.replicas == 2


def test_after_a_person_served_patched_again_it_drains_from_the_start() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(120)
    world.weights = (100, 0)
    put_back = world.now
    world.stage(Stage.SCALING_DOWN)
    assert world.now - put_back >= 60


def test_it_drains_from_the_start_also_where_nothing_could_be_seen_when_its_weight_went_back() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(120)
    world.unseen = True
    world.rest(90)
    assert world.remembered.stage is Stage.DRAINING_PATCHED
    world.weights, world.unseen, seen_again = (100, 0), False, world.now
    world.stage(Stage.SCALING_DOWN)
    assert world.now - seen_again >= 60


def test_what_it_was_held_for_on_its_way_is_not_what_it_ends_with() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20)
    world.weights = (100, 0)
    world.phase(Phase.ROLLED_BACK)
    assert world.remembered.message.startswith("PatchedWorse: ")
    promoted = ready_world().stage(Stage.SCALING_DOWN)
    promoted.unseen = True
    promoted.held("ClusterUnavailable", seconds=20)
    promoted.unseen = False
    promoted.phase(Phase.PROMOTED)
    assert promoted.remembered.message.startswith("checkout serves everything with the fix.")


def test_a_weight_given_to_patched_right_before_its_pods_end_keeps_them() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.refuses = (act.Scale,)
    world.stage(Stage.SCALING_DOWN)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.look()
    assert (world.remembered.stage, world.remembered.held) == (Stage.DRAINING_PATCHED, "WeightsEdited")


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in (Stage.CHECKING, Stage.DONE, Stage.RETURN_FAILED)])
def test_released_in_any_stage_everything_is_given_back(stage: Stage) -> None:
    world = ready_world()
    if stage is Stage.WEIGHT_ZERO:
        world.patched.errors = 1.0
    if stage is Stage.AWAITING_GIT:
        world.stable.template_manager = "some-pipeline"
    world.stage(stage)
    world.request = "release:1"
    world.run(lambda w: w.remembered.stage is Stage.DONE and not w.finalizer, seconds=120)
    assert (world.weights[1] or 0, world.ours, world.stamp) == (0, False, None)


def test_released_after_a_failed_promotion_goes_to_stable_all_the_same() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED)
    world.request = "release:1"
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert world.remembered.why == "Released"
    assert world.patched.replicas == 2, "its pods stay"


def test_released_during_a_rehearsal_touches_nothing() -> None:
    world = ready_world(asked=a_spec(paused=True)).held("Paused")
    world.request = "release:1"
    world.phase(Phase.ROLLED_BACK, seconds=30)
    assert [action for action in world.performed if not isinstance(action, act.Announce | act.SetFinalizer)] == []


@pytest.mark.parametrize("stage", [Stage.DRAINING_PATCHED, Stage.SCALING_DOWN])
def test_pods_are_not_ended_while_the_route_cannot_be_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.refuses = (act.Scale,)
    world.stage(stage)
    world.refuses, world.performed = (), []
    monkeypatch.setattr(World, "routes", lambda self: None)
    world.rest(60)
    assert (world.remembered.stage, world.remembered.held) == (stage, "ClusterUnavailable")
    assert not [action for action in world.performed if isinstance(action, act.Scale)]
    monkeypatch.undo()
    world.phase(Phase.ROLLED_BACK, seconds=60)


def test_a_person_who_serves_patched_while_it_drains_after_a_promotion_is_told_and_it_stays_a_promotion() -> None:
    world = ready_world().stage(Stage.DRAINING_PATCHED)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20)
    assert (world.remembered.phase, world.remembered.stage) == (Phase.PROMOTING, Stage.DRAINING_PATCHED)
    assert world.remembered.message == "Somebody gave checkout-hotfix a weight again; its pods are kept until it is 0."
    assert world.remembered.next == "drain patched when its weight is 0 again"
    world.weights = (100, 0)
    world.phase(Phase.PROMOTED)


def test_released_before_traffic_moved_it_only_gives_back_and_says_why() -> None:
    world = ready_world()
    world.patched.ready = 0
    world.stage(Stage.SCALING).rest(3)
    world.request = "release"
    world.look()
    status = world.remembered
    assert (status.phase, status.stage, status.held) == (Phase.PENDING, Stage.GIVING_BACK, None)
    assert (status.why, status.keep_pods, status.next) == ("Released", True, "give back")
    assert status.message == "A person released the rollout; traffic goes back to stable."
    world.phase(Phase.ROLLED_BACK, seconds=30)
    assert world.patched.replicas == 2
    assert not [action for action in world.performed if isinstance(action, act.SetWeights | act.Scale)]


def rolling_back(**more: object) -> World:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.errors = 1.0
    for name, value in more.items():
        setattr(world, name, value)
    return world.phase(Phase.ROLLING_BACK)


def test_a_silent_api_server_before_weight_zero_is_named_and_forgotten_when_it_answers() -> None:
    world = rolling_back(ack=Ack.PENDING)
    why = world.remembered.message
    assert why.startswith("PatchedWorse: ")
    world.unseen = True
    world.look()
    assert (world.remembered.held, world.remembered.next) == ("ClusterUnavailable", "weight 0 as soon as it answers")
    assert world.remembered.message.startswith("PatchedWorse: The API server does not answer")
    world.unseen = False
    world.look()
    assert (world.remembered.held, world.remembered.message) == (None, why)
    assert world.remembered.next == "waiting for the route's controllers to confirm weight 0"
    world.ack = None
    world.look()  # it is acknowledged, and settles while nothing can be seen
    world.unseen = True
    world.held("ClusterUnavailable", seconds=5).advance(5)
    world.unseen = False
    world.stage(Stage.DRAINING_PATCHED, seconds=5)
    assert (world.remembered.message, world.remembered.next) == (why, "drain patched")
    world.phase(Phase.ROLLED_BACK)
    assert world.remembered.message.startswith(why)


def test_a_refusal_to_answer_about_something_else_does_not_stop_the_way_back() -> None:
    world = rolling_back(ack=Ack.PENDING)
    world.refused = ("Forbidden", "no right")
    world.look()
    assert (world.remembered.stage, world.remembered.held) == (Stage.WEIGHT_ZERO, None)


def test_a_way_back_whose_weight_is_not_written_does_not_end() -> None:
    world = rolling_back(refuses=(act.SetWeights,)).rest(300)
    assert (world.remembered.stage, world.ours) == (Stage.WEIGHT_ZERO, True)
    world.refuses = ()
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert world.weights == (1, None)


def test_a_route_that_no_longer_names_stable_is_told_until_its_weight_is_zero() -> None:
    world = rolling_back(refuses=(act.SetWeights,))
    world.refusal = "a rule names stable twice."
    world.look()
    assert (world.remembered.stage, world.remembered.held) == (Stage.WEIGHT_ZERO, "RouteMissing")
    assert world.remembered.message.startswith("PatchedWorse: HTTPRoute shop: a rule names stable twice. Put it right")
    assert world.remembered.next == "weight 0 as soon as stable is named again"
    world.refusal, world.refuses = None, ()
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert world.remembered.why == "PatchedWorse"
