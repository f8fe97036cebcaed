"""Requests of a person: taken in at the first look, done where the state allows it, answered once."""

import pytest

from hotfix.core import requested
from hotfix.core.status import Phase, Stage
from hotfix.core.verbs import RequestResult, Verb

from .world import World, a_spec, ready_world


def ask(world: World, text: str) -> World:
    """Annotate, look, and take the annotation away again, as a GitOps tool does."""
    world.request = text
    world.look()
    world.request = None
    return world


def answer(world: World) -> tuple[RequestResult, str]:
    found = world.remembered.last_handled_request
    assert found is not None
    return found.result, found.message


def analyzing(**spec: object) -> World:
    """Undecided, because patched fails as much as stable, with counts at its weight."""
    world = ready_world(asked=a_spec(startWeight=5, steps=[5], **spec))
    world.patched.errors = world.stable.errors
    return world.phase(Phase.ANALYZING).rest(20)


# ---- promote


def test_promote_skips_the_evidence_and_every_guard_stays_armed() -> None:
    world = ask(analyzing(), "promote:1")
    world.phase(Phase.BAKING, seconds=10)
    assert answer(world)[0] is RequestResult.ACCEPTED
    assert world.remembered.decisions[-1].reason == "Requested"
    assert world.weight >= 95
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK, seconds=200)
    assert world.remembered.why == "PatchedWorse"


def test_promote_ends_an_inconclusive_hold() -> None:
    world = analyzing(analysis={"deadline": "60s"}).held("Inconclusive", seconds=120)
    ask(world, "promote:1").phase(Phase.BAKING, seconds=10)
    assert world.remembered.held is None


def test_promote_waits_for_counts_at_the_present_weight_and_is_not_lost_with_its_annotation() -> None:
    world = ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING)
    ask(world, "promote:1")
    assert answer(world)[0] is RequestResult.WAITING
    assert world.remembered.phase is Phase.ANALYZING
    world.phase(Phase.BAKING, seconds=25)
    assert answer(world)[0] is RequestResult.ACCEPTED


@pytest.mark.parametrize(
    ("trouble", "says"),
    [("blind", "The weight is not raised"), ("paused", "rollback rules stay armed"), ("pods", "kubectl scale")],
)
def test_promote_does_not_pass_over_what_was_not_seen_nor_over_pods_that_are_missing(trouble: str, says: str) -> None:
    world = analyzing()
    if trouble == "blind":
        world.blind = True
    elif trouble == "paused":
        world.asked = a_spec(startWeight=5, steps=[5], paused=True)
    else:
        world.patched.replicas = 1
    ask(world, "promote:1").rest(10)
    result, message = answer(world)
    assert result is RequestResult.REFUSED
    assert says in message
    assert world.weight == 5
    refused = next(entry for entry in world.remembered.decisions if entry.reason == "RequestRefused")
    assert refused.type == "Warning"
    assert says in refused.message


@pytest.mark.parametrize(
    ("phase", "says"), [(Phase.PENDING, "No request has gone to patched yet"), (Phase.BAKING, "It is past that")]
)
def test_promote_elsewhere_is_refused_with_what_is_going_on(phase: Phase, says: str) -> None:
    world = ready_world()
    if phase is Phase.BAKING:
        world.phase(Phase.BAKING).rest(5)
    ask(world, "promote:1")
    assert answer(world)[0] is RequestResult.REFUSED
    assert answer(world)[1].startswith(says)


def test_promote_on_the_way_back_is_refused() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    ask(world.stage(Stage.DRAINING_PATCHED), "promote:1")
    assert answer(world)[1].startswith("It is rolled back")


# ---- roll back


@pytest.mark.parametrize(
    "stage", [Stage.CHECKING, Stage.SCALING, Stage.ADOPTING, Stage.SHIFTING, Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE]
)
def test_rollback_takes_all_traffic_away_in_the_look_that_hears_of_it(stage: Stage) -> None:
    world = ready_world() if stage is Stage.CHECKING else ready_world().stage(stage)  # it lasts for one look
    had = world.weight
    ask(world, "rollback:1")
    assert answer(world)[0] is RequestResult.ACCEPTED
    if had:
        assert world.weight == 0
    world.run(lambda w: w.remembered.stage is Stage.DONE and not w.finalizer, seconds=120)
    assert (world.remembered.phase, world.remembered.why) == (Phase.ROLLED_BACK, "Requested")


@pytest.mark.parametrize("stage", [Stage.PATCHING_STABLE, Stage.RETURNING])
def test_rollback_is_refused_once_stable_gets_the_fix(stage: Stage) -> None:
    world = ask(ready_world().stage(stage), "rollback:1")
    assert answer(world)[0] is RequestResult.REFUSED
    assert "kubectl hotfix release" in answer(world)[1]
    world.phase(Phase.PROMOTED, seconds=300)


def test_rollback_while_stable_is_lost_waits_for_stable() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    ask(world, "rollback:1").rest(60)
    assert world.weight == 100, "nothing else can serve"
    assert answer(world)[0] is RequestResult.ACCEPTED
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=400)


def test_rollback_waits_where_stable_has_no_pods_and_is_done_when_it_has() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.stable.ready = 0
    ask(world, "rollback:1")
    assert answer(world)[0] is RequestResult.WAITING
    world.stable.ready = None
    world.look()
    assert (world.remembered.phase, answer(world)[0]) == (Phase.ROLLING_BACK, RequestResult.ACCEPTED)


# ---- pause


