"""Stamps on routes: every intention has a larger number, and an old memory is found out by a newer stamp."""

import pytest

from hotfix.core import actions as act
from hotfix.core.fencing import intention_of, stamp
from hotfix.core.status import Phase, Stage

from .world import World, ready_world


def analyzing() -> World:
    return ready_world().phase(Phase.ANALYZING).rest(3)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("fix.8c1f2e7a.12", 12),
        ("fix.8c1f2e7a.", None),
        ("fix.ffffffff.12", None),
        ("other.8c1f2e7a.1", None),
        (None, None),
        ("", None),
        ("fix.8c1f2e7a.9999999999", None),
        ("fix.8c1f2e7a.-3", None),
    ],
)
def test_only_a_stamp_of_this_very_rollout_has_a_number(written: str | None, number: int | None) -> None:
    assert intention_of(written, ready_world().observe()) == number


def test_a_stamp_names_the_rollout_its_uid_and_the_number() -> None:
    assert stamp("fix", "8c1f2e7a-1234", 12) == "fix.8c1f2e7a.12"


def test_every_new_weight_is_a_new_intention_and_is_on_the_route() -> None:
    world, seen = ready_world(), []
    while world.remembered.phase is not Phase.PROMOTED:
        world.look()
        seen.append((world.remembered.weight, world.remembered.intention))
        if world.remembered.stage in (Stage.SHIFTING, Stage.RETURNING):
            assert world.stamp == f"fix.8c1f2e7a.{world.remembered.intention}"
        world.advance(1)
    assert [number for _, number in seen] == sorted(number for _, number in seen)
    assert len({number for _, number in seen}) >= len({weight for weight, _ in seen})
    assert world.stamp is None, "and it is gone at the end"


def test_a_rollback_writes_its_stamp_also_where_the_weight_is_zero_already() -> None:
    """Else a writer that slept before the first weight could still write it."""
    world = analyzing()
    world.weights, world.deleting = (100, 0), True
    decision = world.look()
    written = [action for action in decision.actions if isinstance(action, act.SetWeights)]
    assert [(change.rules, change.weight) for change in written] == [((), 0)]
    assert world.stamp == f"fix.8c1f2e7a.{world.remembered.intention}"


def test_a_memory_older_than_the_stamp_is_stored_anew_before_anything_is_done() -> None:
    """The store refuses it unless it is the newest after all; then it goes on with a number above the stamp."""
    world = analyzing()
    world.stamp = "fix.8c1f2e7a.70"
    world.look()
    assert world.remembered.intention == 71
    assert world.stamp == "fix.8c1f2e7a.71"
