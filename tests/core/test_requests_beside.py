"""What a request leaves as it is: a pause that lasts, an end that stays, a fix that is under way."""

import pytest

from hotfix.core.status import Phase, Stage

from .test_git_stories import awaiting
from .test_requested import analyzing, answer, ask
from .test_superseded import standing
from .world import World, a_spec, ready_world


@pytest.mark.parametrize("request_", ["acknowledge:2", "promote:2", "retry:2", "nonsense:2"])
def test_only_a_resume_ends_a_pause(request_: str) -> None:
    world = ask(analyzing(), "pause:1").held("Paused", seconds=10)
    ask(world, request_).rest(10)
    assert (world.remembered.paused, world.remembered.held) == (True, "Paused")
    ask(world, "resume:3")
    assert (world.remembered.paused, answer(world)[0]) == (False, "Accepted")


@pytest.mark.parametrize("phase", [Phase.ROLLING_BACK, Phase.ROLLED_BACK])
def test_a_pause_that_comes_too_late_is_not_remembered_for_another_attempt(phase: Phase) -> None:
    world = ready_world()
    world.patched.errors = 1.0
    ask(world.phase(phase).rest(1), "pause:1")
    assert (answer(world)[0], world.remembered.paused) == ("Refused", False)


def failed() -> World:
    """Stable was not good with the fix; patched has everything again."""
    return ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)


def test_a_rollback_is_refused_where_the_promotion_failed() -> None:
    world = ask(failed(), "rollback:1")
    assert answer(world)[0] == "Refused"
    assert world.rest(20).weight == 100


def follows_up() -> World:
    """Shipped before anything was proven: a person has to look at it afterwards."""
    return ready_world(asked=a_spec(urgency="BreakGlass")).phase(Phase.BAKING).rest(3)


def test_an_acknowledgement_is_taken_once_also_after_the_end() -> None:
    world = follows_up()
    world.patched.errors = 0.001
    world.phase(Phase.PROMOTED).rest(5)
    assert world.remembered.follow_up == "BreakGlass"
    ask(world, "acknowledge:1")
    assert (world.remembered.follow_up, answer(world)[0]) == (None, "Accepted")
    ask(world, "acknowledge:2")
    assert answer(world)[0] == "Refused"


def test_an_acknowledgement_while_it_goes_on_ends_what_is_to_be_followed_up() -> None:
    world = ask(follows_up(), "acknowledge:1")
    assert (world.remembered.follow_up, answer(world)[0]) == (None, "Accepted")
    assert world.remembered.phase is Phase.BAKING


@pytest.mark.parametrize("verb", ["rollback", "release"])
def test_one_that_failed_in_stable_and_is_the_control_of_a_newer_one_is_not_taken_from_it(verb: str) -> None:
    world = ask(standing(failed()), f"{verb}:1")
    result, why = answer(world)
    assert (result, "second is judged against it" in why) == ("Refused", True)
    assert world.rest(10).weight == 100


def test_one_that_bakes_without_evidence_is_no_control_and_is_taken_back() -> None:
    world = standing(follows_up())
    assert world.remembered.superseded_by is not None
    assert not world.remembered.superseded_by.control
    ask(world, "rollback:1").phase(Phase.ROLLING_BACK, seconds=5)
    assert answer(world)[0] == "Accepted"


def test_a_rollback_of_what_never_began_tells_who_sends_requests_to_patched() -> None:
    world = ready_world()
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    ask(world.held("PatchedAlreadyServes"), "rollback:1").phase(Phase.ROLLED_BACK, seconds=5)
    assert world.weights == (70, 30)
    assert "checkout-hotfix still gets requests" in world.remembered.message
    assert "set it to 0 in HTTPRoute shop" in world.remembered.message


def test_a_promotion_that_failed_and_is_paused_is_tried_again_only_when_it_is_resumed() -> None:
    world = ask(failed(), "pause:1")
    ask(world, "promote:2")
    assert answer(world) == ("Refused", "It is paused. Use kubectl hotfix resume fix first.")
    world.asked = a_spec(paused=True)
    ask(world, "promote:3")
    assert answer(world) == ("Refused", "It is paused. Set spec.paused to false first.")


def test_a_rollback_in_a_look_that_does_not_see_stable_is_done_when_it_is_seen() -> None:
    world = awaiting()
    world.unseen = True
    ask(world, "rollback:1")
    assert answer(world)[0] == "Waiting"
    world.unseen = False
    world.phase(Phase.ROLLED_BACK, seconds=100)
    assert answer(world)[0] == "Accepted"


def test_a_rollback_to_a_stable_that_got_something_else_says_so() -> None:
    world = awaiting()
    world.stable.template = "v1c"
    ask(world.rest(5), "rollback:1")
    assert answer(world)[0] == "Refused"
    assert "checkout has another pod spec by now than before" in answer(world)[1]
