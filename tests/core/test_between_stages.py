"""What others change between two stages: git, people and autoscalers do not wait for a rollout."""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage
from hotfix.core.verbs import RequestResult

from .test_edited_weights import edit
from .test_noted_anew import FLUX
from .world import World, a_spec, ready_world

GIT = "kustomize-controller"


def digests(version: int) -> tuple[tuple[str, ...], ...]:
    """Of the one image of a Deployment."""
    return (("registry/app@sha256:" + str(version) * 64,),)


def waiting() -> World:
    """Patched's pods are not ready yet."""
    world = ready_world()
    world.patched.ready = 1
    return world.stage(Stage.SCALING).rest(2)


# ---- before traffic moves


def test_a_route_that_was_edited_while_patched_got_ready_is_left_so_when_it_never_does() -> None:
    world = waiting()
    world.weights = (7, None)
    world.phase(Phase.ROLLED_BACK, seconds=900)
    assert world.weights == (7, None)


def test_pods_that_nobody_asks_for_are_not_called_never_ready() -> None:
    world = ready_world(asked=a_spec(stable={"image": "v1"}))
    world.patched.replicas = 0
    world.stage(Stage.SCALING)
    world.stable.template = "v1.1"
    world.held("StableMoved", seconds=5).rest(400)
    assert (world.remembered.phase, world.patched.replicas) == (Phase.PENDING, 0)


@pytest.mark.parametrize("stage", [Stage.SCALING, Stage.ADOPTING])
def test_patched_gets_as_many_pods_as_stable_has_when_it_starts(stage: Stage) -> None:
    world = waiting()
    if stage is Stage.ADOPTING:
        world.patched.ready, world.blind = None, True
        world.stage(stage)
    world.request = "pause:1"
    world.rest(10)
    world.stable.replicas, world.patched.ready, world.blind = 20, None, False
    world.rest(60)
    world.request = "resume:1"
    world.phase(Phase.BAKING)
    assert world.patched.replicas == 20


# ---- while it is compared


@pytest.mark.parametrize("stage", [Stage.SCALING, Stage.SHIFTING])
def test_the_very_fix_that_git_gives_stable_meanwhile_is_no_reason_to_stop(stage: Stage) -> None:
    world = waiting() if stage is Stage.SCALING else ready_world().stage(stage).rest(6)
    world.stable.template, world.stable.errors, world.patched.ready = world.patched.template, 0.001, None
    world.phase(Phase.PROMOTED, seconds=3600)
    assert not any(isinstance(done, act.SetPodSpec) for done in world.performed), "it has the fix"


@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.BAKING])
def test_a_patch_is_not_taken_back_because_nobody_could_serve_for_a_while(phase: Phase) -> None:
    world = ready_world().phase(phase).rest(8)
    world.stable.ready = world.patched.ready = 0
    world.held("BothUnready", seconds=5).rest(60)
    world.stable.ready = None
    world.rest(2)
    world.patched.ready = None
    world.phase(Phase.PROMOTED, seconds=1000)
    assert "RollingBack" not in world.reasons


def test_a_patch_that_stays_away_when_stable_is_back_is_taken_back() -> None:
    world = ready_world().phase(Phase.BAKING).rest(8)
    world.stable.ready = world.patched.ready = 0
    world.rest(20)
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=100)
    assert (world.weight, world.remembered.why) == (0, "PatchedLost")


def test_a_service_that_comes_to_select_the_other_side_is_no_proof() -> None:
    world = ready_world().stage(Stage.SHIFTING).rest(6)
    view = world.patched.view

    def of_both() -> object:
        found = view()
        assert found.service
        service = replace(found.service, selector={"app": "checkout"}, ready_pods=("checkout-0", "checkout-1"))
        return replace(found, service=service)

    world.patched.view = of_both  # type: ignore[method-assign, assignment]
    weight = world.weight
    world.rest(900)
    assert (world.remembered.phase, world.weight) == (Phase.ANALYZING, weight)
    assert world.remembered.held == "ServiceSelectsBothSides"


def test_a_floor_is_never_above_what_the_autoscaler_may_have() -> None:
    world = ready_world()
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=4, owner=None, version="1")
    world.stage(Stage.SHIFTING).rest(3)
    assert world.stable.scaler.min_replicas == 2
    world.stable.scaler = replace(world.stable.scaler, min_replicas=1, max_replicas=1)
    assert not any(isinstance(done, act.SetScalerFloor) for done in world.look().actions)


def test_a_maximum_that_a_person_lowers_leaves_no_floor_of_ours_behind() -> None:
    world = ready_world()
    world.stable.replicas = 4
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=6, owner=None, version="1")
    world.stage(Stage.SHIFTING).rest(3)
    assert world.stable.scaler.min_replicas == 4
    world.stable.scaler = replace(world.stable.scaler, min_replicas=1, max_replicas=3)
    world.phase(Phase.PROMOTED).rest(5)
    assert world.stable.scaler.min_replicas == 1


