"""Whole rollouts through `decide`, in a pure world with a clock of its own."""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core.observation import Ack, RivalView, ScalerView
from hotfix.core.status import Phase, Stage

from .world import a_spec, ready_world


def test_a_good_hotfix_is_promoted_and_everything_is_as_it_was() -> None:
    world = ready_world().phase(Phase.PROMOTED).rest(5)
    assert world.stable.template == "v2"
    assert world.weights == (1, None)
    assert not world.ours
    assert not world.finalizer
    assert world.patched.replicas == 0
    assert world.reasons[0] == "HotfixDetected"
    assert world.reasons[-1] == "Promoted"
    assert world.decision is not None
    assert world.decision.look_again_seconds is None


def test_a_patch_that_fails_everything_is_rolled_back_within_twenty_seconds() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.phase(Phase.ANALYZING)
    begun = world.now
    world.phase(Phase.ROLLING_BACK)
    assert world.now - begun <= 20
    assert world.weight == 0
    world.phase(Phase.ROLLED_BACK).rest(5)
    assert world.weights == (1, None)
    assert world.patched.replicas == 0
    assert world.stable.template == "v1"


def test_keep_patched_ends_with_all_traffic_on_patched_and_nothing_of_ours() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "KeepPatched"})).phase(Phase.PROMOTED).rest(5)
    assert world.weight == 100
    assert world.stable.template == "v1"
    assert not world.ours
    assert world.patched.replicas == 2


def test_after_rollback_keep_leaves_the_pods() -> None:
    world = ready_world(asked=a_spec(patched={"deployment": "checkout-hotfix", "afterRollback": "Keep"}))
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK).rest(5)
    assert world.patched.replicas == 2


def test_a_patch_that_hangs_is_taken_out() -> None:
    world = ready_world()
    world.patched.hangs = True
    world.phase(Phase.ROLLED_BACK)
    assert "PatchedNotAnswering" in world.remembered.message


def test_a_rehearsal_writes_nothing_and_says_what_would_happen() -> None:
    world = ready_world(asked=a_spec(paused=True)).held("Paused").rest(30)
    assert [action for action in world.performed if not isinstance(action, act.Announce)] == []
    assert world.remembered.message.startswith("Rehearsal")
    world.asked = a_spec(paused=False)
    world.phase(Phase.ANALYZING)


def test_a_pause_freezes_the_weight_and_keeps_the_rollback_armed() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.asked = a_spec(paused=True)
    weight = world.look().status.weight
    world.rest(120)
    assert world.remembered.weight == weight
    assert world.remembered.held == "Paused"
    world.patched.errors = 1.0
    world.phase(Phase.ROLLING_BACK, seconds=60)


def test_blind_from_the_start_is_held_before_traffic_moves() -> None:
    world = ready_world(blind=True).held("MetricsUnavailable").rest(120)
    assert world.weight == 0
    world.blind = False
    world.phase(Phase.PROMOTED)


def test_blind_meanwhile_holds_then_goes_back_to_what_was_proven() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.blind = True
    world.rest(100)
    assert world.weight == 50
    assert world.remembered.held == "MetricsUnavailable"
    world.rest(120)
    assert world.weight == 50, "50 % had been proven"
    world.blind = False
    world.phase(Phase.PROMOTED)


@pytest.mark.parametrize(("policy", "weight"), [("Hold", 5.0), ("LastProven", 5.0)])
def test_blind_at_the_start_weight_stays_there(policy: str, weight: float) -> None:
    world = ready_world(asked=a_spec(analysis={"onMetricsUnavailable": policy})).phase(Phase.ANALYZING)
    world.blind = True
    world.rest(300)
    assert world.weight == weight


def test_blind_for_too_long_rolls_back_when_asked_to() -> None:
    world = ready_world(asked=a_spec(analysis={"onMetricsUnavailable": "Rollback"})).phase(Phase.ANALYZING)
    world.blind = True
    world.phase(Phase.ROLLED_BACK, seconds=400)
    assert world.remembered.why == "BlindTooLong"


