"""Corners of the state machine that whole stories seldom reach: two faults at once, sides out of sight, late give-backs."""

from dataclasses import replace

import pytest

from hotfix.core import actions as act
from hotfix.core import countable, moments, plan, preflight
from hotfix.core.look import Look, asked_rules, routes_have
from hotfix.core.observation import RuleView, ScalerView
from hotfix.core.status import Phase, Span, Stage

from .world import World, a_spec, ready_world


def test_a_patched_that_changes_again_while_it_rolls_is_judged_only_by_the_last_version() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.patched.image_ids, world.patched.errors = (("a",), ("b",)), 1.0
    world.held("SeveralVersions").rest(40)
    since = world.remembered.evidence_from
    world.patched.image_ids, world.patched.errors = (("b",),), 0.001
    world.look()
    assert world.remembered.evidence_from != since
    world.phase(Phase.PROMOTED)


def test_blind_in_a_bake_without_proof_goes_back_to_what_was_proven() -> None:
    asked = a_spec(analysis={"deadline": "1m", "onDeadline": "Promote", "maxErrorRateIncrease": "0.01%"})
    world = ready_world(asked=asked)
    world.stable.errors = world.patched.errors = 0.001
    world.phase(Phase.BAKING, seconds=400)
    proven = max(world.remembered.proven_weight or 0, 5)
    world.blind = True
    world.phase(Phase.ANALYZING, seconds=400)
    assert world.weight == proven


def test_a_decision_that_comes_after_the_deadline_is_still_taken_while_it_holds() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "30s"})).held("Inconclusive", seconds=120)
    world.phase(Phase.BAKING, seconds=120)
    assert world.remembered.held is None


def test_a_deadline_that_promotes_waits_until_nothing_is_wrong() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "1m", "onDeadline": "Promote"})).phase(Phase.ANALYZING)
    world.blind = True
    world.held("Inconclusive", seconds=200)
    assert world.remembered.resolved is not None
    assert world.weight == world.remembered.resolved.start_weight


@pytest.mark.parametrize(("errors", "ends"), [(0.001, Phase.BAKING), (1.0, Phase.ROLLING_BACK)])
def test_a_clock_that_is_an_hour_ahead_promotes_nothing_at_the_deadline_that_was_hardly_counted(
    errors: float, ends: Phase
) -> None:
    world = ready_world(asked=a_spec(startWeight=1, analysis={"onDeadline": "Promote", "maxErrorRateIncrease": "0.01%"}))
    world.patched.errors = errors
    world.phase(Phase.ANALYZING).rest(7)
    ahead = moments.rfc3339(world.now - 3600)
    clocks = dict.fromkeys(("started_at", "phase_started_at", "evidence_from"), ahead)
    world.remembered = world.remembered.model_copy(update=clocks)
    world.look()
    assert (world.remembered.phase, world.remembered.held) == (Phase.ANALYZING, "Inconclusive")
    world.phase(ends, seconds=60)


@pytest.mark.parametrize(
    ("rate", "stable_errors", "weight"), [(100.0, 0.04, 95), (100.0, 0.5, 99), (20.0, 0.04, 80), (100.0, 0.0, 95)]
)
def test_the_control_in_the_bake_is_as_small_as_its_errors_and_its_traffic_allow(
    rate: float, stable_errors: float, weight: int
) -> None:
    world = ready_world()
    world.rate, world.stable.errors, world.patched.errors = rate, stable_errors, 0.0
    assert world.phase(Phase.BAKING).weight == weight


def test_stables_backend_taken_out_of_the_route_freezes_it() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.refusal = "no rule of it names Service checkout."
    world.held("RouteMissing", seconds=20)
    assert "Put it right" in world.remembered.message


def test_counters_that_fall_hold() -> None:
    world = ready_world().phase(Phase.BAKING).rest(20)
    world.patched.counts["requests"] *= 0.6
    world.held("CountersUnfit", seconds=30)
    assert world.remembered.phase is Phase.BAKING


@pytest.mark.parametrize(("ready", "phase"), [(0, Phase.ROLLED_BACK), (2, Phase.PROMOTED)])
def test_a_patched_that_cannot_be_seen_is_neither_ready_nor_never_ready(ready: int, phase: Phase) -> None:
    world = ready_world().stage(Stage.SCALING)
    world.unseen = True
    world.rest(600)
    assert (world.remembered.phase, world.remembered.held) == (Phase.PENDING, "ClusterUnavailable")
    world.unseen, world.patched.ready = False, ready
    world.phase(phase, seconds=600)


