"""Haste: where a hotfix starts, how long it bakes, what is looked at afterwards, and a stable that must get nothing."""

import pytest

from hotfix.core import urgency
from hotfix.core.status import Phase, Stage

from .world import START, World, a_spec, ready_world

INCIDENT = {"reference": "INC-1", "reason": "Payments fail"}


def hasty(mode: str, **more: object) -> World:
    return ready_world(asked=a_spec(urgency=mode, incident=INCIDENT, analysis={"bakeTime": "10m"}, **more))


def condition(world: World, kind: str) -> str | None:
    return next((f"{entry.status} {entry.reason}" for entry in world.remembered.conditions if entry.type == kind), None)


def seconds_to(world: World, weight: float) -> float:
    world.run(lambda w: w.weight >= weight)
    return world.now - START


def test_each_haste_is_sooner_at_nearly_all_traffic_than_the_one_before() -> None:
    waits = []
    for mode in ("Standard", "Expedited", "BreakGlass"):
        world = hasty(mode)
        world.stable.errors = 0.02
        waits.append(seconds_to(world, 80))
    assert waits[0] > waits[1] > waits[2]


def test_expedited_begins_with_the_largest_step_and_bakes_for_a_fifth() -> None:
    world = hasty("Expedited").phase(Phase.ANALYZING)
    assert world.remembered.weight == 50
    world.phase(Phase.BAKING)
    began = world.now
    world.stage(Stage.ALL_TO_PATCHED)
    assert 120 <= world.now - began < 180


@pytest.mark.parametrize(("asked", "baked"), [("10m", 120), ("2m", 60), ("30s", 30), ("0s", 0)])
def test_a_bake_that_was_short_already_is_not_made_next_to_nothing(asked: str, baked: float) -> None:
    assert urgency.bake_seconds(a_spec(urgency="Expedited", analysis={"bakeTime": asked})) == baked


def test_a_start_weight_that_was_asked_for_is_kept() -> None:
    assert hasty("Expedited", startWeight=5).phase(Phase.ANALYZING).remembered.weight == 5


def test_break_glass_bakes_at_once_and_is_to_be_acknowledged() -> None:
    world = hasty("BreakGlass").phase(Phase.BAKING, seconds=120)
    assert world.remembered.weight == 95
    assert condition(world, "FollowUpRequired") == "True BreakGlass"
    assert [entry.reason for entry in world.announced].count("BreakGlass") == 1
    world.phase(Phase.PROMOTED)
    assert condition(world, "FollowUpRequired") == "True BreakGlass"
    world.request = "acknowledge:1"
    world.look()
    assert condition(world, "FollowUpRequired") is None
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Accepted"


@pytest.mark.parametrize("mode", ["Standard", "Expedited", "BreakGlass"])
def test_a_broken_glass_is_still_to_be_acknowledged_after_another_attempt(mode: str) -> None:
    world = hasty("BreakGlass")
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK)
    assert condition(world, "FollowUpRequired") == "True BreakGlass"
    world.asked = a_spec(urgency=mode, incident=INCIDENT)
    world.patched.template, world.patched.errors, world.request = "v3", 0.001, "retry:1"
    for phase in (Phase.PENDING, Phase.PROMOTED):
        world.phase(phase)
        assert condition(world, "FollowUpRequired") == "True BreakGlass"
    world.request = "acknowledge:2"
    world.look()
    assert condition(world, "FollowUpRequired") is None


def test_what_was_acknowledged_between_two_attempts_is_not_to_be_acknowledged_again() -> None:
    world = hasty("BreakGlass")
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK)
    world.request = "acknowledge:1"
    world.look()
    world.asked = a_spec(incident=INCIDENT)
    world.patched.template, world.patched.errors, world.request = "v3", 0.001, "retry:2"
    world.phase(Phase.PROMOTED)
    assert condition(world, "FollowUpRequired") is None


def test_nothing_is_acknowledged_that_waits_for_nothing() -> None:
    world = ready_world().phase(Phase.PROMOTED)
    world.request = "acknowledge:1"
    world.look()
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Refused"


def test_behind_the_broken_glass_every_guard_is_armed() -> None:
    world = hasty("BreakGlass")
    world.patched.errors = 0.5
    world.phase(Phase.ROLLED_BACK, seconds=300)
    assert world.remembered.why == "PatchedWorse"


def test_haste_does_not_pass_over_pods_or_metrics() -> None:
    world = hasty("BreakGlass", patched={"replicas": "Own"})
    world.patched.replicas = 1
    world.held("InsufficientCapacity", seconds=120)
    world = hasty("BreakGlass")
    world.blind = True
    world.held("MetricsUnavailable", seconds=120)
    assert world.weight == 0


def test_haste_may_be_asked_for_on_the_way() -> None:
    world = ready_world(asked=a_spec(startWeight=1)).phase(Phase.ANALYZING)
    world.asked = a_spec(startWeight=1, urgency="BreakGlass", incident=INCIDENT)
    world.phase(Phase.BAKING, seconds=30)
    assert condition(world, "FollowUpRequired") == "True BreakGlass"


# ---- a vulnerability: nothing stays on stable


def vulnerable(**more: object) -> World:
    return ready_world(asked=a_spec(control="None", incident=INCIDENT, **more))


def test_nothing_stays_on_stable_once_patched_is_not_worse() -> None:
    world = vulnerable()
    weights = set()
    while world.remembered.phase is not Phase.BAKING:
        world.rest(1)
        weights.add(round(world.weight))
    assert world.remembered.weight == 100
    assert len(weights) == 2 + (0 in weights)  # the start, and everything
    world.phase(Phase.PROMOTED, seconds=900)