def test_blind_in_the_bake_goes_back_and_is_never_promoted_by_the_clock() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.rest(3)
    world.blind = True
    world.rest(100)
    assert world.weight == 95, "metricsGrace is two minutes"
    world.rest(800)
    assert world.remembered.phase is Phase.ANALYZING
    assert world.weight == world.remembered.proven_weight == 50, "the highest weight that evidence had allowed"
    assert world.remembered.bake_seconds == 0
    lowered = world.remembered.decisions[-1]
    assert (lowered.reason, lowered.what) == ("BlindTooLong", "weight 50")
    world.blind = False
    world.phase(Phase.BAKING, seconds=60)
    world.rest(30)
    assert world.remembered.phase is Phase.BAKING, "the bake begins anew"
    world.phase(Phase.PROMOTED)


def test_no_traffic_is_held_and_the_deadline_is_obeyed() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "5m"})).phase(Phase.ANALYZING)
    world.rate = 0.0
    world.held("NoTraffic", seconds=120)
    world.held("Inconclusive", seconds=400)
    assert world.remembered.phase is Phase.ANALYZING


def test_the_deadline_rolls_back_when_asked_to() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "2m", "onDeadline": "Rollback"})).phase(Phase.ANALYZING)
    world.rate = 0.5
    world.phase(Phase.ROLLED_BACK, seconds=400)
    assert world.remembered.why == "Deadline"


def test_the_deadline_promotes_when_asked_to_with_fresh_counts() -> None:
    asked = a_spec(analysis={"deadline": "1m", "onDeadline": "Promote", "maxErrorRateIncrease": "0.01%"})
    world = ready_world(asked=asked)
    world.stable.errors = world.patched.errors = 0.001
    world.phase(Phase.BAKING, seconds=400)
    assert "Deadline" in world.reasons


def test_stable_lost_gives_everything_to_patched_at_once_and_back_in_steps() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    assert world.weight == 100
    assert world.remembered.held == "StableLost"
    world.rest(200)
    assert world.patched.replicas == 2
    world.stable.ready = None
    seen: list[float] = []
    world.run(lambda w: seen.append(w.weight) is None and w.remembered.stable_lost is None, seconds=300)
    assert [weight for weight in (100, 95, 50) if weight in seen] == [100, 95, 50]
    assert world.remembered.excluded
    world.phase(Phase.PROMOTED)


def test_stable_lost_again_waits_twice_as_long() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    waits = []
    for _ in range(2):
        world.stable.ready = 0
        world.rest(6)
        world.stable.ready = None
        since = world.now
        world.run(lambda w: w.weight < 100, seconds=300)
        waits.append(world.now - since)
        world.run(lambda w: w.remembered.stable_lost is None, seconds=300)
    assert waits[1] > 1.7 * waits[0]


def test_stable_lost_while_going_back_to_it_is_taken_from_it_again() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    world.stable.ready = None
    world.run(lambda w: w.weight == 95, seconds=200)
    world.stable.ready = 0
    world.rest(6)
    assert world.weight == 100
    assert world.remembered.stable_lost is not None
    assert world.remembered.stable_lost.return_weight == 50


def test_a_stable_with_few_pods_left_is_lost_after_two_looks() -> None:
    world = ready_world()
    world.stable.replicas = world.patched.replicas = 12
    world.run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 2
    world.look()
    assert world.remembered.stable_lost is None
    world.rest(7)
    assert world.weight == 100


def test_stable_lost_during_a_rollback_returns_to_zero_when_it_is_back() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "5m"}))
    world.patched.errors = 1.0
    world.stage(Stage.DRAINING_PATCHED)
    world.stable.ready = 0
    world.rest(6)
    assert world.weight == 100
    world.stable.ready = None
    world.run(lambda w: w.weight == 0, seconds=300)
    world.phase(Phase.ROLLED_BACK, seconds=900)


@pytest.mark.parametrize("wish", ["deleted", "released"])
def test_deleted_or_released_while_stable_is_lost_waits_for_stable(wish: str) -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    world.deleting, world.request = wish == "deleted", "release" if wish == "released" else None
    world.rest(60)
    assert world.weight == 100
    assert not world.gone
    world.stable.ready = None
    world.run(lambda w: w.remembered.stage is Stage.DONE and not w.finalizer, seconds=400)
    assert world.weights == (1, None)


