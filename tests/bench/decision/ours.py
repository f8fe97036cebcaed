"""One rollout in a world, decided by the production core: the baseline and first weight by core/starting.py, then look after look
core/judging.py and core/analysing.py on the status they remember, with the manifest's defaults.

Left out is what the counts of such a rollout do not need: plan, conditions, sentences for people, and adding up series into
blocks (the blocks are drawn as such). A test holds this path against machine.decide, decision by decision. The cluster is that of
tests/core/world.py: weights are in force when written and acknowledged half a second later, pods are all ready.

A history is shared by ten rollouts in a row: reading an hour of it costs as much as the whole rollout after it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy

from hotfix.core import analysing, moments, starting, terms
from hotfix.core.counting import Block, Count
from hotfix.core.judging import judge
from hotfix.core.look import Look
from hotfix.core.looking import LOOK_SECONDS, SOON_SECONDS, judging_lag, seconds_to_look
from hotfix.core.observation import MetricsView, Observation, RoutesView, Series, SideSeries
from hotfix.core.reasons import Reason
from hotfix.core.spec import Spec
from hotfix.core.status import Phase, Stage, Status
from hotfix.core.terms import MINIMUM_BLOCKS, MINIMUM_SECONDS
from tests.core import world as cluster

from .runs import NEARLY_ALL, PROMOTED, ROLLED_BACK, UNDECIDED, Run, Tally
from .worlds import PODS, Drawn, Draws, World

START = 1_800_000_000.0  # a multiple of every scrape interval used here
HISTORY_SECONDS = 3600.0
SHARING = 10  # rollouts in a row with one history
HISTORY_SEED = 2_000_003
BUCKETS = (("0.05", 0.05, 900.0), ("0.1", 0.1, 960.0), ("0.25", 0.25, 980.0), ("+Inf", float("inf"), 1000.0))
ENDS = {Phase.ROLLING_BACK: ROLLED_BACK, Phase.PROMOTING: PROMOTED}


@dataclass(frozen=True)
class Moment:
    """After one look: seconds since the first block began, the phase, and the weight in percent."""

    seconds: float
    phase: Phase
    weight: int


def spec_of(world: World, start: int | None, deadline: float) -> Spec:
    """The manifest: its defaults, `fix` where the world has a bug, and what a cell sets. Seconds."""
    more: dict[str, object] = {"analysis": {"deadline": f"{deadline:.0f}s", "bakeTime": "10m"}}
    if start is not None:
        more["startWeight"] = start
    if world.target is not None:
        more["fix"] = {"errors": 'errors_total{pod=~"$(pods)"}'}
    return cluster.a_spec(**more)


def ready(spec: Spec, interval: float) -> tuple[Status, Observation]:
    """The status right before the first weight, and what a look sees then."""
    sides = (cluster.Side("checkout", "v1", replicas=PODS), cluster.Side("checkout-hotfix", "v2", replicas=PODS))
    around = cluster.ready_world(asked=spec, buckets=BUCKETS, stable=sides[0], patched=sides[1])
    around.stage(Stage.ADOPTING)
    while around.remembered.acknowledged_at is None:
        around.look()
        around.advance(1.0)
    status = around.remembered
    assert status.baseline is not None
    blocks = max(2, round(analysing.seconds(spec.analysis.deadline) / interval))
    known = status.baseline.model_copy(update={"interval_seconds": round(interval), "late_blocks": blocks})
    return status.model_copy(update={"baseline": known}), around.observe()


def history(world: World, seed: int) -> MetricsView:
    """An hour of stable before the start, counted by each process. Slow requests over 0.1 s."""
    scrapes = round(HISTORY_SECONDS / world.scrape_seconds)
    cells = Draws(world, HISTORY_SEED + seed).cells(0.0, scrapes)
    axis = 1 if world.proxies else 2
    totals = [numpy.cumsum(found[:, 1].sum(axis=axis), axis=0) for found in cells]
    process = "proxy" if world.proxies else "checkout-5f6c8-x2b4"
    moments_ = [START - HISTORY_SECONDS + (place + 1) * world.scrape_seconds for place in range(scrapes)]

    def series(column: int) -> tuple[Series, ...]:
        return tuple(
            Series(f"{process}-{number}|{column}", tuple(zip(moments_, values.astype(float).tolist(), strict=True)))
            for number, values in enumerate(totals[column].T)
        )

    stable = SideSeries(
        requests=series(0),
        errors=series(1),
        target=series(2) if world.target else None,
        client_errors=series(3),
        slow=series(4),
    )
    nothing = SideSeries(requests=(), errors=(), client_errors=(), slow=(), target=() if world.target else None)
    return MetricsView(
        start=START - HISTORY_SECONDS,
        end=START,
        interval_seconds=world.scrape_seconds,
        patched=nothing,
        stable=stable,
        buckets=BUCKETS,
    )


@lru_cache(maxsize=16)
def begun(world: World, start: int | None, deadline: float, seed: int) -> tuple[Spec, Status, Observation]:
    """The manifest, the status with its first weight as learnt from that history, and what a look sees."""
    spec = spec_of(world, start, deadline)
    status, seen = ready(spec, world.scrape_seconds)
    past = history(world, seed)
    seen = replace(seen, now=START, metrics=past)
    while status.stage is Stage.ADOPTING:
        status = starting.begin(Look(spec, status, seen))
        if status.stage is Stage.ADOPTING and status.held:
            raise AssertionError(f"the rollout does not begin: {status.held}: {status.message}")
    return spec, status, replace(seen, metrics=replace(past, stable=past.patched))


def count(drawn: Drawn, *, aimed: bool) -> Count:
    """One side's block."""
    return Count(
        drawn.requests,
        drawn.bad,
        drawn.processes,
        client_errors=drawn.client_errors,
        target=drawn.target if aimed else None,
        slow=drawn.slow,
    )