def test_without_a_control_an_error_rate_that_stable_never_had_holds_and_calls_a_person() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.patched.errors = 0.2
    world.held("ErrorAlarm", seconds=120)
    world.rest(300)
    assert (world.weight, world.remembered.phase) == (100, Phase.BAKING)
    world.request = "promote:1"
    world.phase(Phase.PROMOTING, seconds=10)


def test_the_alarm_ends_with_the_errors() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.patched.errors = 0.2
    world.held("ErrorAlarm", seconds=120)
    world.patched.errors = 0.001
    world.phase(Phase.PROMOTED, seconds=900)
    assert world.reasons.count("ErrorAlarm") == 1


def test_pods_that_cannot_serve_take_everything_back_without_a_control_too() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.patched.crash_looping = 2
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert (world.remembered.why, world.weight) == ("PatchedLost", 0)


def test_a_patch_that_is_worse_at_the_start_gets_no_more() -> None:
    world = vulnerable()
    world.patched.errors = 0.5
    world.phase(Phase.ROLLED_BACK)
    raised = [entry.what for entry in world.remembered.decisions if entry.what.startswith("weight")]
    assert (len(raised), raised[-1], world.remembered.why) == (2, "weight 0", "PatchedWorse")


def test_what_cannot_be_seen_is_not_baked() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.blind = True
    world.rest(200)
    assert (world.remembered.phase, world.remembered.held) == (Phase.BAKING, "MetricsUnavailable")


def test_break_glass_with_a_vulnerability_ends_without_a_control() -> None:
    world = ready_world(asked=a_spec(control="None", urgency="BreakGlass", incident=INCIDENT)).phase(Phase.BAKING)
    world.run(lambda w: w.weight == 100, seconds=200)
    assert world.remembered.phase is Phase.BAKING


def test_a_stable_that_changes_while_it_has_nothing_does_not_stop_the_bake() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.stable.template = "v9"
    world.rest(3)
    assert (world.remembered.phase, world.weight) == (Phase.BAKING, 100)
    world.patched.errors = 0.3
    world.held("ErrorAlarm", seconds=120)


def test_a_control_that_is_wanted_again_too_late_changes_nothing() -> None:
    world = vulnerable().phase(Phase.BAKING)
    world.asked = a_spec(incident=INCIDENT)
    world.phase(Phase.PROMOTED, seconds=900)
    assert world.reasons[world.reasons.index("EvidenceSufficient") + 1] == "Promoting"


def test_a_patched_that_answers_nothing_without_a_control_is_told() -> None:
    world = vulnerable(analysis={"bakeTime": "10m"}).phase(Phase.BAKING)
    world.patched.hangs = True
    world.held("NoTraffic", seconds=120)
    assert (world.remembered.phase, world.weight) == (Phase.BAKING, 100)


def test_a_vulnerable_stable_may_be_scaled_to_nothing() -> None:
    world = vulnerable(promotion={"mode": "KeepPatched"}).phase(Phase.BAKING)
    world.stable.replicas = 0
    world.phase(Phase.PROMOTED, seconds=900)
    assert (world.weight, "StableLost" in world.reasons) == (100, False)


def test_the_alarm_is_passed_over_at_once_by_a_person() -> None:
    world = vulnerable(analysis={"bakeTime": "30m"}).phase(Phase.BAKING)
    world.patched.errors = 0.2
    world.held("ErrorAlarm", seconds=120)
    world.request = "promote:1"
    world.phase(Phase.PROMOTING, seconds=10)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Accepted"


def test_a_promotion_that_a_person_asked_for_keeps_a_control_until_patched_is_not_worse() -> None:
    world = vulnerable(startWeight=1)
    world.rate = 10
    world.phase(Phase.ANALYZING).rest(8)
    world.request = "promote:1"
    world.phase(Phase.BAKING, seconds=60)
    assert world.remembered.weight < 100


def test_the_policy_for_silent_metrics_holds_without_a_control_too() -> None:
    world = vulnerable(analysis={"onMetricsUnavailable": "Rollback", "metricsGrace": "30s"}).phase(Phase.BAKING)
    world.blind = True
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert (world.remembered.why, world.weight) == ("BlindTooLong", 0)


@pytest.mark.parametrize("mode", ["BreakGlass", "Standard"])
def test_a_bake_of_few_requests_does_not_promote_what_is_seen_to_fail(mode: str) -> None:
    world = ready_world(asked=a_spec(urgency=mode, incident=INCIDENT, analysis={"bakeTime": "5s"}), rate=0.8)
    world.patched.errors = 1.0
    if mode == "Standard":
        world.phase(Phase.ANALYZING).request = "promote:1"
    world.phase(Phase.BAKING, seconds=300)
    world.run(lambda w: w.remembered.bake_seconds >= 5)
    world.rest(1)
    assert (world.remembered.phase, "no longer fails more" in (world.remembered.next or "")) == (Phase.BAKING, True)
    world.phase(Phase.ROLLED_BACK, seconds=600)
    assert world.stable.template == "v1"


@pytest.mark.parametrize("bake", ["0s", "5s"])
def test_without_evidence_nothing_is_promoted_before_some_requests_were_counted(bake: str) -> None:
    world = ready_world(asked=a_spec(urgency="BreakGlass", incident=INCIDENT, analysis={"bakeTime": bake}))
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK, seconds=120)
    assert (world.remembered.why, world.stable.template) == ("PatchedWorse", "v1")
