"""Routes that a GitOps tool keeps: marked so that it leaves them alone while they are borrowed, and what it is told when it does
not.
"""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core import lending, moments
from hotfix.core.status import Phase, Stage

from .world import START, World, ready_world

DAY = 24 * 3600.0


def lent_world() -> World:
    return ready_world(route_owner="Flux Kustomization flux-system/shop", heeds_mark=True)


def test_a_route_that_flux_keeps_is_marked_with_the_first_write_and_the_mark_goes_with_the_last() -> None:
    world = lent_world().stage(Stage.ADOPTING)
    first = next(action for action in world.performed if isinstance(action, act.AdoptRoute))
    assert first.lent_until
    world.rest(2)
    assert (world.reconcile, world.lent_until) == ("disabled", first.lent_until)
    world.phase(Phase.PROMOTED).rest(5)
    assert (world.reconcile, world.lent_until) == (None, None)


def test_a_route_of_nobody_is_not_marked() -> None:
    world = ready_world().phase(Phase.PROMOTED)
    assert all(getattr(action, "lent_until", None) is None for action in world.performed)


@pytest.mark.parametrize(
    ("reconcile", "left", "marked"),
    [
        (None, None, True),
        ("disabled", None, False),  # somebody else keeps the tool away
        ("disabled", DAY, False),
        ("disabled", DAY / 3, True),
        ("enabled", DAY, True),  # somebody took it back
    ],
)
def test_a_mark_is_put_off_when_half_its_time_is_over(reconcile: str | None, left: float | None, marked: bool) -> None:
    world = lent_world().phase(Phase.ANALYZING)
    look = world.shown()
    until = None if left is None else moments.rfc3339(world.now + left)
    route = replace(world.route(), reconcile=reconcile, lent_until=until)
    assert (lending.until_wanted(look, route) is not None) is marked


def test_a_mark_is_overdue_when_its_end_has_passed() -> None:
    assert lending.overdue(moments.rfc3339(START - 1), START)
    assert not lending.overdue(moments.rfc3339(START + 1), START)
    assert not lending.overdue(None, START)


@pytest.mark.parametrize(
    ("manager", "setting"),
    [
        ("kustomize-controller", "target: {kind: HTTPRoute, name: shop}"),
        ("argocd-controller", "RespectIgnoreDifferences=true"),
        ("helm", "Keep helm from writing the route"),
    ],
)
def test_weights_that_are_put_back_again_and_again_are_repaired_and_held_with_the_setting_that_ends_it(
    manager: str, setting: str
) -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(3)
    for _ in range(3):
        world.weights, world.ours, world.manager = (100, 0), False, manager
        world.rest(6)
    assert world.remembered.held == "TrafficContested"
    assert setting in world.remembered.message
    assert world.weight == world.remembered.weight
    world.rest(700)
    assert world.remembered.held != "TrafficContested"


def test_weights_put_back_while_git_is_awaited_are_repaired_too() -> None:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    world.phase(Phase.AWAITING_GIT).rest(3)
    world.weights, world.ours, world.manager = (100, 0), False, "argocd-controller"
    world.rest(6)
    assert world.weight == 100
    assert [entry.reason for entry in world.remembered.decisions].count("TrafficDriftCorrected") == 1


def test_a_mark_that_an_earlier_rollout_left_is_not_taken_for_somebody_elses() -> None:
    world = lent_world()
    world.reconcile, world.lent_until = "disabled", moments.rfc3339(START + DAY)
    world.phase(Phase.PROMOTED).rest(5)
    assert (world.reconcile, world.lent_until) == (None, None)


def test_an_annotation_that_cannot_be_remembered_is_not() -> None:
    world = lent_world()
    world.reconcile = "x" * 300
    world.phase(Phase.PROMOTED)
    assert world.remembered.borrowed
    assert world.remembered.borrowed.routes[0].reconcile is None
