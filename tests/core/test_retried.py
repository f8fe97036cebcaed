"""What another attempt keeps of the one before, when patched is looked at for it, and which replicas it may begin with."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hotfix.core import retrying
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage, Status
from hotfix.core.verbs import HandledRequest, RequestResult

from .test_retry import answer, failed, rolled_back
from .world import Side, World, a_spec, ready_world


def handled(request: str, result: RequestResult) -> HandledRequest:
    return HandledRequest(request=request, result=result, time="2027-01-15T08:00:00Z")


WAITS, DONE = RequestResult.WAITING, RequestResult.ACCEPTED


@pytest.mark.parametrize(
    ("request_", "known", "asked"),
    [
        ("retry:1", None, True),
        ("retry-same:1", None, True),
        ("pause:1", None, False),
        (None, None, False),
        (None, handled("retry:1", WAITS), True),
        (None, handled("retry:1", DONE), False),
        (None, handled("pause:1", WAITS), False),
        ("retry:1", handled("retry:1", DONE), False),
        ("retry:1", handled("retry:1", WAITS), True),
        ("retry:2", handled("retry:1", DONE), True),
        ("pause:2", handled("retry:1", WAITS), False),
    ],
)
def test_patched_is_looked_at_after_the_end_only_for_another_attempt(
    request_: str | None, known: HandledRequest | None, asked: bool
) -> None:
    status = Status(phase=Phase.ROLLED_BACK, stage=Stage.DONE, last_handled_request=known)
    assert retrying.asked(request_, status) is asked
    assert not retrying.asked(request_, status.model_copy(update={"phase": Phase.PROMOTED}))


def test_another_attempt_keeps_what_was_told_and_nothing_of_the_evidence() -> None:
    world = rolled_back()
    world.request = "acknowledge:0"
    world.look()
    before, world.request, world.patched.template = world.remembered, "retry:1", "v3"
    world.generation = 2
    world.look()
    after = world.remembered
    assert (after.phase, after.stage, after.weight, after.baseline) == (Phase.PENDING, Stage.CHECKING, None, None)
    assert (after.intention, after.announced, after.observed_generation) == (before.intention, world.announced[-2].sequence, 2)
    assert after.handled_requests == [*before.handled_requests, "acknowledge:0"]
    assert after.phase_started_at == after.stage_started_at == after.decisions[-1].time
    assert "Begun again with another patch" in after.message
    since = {(entry.type, entry.status): entry.last_transition_time for entry in before.conditions}
    known = [entry for entry in after.conditions if (entry.type, entry.status) in since]
    assert [entry.last_transition_time for entry in known] == [since[entry.type, entry.status] for entry in known]
    assert known, "some are as they were"


def test_the_same_patch_is_wanted_also_where_another_rollout_rolled_it_back() -> None:
    world = rolled_back()
    world.patched.errors, world.rivals, world.request = 0.001, (failed(),), "retry-same:1"
    world.phase(Phase.PROMOTED)
    assert (answer(world), world.remembered.same_again is not None) == ("Accepted", True)


def test_another_patch_is_no_word_for_one_that_another_rollout_rolled_back() -> None:
    world = rolled_back()
    world.patched.template, world.rivals, world.request = "v3", (failed("v3"),), "retry:1"
    world.held("FailedBefore", seconds=10)
    assert (world.remembered.phase, world.remembered.started_at) == (Phase.PENDING, None)


def owned(side: Side) -> None:
    side.owner = "Flux Kustomization flux-system/shop"


def scaled(side: Side) -> None:
    side.scaler = ScalerView(name="s", min_replicas=1, max_replicas=9, owner=None, version="1")


def own(side: Side) -> None:
    """By the manifest, see below."""


@pytest.mark.parametrize("who", [owned, scaled, own])
@pytest.mark.parametrize("replicas", [0, 2])
def test_replicas_that_others_set_must_be_there_before_it_is_begun_again(who: Callable[[Side], None], replicas: int) -> None:
    world = ready_world(asked=a_spec(patched={"replicas": "Own"})) if who is own else ready_world()
    world.patched.errors = 0.5
    world.phase(Phase.ROLLED_BACK).rest(5)
    who(world.patched)
    world.patched.template, world.patched.replicas, world.request = "v3", replicas, "retry:1"
    world.rest(2)
    assert answer(world) == ("Accepted" if replicas else "Refused")


def test_one_that_ended_before_patched_was_known_is_begun_again() -> None:
    world = ready_world()
    world.patched.exists, world.request = False, "release:1"
    world.phase(Phase.ROLLED_BACK, seconds=30).rest(5)
    assert world.remembered.baseline is None
    world.patched.exists, world.request = True, "retry:2"
    world.phase(Phase.PROMOTED)


def test_a_word_for_the_same_patch_before_traffic_moved_waits_until_it_is_seen() -> None:
    world = ready_world(rivals=(failed(),)).held("FailedBefore")
    world.request = "retry-same:1"
    seen = world.shown()
    unseen = replace(seen, seen=replace(seen.seen, patched=None))
    assert retrying.same_again(unseen).same_again is None
    world.phase(Phase.PROMOTED)


def test_a_word_for_the_same_patch_is_none_once_traffic_moves() -> None:
    world: World = ready_world().phase(Phase.ANALYZING)
    world.request = "retry-same:1"
    world.rest(3)
    assert (answer(world), world.remembered.same_again) == ("Refused", None)
