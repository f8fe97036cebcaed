"""Promotion through `decide`: everything to patched, the fix into stable, traffic back with the sides swapped."""

from collections.abc import Callable

import pytest

from hotfix.core import actions as act
from hotfix.core.status import Phase, Stage

from .world import Side, World, a_spec, ready_world


@pytest.mark.parametrize(
    "stage", [Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE, Stage.RETURNING, Stage.DRAINING_PATCHED]
)
def test_deleted_while_promoting_finishes_the_promotion_first(stage: Stage) -> None:
    world = ready_world().stage(stage)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=300)
    assert world.stable.template == "v2"
    assert world.weights == (1, None)


def test_a_namespace_that_is_ending_is_let_go_at_once() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    said = len(world.announced)
    world.route_exists = world.patched.exists = world.stable.exists = False
    world.deleting = world.namespace_ending = True
    world.run(lambda w: w.gone, seconds=10)
    assert len(world.announced) == said


def test_stable_that_is_bad_with_the_fix_gets_nothing_and_patched_keeps_everything() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED)
    assert world.weight == 100
    world.rest(300)
    assert world.weight == 100
    assert world.patched.replicas == 2
    assert world.remembered.held == "PromotionFailed"
    assert world.finalizer


def test_a_failed_promotion_ends_with_patched_when_a_person_says_so() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED)
    world.asked = a_spec(promotion={"mode": "KeepPatched"})
    world.phase(Phase.PROMOTED, seconds=60).rest(5)
    assert world.weight == 100
    assert not world.ours


def undone(world: World) -> None:
    """kubectl rollout undo deploy/checkout"""
    world.stable.template, world.stable.errors, world.stable.ready = "v1", 0.048, None


def test_a_stable_that_was_undone_after_a_failed_promotion_is_given_the_fix_again_when_a_person_asks() -> None:
    bad = iter([0.3, 0.001])
    world = ready_world(after_promotion=lambda: next(bad)).stage(Stage.RETURN_FAILED).rest(5)
    undone(world)
    world.rest(60)
    assert (world.remembered.stage, world.stable.template) == (Stage.RETURN_FAILED, "v1")
    world.request = "promote:1"
    world.stage(Stage.DRAINING_STABLE, seconds=10)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Accepted"
    assert world.weight == 100
    world.phase(Phase.PROMOTED, seconds=300)
    assert (world.stable.template, world.weights) == ("v2", (1, None))


def test_a_promotion_that_fails_again_stays_on_patched_again() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    undone(world)
    world.request = "promote:1"
    world.stage(Stage.RETURNING, seconds=60).stage(Stage.RETURN_FAILED, seconds=60).rest(60)
    assert (world.weight, world.remembered.held) == (100, "PromotionFailed")


def test_a_stable_that_is_undone_while_it_is_waited_for_is_given_the_fix_when_a_person_asks_again() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    world.stable.ready, world.request = 0, "promote:1"
    world.phase(Phase.AWAITING_GIT, seconds=10).rest(10)
    undone(world)
    world.rest(30)
    assert (world.stable.template, world.weight) == ("v1", 100), "nobody asked for it yet"
    world.after_promotion, world.request = (lambda: 0.001), "promote:2"
    world.phase(Phase.PROMOTED, seconds=300)
    assert world.stable.template == "v2"


def test_deleting_after_a_failed_promotion_is_held() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED)
    world.deleting = True
    world.rest(60)
    assert not world.gone
    assert world.remembered.held == "DeletionHeld"
    assert world.weight == 100


@pytest.mark.parametrize(
    "go",
    [
        lambda side: setattr(side, "exists", False),
        lambda side: setattr(side, "deleting", True),
        lambda side: setattr(side, "service", False),
    ],
    ids=["gone", "on its way out", "no Service"],
)
def test_object_and_patched_deleted_after_a_failed_promotion_leaves_stable_what_it_has(go: Callable[[Side], None]) -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    world.deleting = True
    go(world.patched)
    world.look()
    assert world.weight == 0, "patched is left before its pods go"
    assert (world.remembered.phase, world.remembered.why) == (Phase.ROLLING_BACK, "Deleted")
    world.run(lambda w: w.gone, seconds=120)
    assert world.weights == (1, None)
    assert (world.stable.template, world.patched.replicas) == ("v2", 2)


def test_a_patched_on_its_way_out_keeps_everything_while_the_stable_that_failed_has_no_pod() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    world.deleting = world.patched.deleting = True
    world.stable.ready = 0
    world.rest(60)
    assert (world.gone, world.weight, world.remembered.held) == (False, 100, "DeletionHeld")
    world.stable.ready = None
    world.run(lambda w: w.gone, seconds=120)


def test_patched_deleted_alone_after_a_failed_promotion_is_no_word_for_the_end() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    world.patched.deleting = True
    world.rest(30)
    assert world.weight == 100, "its pods still serve, and stable is not good"
    world.patched.exists = False
    world.rest(30)
    assert (world.remembered.phase, world.remembered.held, world.weight) == (Phase.PROMOTING, "PromotionFailed", 0)


def test_stable_takes_over_only_while_patched_cannot_serve_after_a_failed_promotion() -> None:
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED)
    world.patched.ready = 0
    world.rest(5)
    assert world.weight == 0
    world.patched.ready = None
    world.rest(5)
    assert world.weight == 100


