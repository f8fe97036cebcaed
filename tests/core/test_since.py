"""Since when each thing is so: what one look starts, keeps and stops."""

import pytest

from hotfix.core import clocks
from hotfix.core.status import Phase, Stage

from .world import World, ready_world

EARLIER = "2027-01-15T08:00:00Z"
SEEN_OF_SIDES = (
    "PatchedUnready",
    "PatchedReady",
    "PatchedFew",
    "StableThin",
    "StableReady",
    "StableProven",
    "StableRollingOut",
    "StableUnweighted",
)


def since(world: World, *known: str) -> set[str]:
    """What is so after a look, of a rollout that knew these to be so."""
    look = world.shown()
    return set(clocks.kept(look.having(look.status.model_copy(update={"since": dict.fromkeys(known, EARLIER)}))).since)


@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.PROMOTING])
@pytest.mark.parametrize("name", SEEN_OF_SIDES)
def test_what_is_not_seen_is_as_it_was(phase: Phase, name: str) -> None:
    world = ready_world().phase(phase)
    world.unseen = True
    assert name in since(world, name)
    assert name not in since(world)


@pytest.mark.parametrize(("pods", "ready", "few"), [(0, False, True), (1, False, True), (2, True, False)])
def test_before_traffic_patched_needs_as_many_pods_as_stable(pods: int, ready: bool, few: bool) -> None:
    world = ready_world()
    world.patched.ready = 0
    world.stage(Stage.SCALING)
    world.patched.ready = pods
    found = since(world)
    assert ("PatchedReady" in found, "PatchedFew" in found) == (ready, few)


@pytest.mark.parametrize(("pods", "ready"), [(0, False), (1, True)])
def test_before_anything_was_written_one_pod_of_patched_is_ready(pods: int, ready: bool) -> None:
    world = ready_world()
    world.patched.ready = pods
    assert world.remembered.baseline is None
    assert ("PatchedReady" in since(world)) == ready


@pytest.mark.parametrize(
    ("patched", "stable", "unready"), [(0, 2, True), (0, 1, True), (0, 0, False), (1, 2, False), (1, 0, False)]
)
def test_patched_is_unready_only_where_stable_can_serve(patched: int, stable: int, unready: bool) -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.ready, world.stable.ready = patched, stable
    assert ("PatchedUnready" in since(world)) == unready


def test_what_waits_for_pods_alone_is_not_unfit() -> None:
    world = ready_world()
    world.patched.ready = 0
    world.stage(Stage.SCALING)
    assert "Unfit" not in since(world, "Unfit")


@pytest.mark.parametrize(("old", "blind"), [(9, False), (30, True)])
def test_it_is_blind_when_the_newest_samples_of_a_side_are_some_scrapes_old(old: int, blind: bool) -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    world.patched.scraped_every = 0
    world.advance(old)
    assert ("Blind" in since(world)) == blind


@pytest.mark.parametrize(("empty", "so"), [((), False), (("acknowledged_at",), True), (("weight", "acknowledged_at"), False)])
def test_a_weight_is_unacknowledged_until_the_controllers_say_so(empty: tuple[str, ...], so: bool) -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    world.remembered = world.remembered.model_copy(update=dict.fromkeys(empty))
    assert ("Unacknowledged" in since(world)) == so
