"""What is told is so: where a person's weights stay, where nothing was proven, and where a write fails for long."""

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import RivalView
from hotfix.core.status import Phase, Stage

from .test_requested import answer, ask
from .world import World, a_spec, ready_world


def by_hand(world: World, *weights: int) -> World:
    """A person sets them."""
    world.weights, world.ours, world.manager, world.acked_at = weights, False, "kubectl-edit", world.now
    return world.held("WeightsEdited", seconds=30)


def told(world: World) -> str:
    return " | ".join(entry.message for entry in world.announced)


def test_a_stable_that_fails_with_the_fix_is_told_without_a_weight_that_a_person_keeps() -> None:
    world = by_hand(ready_world().stage(Stage.RETURNING, seconds=600).rest(12), 50, 50)
    world.stable.errors = 0.9
    world.stage(Stage.RETURN_FAILED, seconds=300).rest(60)
    assert world.weights == (50, 50)
    assert "The weights are not touched; nothing is drained" in told(world)
    assert "Patched has everything again" not in told(world)
    assert world.remembered.message.startswith("checkout is not good with the fix.")


def test_another_patch_is_told_without_a_weight_that_a_person_keeps() -> None:
    world = ready_world(asked=a_spec(startWeight=25, steps=[25]))
    world.patched.errors = world.stable.errors
    by_hand(world.phase(Phase.ANALYZING).rest(20), 0, 100)
    world.patched.template = "v3"
    world.rest(60)
    assert (world.weight, world.remembered.held) == (100, "WeightsEdited")
    assert "The pod spec of checkout-hotfix changed; evidence from zero, the weights stay." in told(world)


def test_what_a_person_gave_is_not_lowered_for_want_of_metrics() -> None:
    world = by_hand(ready_world().phase(Phase.BAKING).rest(5), 20, 80)
    world.blind = True
    world.rest(400)
    assert (world.weight, world.remembered.held) == (80, "WeightsEdited")
    assert "BlindTooLong" not in world.reasons


def test_a_promotion_in_spite_of_the_alarm_is_told_as_one() -> None:
    spec = a_spec(control="None", incident={"reference": "INC-1"}, analysis={"bakeTime": "2m"})
    world = ready_world(asked=spec).phase(Phase.BAKING)
    world.run(lambda w: w.weight == 100 and w.remembered.bake_seconds > 60, seconds=300)
    world.patched.errors = 0.3
    ask(world.held("ErrorAlarm", seconds=60).rest(20), "promote:1")
    assert world.remembered.phase is Phase.PROMOTING
    assert world.remembered.message.startswith("A person promotes it all the same. Patched fails 30 % (")


def test_the_end_with_patched_where_stable_is_not_good_is_a_decision() -> None:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    world.phase(Phase.AWAITING_GIT, seconds=600)
    world.stable.template, world.stable.ready = "v2", 0
    world.held("PromotionFailed", seconds=900)
    world.asked = a_spec(promotion={"mode": "KeepPatched"})
    world.phase(Phase.PROMOTED, seconds=60)
    assert "Patched keeps everything; checkout is not good with the fix." in told(world)


def test_the_share_of_another_rollout_is_not_told_as_left_over() -> None:
    rival = RivalView(
        name="first",
        uid="1",
        created="2027-01-15T07:00:00Z",
        phase="Analyzing",
        stable="checkout",
        routes=("shop",),
        patched="checkout-hotfix",
        service="checkout-hotfix",
        status={"stage": "Shifting", "weight": 30},
    )
    world = ready_world(rivals=(rival,))
    world.weights, world.ours, world.manager, world.stamp = (70, 30), True, None, "first.1.4"
    world.rest(5)
    world.deleting = True
    world.phase(Phase.ROLLED_BACK, seconds=30)
    assert "set it to 0" not in world.remembered.message


def refused_writes() -> World:
    """Stable's pod spec cannot be written."""
    world = ready_world()
    world.refuses = (act.SetPodSpec,)
    return world.stage(Stage.PATCHING_STABLE, seconds=600)


def test_the_fix_is_written_when_the_write_is_refused_no_more_however_long_that_takes() -> None:
    world = refused_writes().rest(700)
    assert world.remembered.message.startswith("checkout has not taken the fix in 10m; patched serves everything.")
    assert (world.remembered.held, world.reasons.count("PromotionFailed")) == ("PromotionFailed", 1)
    world.refuses = ()
    world.phase(Phase.PROMOTED, seconds=300)
    assert world.stable.template == "v2"


def test_where_it_was_never_written_the_end_with_patched_says_so() -> None:
    world = refused_writes().rest(700)
    world.asked = a_spec(promotion={"mode": "KeepPatched"})
    world.phase(Phase.PROMOTED, seconds=60)
    assert world.remembered.message.startswith("Patched serves everything; checkout still runs the old version.")


def test_before_the_fix_is_written_a_rollback_waits_for_a_stable_without_pods() -> None:
    world = refused_writes()
    world.stable.ready = 0
    ask(world, "rollback:1")
    assert answer(world)[0] == "Waiting"
    world.refuses = ()
    world.rest(60)
    assert (world.stable.template, world.weight) == ("v1", 100)
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert answer(world)[0] == "Accepted"


def test_a_rollback_is_not_refused_for_a_pod_spec_of_a_stable_that_is_gone() -> None:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    world.phase(Phase.AWAITING_GIT, seconds=600)
    world.stable.exists = False
    ask(world.rest(3), "rollback:1")
    assert "another pod spec" not in answer(world)[1]


@pytest.mark.parametrize("text", ["rolback:2", "retry:2"])
def test_a_rollback_that_waits_is_not_forgotten_untold_for_what_is_refused(text: str) -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.stable.ready = 0
    ask(world, "rollback:1").rest(5)
    assert answer(world)[0] == "Waiting"
    ask(world, text).rest(5)
    if text == "retry:2":
        assert "rollback was not done yet when retry was asked for, and is given up; ask for it again." in told(world)
        return
    assert "rolback:2 was refused: There is no such request" in told(world)
    world.request = text
    world.rest(5)
    assert world.reasons.count("RequestRefused") == 1
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert (world.stable.template, answer(world)[0]) == ("v1", "Accepted")