@pytest.mark.parametrize(
    "break_it",
    [
        lambda side: setattr(side, "ready", 0),
        lambda side: setattr(side, "crash_looping", 2),
        lambda side: setattr(side, "template", "v9"),
        lambda side: setattr(side, "hangs", True),
    ],
    ids=["no endpoint", "crash loop", "another template", "hangs"],
)
def test_the_new_stable_that_breaks_while_returning_loses_its_traffic(break_it) -> None:  # type: ignore[no-untyped-def]
    world = ready_world().stage(Stage.RETURNING).run(lambda w: w.weight == 50)
    break_it(world.stable)
    world.stage(Stage.RETURN_FAILED, seconds=60)
    assert world.weight == 100


def test_patched_lost_while_returning_gives_everything_to_the_new_stable() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.patched.ready = 0
    world.rest(5)
    assert world.weight == 0
    world.phase(Phase.PROMOTED)


def test_patched_lost_while_stable_is_rolled_out_gives_everything_to_stable() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.patched.ready = 0
    world.rest(4)
    assert world.weight == 0
    world.phase(Phase.PROMOTED)


def test_patched_lost_before_stable_was_changed_rolls_back() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert world.stable.template == "v1"


def test_a_stable_that_does_not_roll_out_leaves_everything_on_patched() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.ready = 1
    world.held("PromotionFailed", seconds=900)
    assert world.weight == 100
    world.stable.ready = None
    world.phase(Phase.PROMOTED)


@pytest.mark.parametrize(("side", "reason"), [("stable", "StableChanged"), ("patched", "PatchedChanged")])
def test_another_pod_spec_at_the_moment_of_promotion_is_held_and_never_written_over(side: str, reason: str) -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    getattr(world, side).template = "v9"
    world.held(reason, seconds=60).rest(60)
    assert not any(isinstance(action, act.SetPodSpec) for action in world.performed)
    assert world.weight == 100


def test_stable_gone_at_the_moment_of_promotion_is_held() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE)
    world.stable.exists = False
    world.held("TargetNotFound", seconds=60)
    assert world.weight == 100


def test_blind_while_returning_holds() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.blind = True
    world.held("MetricsUnavailable", seconds=60).rest(120)
    assert world.weight == 95
    world.blind = False
    world.phase(Phase.PROMOTED)


def test_no_traffic_while_returning_holds() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.rate = 0.0
    world.held("NoTraffic", seconds=60)
    assert world.weight == 95


def test_too_few_stable_pods_while_returning_waits() -> None:
    world = ready_world().stage(Stage.RETURNING).run(lambda w: w.weight == 50)
    world.stable.ready = 1
    world.held("InsufficientCapacity", seconds=60)
    assert world.weight == 50


def test_paused_while_promoting_freezes() -> None:
    world = ready_world().stage(Stage.ALL_TO_PATCHED)
    world.asked = a_spec(paused=True)
    world.rest(60)
    assert world.stable.template == "v1"
    world.asked = a_spec(paused=False)
    world.phase(Phase.PROMOTED)


def test_patched_lost_before_stable_was_written_goes_back_to_stable() -> None:
    """The write of the proven pod spec failed so far: stable runs what it ran, and nothing was promoted."""
    world = ready_world()
    world.refuses = (act.SetPodSpec,)
    world.stage(Stage.PATCHING_STABLE)
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert world.stable.template == "v1"
    assert world.remembered.why == "PatchedLost"


def lost_while_returning() -> World:
    """Patched died while stable, which runs the fix, has half of the traffic: stable has everything now."""
    world = ready_world().stage(Stage.RETURNING).rest(5)
    world.patched.ready = 0
    return world.run(lambda w: w.remembered.weight == 0, seconds=60)


def test_a_stable_that_still_rolls_out_is_waited_for_when_it_has_everything() -> None:
    world = lost_while_returning()
    world.stable.replicas, world.stable.ready = 3, 2
    world.rest(30)
    assert (world.remembered.stage, world.remembered.weight) == (Stage.RETURNING, 0)
    world.stable.ready = None
    world.phase(Phase.PROMOTED, seconds=120)


def test_a_stable_that_somebody_took_the_fix_from_is_never_called_promoted() -> None:
    world = lost_while_returning()
    world.stable.template = "v1"
    world.stage(Stage.RETURN_FAILED, seconds=30).rest(120)
    assert world.remembered.phase is Phase.PROMOTING
    assert world.remembered.weight == 0, "patched cannot serve"
    world.patched.ready = None
    world.run(lambda w: w.weight == 100, seconds=30)


@pytest.mark.parametrize("weights", [(1, None), (1, 0), (50, 50)])
def test_patched_that_is_to_keep_everything_gets_it_back_when_git_resets_the_route_at_the_end(
    weights: tuple[int, int | None],
) -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "KeepPatched"})).stage(Stage.GIVING_BACK)
    world.weights, world.ours, world.manager, world.stamp = weights, False, "kustomize-controller", None
    world.phase(Phase.PROMOTED, seconds=60).rest(5)
    assert world.weight == 100
    assert not world.ours


def test_a_patched_that_cannot_serve_is_given_nothing_back_at_the_end() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "KeepPatched"})).stage(Stage.GIVING_BACK)
    world.weights, world.ours, world.manager, world.stamp = (1, None), False, "kustomize-controller", None
    world.patched.ready = 0
    world.phase(Phase.PROMOTED, seconds=60)
    assert world.weights == (1, None)
