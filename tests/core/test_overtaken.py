"""A rollout that waited while a newer one gave the same stable its fix."""

from dataclasses import replace

import pytest

from hotfix.core.observation import RivalView
from hotfix.core.status import Phase, Stage

from .test_requested import ask
from .test_retry import answer, rolled_back
from .world import World, ready_world

ENDED = "2027-01-15T08:01:30.000Z"


def promoted(**differs: object) -> RivalView:
    """A newer one, whose fix is in stable."""
    newer = RivalView(
        name="second",
        created="2027-01-15T08:00:10Z",
        phase="Promoted",
        stable="checkout",
        routes=("shop",),
        status={"phaseStartedAt": ENDED},
    )
    return replace(newer, **differs)  # type: ignore[arg-type]


def beside(rival: RivalView) -> World:
    return ready_world(rivals=(rival,))


def test_it_does_not_take_the_newer_fix_back() -> None:
    world = beside(promoted()).held("StableMoved", seconds=10).rest(600)
    assert (world.remembered.phase, world.weight) == (Phase.PENDING, 0.0)
    assert "HotfixRollout second is newer, and checkout has its fix already" in world.remembered.message
    assert "kubectl hotfix retry fix --same" in world.remembered.message


def test_a_person_who_knows_that_the_patch_has_both_begins_it_all_the_same() -> None:
    world = beside(promoted()).held("StableMoved", seconds=10)
    world.request = "retry-same:1"
    world.phase(Phase.PROMOTED)
    assert answer(world) == "Accepted"


@pytest.mark.parametrize(
    "rival",
    [
        promoted(created="2027-01-15T07:59:59Z"),
        promoted(created="2027-01-15T08:00:00Z", name="fi"),
        promoted(stable="cart"),
        promoted(phase="RolledBack"),
        promoted(phase="Superseded"),
    ],
    ids=["an older one", "one of the same second", "of another stable", "one that was taken back", "one that gave way"],
)
def test_another_one_is_no_reason_to_wait(rival: RivalView) -> None:
    assert beside(rival).phase(Phase.PROMOTED).remembered.held is None


@pytest.mark.parametrize(("ended", "starts"), [(ENDED, True), ("2099-01-01T00:00:00.000Z", False), (None, False), (7, False)])
def test_one_that_was_begun_again_since_then_starts(ended: object, starts: bool) -> None:
    world = rolled_back()
    world.rivals = (promoted(status={"phaseStartedAt": ended}),)
    world.patched.template, world.patched.errors, world.request = "v3", 0.001, "retry:1"
    if starts:
        world.phase(Phase.PROMOTED)
    else:
        world.held("StableMoved", seconds=30)
    assert (world.remembered.started_at is not None) is starts


def test_a_start_waits_until_patched_is_seen() -> None:
    world = beside(promoted())
    world.patched.exists = False
    assert world.held("TargetNotFound", seconds=10).remembered.phase is Phase.PENDING


def test_one_whose_fix_is_served_by_its_patched_is_told_so() -> None:
    rival = promoted(patched="checkout-second", status={"phaseStartedAt": ENDED, "weight": 100})
    world = beside(rival).held("StableMoved", seconds=10)
    assert "HotfixRollout second is newer, and checkout-second serves its fix" in world.remembered.message


def test_that_it_was_begun_again_is_not_forgotten_however_much_is_decided_since() -> None:
    world = rolled_back()
    world.rivals = (promoted(),)
    world.patched.template, world.patched.errors, world.patched.ready, world.request = "v3", 0.001, 0, "retry:1"
    world.stage(Stage.SCALING, seconds=30)
    for number in range(12):
        ask(world, f"promote:{number}").rest(2)
    assert all(entry.what == "refuse" for entry in world.remembered.decisions)
    world.patched.ready = None
    world.phase(Phase.ANALYZING, seconds=60)
    assert "StableMoved" not in world.reasons
