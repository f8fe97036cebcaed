"""The bench is the production decision: its path beside machine.decide in the world of the core's stories, and its own parts."""

import statistics
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import pytest

from hotfix.core.look import Look
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.start_weight import outlook
from hotfix.core.status import Phase, Stage
from hotfix.core.terms import terms_of
from tests.core import world as cluster

from .decision import ours, report, updates
from .decision.cells import Ask, cells
from .decision.intervals import Measured, median, share
from .decision.runs import PROMOTED, ROLLED_BACK, UNDECIDED, Run, Tally
from .decision.worlds import PODS, Drawn, Draws, World

COLUMNS = ("requests", "bad", "target", "client_errors", "slow")
LIVE = (Phase.ANALYZING, Phase.BAKING)


@dataclass
class Drawing(cluster.World):
    """The world of the stories, whose counters grow as a bench's world draws them, counted by one proxy a side."""

    drawn: World = field(default_factory=lambda: World(name="", rps=1.0, patched=0.0, stable=0.0))
    seed: int = 0
    draws: Draws | None = None
    first: float = 0.0  # begin of the block with the first weight
    shared: float = 0.0  # percent seconds of patched in the block that is being counted
    scraped: list[tuple[float, Drawn, Drawn]] = field(default_factory=list)

    def metrics(self) -> MetricsView | None:
        """An hour of history before the start; what was scraped since then, up to one scrape ago."""
        if self.remembered.stage is Stage.ADOPTING:
            return ours.history(self.drawn, self.seed // ours.SHARING)
        span = cluster.looking.metrics_span(self.asked, self.remembered, self.now, self.drawn.scrape_seconds)
        if span is None or self.draws is None:
            return None
        start, end, interval = span
        patched, stable = (self.side(number, end) for number in (1, 2))
        return MetricsView(start=start, end=end, interval_seconds=interval, patched=patched, stable=stable)

    def side(self, number: int, end: float) -> SideSeries:
        """Cumulative counters of a side; they stood at 0 when the block with the first weight began."""
        rows = [[0] * len(COLUMNS)] + [[getattr(entry[number], name) for name in COLUMNS] for entry in self.scraped]
        totals = numpy.cumsum(rows, axis=0)
        at = [self.first] + [moment for moment, *_ in self.scraped]

        def series(column: int) -> tuple[Series, ...]:
            return (
                Series(
                    f"proxy-0|{number}-{column}",
                    tuple((m, float(t[column])) for m, t in zip(at, totals, strict=True) if m <= end),
                ),
            )

        aimed = series(2) if self.drawn.target else None
        return SideSeries(requests=series(0), errors=series(1), target=aimed, client_errors=series(3), slow=series(4))

    def advance(self, seconds: float) -> None:
        """Time passes; every scrape takes what was drawn at the mean weight of its block."""
        end, interval = self.now + seconds, self.drawn.scrape_seconds
        while self.now < end:
            edge = (self.now // interval + 1) * interval
            until = min(edge, end)
            if self.remembered.started_at:
                self.shared += self.weight * (until - self.now)
                if self.draws is None:
                    self.draws, self.first = Draws(self.drawn, self.seed), edge - interval
            self.now = until
            if until == edge and self.draws:
                self.scraped.append((edge, *self.draws.scrape(self.shared / interval)))
                self.shared = 0.0


def decided(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch, deadline: float = 3600.0
) -> tuple[float, list[tuple[float, Phase, int]]]:
    """By machine.decide, look after look: where in its scrape it began, and (seconds since that scrape began, phase, weight) at
    every change of these."""
    monkeypatch.setattr(cluster, "INTERVAL", world.scrape_seconds)
    spec = ours.spec_of(world, None, deadline)
    sides = {
        name: cluster.Side(deployment, version, replicas=PODS)
        for name, deployment, version in (("stable", "checkout", "v1"), ("patched", "checkout-hotfix", "v2"))
    }
    around = Drawing(asked=spec, buckets=ours.BUCKETS, drawn=world, seed=seed, now=ours.START - 120, **sides)
    found: list[tuple[float, Phase, int]] = []
    while not found or found[-1][1] in LIVE:
        again = around.look().look_again_seconds
        memory = around.remembered
        if memory.started_at:
            now = around.now - (around.first or around.now // world.scrape_seconds * world.scrape_seconds)
            state = (memory.phase or Phase.PENDING, memory.weight or 0)
            if not found or found[-1][1:] != state:
                found.append((now, *state))
            if memory.held == "Inconclusive":
                break
        around.advance(max(0.1, min(again or 1.0, 5.0)))
    return found[0][0], found


def benched(world: World, seed: int, began: float, deadline: float = 3600.0) -> list[tuple[float, Phase, int]]:
    """The same by the bench."""
    rollout = ours.Rollout(world, seed, start=None, deadline=deadline, began=began)
    found = [(began, Phase.ANALYZING, rollout.status.weight or 0)]
    for moment in rollout.looks():
        if found[-1][1:] != (moment.phase, moment.weight):
            found.append((moment.seconds, moment.phase, moment.weight))
        if rollout.end(moment.seconds):
            return found
    raise AssertionError("looks never end")


HEALTHY = {"patched": 0.001, "stable": 0.001}
PATHS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a crash": ({"rps": 100, "patched": 1.0, "stable": 0.001}, {"RollingBack"}),
    "a good fix": ({"rps": 100, **HEALTHY, "target": (0.001, 0.05)}, {"Promoting"}),
    "a good fix at little traffic": ({"rps": 10, **HEALTHY, "target": (0.001, 0.05)}, {"Promoting"}),
    "no effect": ({"rps": 100, **HEALTHY, "target": (0.05, 0.05)}, {"RollingBack"}),
    "a little worse": ({"rps": 100, "patched": 0.006, "stable": 0.001}, {"RollingBack", "Analyzing"}),
    "noise": ({"rps": 1000, "patched": 0.02, "stable": 0.02, "noise": 0.3, "sticky": 4}, {"Promoting"}),
    "refused requests": ({"rps": 10, **HEALTHY, "client_errors": (0.11, 0.01)}, {"RollingBack"}),
    "slow answers": ({"rps": 10, **HEALTHY, "slow": (0.2, 0.02)}, {"RollingBack"}),
    "a stable that burns, where only the shortest time is awaited": ({"rps": 100, "patched": 0.02, "stable": 0.4}, {"Promoting"}),
    "a burn in the bake": ({"rps": 100, **HEALTHY, "burn": (300.0, 900.0, 0.1)}, {"RollingBack"}),
}


@pytest.mark.parametrize("name", PATHS)
def test_the_bench_decides_what_the_machine_decides_and_when(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    more, ends = PATHS[name]
    world = World(name=name, proxies=1, **more)
    for seed in (3, 4):
        began, expected = decided(world, seed, monkeypatch)
        assert benched(world, seed, began) == expected
        assert str(expected[-1][1]) in ends
        assert len(expected) > 1 or "Analyzing" in ends


def test_too_little_traffic_is_inconclusive_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(name="silence", rps=0.5, proxies=1, **HEALTHY)
    began, expected = decided(world, 3, monkeypatch, deadline=600.0)
    assert benched(world, 3, began, deadline=600.0) == expected
    assert expected[-1][1] is Phase.ANALYZING
    ended = ours.run(world, 3, deadline=600.0)
    assert ended.end == UNDECIDED
    assert 600 <= ended.seconds <= 616


def test_the_bench_asks_what_a_manifest_with_defaults_asks() -> None:
    """Failed requests, the target, client errors and slow ones share the risk of a false rollback."""
    world = World(name="", rps=10.0, target=(0.001, 0.05), **HEALTHY)
    rollout = ours.Rollout(world, 1, start=None, deadline=3600.0)
    under = ours.terms.terms_of(ours.Look(rollout.spec, rollout.status, rollout.seen))
    assert (under.rollback_tests, under.rollback_level, under.late_blocks) == (4, 0.01 / 4, 240)
    assert {str(counter) for counter, _ in under.rates} == {"bad", "client_errors", "target", "slow"}


@pytest.mark.parametrize(("rps", "weight"), [(10, 80), (1000, 95)])
def test_the_share_of_the_bake_is_that_of_production(rps: float, weight: int) -> None:
    rollout = ours.Rollout(World(name="", rps=rps, target=(0.001, 0.05), **HEALTHY), 1, start=None, deadline=3600.0)
    baking = next(moment for moment in rollout.looks() if moment.phase is Phase.BAKING or moment.seconds > 3600)
    assert (baking.phase, baking.weight) == (Phase.BAKING, weight)


# ---- worlds


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_a_side_gets_its_share_and_its_errors(proxies: int) -> None:
    world = World(name="", rps=1000.0, patched=0.1, stable=0.02, target=(0.0, 0.05), proxies=proxies)
    draws = Draws(world, 5)
    rows = [draws.scrape(25) for _ in range(200)]
    for side, share_of, rate in ((0, 0.25, 0.1), (1, 0.75, 0.02 + 0.98 * 0.05)):
        requests = sum(row[side].requests for row in rows)
        assert requests == pytest.approx(200 * 15_000 * share_of, rel=0.01)
        assert sum(row[side].bad for row in rows) == pytest.approx(requests * rate, rel=0.05)
        assert {row[side].processes for row in rows} == {proxies or PODS}


def test_what_pods_differ_by_cannot_be_seen_in_the_series_of_proxies() -> None:
    """The relative variance of the errors between processes in one scrape, less what chance alone gives."""

    def spread(proxies: int) -> float:
        world = World(name="", rps=10_000.0, patched=0.02, stable=0.02, noise=0.3, proxies=proxies)
        errors = Draws(world, 1).cells(0.0, 200)[1][:, 1].sum(axis=1 if proxies else 2)
        middle = errors.mean(axis=1)
        return float(((errors.var(axis=1, ddof=1) - middle) / middle**2).mean())

    assert spread(0) == pytest.approx(0.3, rel=0.15)
    assert spread(2) == pytest.approx(0.0, abs=0.01)


def test_noise_sticks_to_a_pod_when_the_weight_moves() -> None:
    draws = Draws(World(name="", rps=1000.0, patched=0.02, stable=0.02, noise=0.3, sticky=4), 1)
    draws.scrape(10)
    kept = {epoch: factors.copy() for epoch, factors in draws._factors.items()}
    draws.scrape(50)
    assert all((draws._factors[epoch] == factors).all() for epoch, factors in kept.items())


def test_a_burn_and_an_outage_begin_and_end_when_they_should() -> None:
    world = World(name="", rps=1.0, patched=0.0, stable=0.0, burn=(100.0, 200.0, 0.1), outage=(300.0, 400.0, 0.5))
    assert [world.rates(at)[0] for at in (99, 150, 200)] == [0.0, 0.05, 0.1]
    assert [world.rates(at)[1] for at in (299, 300, 400)] == [0.0, 0.5, 0.0]
    assert world.expected(300, 400, 0.25) == pytest.approx((100 * 0.25 * 0.6, 100 * (0.25 * 0.6 + 0.75 * 0.5)))


def test_what_users_see_is_counted_for_an_hour_whatever_was_decided() -> None:
    world = World(name="", rps=10.0, patched=0.5, stable=0.1)
    back, on = Tally(world).ended(ROLLED_BACK, 600.0, None, 10), Tally(world).ended(PROMOTED, 600.0, 600.0, 10)
    assert (back.bad, back.errors) == pytest.approx((300, 300 + 540 + 3000))
    assert (on.bad, on.errors) == pytest.approx((300 + 15_000, 300 + 540 + 15_000))


# ---- the table


def run(end: str, seconds: float, bad: float = 0.0) -> Run:
    return Run(end=end, seconds=seconds, reached=seconds, bad=bad, errors=bad)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 500, 0.0, 0.0076), (5, 500, 0.0043, 0.0232), (10, 10, 0.7225, 1.0)]
)
def test_shares_have_wilsons_interval(hits: int, trials: int, low: float, high: float) -> None:
    found = share(hits, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-4)


