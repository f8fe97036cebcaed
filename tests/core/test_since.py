"""Since when each thing is so: what one look starts, keeps and stops."""

import pytest

from hotfix.core import clocks
from hotfix.core.status import Phase, Stage, Status

from .world import World, a_spec, ready_world

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


def awaited() -> World:
    """Patched has none of its pods before traffic moves."""
    world = ready_world()
    world.patched.ready = 0
    return world.stage(Stage.SCALING).rest(2)


def test_pods_are_waited_for_where_somebody_asks_for_them() -> None:
    world = awaited()
    assert "PatchedAwaited" in since(world)
    world.remembered = world.remembered.model_copy(update={"held": "StableMoved"})
    assert "PatchedAwaited" not in since(world, "PatchedAwaited")
    world.patched.exists = False
    assert "PatchedAwaited" in since(world)
    world.asked = a_spec(paused=True)
    assert "PatchedAwaited" not in since(world, "PatchedAwaited")
    assert "PatchedAwaited" not in since(ready_world().phase(Phase.ANALYZING), "PatchedAwaited")


@pytest.mark.parametrize("held", [None, "ClusterUnavailable"])
@pytest.mark.parametrize("known", [(), ("PatchedAwaited",)])
def test_whether_pods_are_waited_for_is_not_known_where_the_api_server_is_silent(held: str | None, known: tuple[str]) -> None:
    world = awaited()
    world.unseen = held is None
    world.remembered = world.remembered.model_copy(update={"held": held})
    assert ("PatchedAwaited" in since(world, *known)) == bool(known)


@pytest.mark.parametrize(("template", "pods", "so"), [("v1", 0, False), ("v2", 0, True), ("v2", 1, True), ("v2", 2, False)])
def test_git_rolls_the_fix_out_until_its_pods_are_there(template: str, pods: int, so: bool) -> None:
    world = ready_world()
    world.stable.owner = "Flux Kustomization flux-system/shop"
    world.phase(Phase.AWAITING_GIT).rest(5)
    world.stable.template, world.stable.ready = template, pods
    assert ("StableRollingOut" in since(world, *(() if so else ("StableRollingOut",)))) == so


def test_a_deployment_that_rolls_out_otherwise_is_not_waited_for_as_git_is() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.template, world.stable.ready = "v2", 0
    assert "StableRollingOut" not in since(world)


@pytest.mark.parametrize(
    ("weight", "weights", "stable", "patched"),
    [(100, (0, 100), True, False), (100, (50, 50), False, False), (95, (0, 100), False, False), (0, (100, 0), False, True)],
)
def test_a_side_drains_since_it_was_asked_to_and_the_route_has_it(
    weight: int, weights: tuple[int, int], stable: bool, patched: bool
) -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    world.weights = weights
    world.remembered = world.remembered.model_copy(update={"weight": weight})
    found = since(world)
    assert ("StableUnweighted" in found, "PatchedUnweighted" in found) == (stable, patched)
    world.weights = (50, 50)
    assert not since(world, "StableUnweighted", "PatchedUnweighted") & {"StableUnweighted", "PatchedUnweighted"}


def paused(since: dict[str, str], *, still: bool) -> Status:
    """After a look at a rollout that was paused, and is so still or no more."""
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    world.asked = a_spec(paused=still)
    look = world.shown()
    return clocks.kept(look.having(look.status.model_copy(update={"since": since, "decisions": []})))


def test_the_end_of_a_pause_is_written_down_once_and_its_going_on_never() -> None:
    assert [entry.reason for entry in paused({"Paused": EARLIER}, still=False).decisions] == ["Resumed"]
    assert paused({"Paused": EARLIER}, still=True).decisions == []
    assert paused({}, still=True).decisions == []
    assert paused({}, still=False).decisions == []


@pytest.mark.parametrize(("images", "so"), [((("v2@1",), ("v2@2",)), True), ((), False)])
def test_several_versions_of_a_side_stay_known_until_they_are_dealt_with(images: tuple[tuple[str, ...], ...], so: bool) -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(10)
    world.patched.image_ids = images
    assert ("SeveralVersions" in since(world)) is so
    assert "SeveralVersions" in since(world, "SeveralVersions")