def test_both_sides_unready_changes_nothing() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = world.patched.ready = 0
    world.look()
    assert world.weight == 50
    assert world.remembered.phase is Phase.ANALYZING


def test_patched_lost_while_stable_is_lost_and_back_goes_to_stable() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    world.patched.ready = 0
    world.rest(6)
    assert world.remembered.held == "BothUnready"
    world.stable.ready = 1
    world.phase(Phase.ROLLED_BACK, seconds=200)


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda side: setattr(side, "ready", 0), "PatchedLost"),
        (lambda side: setattr(side, "crash_looping", 1), "PatchedLost"),
        (lambda side: setattr(side, "restarts", 2), "PatchedLost"),
        (lambda side: setattr(side, "replicas", 0), "PatchedScaledToZero"),
        (lambda side: setattr(side, "exists", False), "PatchedLost"),
        (lambda side: setattr(side, "deleting", True), "PatchedLost"),
    ],
    ids=["no endpoint", "crash loop", "restarted twice", "scaled to 0", "gone", "going"],
)
def test_a_patched_that_cannot_serve_is_rolled_back(break_it, why: str) -> None:  # type: ignore[no-untyped-def]
    world = ready_world().phase(Phase.ANALYZING)
    break_it(world.patched)
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert world.remembered.why == why


def test_a_patched_that_never_gets_ready_is_given_up() -> None:
    world = ready_world()
    world.patched.ready, world.patched.trouble = 0, "ImagePullBackOff"
    world.phase(Phase.ROLLED_BACK, seconds=600)
    assert world.remembered.why == "PatchedNeverReady"
    assert "ImagePullBackOff" in world.remembered.message
    assert world.weights == (1, None)


def test_patched_changed_starts_from_zero_at_the_start_weight() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.patched.template = "v3"
    world.look()
    assert world.weight == 5
    assert world.remembered.baseline is not None
    assert world.remembered.baseline.patched_template == "v3"
    world.phase(Phase.PROMOTED)
    assert world.stable.template == "v3"


def test_stable_changed_keeps_the_weight_and_starts_the_evidence_from_zero() -> None:
    world = ready_world().phase(Phase.BAKING).rest(20)
    weight = world.weight
    since = world.remembered.evidence_from
    world.stable.template = "v1b"
    world.look()
    assert world.weight == weight
    assert world.remembered.evidence_from != since
    assert world.remembered.bake_seconds == 0
    world.phase(Phase.PROMOTED)


def test_several_images_on_one_side_are_not_judged() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.image_ids = (("a",), ("b",))
    world.patched.errors = 1.0
    world.held("SeveralVersions").rest(60)
    assert world.remembered.phase is Phase.ANALYZING
    world.patched.image_ids = (("b",),)
    world.phase(Phase.ROLLED_BACK, seconds=90)


def test_weights_changed_by_a_person_are_left_until_put_back() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.rest(3)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20).rest(30)
    assert world.weights == (70, 30)
    world.weights = (50, 50)
    world.phase(Phase.PROMOTED)


def test_pausing_and_resuming_takes_edited_weights_back() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.rest(3)
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=20)
    world.asked = a_spec(paused=True)
    world.rest(5)
    assert world.weights == (70, 30)
    world.asked = a_spec(paused=False)
    world.rest(10)
    assert world.weight >= 50


def test_weights_changed_by_a_gitops_manager_are_written_again() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.rest(3)
    world.weights, world.ours, world.manager = (100, 0), False, "kustomize-controller"
    world.look()
    assert world.weight == 50


def test_a_route_that_is_gone_freezes_everything() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.route_exists = False
    weight, performed = world.remembered.weight, len(world.performed)
    world.held("RouteMissing", seconds=20).rest(30)
    assert world.remembered.weight == weight
    assert not [action for action in world.performed[performed:] if isinstance(action, act.SetWeights)]
    world.route_exists = True
    world.phase(Phase.PROMOTED)


def test_a_side_that_cannot_be_seen_changes_nothing() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    weight = world.weight
    world.unseen = True
    world.held("ClusterUnavailable", seconds=20).rest(60)
    assert world.weight == weight
    world.unseen = False
    world.phase(Phase.PROMOTED)


