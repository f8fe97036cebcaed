"""The route is remembered as it was right before the first write to it, whatever others wrote while the rollout got ready."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix.core import actions as act
from hotfix.core import before
from hotfix.core.look import Look
from hotfix.core.observation import ScalerView
from hotfix.core.originals import BorrowedRule
from hotfix.core.status import Phase, Stage

from .world import World, ready_world

FLUX = "Flux Kustomization flux-system/shop"


def given_back(world: World) -> tuple[int, int | None]:
    """The split after a rollback that a person asked for before the start."""
    world.request = "rollback:1"
    world.phase(Phase.ROLLED_BACK)
    return world.weights


def starting() -> World:
    """Patched's pods are not ready yet, so nothing was written to the route."""
    world = ready_world()
    world.patched.ready = 1
    world.stage(Stage.SCALING).rest(2)
    assert world.weights == (1, None)
    return world


def test_what_others_made_of_the_route_before_patched_was_ready_comes_back() -> None:
    world = starting()
    world.weights = (7, None)
    world.patched.ready = 2
    world.stage(Stage.SHIFTING)
    assert given_back(world) == (7, None)


def test_what_others_made_of_the_route_when_the_first_write_was_refused_comes_back() -> None:
    world = ready_world(refuses=(act.AdoptRoute,)).stage(Stage.ADOPTING)
    world.weights, world.refuses = (7, None), ()
    world.stage(Stage.SHIFTING)
    assert given_back(world) == (7, None)


def test_what_we_made_of_the_route_is_not_taken_for_what_it_was() -> None:
    world = ready_world().stage(Stage.ADOPTING).rest(1)
    assert world.weights == (100, 0)
    world.stage(Stage.SHIFTING)
    assert given_back(world) == (1, None)


def test_a_route_that_is_not_seen_is_remembered_as_it_was() -> None:
    world = ready_world(refuses=(act.AdoptRoute,)).stage(Stage.ADOPTING)
    known = world.remembered.borrowed
    world.unseen = True
    world.look()
    assert world.remembered.borrowed == known


def about_to_start(**more: Any) -> World:
    """Patched is named at weight 0, and everything is checked again."""
    world = ready_world(**more).stage(Stage.ADOPTING).rest(1)
    assert world.stamp
    world.remembered = world.remembered.model_copy(update={"stage": Stage.CHECKING})
    return world


def test_what_was_lent_before_everything_is_checked_again_is_still_known() -> None:
    world = about_to_start(route_owner=FLUX, heeds_mark=True, reconcile="enabled")
    assert (world.reconcile, world.lent_until is not None) == ("disabled", True)
    world.stage(Stage.SHIFTING)
    assert "MemoryLost" not in world.reasons
    assert given_back(world) == (1, None)
    assert (world.stage(Stage.DONE).reconcile, world.lent_until) == ("enabled", None)


@pytest.mark.parametrize("changed", ["shifted", "not remembered"])
def test_it_does_not_begin_again_where_traffic_was_shifted_or_nothing_is_remembered(changed: str) -> None:
    world = about_to_start()
    if changed == "shifted":
        world.weights = (50, 50)
    else:
        world.remembered = world.remembered.model_copy(update={"borrowed": None})
    weights = world.weights
    world.held("MemoryLost", seconds=5).rest(5)
    assert world.weights == weights


# ---- what is noted before anything is written


def rule_before(**more: object) -> BorrowedRule:
    """What is noted of a rule that is so."""
    look = ready_world().shown()
    assert look.seen.routes is not None
    (route,) = look.seen.routes.routes
    changed = replace(route, rules=(replace(route.rules[0], **more),))  # type: ignore[arg-type]
    seen = replace(look.seen, routes=replace(look.seen.routes, routes=(changed,)))
    (noted,) = before.borrowed(replace(look, seen=seen)).routes
    return noted.rules[0]


