"""Auto that was to write stable itself, and somebody who has come to keep stable meanwhile: git is waited for after all."""

import pytest

from hotfix.core import actions as act
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

FLUX = "Flux Kustomization flux-system/shop"


def adopted(world: World, owner: str | None = FLUX, writer: str | None = None) -> World:
    """Somebody keeps stable from now on."""
    world.stable.owner, world.stable.template_manager = owner, writer
    return world


def wrote_stable(world: World) -> bool:
    return any(isinstance(action, act.SetPodSpec) for action in world.performed)


@pytest.mark.parametrize("stage", [Stage.SHIFTING, Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE])
@pytest.mark.parametrize(("owner", "writer", "keeper"), [(FLUX, None, FLUX), (None, "pulumi", "field manager pulumi")])
def test_stable_that_somebody_keeps_by_now_is_left_to_git(
    stage: Stage, owner: str | None, writer: str | None, keeper: str
) -> None:
    world = ready_world().stage(stage)
    assert world.remembered.resolved
    assert world.remembered.resolved.promotion == "PatchStable"
    adopted(world, owner, writer).phase(Phase.AWAITING_GIT).rest(60)
    assert not wrote_stable(world)
    assert (world.remembered.resolved.promotion, world.weight) == ("AwaitGit", 100)
    assert world.remembered.resolved.owners == ([f"Deployment checkout: {FLUX}"] if owner else [])
    told = [entry.message for entry in world.announced if entry.reason == "AwaitingGit"]
    assert told[0] == f"checkout is kept by {keeper} by now, which would undo a change of it; git is waited for."
    assert "Patched serves everything." in told[1]
    assert len(told) == 2
    world.stable.template, world.stable.errors = "v2", 0.001
    world.phase(Phase.PROMOTED, seconds=300)
    assert not wrote_stable(world)


def test_a_person_who_promotes_it_then_does_not_have_stable_written_either() -> None:
    world = adopted(ready_world().stage(Stage.DRAINING_STABLE)).phase(Phase.AWAITING_GIT).rest(5)
    world.request = "promote:1"
    world.rest(60)
    assert (world.remembered.stage, wrote_stable(world)) == (Stage.AWAITING_GIT, False)


def test_stable_that_has_the_fix_already_when_somebody_comes_to_keep_it_goes_on() -> None:
    world = ready_world().stage(Stage.RETURNING)
    adopted(world).phase(Phase.PROMOTED)
    assert world.remembered.resolved
    assert world.remembered.resolved.promotion == "PatchStable"


def test_a_manifest_that_asks_for_git_while_stable_drains_is_heard() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.asked = a_spec(promotion={"mode": "AwaitGit"})
    world.phase(Phase.AWAITING_GIT, seconds=60)
    assert not wrote_stable(world)