def served(view: RoutesView | None, weight: int) -> RoutesView | None:
    """Every route with this percent for patched."""
    routes = view.routes if view else ()
    split = [
        replace(route, rules=tuple(replace(rule, stable=100 - weight, patched=weight) for rule in route.rules))
        for route in routes
    ]
    return replace(view, routes=tuple(split)) if view else None


class Rollout:
    """Looks at one rollout in a world. `began`: seconds from the begin of the first block to the first weight, at random within
    the scrape where not given."""

    def __init__(self, world: World, seed: int, *, start: int | None, deadline: float, began: float | None = None) -> None:
        self.world = world
        self.spec, status, self.seen = begun(world, start, deadline, seed // SHARING)
        self.began = random.Random(seed).uniform(0.5, world.scrape_seconds - 0.5) if began is None else began
        moment = moments.rfc3339(START + self.began)
        clocks = {"started_at": moment, "evidence_from": moment, "phase_started_at": moment, "stage_started_at": moment}
        self.status = self._acknowledged(status.model_copy(update=clocks), self.began)
        self.draws, self.tally, self.blocks = Draws(world, seed), Tally(world), list[Block]()
        self.seen = replace(self.seen, routes=served(self.seen.routes, self._weight))
        self._share = self._weight * (1 - self.began / world.scrape_seconds)  # mean of the block that is being counted
        self.reached: float | None = None

    @property
    def _weight(self) -> int:
        return self.status.weight or 0

    @staticmethod
    def _acknowledged(status: Status, now: float) -> Status:
        """With the weight applied, as the look half a second after the write sees it."""
        moment = moments.rfc3339(START + now + SOON_SECONDS)
        return status.model_copy(update={"acknowledged_weight": status.weight, "acknowledged_at": moment})

    def looks(self) -> Iterator[Moment]:
        """Every look that may decide: when a block is first judged, and when only the shortest time to the bake is awaited."""
        number, interval, now = 0, self.world.scrape_seconds, 0.0
        least, lag = max(MINIMUM_SECONDS, MINIMUM_BLOCKS * interval) + self.began, judging_lag(interval)
        while True:
            now += seconds_to_look(now, interval)
            while (number + 1) * interval <= now:
                self._scrape(number)
                number += 1
            judged = lag <= now - number * interval < lag + LOOK_SECONDS
            if now > self.began and (judged or least <= now < least + LOOK_SECONDS):
                yield self._look(now)

    def _look(self, now: float) -> Moment:
        before = self.status
        seen = replace(self.seen, now=START + now)
        look = Look(self.spec, before, seen)
        judgement = judge(terms.terms_of(look), self.blocks[: self._judged(now)])
        self.status = analysing.shifting(Look(self.spec, before, seen, judgement))
        if self.status.weight != before.weight and self.status.phase in (Phase.ANALYZING, Phase.BAKING):
            self._moved(before.weight or 0, now)
        return Moment(now, self.status.phase or Phase.PENDING, self._weight)

    def _judged(self, now: float) -> int:
        """How many blocks are judged by then."""
        interval = self.world.scrape_seconds
        return max(0, int((now - judging_lag(interval)) // interval))

    def _moved(self, before: int, now: float) -> None:
        """Another weight is in force from now on."""
        left = 1 - now % self.world.scrape_seconds / self.world.scrape_seconds
        self._share += (self._weight - before) * left
        self.status = self._acknowledged(self.status, now)
        self.seen = replace(self.seen, routes=served(self.seen.routes, self._weight))
        if self.reached is None and self._weight >= NEARLY_ALL:
            self.reached = now - self.began

    def _scrape(self, number: int) -> None:
        patched, stable = self.draws.scrape(self._share)
        aimed, interval, begin = self.world.target is not None, self.world.scrape_seconds, START
        begin += number * interval
        self.blocks.append(Block(begin, begin + interval, count(patched, aimed=aimed), count(stable, aimed=aimed)))
        self.tally.add(patched, stable)
        self._share = float(self._weight)

    def end(self, now: float) -> Run | None:
        """How it ended at this look; None while it goes on."""
        end = ENDS.get(self.status.phase or Phase.PENDING)
        if end is None and self.status.held == Reason.INCONCLUSIVE:
            end = UNDECIDED
        return self.tally.ended(end, now - self.began, self.reached, self._weight) if end else None


def run(world: World, seed: int, *, start: int | None = None, deadline: float = 3600.0) -> Run:
    """One rollout; `start` is the first weight, the planner's where None. Seconds."""
    rollout = Rollout(world, seed, start=start, deadline=deadline)
    for moment in rollout.looks():
        ended = rollout.end(moment.seconds)
        if ended:
            return ended
    raise AssertionError("looks never end")