def test_the_interval_of_a_median_holds_it_in_95_of_100_samples() -> None:
    random = numpy.random.default_rng(2)
    held = sum(found.low <= 0 <= found.high for found in (median(random.normal(0, 1, 41).tolist()) for _ in range(200)))
    assert 0.90 <= held / 200 <= 0.99


def test_a_target_is_missed_when_its_interval_excludes_it_only() -> None:
    at_most, at_least = Ask(what="seconds", limit=60), Ask(what=PROMOTED, limit=0.95, least=True)
    assert at_most.met(Measured(62, 60, 64))
    assert not at_most.met(Measured(62, 61, 64))
    assert at_least.met(Measured(0.93, 0.90, 0.95))
    assert not at_least.met(Measured(0.93, 0.90, 0.949))
    assert not at_most.met(median([]))


def test_the_table_says_who_is_better_and_in_what() -> None:
    cell = next(cell for cell in cells() if cell.world.name == "crash")
    mine = [run(ROLLED_BACK, 60.0, 10.0)] * 100
    quick = [run(ROLLED_BACK, 30.0, 20.0)] * 100
    rash = [run(ROLLED_BACK, 5.0, 1.0)] * 50 + [run(PROMOTED, 5.0, 500.0)] * 50
    entry = report.entry(cell, {report.OURS: mine, "quick": quick, "rash": rash})
    assert entry["not_best"] == "quick: sooner"
    assert report.entry(cell, {report.OURS: rash, "quick": mine})["not_best"] == "quick: fewer wrong, less harm"


