"""A person's weights stay as they are, whatever else a look would be held for; what goes first all the same."""

from collections.abc import Callable

import pytest

from hotfix.core.actions import SetWeights
from hotfix.core.status import Phase, Stage

from .test_requested import ask
from .world import World, a_spec, ready_world


def undecided(**spec: object) -> World:
    world = ready_world(asked=a_spec(startWeight=25, steps=[25], **spec))
    world.patched.errors = world.stable.errors
    return world.phase(Phase.ANALYZING).rest(20)


def taken_out(world: World) -> World:
    """A person gives patched 0 %."""
    world.weights, world.ours, world.manager, world.acked_at = (100, 0), False, "kubectl-edit", world.now
    world.performed.clear()
    return world


def written(world: World) -> list[int]:
    """The weights that were written."""
    return [action.weight for action in world.performed if isinstance(action, SetWeights) and action.rules]


def falls_silent(world: World) -> None:
    world.blind = True


def is_refused(world: World) -> None:
    world.refused = ("InvalidQuery", "Prometheus refuses the query")


def gets_another_patch(world: World) -> None:
    world.patched.template = "v3"


def gets_another_stable(world: World) -> None:
    world.stable.template = "v1b"


def passes_its_deadline(world: World) -> None:
    world.asked = a_spec(startWeight=25, steps=[25], analysis={"deadline": "30s"})


@pytest.mark.parametrize(
    "trouble", [falls_silent, is_refused, gets_another_patch, gets_another_stable, passes_its_deadline], ids=lambda t: t.__name__
)
def test_an_edit_stays_whatever_comes_later(trouble: Callable[[World], None]) -> None:
    world = taken_out(undecided()).held("WeightsEdited")
    trouble(world)
    world.rest(400)
    assert (world.weights, written(world), world.remembered.held) == ((100, 0), [], "WeightsEdited")
    assert "they are left as they are" in world.remembered.message


def test_an_edit_after_the_deadline_stays_and_is_told_once() -> None:
    world = taken_out(undecided(analysis={"deadline": "60s"}).held("Inconclusive", seconds=120)).rest(60)
    assert (world.weights, written(world), world.remembered.held) == ((100, 0), [], "WeightsEdited")
    assert world.reasons.count("WeightsEdited") == 1


def test_what_is_put_back_goes_on() -> None:
    world = taken_out(undecided()).held("WeightsEdited")
    world.blind = True
    world.rest(30)
    world.blind, world.weights = False, (75, 25)
    world.rest(30)
    assert world.remembered.held is None


def test_a_way_back_is_no_edit_to_be_left() -> None:
    world = undecided()
    world.weights, world.ours, world.manager, world.acked_at = (50, 50), False, "kubectl-edit", world.now
    world.held("WeightsEdited")
    ask(world, "rollback:1").phase(Phase.ROLLING_BACK, seconds=5)
    assert world.weight == 0


def test_a_route_that_is_broken_is_not_written_at_the_deadline_either() -> None:
    world = undecided(analysis={"deadline": "60s"}).held("Inconclusive", seconds=120)
    world.performed.clear()
    world.refusal = "stable is no backend of it any more."
    world.weights, world.ours = (0, 30), False
    world.rest(60)
    assert (written(world), world.remembered.held) == ([], "RouteMissing")


def test_where_git_is_awaited_a_look_that_sees_one_side_alone_leaves_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    world.stable.owner = "Argo CD application shop"
    taken_out(world.stage(Stage.AWAITING_GIT, seconds=600).rest(5)).held("WeightsEdited")
    monkeypatch.setattr(world.stable, "view", lambda: None)
    world.rest(10)
    assert (world.weights, written(world), world.remembered.held) == ((100, 0), [], "WeightsEdited")
