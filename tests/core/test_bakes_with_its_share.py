"""What counts towards a bake, and what a person may decide where there is nothing to compare with."""

import pytest

from hotfix.core.status import Phase

from .test_requested import analyzing, answer, ask
from .world import World, a_spec, ready_world


def baking(**spec: object) -> World:
    return ready_world(asked=a_spec(analysis={"bakeTime": "2m"}, **spec)).phase(Phase.BAKING).rest(5)


def test_a_bake_does_not_go_on_while_a_person_gives_patched_less() -> None:
    world = baking()
    world.weights, world.ours, world.manager, world.acked_at = (90, 10), False, "kubectl-edit", world.now
    before = world.held("WeightsEdited").remembered.bake_seconds
    world.rest(200)
    assert world.remembered.bake_seconds == before
    world.weights = (5, 95)
    world.rest(60)
    assert before < world.remembered.bake_seconds <= before + 65


def test_a_bake_does_not_go_on_before_its_weight_is_confirmed() -> None:
    world = ready_world(asked=a_spec(analysis={"bakeTime": "30s"})).phase(Phase.ANALYZING)
    world.run(lambda w: w.remembered.phase is Phase.BAKING)
    world.acked_at = world.now + 60
    world.rest(50)
    assert (world.remembered.phase, world.remembered.bake_seconds) == (Phase.BAKING, 0)
    world.phase(Phase.PROMOTING, seconds=120)


def test_without_a_control_the_bake_begins_again_after_an_alarm() -> None:
    world = baking(control="None", incident={"reference": "INC-1"})
    world.run(lambda w: w.weight == 100 and w.remembered.bake_seconds > 60, seconds=300)
    world.patched.errors = 0.3
    world.held("ErrorAlarm", seconds=60).rest(60)
    assert world.remembered.bake_seconds == 0
    world.patched.errors = 0.0
    world.run(lambda w: w.remembered.held is None, seconds=120)
    healthy = world.now
    world.phase(Phase.PROMOTING, seconds=300)
    assert world.now - healthy >= 100


@pytest.mark.parametrize("verb", ["pause", "acknowledge"])
def test_a_promotion_that_waits_and_is_given_up_for_another_request_is_told(verb: str) -> None:
    world = ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING)
    ask(world, "promote:1")
    assert answer(world)[0] == "Waiting"
    ask(world, f"{verb}:2")
    told = [entry.message for entry in world.remembered.decisions if entry.reason == "RequestRefused"]
    assert told[0] == f"promote was not done yet when {verb} was asked for, and is given up; ask for it again."


def test_one_decision_for_another_is_not_told_as_lost() -> None:
    world = ask(analyzing(), "rollback:1")
    ask(world, "release:2")
    assert "RequestRefused" not in world.reasons


@pytest.mark.parametrize("text", ["rollback:2", "promote:2"])
def test_a_promotion_that_waits_is_not_told_as_given_up_for_the_way_back_or_for_itself(text: str) -> None:
    world = ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING)
    ask(world, "promote:1")
    assert answer(world)[0] == "Waiting"
    ask(world, text)
    assert "RequestRefused" not in world.reasons