def test_every_world_is_there_at_every_traffic() -> None:
    found: dict[str, set[float]] = {}
    for cell in cells():
        found.setdefault(cell.world.name, set()).add(cell.world.rps)
    everywhere = {name for name, rates in found.items() if rates == {1, 10, 100, 1000}}
    assert len(everywhere) == 14
    assert sum(cell.many for cell in cells()) == 4


def test_an_update_of_the_evidence_is_measured_for_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "BLOCKS", 8)
    found = updates.measured()
    assert set(found) == {
        "worse (bad)",
        "not worse (bad)",
        "fixed (target)",
        "not fixed (target)",
        "client errors (client_errors)",
        "slower (slow)",
    }
    assert all(0 < spent < 1000 for spent in found.values())


@pytest.mark.parametrize(
    ("name", "rps", "patched", "target", "what"),
    [
        ("worse", 10, 0.051, None, "seconds"),
        ("worse", 100, 0.051, None, "seconds"),
        ("worse", 1000, 0.051, None, "seconds"),
        ("good", 10, 0.001, (0.01, 0.05), "reached"),
        ("good", 100, 0.001, (0.01, 0.05), "reached"),
    ],
)
def test_what_is_expected_of_a_start_is_about_what_happens(
    name: str, rps: float, patched: float, target: tuple[float, float] | None, what: str
) -> None:
    world = World(name=name, rps=rps, patched=patched, stable=0.001, target=target)
    spec, status, seen = ours.begun(world, None, 3600.0, 1)
    best = outlook(replace(terms_of(Look(spec, status, seen)), processes=PODS), rps, status.weight or 0)
    expected = best.detect_seconds if name == "worse" else best.reach_seconds
    found = statistics.median(getattr(ours.run(world, seed), what) for seed in range(1, 61))
    assert 0.7 * found <= expected <= 1.4 * found
