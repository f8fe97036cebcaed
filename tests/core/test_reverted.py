"""The broken version that comes back to stable after a promotion: told once, and nothing is done about it."""

import pytest

from hotfix.core import reverted
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world


def promoted() -> World:
    return ready_world().phase(Phase.PROMOTED).rest(5)


def test_the_old_pod_spec_that_comes_back_is_told_once() -> None:
    world = promoted()
    world.stable.template = "v1"
    done = len(world.performed)
    for _ in range(3):
        world.look()
    told = [entry for entry in world.announced if entry.reason == "FixReverted"]
    assert [entry.type for entry in told] == ["Warning"]
    assert world.remembered.fix_reverted_at
    assert (world.remembered.phase, len(world.performed) - done) == (Phase.PROMOTED, 1)


@pytest.mark.parametrize("stage", [Stage.PATCHING_STABLE, Stage.AWAITING_GIT])
def test_a_fix_that_stable_took_over_from_a_lost_patched_is_watched_too(stage: Stage) -> None:
    world = ready_world()
    world.stable.owner = "Flux Kustomization flux-system/shop" if stage is Stage.AWAITING_GIT else None
    world.stage(stage)
    world.stable.template, world.stable.errors = "v2", 0.001
    world.patched.ready = 0
    world.stage(Stage.RETURNING, seconds=30)
    assert world.remembered.weight == 0
    world.phase(Phase.PROMOTED, seconds=300).rest(5)
    world.stable.template = "v1"
    world.look()
    assert world.reasons[-1] == "FixReverted"


def test_a_later_version_is_no_news_and_the_fix_again_ends_it() -> None:
    world = promoted()
    world.stable.template = "v3"
    world.look()
    assert world.remembered.fix_reverted_at is None
    world.stable.template = "v1"
    world.look()
    world.stable.template = "v2"
    world.look()
    assert world.remembered.fix_reverted_at is None


def test_who_kept_patched_has_no_fix_in_stable_that_could_go() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "KeepPatched"})).phase(Phase.PROMOTED).rest(5)
    world.look()
    assert world.remembered.fix_reverted_at is None


def test_the_same_broken_image_in_another_pod_spec_is_the_broken_version_too() -> None:
    kept = reverted.Watched(deployment="checkout", template="a", images=("app:1",), fixed=("app:2",), told=False)
    assert kept.is_back("b", ("app:1",))
    assert not kept.is_back("b", ("app:2",))
    assert kept.is_back("a", ("app:3",))
    same = reverted.Watched(deployment="checkout", template="a", images=("app:1",), fixed=("app:1",), told=False)
    assert not same.is_back("b", ("app:1",))