def test_a_patched_that_is_gone_before_it_was_ready_ends_with_the_grace() -> None:
    world = ready_world().stage(Stage.SCALING)
    world.patched.exists = False
    world.phase(Phase.ROLLED_BACK, seconds=400)
    assert world.remembered.why == "PatchedNeverReady"


def test_patched_is_not_lost_in_the_second_in_which_it_cannot_be_seen() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.ready, world.rate = 0, 0.0
    world.rest(3)
    world.unseen = True
    world.rest(30)
    assert world.remembered.phase is Phase.ANALYZING, world.story()
    world.unseen, world.patched.ready, world.rate = False, 2, 100.0
    world.phase(Phase.PROMOTED, seconds=600)


def test_a_stable_that_cannot_be_seen_gets_nothing_back() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.stable.ready = 0
    world.held("StableLost").rest(5)
    world.stable.ready = 2
    world.rest(2)
    world.unseen = True
    world.rest(100)
    assert world.weight == 100
    world.unseen = False
    world.phase(Phase.PROMOTED, seconds=600)


@pytest.mark.parametrize("stage", [Stage.SCALING_DOWN, Stage.GIVING_BACK, Stage.WEIGHT_ZERO])
def test_an_api_server_that_is_silent_on_the_way_back_is_waited_for(stage: Stage) -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "1s"}))
    world.patched.errors = 1.0
    world.stage(stage)
    world.unseen = True
    world.rest(200)
    assert world.remembered.phase is Phase.ROLLING_BACK
    world.unseen = False
    world.phase(Phase.ROLLED_BACK, seconds=60).rest(5)
    assert world.weights == (1, None)


def test_a_forbidden_write_on_the_way_back_keeps_trying() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.errors = 1.0
    world.phase(Phase.ROLLING_BACK)
    world.refused = ("Forbidden", "no right")
    world.stage(Stage.GIVING_BACK, seconds=120)
    world.ours = True
    world.unseen = True
    world.held("Forbidden", seconds=10)
    assert world.remembered.phase is Phase.ROLLING_BACK
    assert world.remembered.weight == 0


def test_somebody_who_gives_patched_a_weight_right_before_it_is_scaled_down_keeps_its_pods() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.stage(Stage.SCALING_DOWN)
    world.patched.replicas = 2
    world.weights, world.ours, world.manager = (70, 30), False, "kubectl-edit"
    world.held("WeightsEdited", seconds=10)
    assert world.patched.replicas == 2


def test_an_hpa_floor_that_is_not_given_back_yet_keeps_the_rollout_from_ending() -> None:
    world = ready_world()
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.stage(Stage.GIVING_BACK)
    assert world.stable.scaler.min_replicas == 2 or world.remembered.stage is Stage.GIVING_BACK
    world.phase(Phase.PROMOTED)
    assert world.stable.scaler.min_replicas == 1


def test_an_hpa_floor_that_somebody_changed_is_left_alone() -> None:
    world = ready_world()
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.phase(Phase.ANALYZING)
    world.stable.scaler = replace(world.stable.scaler, min_replicas=7)
    world.phase(Phase.PROMOTED).rest(5)
    assert world.stable.scaler.min_replicas == 7


def test_more_losses_of_stable_than_can_be_remembered_start_the_evidence_from_zero() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    moment = world.remembered.evidence_from or ""
    spans = [Span(start=moment, end=moment)] * 20
    world.remembered = world.remembered.model_copy(update={"excluded": spans})
    world.stable.ready = 0
    world.rest(6)
    world.stable.ready = None
    world.run(lambda w: w.remembered.stable_lost is None, seconds=300)
    assert world.remembered.excluded == []
    assert world.remembered.evidence_from != moment


def test_both_lost_and_patched_back_first_keeps_everything_on_patched() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.rest(6)
    world.patched.ready = 0
    world.look()
    world.patched.ready = None
    world.rest(10)
    assert world.weight == 100
    assert world.remembered.held == "StableLost"


def test_a_pause_while_traffic_returns_holds_it_there() -> None:
    world = ready_world().stage(Stage.RETURNING)
    world.asked = a_spec(paused=True)
    world.held("Paused", seconds=20).rest(100)
    assert world.weight == 95


def shifted_look(world: World, weight: int) -> Look:
    """A look in the middle of the analysis that wants this weight."""
    status = world.remembered.model_copy(update={"weight": weight, "held": None})
    return Look(world.asked, status, world.observe())


