"""The Verdict column tells the truth: the counts' word, and the word that stands above it."""

from collections.abc import Callable

import pytest

from hotfix.core import moments
from hotfix.core.status import Phase, Stage, Verdict

from .world import World, a_spec, ready_world

KEEPS_BAKING = a_spec(analysis={"bakeTime": "4h"})


def verdict(world: World) -> Verdict:
    """What is shown."""
    assert world.remembered.verdict is not None
    return world.remembered.verdict


def analyzing() -> World:
    return ready_world().phase(Phase.ANALYZING).rest(16)


def baking(**more: object) -> World:
    return ready_world(asked=KEEPS_BAKING, **more).phase(Phase.BAKING).rest(20)


def rolled_back(break_it: Callable[[World], None], **more: object) -> World:
    world = baking(**more)
    assert verdict(world).state == "NotWorse"
    break_it(world)
    return world.phase(Phase.ROLLED_BACK, seconds=400)


def fails(world: World) -> None:
    world.patched.errors = 1.0


def hangs(world: World) -> None:
    world.patched.hangs = True


def refuses(world: World) -> None:
    world.patched.client_errors = 0.9


def loses_its_pods(world: World) -> None:
    world.patched.ready = 0
    world.rate = 0.0


def is_scaled_to_zero(world: World) -> None:
    world.patched.replicas = 0


@pytest.mark.parametrize(
    ("break_it", "state"),
    [
        (fails, "Worse"),
        (hangs, "PatchedNotAnswering"),
        (refuses, "ClientErrors"),
        (loses_its_pods, "PatchedLost"),
        (is_scaled_to_zero, "PatchedLost"),
    ],
)
def test_after_a_rollback_it_says_what_it_was_rolled_back_for(break_it: Callable[[World], None], state: str) -> None:
    world = rolled_back(break_it)
    assert verdict(world).state == state
    assert verdict(world).stable != ""
    assert verdict(world).at is not None


def test_a_hang_without_a_counter_of_begun_requests_is_named_too() -> None:
    assert verdict(rolled_back(hangs, starts_counted=False)).state == "PatchedNotAnswering"


def test_the_numbers_of_a_rollback_are_those_it_was_decided_on() -> None:
    world = rolled_back(fails)
    assert verdict(world).patched in (world.remembered.decisions[-2].counts or "")
    assert "fails" in world.remembered.decisions[-2].message


def test_a_patch_that_was_never_ready_is_lost_without_any_count() -> None:
    world = ready_world()
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=600)
    assert (verdict(world).state, verdict(world).patched, verdict(world).at) == ("PatchedLost", "", None)


def test_what_a_person_ends_keeps_the_word_of_the_counts() -> None:
    world = baking()
    world.deleting = True
    world.phase(Phase.ROLLED_BACK)
    assert verdict(world).state == "NotWorse"


def test_blind_for_too_long_and_the_deadline_have_their_words() -> None:
    blind = ready_world(asked=a_spec(analysis={"onMetricsUnavailable": "Rollback"})).phase(Phase.ANALYZING)
    blind.blind = True
    assert verdict(blind.phase(Phase.ROLLED_BACK, seconds=400)).state == "MetricsUnavailable"
    late = ready_world(asked=a_spec(analysis={"deadline": "30s", "onDeadline": "Rollback"})).phase(Phase.ROLLED_BACK)
    assert (late.remembered.why, verdict(late).state) == ("Deadline", "Inconclusive")


def test_while_stable_is_lost_that_is_the_verdict_and_afterwards_the_counts_speak_again() -> None:
    world = baking()
    world.stable.ready = 0
    world.held("StableLost").rest(30)
    assert verdict(world).state == "StableLost"
    world.stable.ready = None
    world.run(lambda w: w.remembered.stable_lost is None, seconds=300).rest(20)
    assert verdict(world).state == "NotWorse"


def test_stable_lost_in_a_rollback_stands_above_its_reason_until_it_is_back() -> None:
    world = ready_world(asked=a_spec(traffic={"drain": "5m"})).phase(Phase.ANALYZING)
    world.patched.errors = 1.0
    world.phase(Phase.ROLLING_BACK).rest(5)
    assert verdict(world).state == "Worse"
    world.stable.ready = 0
    world.held("StableLost")
    assert verdict(world).state == "StableLost"
    world.stable.ready = None
    world.phase(Phase.ROLLED_BACK, seconds=900)
    assert verdict(world).state == "Worse"


@pytest.mark.parametrize("problem", [None, ("CountersNotMonotone", "a counter fell")])
def test_blind_says_so_and_keeps_the_numbers_with_their_moment(problem: tuple[str, str] | None) -> None:
    world = analyzing()
    before = verdict(world)
    world.blind, world.problem = problem is None, problem
    world.rest(40)
    assert verdict(world) == before.model_copy(update={"state": "MetricsUnavailable", "at": verdict(world).at})
    assert verdict(world).at is not None
    assert world.now - moments.unix(verdict(world).at or "") >= 30
    world.blind, world.problem = False, None
    world.rest(20)
    assert verdict(world).state != "MetricsUnavailable"


def test_blind_before_anything_was_counted_is_said_as_well() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.blind = True
    world.look()
    assert (verdict(world).state, verdict(world).at) == ("MetricsUnavailable", None)


def test_the_deadline_without_a_decision_is_inconclusive() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "30s"})).held("Inconclusive", seconds=120)
    assert verdict(world).state == "Inconclusive"


def test_a_bake_without_traffic_says_so() -> None:
    world = baking()
    world.rate = 0.0
    world.held("NoTraffic", seconds=120).rest(1)
    assert verdict(world).state == "NoTraffic"


def test_numbers_are_written_every_fifteen_seconds_and_words_at_once() -> None:
    world = baking()
    shown = {(verdict(world).state, verdict(world).at)}
    for _ in range(60):
        world.advance(1)
        world.look()
        shown.add((verdict(world).state, verdict(world).at))
    assert len(shown) == 5
    world.patched.errors = 1.0
    world.phase(Phase.ROLLING_BACK)
    assert verdict(world).state == "Worse"


def test_while_traffic_returns_the_rates_stand_under_the_names_of_the_manifest() -> None:
    world = ready_world(after_promotion=lambda: 0.0).stage(Stage.RETURNING)
    world.patched.errors = 0.2
    world.run(lambda w: "(0/" in (verdict(w).stable or "") and not (verdict(w).patched or "").startswith("0 %"), seconds=60)
    assert verdict(world).proven.count("patched at most") == 0
    world.run(lambda w: w.remembered.weight == 50, seconds=60).rest(15)
    observed = float((world.remembered.observed_weight or "").removesuffix(" %"))
    assert 40 < observed < 97, "the share of patched"
    world.phase(Phase.PROMOTED, seconds=300)
