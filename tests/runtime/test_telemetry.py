"""What the operator tells of rollouts: exactly what holds now, with the moments that the status remembers."""

import itertools
from typing import Any

import pytest

from hotfix.core import moments
from hotfix.core.machine import Decision
from hotfix.core.reasons import Reason
from hotfix.core.status import Condition, DecisionRecord, Phase, StableLost, Status
from hotfix.ports import Key
from hotfix.telemetry import PASSING, Telemetry

KEY, ANOTHER = Key("shop", "fix"), Key("cafe", "fix")
BEGAN, STOOD = "2027-01-15T08:00:00.500Z", "2027-01-15T08:10:00Z"


def status(phase: Phase, **more: Any) -> Status:
    """A remembered status."""
    return Status(phase=phase, phase_started_at=BEGAN, weight=25, **more)


def ready(state: str, kind: str = "Ready") -> list[Condition]:
    """Its conditions."""
    return [Condition(type=kind, status=state, reason="Held", last_transition_time=STOOD, observed_generation=1)]


def decided(telemetry: Telemetry, saved: Status, key: Key = KEY) -> None:
    """A status was saved."""
    telemetry.decided(key, Decision(status=saved, actions=(), look_again_seconds=None))


def told(telemetry: Telemetry, name: str, key: Key = KEY) -> dict[str, float]:
    """The last label, or nothing, -> value, of a rollout's series of a metric."""
    samples = itertools.chain.from_iterable(metric.samples for metric in telemetry.registry.collect())
    return {
        ",".join(value for label, value in sample.labels.items() if label not in ("namespace", "name")): sample.value
        for sample in samples
        if sample.name == f"hotfix_rollout_{name}"
        and (sample.labels["namespace"], sample.labels["name"]) == (key.namespace, key.name)
    }


def test_a_phase_has_its_moment_and_goes_with_it() -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.ANALYZING))
    assert told(telemetry, "phase_started_timestamp_seconds") == {"Analyzing": moments.unix(BEGAN)}
    decided(telemetry, status(Phase.BAKING))
    assert set(told(telemetry, "phase_started_timestamp_seconds")) == set(told(telemetry, "phase")) == {"Baking"}
    assert told(telemetry, "weight_percent") == {"": 25}


def test_what_ended_as_rolled_back_tells_when_and_why() -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.ROLLING_BACK, why="PatchedWorse"))
    assert told(telemetry, "rolled_back_timestamp_seconds") == {}
    decided(telemetry, status(Phase.ROLLED_BACK, why="PatchedWorse"))
    assert told(telemetry, "rolled_back_timestamp_seconds") == {"PatchedWorse": moments.unix(BEGAN)}
    decided(telemetry, status(Phase.PROMOTED))
    assert told(telemetry, "rolled_back_timestamp_seconds") == {}


def test_a_stable_that_is_lost_is_told_for_as_long_as_it_is() -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.BAKING, stable_lost=StableLost(since=BEGAN, return_weight=5), held="StableLost"))
    assert told(telemetry, "stable_lost") == {"": 1}
    decided(telemetry, status(Phase.BAKING))
    assert told(telemetry, "stable_lost") == told(telemetry, "held") == {}


@pytest.mark.parametrize(
    ("conditions", "since"),
    [
        (ready("Unknown"), STOOD),
        (ready("True", "Stalled"), STOOD),
        (ready("False"), BEGAN),
    ],
)
def test_what_waits_for_a_person_tells_since_when_it_stands_still(conditions: list[Condition], since: str) -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.PROMOTING, held="PromotionFailed", conditions=conditions))
    assert told(telemetry, "waiting_since_timestamp_seconds") == {"PromotionFailed": moments.unix(since)}
    decided(telemetry, status(Phase.PROMOTING))
    assert told(telemetry, "waiting_since_timestamp_seconds") == {}