def test_no_weight_is_written_that_sends_requests_to_a_side_without_endpoints() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    assert not [a for a in plan.actions(shifted_look(world, 5)) if isinstance(a, act.SetWeights)]
    world.stable.ready, world.patched.ready = None, 0
    assert not [a for a in plan.actions(shifted_look(world, 95)) if isinstance(a, act.SetWeights)]
    world.patched.ready = None
    assert [a.weight for a in plan.actions(shifted_look(world, 95)) if isinstance(a, act.SetWeights)] == [95]


def test_checks_that_need_both_sides_say_nothing_about_one_that_is_out_of_sight() -> None:
    world = ready_world(asked=a_spec(stable={"deployment": "checkout", "image": "v0"}), unseen=True)
    look = Look(world.asked, world.remembered, world.observe())
    for check in preflight.CHECKS[1:]:
        assert check(look) is None or check is countable.metrics_unknown
    assert not preflight.runs_image(None, "x")
    assert not routes_have(look, 0)


def test_rules_are_found_by_index_or_by_name() -> None:
    world = ready_world(asked=a_spec(traffic={"httpRoutes": [{"name": "shop", "rules": [1, "api"]}]}))
    rules = tuple(RuleView(index=i, name=n, stable=1, patched=None, port=80) for i, n in ((0, None), (1, None), (2, "api")))
    route = replace(world.route(), rules=rules)
    assert [rule.index for rule in asked_rules(route, world.asked)] == [1, 2]


def test_stable_that_gets_another_pod_spec_while_it_rolls_out_is_not_written_over() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.unseen = True
    world.held("ClusterUnavailable", seconds=10)
    world.unseen = False
    world.stable.template = "v9"
    world.held("StableChanged", seconds=10)
    assert world.weight == 100


def test_too_few_pods_for_the_bake_wait_at_the_last_step() -> None:
    world = ready_world(asked=a_spec(patched={"deployment": "checkout-hotfix", "replicas": "Own"}))
    world.stable.replicas, world.patched.replicas = 6, 4
    world.held("InsufficientCapacity", seconds=200)
    assert world.weight == 50
    assert "--replicas=6" in world.remembered.message


@pytest.mark.parametrize(
    ("refused", "stage"),
    [(act.Scale, Stage.SCALING_DOWN), (act.ReleaseRoute, Stage.GIVING_BACK), (act.SetWeights, Stage.WEIGHT_ZERO)],
)
def test_a_write_that_fails_is_tried_again_until_it_is_done(refused: type, stage: Stage) -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.phase(Phase.ANALYZING).rest(8)
    world.refuses = (refused,)
    world.stage(stage).rest(30)
    assert world.remembered.stage is stage
    world.refuses = ()
    world.phase(Phase.ROLLED_BACK).rest(5)
    assert world.weights == (1, None)
    assert world.patched.replicas == 0


def test_what_is_waited_for_is_announced_once() -> None:
    world = ready_world()
    world.patched.exists = False
    world.held("TargetNotFound", seconds=60).rest(60)
    assert world.reasons == ["TargetNotFound"]


def test_blind_in_a_bake_that_nothing_but_the_deadline_began_goes_back_to_the_start() -> None:
    tight = {"maxErrorRateIncrease": "0.01%", "maxUserImpact": "0.01%"}
    asked = a_spec(analysis={"deadline": "1m", "onDeadline": "Promote", **tight})
    world = ready_world(asked=asked)
    world.stable.errors = world.patched.errors = 0.02
    world.phase(Phase.BAKING, seconds=400)
    assert world.remembered.proven_weight is None
    world.blind = True
    world.rest(200)
    assert world.remembered.resolved is not None
    assert world.weight == world.remembered.resolved.start_weight


def test_a_bake_that_begins_again_after_several_images_is_told() -> None:
    world = ready_world().phase(Phase.BAKING).rest(20)
    baked = world.remembered.bake_seconds
    world.stable.image_ids = (("a",), ("b",))
    world.held("SeveralVersions", seconds=20).rest(10)
    world.stable.image_ids = (("b",),)
    world.phase(Phase.ANALYZING, seconds=10)
    assert baked > world.remembered.bake_seconds == 0
    newest = world.remembered.decisions[-1]
    assert (newest.what, newest.reason) == ("evidence from zero", "SeveralVersions")
    world.phase(Phase.PROMOTED)
