"""A patch that hangs where nobody counts the requests that begin, and all that looks like one and is none."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hotfix.core.counting import Block
from hotfix.core.silence import silence
from hotfix.core.status import Phase, Stage

from .made import INTERVAL, START, block
from .world import World, a_spec, ready_world

NEVER_PROVEN = a_spec(fix={"errors": "errors_of_a_bug_that_nobody_has"})


def unsaid(**more: object) -> World:
    """A world whose data plane counts requests only when they end."""
    return ready_world(starts_counted=False, **more)


def alive(world: World, seconds: float) -> World:
    """Looks go on for so long; what is rolled back meanwhile is a mistake."""
    world.rest(seconds)
    assert world.remembered.phase not in (Phase.ROLLING_BACK, Phase.ROLLED_BACK), world.story()
    return world


# ---- stories of hangs


def test_a_hang_in_the_bake_is_rolled_back_within_five_scrapes() -> None:
    world = unsaid().phase(Phase.BAKING).rest(40)
    assert world.weight == 95
    world.patched.hangs, begun = True, world.now
    world.phase(Phase.ROLLING_BACK, seconds=60)
    assert world.now - begun <= 5 * INTERVAL
    assert world.weight == 0
    assert world.remembered.why == "PatchedNotAnswering"
    # the scrape in which it began to hang is still one that was answered
    assert 90 < float(world.remembered.message.split("where it was ")[1].rstrip(".")) <= 100


def test_a_hang_that_begins_with_the_weight_of_the_bake_is_rolled_back() -> None:
    world = unsaid().run(lambda w: w.remembered.weight == 50)
    assert float(world.remembered.request_rate or 0) == pytest.approx(100, rel=0.01)
    world.rate = 300.0
    world.phase(Phase.BAKING)
    assert float(world.remembered.request_rate or 0) > 120
    world.patched.hangs = True
    world.phase(Phase.ROLLING_BACK, seconds=60)
    assert world.remembered.why == "PatchedNotAnswering"


def test_a_hang_that_begins_while_a_raise_is_slowly_acknowledged_is_rolled_back() -> None:
    world = unsaid(ack_seconds=0.5).run(lambda w: w.remembered.weight == 50).rest(12)
    world.ack_seconds = 70.0
    world.phase(Phase.BAKING, seconds=120)
    world.patched.hangs = True
    world.phase(Phase.ROLLING_BACK, seconds=150)
    assert world.remembered.why == "PatchedNotAnswering"


def test_a_hang_at_half_of_the_traffic_is_rolled_back_while_analyzing() -> None:
    world = unsaid(asked=NEVER_PROVEN).run(lambda w: w.remembered.weight == 50).rest(40)
    assert world.remembered.phase is Phase.ANALYZING
    world.patched.hangs = True
    world.phase(Phase.ROLLING_BACK, seconds=60)
    assert world.remembered.why == "PatchedNotAnswering"


def test_a_patch_that_ends_a_tenth_of_its_requests_hangs_too() -> None:
    world = unsaid().phase(Phase.BAKING).rest(40)
    world.patched.hangs, world.patched.answers = True, 0.1
    world.phase(Phase.ROLLING_BACK, seconds=60)
    assert world.remembered.why == "PatchedNotAnswering"


def test_a_hang_of_a_quiet_service_is_rolled_back_when_enough_is_missing() -> None:
    world = unsaid(rate=2.0, asked=a_spec(analysis={"maxErrorRateIncrease": "5%", "bakeTime": "1h"}))
    world.stable.errors = 0.2
    world.phase(Phase.BAKING, seconds=3000).rest(120)
    assert world.weight == 80
    world.patched.hangs = True
    world.phase(Phase.ROLLING_BACK, seconds=300)
    assert world.remembered.why == "PatchedNotAnswering"


def test_a_hang_of_stable_with_the_fix_gives_everything_back_to_patched() -> None:
    world = unsaid().run(lambda w: w.remembered.stage is Stage.RETURNING and w.remembered.weight == 50).rest(1)
    world.stable.hangs = True
    world.stage(Stage.RETURN_FAILED, seconds=60)
    assert world.weight == 100
    assert "does not answer any more" in world.remembered.decisions[-1].message


@pytest.mark.parametrize("rate", [100.0, 4.0])
def test_a_hang_from_the_start_is_held_at_the_first_weight_with_its_likely_cause(rate: float) -> None:
    world = unsaid(rate=rate)
    world.patched.hangs = True
    world.phase(Phase.ANALYZING)
    weight = world.weight
    world.run(lambda w: w.remembered.held in ("WeightNotEffective", "NoTraffic"), seconds=120)
    assert "not answer" in world.remembered.message
    assert "kubectl logs deploy/checkout-hotfix" in world.remembered.message
    assert alive(world, 200).weight == weight <= 25


def test_a_patch_that_completes_more_than_its_share_is_not_suspected_to_hang() -> None:
    world = unsaid(asked=a_spec(steps=[5], fix={"errors": "errors_of_a_bug_that_nobody_has"}), by_pass=-2.0)
    world.held("WeightNotEffective", seconds=60)
    assert "should complete 5 % of the requests but completes 15.0 %; look for other routes" in world.remembered.message
    assert "does not answer" not in world.remembered.message


# ---- stories of what is none


def by_passed(world: World) -> None:
    world.by_pass = 1.0


def mostly_by_passed(world: World) -> None:
    world.by_pass = 0.8


def not_scraped(world: World) -> None:
    world.patched.scraped_every = 0.0


def stopped(world: World) -> None:
    world.rate = 0.0


def nearly_stopped(world: World) -> None:
    world.rate = 10.0


INNOCENT = (by_passed, mostly_by_passed, not_scraped, stopped, nearly_stopped)


@pytest.mark.parametrize("happens", INNOCENT)
@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.BAKING])
def test_what_is_no_hang_is_never_taken_for_one(happens: Callable[[World], None], phase: Phase) -> None:
    world = unsaid(asked=a_spec(analysis={"bakeTime": "4h"}) if phase is Phase.BAKING else NEVER_PROVEN)
    world.run(lambda w: w.weight >= (90 if phase is Phase.BAKING else 50)).rest(40)
    happens(world)
    alive(world, 320)
    # without samples for longer than metricsGrace it goes back to what was proven
    assert world.remembered.phase is (Phase.ANALYZING if happens is not_scraped else phase)
    assert world.weight >= 50
    world.rate *= 0.3  # night falls
    alive(world, 100)


def test_requests_of_the_route_that_end_while_others_by_pass_it_are_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = World.routes
    monkeypatch.setattr(World, "routes", lambda self: replace(routes(self), bypasses=("Ingress old",)))
    world = unsaid(asked=a_spec(analysis={"bakeTime": "4h"})).phase(Phase.BAKING).rest(40)
    world.rate, world.by_pass = 5.0, 1.0
    alive(world, 200)
    assert "and checkout-hotfix none" in world.remembered.message


def test_weights_that_somebody_edited_tell_nothing_of_a_hang() -> None:
    world = unsaid(asked=a_spec(analysis={"bakeTime": "4h"})).phase(Phase.BAKING).rest(40)
    world.weights, world.ours, world.manager, world.rate = (100, 0), False, "kubectl-edit", 40.0
    assert alive(world, 100).remembered.held == "WeightsEdited"


# ---- the rule


def many(number: int, patched: int, stable: int, at: int = 0) -> list[Block]:
    """So many blocks of the same requests, from the at-th on."""
    return [block((patched, 0), (stable, 0), at=at + place) for place in range(number)]


ANSWERED = many(12, 475, 25)


def said(then: list[Block], *, before: list[Block] = ANSWERED, share: float = 0.95, rate: float | None = None) -> bool:
    """Patched is said to be silent in `then`, having had `before` at this weight."""
    return silence([*before, *then], [*before, *then], share, rate) is not None


def test_what_is_missing_is_told_with_its_numbers() -> None:
    found = silence([*ANSWERED, *many(4, 0, 25, 12)], [*ANSWERED, *many(4, 0, 25, 12)], 0.95, None)
    assert found is not None
    assert (found.blocks, found.rate, found.rate_before) == (4, 5.0, 100.0)


@pytest.mark.parametrize(
    ("then", "is_silent"),
    [
        (many(3, 0, 25, 12), True),
        (many(2, 0, 25, 12), False),
        (many(3, 0, 500, 12), False),  # all of it goes to stable
        (many(3, 0, 240, 12), True),  # half of it is missing: as much as by the least hang
        (many(3, 0, 270, 12), False),
        (many(3, 230, 25, 12), True),  # answers less than half
        (many(3, 245, 25, 12), False),
        (many(3, 0, 0, 12), False),  # nobody asks
        ([*many(2, 0, 25, 12), *many(1, 475, 25, 14), *many(2, 0, 25, 15)], False),
        ([*many(2, 0, 25, 12), *many(3, 0, 0, 14), *many(1, 0, 25, 17)], True),  # scrapes that were late do not end it
        (many(80, 0, 25, 12), True),
        ([*many(60, 0, 500, 12), *many(90, 0, 25, 72)], False),  # too late: traffic fell
    ],
)
def test_a_side_is_silent_when_its_share_is_missing(then: list[Block], is_silent: bool) -> None:
    assert said(then) is is_silent


def test_a_side_that_never_answered_or_answered_once_is_not_said_to_be_silent() -> None:
    silent = many(5, 0, 25, 12)
    assert not said(silent, before=[], rate=100.0)
    assert not said(silent, before=[*many(11, 0, 25), *many(1, 475, 25, 11)])


def test_without_blocks_at_this_weight_the_rate_on_which_it_was_raised_counts() -> None:
    lower, now = many(12, 250, 250), many(3, 0, 25, 12)
    assert silence([*lower, *now], now, 0.95, 100.0)
    assert silence([*lower, *now], now, 0.95, 8.0) is None
    assert silence([*lower, *now], now, 0.95, None) is None


def test_below_half_of_the_traffic_nothing_is_said() -> None:
    before, then = many(12, 245, 255), many(3, 0, 255, 12)
    assert said(then, before=before, share=0.5)
    assert not said(then, before=before, share=0.49)


def test_where_begun_requests_are_counted_nothing_is_said() -> None:
    counted = [replace(one, patched=replace(one.patched, started=475)) for one in ANSWERED]
    assert not said(many(3, 0, 25, 12), before=counted)
    uncounted = [replace(one, patched=replace(one.patched, started=0)) for one in ANSWERED]
    assert said(many(3, 0, 25, 12), before=uncounted), "a query that finds no series counts nothing"


def test_counters_that_are_not_sampled_say_nothing() -> None:
    then = [replace(one, patched=replace(one.patched, sampled=False)) for one in many(5, 0, 25, 12)]
    assert not said(then)


def test_three_scrapes_are_those_of_the_silent_side() -> None:
    sparse = [block((1900 if place % 4 == 3 else 0, 0), (25, 0), at=place) for place in range(12)]
    assert not said(many(11, 0, 25, 12), before=sparse)
    assert said(many(12, 0, 25, 12), before=sparse)


def test_chance_alone_is_never_silence() -> None:
    few = many(12, 4, 1)
    assert not said(many(3, 0, 1, 12), before=few, share=0.8)
    assert said(many(7, 0, 1, 12), before=few, share=0.8)
    assert not said(many(3, 0, 1, 12), before=many(12, 50, 50), share=0.5), "three requests are on one side by chance"
    assert not said(many(7, 0, 1, 2), before=many(2, 4, 1), share=0.8), "two blocks tell too little of the rate before"


def test_the_rate_before_is_that_of_the_newest_minute() -> None:
    grown = [*many(12, 47, 3), *many(12, 475, 25, 12)]
    found = silence([*grown, *many(3, 0, 25, 24)], [*grown, *many(3, 0, 25, 24)], 0.95, None)
    assert found is not None
    assert found.rate_before == 100.0
    long = [Block(START + 60.0 * k, START + 60.0 * (k + 1), one.patched, one.stable) for k, one in enumerate(grown[10:])]
    quiet = [Block(START + 60.0 * k, START + 60.0 * (k + 1), one.patched, one.stable) for k, one in enumerate(many(3, 0, 25), 14)]
    assert silence([*long, *quiet], [*long, *quiet], 0.95, None) is not None
