"""What one look of an analysis keeps, says and begins anew."""

import re
from dataclasses import replace

import pytest

from hotfix.core import analysing, machine
from hotfix.core.judgement import Evidence, Findings
from hotfix.core.status import Phase
from hotfix.core.terms import MINIMUM_BLOCKS

from .world import World, a_spec, ready_world


def test_before_any_proof_no_weight_is_called_proven() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(3)
    assert (world.weight, world.remembered.proven_weight) == (5, None)
    assert world.remembered.step == f"{sum(step <= 5 for step in world.asked.steps)}/{len(world.asked.steps)}"


def test_it_says_when_a_decision_is_expected() -> None:
    world = ready_world(rate=20.0).phase(Phase.ANALYZING).rest(30)
    assert world.remembered.message.startswith("Patched gets")
    assert (world.remembered.next or "").startswith("decision expected")


def test_a_bake_begins_with_nothing_baked_and_the_last_step() -> None:
    world = ready_world().phase(Phase.BAKING)
    steps = len(world.asked.steps)
    assert (world.remembered.bake_seconds, world.remembered.baked_until, world.remembered.step) == (0, None, f"{steps}/{steps}")
    assert world.remembered.decisions[-1].message


def test_another_patch_goes_back_to_the_start_and_is_told_so() -> None:
    world = ready_world().phase(Phase.BAKING).rest(20)
    world.patched.template = "v3"
    world.look()
    newest = world.remembered.decisions[-1]
    assert (newest.what, world.weight) == ("weight 5", 5)
    assert newest.message is not None
    assert newest.message.startswith("The pod spec of checkout-hotfix changed; evidence from zero at 5 %.")


def lowered(trouble: str) -> World:
    """Baking at 95 % until counts were missing for a minute."""
    asked = a_spec(analysis={"metricsGrace": "1m", "onMetricsUnavailable": "LastProven"})
    world = ready_world(asked=asked).phase(Phase.BAKING).rest(30)
    assert world.remembered.bake_seconds
    match trouble:
        case "silent":
            world.blind = True
        case "unfit":
            world.problem = ("CountersUnfit", "The counters fall.")
        case "stopped":
            world.patched.scraped_every = 0
    return world.run(lambda w: w.weight < 95, seconds=120)


@pytest.mark.parametrize(
    ("trouble", "why"),
    [("silent", "Prometheus does not answer"), ("unfit", "The counters fall"), ("stopped", "no fresh samples")],
)
def test_without_counts_for_too_long_it_is_analysed_again_at_the_weight_that_was_proven(trouble: str, why: str) -> None:
    world = lowered(trouble)
    known = world.remembered
    assert (known.phase, known.weight, known.proven_weight) == (Phase.ANALYZING, 50, 50)
    assert (known.bake_seconds, known.baked_until, known.stopped_seconds, known.request_rate) == (0, None, 0, None)
    assert known.message.startswith("No usable metrics for 1m")
    assert known.message.endswith(f": {why}.")
    assert known.held == "MetricsUnavailable"


@pytest.mark.parametrize(("deadline", "paused", "late"), [(58, 0, False), (65, 0, True), (85, 30, False), (95, 30, True)])
def test_a_pause_does_not_count_towards_the_deadline(deadline: int, paused: int, late: bool) -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "1m"}), rate=1.0).phase(Phase.ANALYZING)
    began = world.now
    if paused:
        world.request = "pause:1"
        world.rest(paused)
        world.request = "resume:1"
    world.rest(deadline - (world.now - began))
    assert (world.remembered.held == "Inconclusive") is late


def test_when_one_image_is_left_on_each_side_it_begins_from_zero_and_forgets_no_other_clock() -> None:
    world = ready_world().phase(Phase.ANALYZING).rest(20)
    world.patched.image_ids = (("v2@1",), ("v2@2",))
    world.rest(20)
    assert world.remembered.held == "SeveralVersions"
    clocks = set(world.remembered.since)
    world.patched.image_ids = ()
    world.run(lambda w: "SeveralVersions" not in w.remembered.since, seconds=30)
    newest = world.remembered.decisions[-1]
    assert (newest.what, newest.reason) == ("evidence from zero", "SeveralVersions")
    assert set(world.remembered.since) == clocks - {"SeveralVersions"} != set()


def findings(against: float) -> Findings:
    """With this share of the evidence that a rollback asks for, against patched."""
    none = Evidence(log_now=0.0, log_max=0.0, log_threshold=4.0)
    return Findings(worse=replace(none, log_max=4.0 * against), not_worse=none)


@pytest.mark.parametrize(
    ("against", "blocks", "harmless"),
    [(0.5, MINIMUM_BLOCKS, True), (0.51, MINIMUM_BLOCKS, False), (1.9, MINIMUM_BLOCKS, False), (0.0, MINIMUM_BLOCKS - 1, False)],
)
def test_a_deadline_promotes_only_what_nothing_speaks_against(against: float, blocks: int, harmless: bool) -> None:
    judged = machine._with_judgement(ready_world().phase(Phase.ANALYZING).rest(20).shown()).judgement
    assert judged is not None
    assert analysing._harmless(replace(judged, blocks=blocks, findings=findings(against))) is harmless


def undecided(*, blind: bool = False) -> str:
    """What is said at the deadline where both sides fail alike and a tenth of a percent matters."""
    asked = a_spec(analysis={"deadline": "1m", "maxErrorRateIncrease": "0.1%"})
    world = ready_world(asked=asked, rate=100.0)
    world.stable.errors = world.patched.errors = 0.01
    world.phase(Phase.ANALYZING).rest(30)
    world.blind = blind
    world.run(lambda w: w.remembered.held == "Inconclusive", seconds=60)
    assert world.remembered.next == f"held at {world.weight:.0f} %; rollback rules stay armed"
    return next(entry.message for entry in world.remembered.decisions if entry.reason == "Inconclusive") or ""


def test_a_deadline_says_what_is_proven_and_what_it_is_held_for() -> None:
    assert re.fullmatch(r"Undecided after 1m\d?s?; proven so far: patched at most \+\d+ pp worse\.", undecided())
    assert re.fullmatch(
        r"Undecided after 1m\d?s?; proven so far: nothing yet\. Prometheus does not answer\..*", undecided(blind=True)
    )
