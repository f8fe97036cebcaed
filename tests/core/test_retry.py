"""A rollout that was rolled back is begun again only when a person asks for it; the same patch only when that is said too."""

import pytest

from hotfix.core.observation import RivalView
from hotfix.core.status import Phase

from .world import World, ready_world


def rolled_back() -> World:
    world = ready_world()
    world.patched.errors = 0.5
    return world.phase(Phase.ROLLED_BACK).rest(5)


def answer(world: World) -> str:
    assert world.remembered.last_handled_request
    return str(world.remembered.last_handled_request.result)


def test_another_patch_is_begun_again_with_evidence_from_zero() -> None:
    world = rolled_back()
    intention, told = world.remembered.intention, len(world.announced)
    world.patched.template, world.patched.errors, world.request = "v3", 0.001, "retry:1"
    world.phase(Phase.PROMOTED)
    assert answer(world) == "Accepted"
    assert world.stable.template == "v3"
    assert world.remembered.intention > intention
    sequences = [entry.sequence for entry in world.announced]
    assert sequences == sorted(set(sequences))
    assert len(sequences) > told


def test_the_same_patch_needs_the_word_for_it() -> None:
    world = rolled_back()
    world.request = "retry:1"
    world.rest(5)
    assert (world.remembered.phase, answer(world)) == (Phase.ROLLED_BACK, "Refused")
    world.request, world.patched.errors = "retry-same:2", 0.001
    world.phase(Phase.PROMOTED)


@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.PROMOTED])
def test_only_what_was_rolled_back_is_begun_again(phase: Phase) -> None:
    world = ready_world().phase(phase)
    world.request = "retry-same:1"
    world.rest(2)
    assert (world.remembered.phase, answer(world)) == (phase, "Refused")


def test_a_patched_that_cannot_be_seen_is_waited_for() -> None:
    world = rolled_back()
    world.patched.template, world.patched.errors, world.request, world.unseen = "v3", 0.001, "retry:1", True
    world.rest(5)
    assert (world.remembered.phase, answer(world)) == (Phase.ROLLED_BACK, "Waiting")
    world.unseen = False
    world.phase(Phase.ANALYZING)
    assert answer(world) == "Accepted"


def test_a_patched_that_is_gone_is_no_patch() -> None:
    world = rolled_back()
    world.patched.exists, world.request = False, "retry:1"
    world.rest(2)
    assert answer(world) == "Refused"


def failed(template: str = "v2", stable: str = "checkout", phase: str = "RolledBack") -> RivalView:
    created = "2027-01-15T07:00:00Z"
    return RivalView(
        name="older", created=created, phase=phase, stable=stable, routes=("shop",), template=template, why="PatchedWorse"
    )


def test_what_another_rollout_rolled_back_is_not_begun_without_a_word() -> None:
    world = ready_world(rivals=(failed(),))
    world.held("FailedBefore", seconds=10)
    assert "older rolled this very pod spec back (PatchedWorse)" in world.remembered.message
    world.request = "retry-same:1"
    world.phase(Phase.PROMOTED)
    assert answer(world) == "Accepted"


@pytest.mark.parametrize("rival", [failed(template="v9"), failed(stable="other"), failed(phase="Promoted")])
def test_what_others_rolled_back_is_no_matter(rival: RivalView) -> None:
    ready_world(rivals=(rival,)).phase(Phase.ANALYZING)