# ---- while it is promoted


@pytest.mark.parametrize("mode", ["AwaitGit", "KeepPatched", "PatchStable"])
def test_a_patch_that_is_changed_while_everything_goes_to_it_is_not_what_was_proven(mode: str) -> None:
    world = ready_world(asked=a_spec(promotion={"mode": mode}))
    world.patched.image_ids, world.stable.image_ids = digests(2), digests(1)
    world.stage(Stage.ALL_TO_PATCHED)
    world.patched.template, world.patched.image_ids, world.patched.errors = "v3", digests(3), 0.5
    world.held("PatchedChanged", seconds=60).rest(60)
    assert world.remembered.phase is Phase.PROMOTING


def test_stable_gets_the_fix_only_when_it_has_had_no_weight_for_the_whole_drain() -> None:
    world = ready_world().stage(Stage.DRAINING_STABLE).rest(8)
    edit(world, (100, 0), GIT)
    world.refuses = (act.SetWeights,)
    world.rest(30)
    assert (world.weight, world.remembered.stage) == (0, Stage.DRAINING_STABLE)
    assert not any(isinstance(done, act.SetPodSpec) for done in world.performed)
    world.refuses = ()
    world.phase(Phase.PROMOTED)


def test_a_new_stable_that_answers_nobody_is_the_one_that_is_named() -> None:
    world = ready_world(starts_counted=False).stage(Stage.RETURNING)
    world.stable.hangs = True
    world.held("NoTraffic", seconds=120)
    assert "checkout-hotfix completes requests and checkout none" in world.remembered.message


@pytest.mark.parametrize("template", ["v1", "v9"])
def test_a_fix_that_is_taken_out_of_stable_while_patched_drains_gives_everything_to_patched(template: str) -> None:
    world = ready_world().stage(Stage.DRAINING_PATCHED).rest(2)
    world.stable.template, world.stable.errors = template, 0.3
    world.stage(Stage.RETURN_FAILED, seconds=60).rest(5)
    assert (world.weight, world.patched.replicas) == (100, 2)


# ---- on the way back


def test_the_weights_that_git_puts_back_for_a_rolled_back_patch_are_written_over() -> None:
    world = ready_world()
    world.patched.errors = 0.9
    world.stage(Stage.DRAINING_PATCHED).rest(2)
    edit(world, (50, 50), GIT)
    world.rest(3)
    assert (world.weight, world.reasons[-1]) == (0, "TrafficDriftCorrected")
    for _ in range(3):
        edit(world, (50, 50), GIT)
        world.look()
        assert world.weight == 0
        world.advance(1)
    assert world.remembered.held == "TrafficContested"
    world.phase(Phase.ROLLED_BACK, seconds=120)


def test_what_a_person_gives_a_rolled_back_patch_is_told() -> None:
    world = ready_world().stage(Stage.SHIFTING).rest(3)
    world.request = "rollback:1"
    world.stage(Stage.DRAINING_PATCHED).rest(2)
    edit(world, (50, 50))
    world.rest(30)
    assert (world.weight, world.reasons.count("WeightsEdited")) == (50, 1)


@pytest.mark.parametrize("beside", ["acknowledge", "pause", "resume"])
def test_a_way_back_that_waits_is_not_given_up_for_what_decides_nothing(beside: str) -> None:
    asked = a_spec(urgency="BreakGlass", incident={"reference": "INC-1", "reason": "all red"})
    world = ready_world(asked=asked).stage(Stage.ALL_TO_PATCHED)
    assert world.remembered.follow_up
    world.stable.ready, world.request = 0, "rollback:1"
    world.rest(3)
    world.request = f"{beside}:1"
    world.rest(3)
    known = world.remembered.last_handled_request
    assert known
    assert (known.request, known.result) == ("rollback:1", RequestResult.WAITING)
    assert f"{beside}:1" in world.remembered.handled_requests
    assert (world.remembered.follow_up is None) is (beside == "acknowledge")
    assert world.remembered.paused is (beside == "pause")
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=120)


def test_a_rollback_waits_while_stable_is_out_of_sight() -> None:
    world = ready_world(refuses=(act.SetPodSpec,)).stage(Stage.PATCHING_STABLE).rest(2)
    world.unseen, world.request = True, "rollback:1"
    world.rest(3)
    world.unseen = False
    world.phase(Phase.ROLLED_BACK, seconds=100)
    assert "RequestRefused" not in world.reasons


def test_a_fight_over_the_route_is_over_when_the_clock_was_put_back() -> None:
    world = ready_world()
    world.stable.owner = FLUX
    world.phase(Phase.AWAITING_GIT).rest(5)
    for _ in range(3):
        edit(world, (100, 0), GIT)
        world.rest(5)
    world.held("TrafficContested", seconds=10)
    world.now -= 7200
    world.rest(1300)
    assert world.remembered.held is None