def test_deleted_before_anything_was_written_just_goes() -> None:
    world = ready_world(deleting=True)
    world.rest(5)
    assert world.weights == (1, None)
    assert world.remembered.stage is Stage.DONE


@pytest.mark.parametrize("stage", [Stage.SCALING, Stage.ADOPTING, Stage.SHIFTING, Stage.DRAINING_PATCHED])
def test_deleted_meanwhile_gives_everything_back(stage: Stage) -> None:
    world = ready_world()
    if stage is Stage.DRAINING_PATCHED:
        world.patched.errors = 1.0
    world.stage(stage)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=120)
    assert world.weights == (1, None)
    assert not world.ours


def test_deleted_while_analyzing_leaves_the_patched_pods_running() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=120)
    assert world.patched.replicas == 2


def test_too_few_patched_pods_cap_the_weight_and_say_how_to_scale() -> None:
    world = ready_world(asked=a_spec(patched={"deployment": "checkout-hotfix", "replicas": "Own"}))
    world.stable.replicas = 6
    world.held("InsufficientCapacity", seconds=200)
    assert world.weight == 25
    assert "--replicas=3" in world.remembered.message
    world.patched.replicas = 6
    world.phase(Phase.PROMOTED)


def test_match_raises_patched_to_stables_pods() -> None:
    world = ready_world()
    world.stable.replicas = 6
    world.phase(Phase.ANALYZING)
    assert world.patched.replicas == 6


def test_pods_lost_in_the_bake_keep_it_from_being_promoted() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.patched.ready = 1
    world.held("InsufficientCapacity", seconds=200)
    assert world.remembered.phase is Phase.BAKING


def test_stables_hpa_floor_is_raised_and_given_back() -> None:
    world = ready_world()
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.phase(Phase.ANALYZING)
    assert world.stable.scaler.min_replicas == 2
    world.phase(Phase.PROMOTED).rest(5)
    assert world.stable.scaler.min_replicas == 1


def test_replicas_of_an_hpa_are_never_written() -> None:
    world = ready_world()
    world.patched.scaler = ScalerView(name="p", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.phase(Phase.PROMOTED).rest(5)
    assert not any(isinstance(action, act.Scale) for action in world.performed)
    assert "keeps running" in world.remembered.message


def test_weights_that_the_proxies_do_not_serve_hold() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.rest(2)
    original = world._flow

    def flow(seconds: float) -> None:
        kept, world.weights = world.weights, (100, 0)
        original(seconds)
        world.weights = kept

    world._flow = flow  # type: ignore[method-assign]
    world.run(lambda w: w.remembered.held in ("WeightNotEffective", "NoTraffic"), seconds=120)
    assert world.remembered.phase is Phase.ANALYZING


def test_a_weight_that_is_never_confirmed_is_held_then_left_running_when_rolled_back() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.ack = Ack.PENDING
    world.held("WeightNotConfirmed", seconds=200)
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=200)
    assert world.patched.replicas == 2
    assert "WeightNotConfirmed" in world.reasons


def test_a_rejected_route_holds() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.ack = Ack.REJECTED
    weight = world.remembered.weight
    world.held("RouteRejected", seconds=20).rest(30)
    assert world.remembered.weight == weight


def test_a_gone_route_does_not_keep_a_rollback_from_ending() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.route_exists = False
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=300)
    assert not world.route_exists, "it is not made again"


def test_terminal_is_final_and_only_the_generation_moves() -> None:
    world = ready_world().phase(Phase.PROMOTED).rest(5)
    performed = len(world.performed)
    world.generation = 7
    world.asked = a_spec(steps=[2, 3])
    world.rest(30)
    assert world.remembered.observed_generation == 7
    assert world.remembered.phase is Phase.PROMOTED
    assert len(world.performed) == performed


def test_an_older_rival_on_the_same_stable_is_waited_for() -> None:
    rival = RivalView(name="older", created="2027-01-15T07:00:00Z", phase="Analyzing", stable="checkout", routes=("shop",))
    world = ready_world(rivals=(rival,)).held("RouteBusy").rest(60)
    assert world.weight == 0
    world.rivals = (replace(rival, phase="Promoted"),)
    world.phase(Phase.ANALYZING)