def test_a_rule_is_noted_with_its_name_and_weights() -> None:
    assert rule_before(name="pay", stable=3, others=(2,)) == BorrowedRule(index=0, name="pay", stable_weight=3, others=[2])
    assert rule_before(patched=0).patched_weight == 0
    assert rule_before(patched=5).patched_weight == 0


def test_both_sides_are_noted_as_they_run() -> None:
    look = ready_world().shown()
    assert look.seen.stable is not None
    noted = before.baseline(look)
    assert (noted.stable_images, noted.patched_images) == (["v1"], ["v2"])
    assert (noted.stable_template, noted.patched_template, noted.stable_pods) == ("v1", "v2", 2)
    gone = before.baseline(replace(look, seen=replace(look.seen, stable=None, patched=None)))
    assert (gone.stable_images, gone.patched_images, gone.stable_pods) == ([], [], 0)
    assert before.borrowed(look).undo == "kubectl hotfix release fix -n shop"


@pytest.mark.parametrize(
    ("known", "lent_until", "noted"),
    [("disabled", None, "disabled"), (None, None, None), ("disabled", "2027-01-16T08:00:00Z", None), ("x" * 254, None, None)],
)
def test_an_annotation_that_a_person_wrote_is_noted(known: str | None, lent_until: str | None, noted: str | None) -> None:
    world = ready_world()
    world.reconcile, world.lent_until = known, lent_until
    assert [route.reconcile for route in before.borrowed(world.shown()).routes] == [noted]


def test_a_floor_is_noted_only_where_stable_may_fall_below_what_it_has() -> None:
    world = ready_world()
    for least, floor in ((1, (1, 2)), (2, (None, None)), (5, (None, None))):
        world.stable.scaler = ScalerView(name="checkout", min_replicas=least, max_replicas=10, owner=None, version="1")
        lent = before.borrowed(world.shown())
        assert (lent.hpa_min_replicas, lent.hpa_raised_to) == floor
        assert (lent.hpa is not None) is (floor != (None, None))


def test_a_scaler_that_git_keeps_is_not_borrowed() -> None:
    world = ready_world()
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=FLUX, version="1")
    assert before.borrowed(world.shown()).hpa is None


# ---- what grew since then


def grown(pods: int = 5, **status: object) -> Look:
    """Stable has more pods than when everything was checked, and an HPA that may take them away."""
    world = ready_world().stage(Stage.ADOPTING)
    world.stable.replicas = pods
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    look = world.shown()
    return look.having(look.status.model_copy(update=status))


def test_pods_that_stable_got_since_are_asked_of_its_hpa_too() -> None:
    after = before.as_many(grown())
    assert after.baseline is not None
    assert after.borrowed is not None
    assert (after.baseline.stable_pods, after.borrowed.hpa_min_replicas, after.borrowed.hpa_raised_to) == (5, 1, 5)


@pytest.mark.parametrize("otherwise", [{"pods": 2}, {"pods": 1}, {"supersedes": "older"}, {"baseline": None}])
def test_a_number_that_did_not_grow_or_is_another_ones_stays(otherwise: dict[str, Any]) -> None:
    look = grown(**otherwise)
    assert before.as_many(look) == look.status


def test_an_hpa_that_is_not_seen_is_asked_for_what_it_was() -> None:
    look = grown()
    known = before.as_many(look)
    gone = replace(look, status=known, seen=replace(look.seen, stable=None))
    assert before._raised_further(gone) == known.borrowed


def test_nothing_is_noted_anew_before_anything_was_noted() -> None:
    look = grown(borrowed=None)
    assert before.noted_anew(look) is None
    assert before.injected_before(look) == set()


def test_a_rule_into_which_we_put_patched_is_noted_so_again() -> None:
    world = about_to_start()
    assert before.injected_before(world.shown()) == {("shop", 0)}
    world.weights, world.remembered = (1, 0), world.remembered.model_copy(update={"borrowed": None})
    assert before.injected_before(world.shown()) == set(), "it was there before"