@pytest.mark.parametrize("reason", sorted(PASSING))
def test_what_ends_by_itself_waits_for_nobody(reason: Reason) -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.ANALYZING, held=str(reason), conditions=ready("Unknown")))
    assert told(telemetry, "held") == {str(reason): 1}
    assert told(telemetry, "waiting_since_timestamp_seconds") == {}


def test_the_weights_that_are_written_over_are_counted_from_the_first_look_on() -> None:
    telemetry = Telemetry()

    def with_decisions(*reasons: Reason) -> Status:
        entries = [DecisionRecord(sequence=n, time=BEGAN, what="w", reason=str(r)) for n, r in enumerate(reasons, 1)]
        return status(Phase.ANALYZING, decisions=entries)

    seen = [Reason.TRAFFIC_DRIFT_CORRECTED, Reason.TRAFFIC_SHIFTED]
    decided(telemetry, with_decisions(*seen))
    assert told(telemetry, "drift_corrections_total") == {"": 0}, "they were counted by whoever led then"
    seen += [Reason.TRAFFIC_DRIFT_CORRECTED, Reason.TRAFFIC_SHIFTED, Reason.TRAFFIC_DRIFT_CORRECTED]
    decided(telemetry, with_decisions(*seen))
    decided(telemetry, with_decisions(*seen))
    assert told(telemetry, "drift_corrections_total") == {"": 2}


def test_every_reason_is_counted_from_zero() -> None:
    samples = [sample for metric in Telemetry().registry.collect() for sample in metric.samples]
    counts = {sample.labels["reason"]: sample.value for sample in samples if sample.name == "hotfix_decisions_total"}
    assert counts == dict.fromkeys(map(str, Reason), 0.0)


def test_what_cannot_be_read_waits_for_a_person_and_what_is_in_force_is_still_told() -> None:
    telemetry = Telemetry()
    decided(telemetry, status(Phase.ANALYZING, held="NoTraffic"))
    telemetry.refused(KEY, Reason.INVALID_SPEC, 1_800_000_000.0)
    assert told(telemetry, "held") == {"InvalidSpec": 1}
    assert told(telemetry, "waiting_since_timestamp_seconds") == {"InvalidSpec": 1_800_000_000.0}
    assert told(telemetry, "weight_percent") == {"": 25}
    assert told(telemetry, "phase") == {"Analyzing": 1}
    decided(telemetry, status(Phase.ANALYZING))
    assert told(telemetry, "held") == {}
    assert told(telemetry, "waiting_since_timestamp_seconds") == {}


def test_a_manifest_that_never_could_be_read_is_told_of_and_forgotten_like_any_other() -> None:
    telemetry = Telemetry()
    telemetry.refused(KEY, Reason.INVALID_SPEC, 1_800_000_000.0)
    assert told(telemetry, "held") == {"InvalidSpec": 1}
    telemetry.forgotten(KEY)
    assert told(telemetry, "held") == {}
    assert telemetry.known() == set()


def test_nothing_is_left_of_a_rollout_that_is_gone_and_another_one_of_its_name_keeps_its_own() -> None:
    telemetry = Telemetry()
    full = status(
        Phase.ROLLED_BACK,
        held="PromotionFailed",
        why="Deadline",
        fix_reverted_at=BEGAN,
        conditions=ready("Unknown"),
        stable_lost=StableLost(since=BEGAN, return_weight=5),
    )
    for key in (KEY, ANOTHER):
        decided(telemetry, full, key)
    names = {m.name.removeprefix("hotfix_rollout_") for m in telemetry.registry.collect() if m.name.startswith("hotfix_rollout_")}
    names = {f"{name}_total" if name == "drift_corrections" else name for name in names}
    assert len(names) >= 8
    assert [name for name in names if len(told(telemetry, name)) != 1] == []
    telemetry.forgotten(KEY)
    assert [name for name in names if told(telemetry, name)] == []
    assert [name for name in names if len(told(telemetry, name, ANOTHER)) != 1] == []
    assert telemetry.known() == {ANOTHER}