def test_a_pause_by_request_holds_until_it_is_resumed() -> None:
    world = ask(ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING), "pause:1")
    assert answer(world)[0] is RequestResult.ACCEPTED
    world.rest(120)
    assert (world.weight, world.remembered.held) == (5, "Paused")
    assert "kubectl hotfix resume fix" in world.remembered.message
    paused = next(entry for entry in world.remembered.conditions if entry.type == "Paused")
    assert (paused.status, paused.message) == ("True", "Paused by a request.")
    ask(world, "resume:2")
    assert answer(world)[0] is RequestResult.ACCEPTED
    world.phase(Phase.PROMOTED)


def test_a_pause_by_request_before_traffic_moves_is_a_rehearsal() -> None:
    world = ask(ready_world(), "pause:1").rest(60)
    assert (world.weights, world.remembered.held) == ((1, None), "Paused")
    ask(world, "resume:2").phase(Phase.ANALYZING, seconds=60)


def test_a_paused_one_that_gets_bad_is_rolled_back() -> None:
    world = ask(ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING), "pause:1")
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK, seconds=200)
    assert (world.remembered.why, world.weight) == ("PatchedWorse", 0)


def test_what_the_manifest_pauses_is_resumed_by_the_manifest() -> None:
    world = ready_world(asked=a_spec(paused=True)).held("Paused")
    ask(world, "resume:1")
    assert answer(world) == (RequestResult.REFUSED, "The manifest pauses it: set spec.paused to false where it is kept.")


@pytest.mark.parametrize(("text", "says"), [("resume:1", "It is not paused"), ("pause:1", "that is not paused")])
def test_a_pause_where_it_makes_no_sense_is_refused(text: str, says: str) -> None:
    world = ready_world()
    if text.startswith("pause"):
        world.patched.errors = 1.0
        world.stage(Stage.DRAINING_PATCHED)
    else:
        world.phase(Phase.ANALYZING)
    assert says in answer(ask(world, text))[1]


# ---- all of them


def test_a_request_is_answered_once_and_a_new_token_asks_again() -> None:
    world = ready_world(asked=a_spec(startWeight=5)).phase(Phase.ANALYZING)
    world.request = "resume:1"
    world.rest(20)
    assert [entry.reason for entry in world.remembered.decisions].count("RequestRefused") == 1
    world.request = "resume:2"
    world.rest(10)
    assert [entry.reason for entry in world.remembered.decisions].count("RequestRefused") == 2


@pytest.mark.parametrize("verb", ["retry", "retry-same", "acknowledge", "explode", ""])
def test_what_cannot_be_done_is_refused_with_what_can(verb: str) -> None:
    world = ask(ready_world().phase(Phase.ANALYZING), f"{verb}:1")
    result, message = answer(world)
    assert result is RequestResult.REFUSED
    assert len(message) > 20
    if verb in ("explode", ""):
        assert requested.NO_SUCH in message


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in (Verb.RETRY, Verb.RETRY_SAME, Verb.ACKNOWLEDGE)])
def test_after_the_end_every_request_is_refused_and_nothing_changes(verb: Verb) -> None:
    world = ready_world().phase(Phase.PROMOTED).rest(5)
    before = (world.weights, world.remembered.phase, world.remembered.message)
    ask(world, f"{verb}:1").rest(10)
    assert answer(world)[0] is RequestResult.REFUSED
    assert answer(world)[1].startswith("It has ended as Promoted")
    assert (world.weights, world.remembered.phase, world.remembered.message) == before
    assert world.announced[-1].reason == "RequestRefused"


# ---- one that is kept in git, which puts it back after each other one


def handled(world: World) -> list[str]:
    return world.remembered.handled_requests


def last(world: World) -> str:
    assert world.remembered.last_handled_request
    return world.remembered.last_handled_request.request


def kept_in_git(others: int, between: int) -> World:
    """`pause:git` was resumed once, and is put back after every so many other requests."""
    world = analyzing()
    for text in ("pause:git", "resume:0", "pause:git"):
        world.request = text
        world.rest(2)
    for number in range(others):
        ask(world, f"{'resume' if number % 2 else 'pause'}:{number}")
        if number % between == between - 1:
            world.request = "pause:git"
            world.look()
            assert last(world) == f"{'resume' if number % 2 else 'pause'}:{number}", "the one in git was done again"
    return world


@pytest.mark.parametrize("between", [1, 2, 4])
def test_a_request_that_git_keeps_on_the_object_is_not_done_again_however_many_others_come(between: int) -> None:
    world = kept_in_git(others=40, between=between).rest(5)
    assert (world.remembered.paused, last(world), answer(world)[0]) == (False, "resume:39", RequestResult.ACCEPTED)
    assert "pause:git" in handled(world)
    assert len(handled(world)) == len(set(handled(world))) <= requested.MEMORY


def test_a_request_that_stays_on_the_object_is_not_stored_anew_at_each_look() -> None:
    world = kept_in_git(others=40, between=1)
    before = handled(world)
    for _ in range(30):
        world.advance(1)
        world.look()
        assert handled(world) == before


def test_two_that_take_turns_on_the_object_are_not_stored_anew_at_each_turn() -> None:
    world = kept_in_git(others=8, between=1)
    for text in ("pause:git", "resume:5"):
        world.request = text
        world.look()
    before = handled(world)
    for text in ("pause:git", "resume:5") * 10:
        world.request = text
        world.look()
        assert handled(world) == before


def test_a_request_that_is_long_gone_is_forgotten() -> None:
    world = analyzing()
    for number in range(40):
        ask(world, f"{'resume' if number % 2 else 'pause'}:{number}")
    assert handled(world) == [f"{'resume' if number % 2 else 'pause'}:{number}" for number in range(31, 39)]
