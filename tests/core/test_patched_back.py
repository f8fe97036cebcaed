"""A patched that was lost while git is awaited, and that its autoscaler made small meanwhile, as it has no traffic."""

from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage

from .world import World, ready_world

HPA = ScalerView(name="checkout-hotfix", min_replicas=1, max_replicas=10, owner="Helm release shop", version="1")


def lost_and_small() -> World:
    """One pod of patched is back, two are needed; stable has everything."""
    world = ready_world()
    world.stable.owner = "Flux Kustomization flux-system/shop"
    world.phase(Phase.AWAITING_GIT)
    world.patched.scaler = HPA
    world.patched.ready = 0
    world.run(lambda w: w.weight == 0, seconds=10)
    world.patched.replicas, world.patched.ready = 1, None
    return world.rest(60)


def test_it_is_said_who_serves_and_which_floor_keeps_patched_small() -> None:
    world = lost_and_small()
    assert (world.weight, world.remembered.held) == (0, "PatchedLost")
    message = "checkout-hotfix can serve again, but not everything yet; checkout, which runs the old version, serves meanwhile."
    assert world.remembered.message == message
    assert "it has 1: raise minReplicas of HPA checkout-hotfix to 2 in Helm release shop" in str(world.remembered.next)
    world.patched.replicas = 2
    world.run(lambda w: w.weight == 100, seconds=60)
    assert world.remembered.held is None


def test_it_is_not_waited_for_any_more_once_stable_has_the_fix() -> None:
    world = lost_and_small()
    world.stable.template, world.stable.errors, world.stable.ready, world.patched.ready = "v2", 0.001, 0, 0
    world.held("BothUnready", seconds=20)
    world.stable.ready, world.patched.ready = None, None  # both at once
    world.run(lambda w: "StableProven" in w.remembered.since, seconds=20)
    assert world.remembered.stage is Stage.AWAITING_GIT, "not by a glance"
    world.stage(Stage.RETURNING, seconds=30)
    assert world.weight == 0
    told = "checkout serves everything and runs the fix; checkout-hotfix is not waited for any more."
    assert [entry.message for entry in world.announced].count(told) == 1
    world.phase(Phase.PROMOTED, seconds=120)
    assert world.weights == (1, None)


def test_a_stable_that_loses_the_fix_again_is_waited_for() -> None:
    world = lost_and_small()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.run(lambda w: "StableProven" in w.remembered.since, seconds=20)
    world.stable.template = "v1"
    world.rest(60)
    assert (world.remembered.stage, world.weight, world.remembered.held) == (Stage.AWAITING_GIT, 0, "PatchedLost")


def failed_and_alone() -> World:
    """Stable was not good with the fix; then somebody scaled patched to 0, and stable serves everything."""
    world = ready_world(after_promotion=lambda: 0.3).stage(Stage.RETURN_FAILED).rest(5)
    world.patched.replicas = 0
    return world.run(lambda w: w.weight == 0, seconds=20).rest(5)


def test_after_a_promotion_that_failed_it_is_said_who_serves_and_what_a_person_can_do_without_patched() -> None:
    world = failed_and_alone()
    told = (
        "checkout was not good with the fix, and serves everything since checkout-hotfix has no ready pod. Give checkout-hotfix"
    )
    assert world.remembered.message == f"{told} its pods back, or take checkout as it is: kubectl hotfix promote fix."
    assert world.remembered.held == "PromotionFailed"
    world.rest(600)
    assert (world.remembered.stage, world.weight) == (Stage.RETURN_FAILED, 0), "nobody decides but a person"
    world.patched.replicas = 2
    world.run(lambda w: w.weight == 100, seconds=60)


def test_after_a_promotion_that_failed_a_person_may_take_stable_as_it_is() -> None:
    world = failed_and_alone()
    world.request = "promote:1"
    world.phase(Phase.PROMOTED, seconds=120)
    assert str(world.remembered.last_handled_request.result) == "Accepted"  # type: ignore[union-attr]
    assert (world.weights, world.stable.template) == ((1, None), "v2")


def test_a_stable_without_what_was_proven_is_not_taken_as_it_is() -> None:
    world = failed_and_alone()
    world.stable.template = "v1"
    world.request = "promote:1"
    world.rest(60)
    assert (world.remembered.stage, world.weight) == (Stage.RETURN_FAILED, 0)
    assert world.remembered.message.endswith("Give checkout-hotfix its pods back.")
    assert str(world.remembered.last_handled_request.result) == "Refused"  # type: ignore[union-attr]
