"""The broken version that comes back to stable after a promotion: told once, and nothing is done about it."""

from hotfix.core import reverted
from hotfix.core.status import Phase

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
