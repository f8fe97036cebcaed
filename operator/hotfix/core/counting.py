"""Cumulative counters of both sides -> blocks of (requests, bad requests): resets, births, deaths, gaps, carry-over. Pure.

Rates, extrapolation and judging have no place here: a block says how much counters grew, and where that cannot be said the
block does not exist.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .growth import ROUNDING, Grid, growth
from .observation import MetricsView, Series, SideSeries
from .restarts import Restarts, restarts

CARRY_SECONDS = 300.0  # a block with requests on one side only waits this long for the other side
PROBLEM_BLOCKS = 4  # an unusable block is a problem while it is among the newest ones


class Counter(StrEnum):
    """What is counted of requests, by its name in `Count` and `SideSeries`."""

    BAD = "bad"
    STARTED = "started"
    CLIENT_ERRORS = "client_errors"
    TARGET = "target"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Count:
    """One side in one block. `pods`: processes whose requests grew; the others are requests that failed, began, were refused
    as the client's fault, failed in the way the hotfix is for, or were slow; None where not counted. `sampled`: its requests
    have a sample; without one, that they did not grow tells nothing."""

    requests: int
    bad: int
    pods: int
    started: int | None = None
    client_errors: int | None = None
    target: int | None = None
    slow: int | None = None
    sampled: bool = True

    def of(self, counter: Counter) -> int | None:
        """Requests of that kind; None where not counted."""
        found: int | None = getattr(self, counter)
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """Growth of both sides in (start, end], unix seconds. `scrapes`: blocks of one interval in it that had any requests.

    A value on the grid is the newest scrape before it, so requests of up to one interval before `start` are in it too.
    """

    start: float
    end: float
    patched: Count
    stable: Count
    scrapes: int = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """Blocks of one interval each (longer after a gap), oldest first, unusable and excluded ones left out.

    `problem`: (reason, sentence) when what was counted lately cannot be judged.
    """

    blocks: tuple[Block, ...]
    problem: tuple[str, str] | None = None


def grid_of(view: MetricsView) -> Grid:
    """Blocks from the one in which `view.start` is to `view.end`."""
    first = math.floor(view.start / view.interval_seconds + ROUNDING) * view.interval_seconds
    size = math.floor((view.end - first) / view.interval_seconds + ROUNDING)
    return Grid(first, view.interval_seconds, max(0, size))


def began_before(series: Iterable[Series], grid: Grid) -> bool:
    """One of them has a sample up to the first edge."""
    return any(one.samples and grid.index(one.samples[0][0]) < 0 for one in series)


@dataclass(frozen=True, slots=True)
class _Side:
    """Sums of one side by block; a counter that was not asked for is not in `sums`."""

    requests: dict[int, int]
    sums: dict[Counter, dict[int, int]]
    pods: dict[int, set[str]]
    sampled: set[int]
    wrong: dict[int, tuple[str, str]]
    open_since: set[float]  # falls that the next samples have yet to explain

    def count(self, index: int) -> Count:
        """One block of it."""
        sums = {str(counter): grown.get(index, 0) for counter, grown in self.sums.items()}
        pods, sampled = len(self.pods.get(index, ())), index in self.sampled
        return Count(requests=self.requests.get(index, 0), pods=pods, sampled=sampled, **sums)


def series_of(side: SideSeries, counter: Counter) -> tuple[Series, ...] | None:
    """The series of a counter; None where it was not asked for."""
    found: tuple[Series, ...] | None = side.errors if counter is Counter.BAD else getattr(side, counter)
    return found


def _side(series: SideSeries, grid: Grid, *, from_zero: bool) -> _Side:
    side = _Side({}, {}, {}, set(), {}, set())
    asked = {counter: many for counter in Counter if (many := series_of(series, counter)) is not None}
    side.sums.update({counter: {} for counter in asked})
    told = restarts(series.requests, grid.interval, grid.edge(grid.size))
    for counter, many in ((None, series.requests), *asked.items()):
        sums = side.requests if counter is None else side.sums[counter]
        for one, tells in _with_restarts(many, told, grid):
            side.open_since.update(() if tells.open_since is None else (tells.open_since,))
            grew = growth(one, grid, from_zero=from_zero, restarts=tells, neighbours=counter is not None)
            side.wrong.update(grew.wrong)
            for index, grown in grew.grown.items():
                sums[index] = sums.get(index, 0) + grown
                if counter is None:
                    side.pods.setdefault(index, set()).add(one.process)
            if counter is None:
                side.sampled.update(grew.sampled)
    return side


def _with_restarts(many: Sequence[Series], told: Mapping[str, Restarts], grid: Grid) -> Iterator[tuple[Series, Restarts]]:
    """Each series with the restarts of its process: as its request counters tell, or where it has none (errors counted in
    another place than requests) as these counters tell together."""
    alone = restarts([one for one in many if one.process not in told], grid.interval, grid.edge(grid.size))
    for one in many:
        yield one, told.get(one.process) or alone[one.process]


def count(metrics: MetricsView, excluded: Sequence[tuple[float, float]] = (), *, from_zero: bool | None = None) -> Counted:
    """Blocks of both sides from `metrics.start` to `metrics.end`, without those that may hold requests of an excluded span.

    A drop of all request counters of a process together below half, or of a series that was gone, is a restart (growth = the
    new value); any other drop makes blocks unusable until the counter is back. While two samples have yet to tell a restart
    from replicas that disagree, the blocks from there on are not given. A series without a sample up to `start` began at 0,
    one that vanishes adds nothing, one that reappears with as much or more goes on from its last value. Where stable as a
    whole has no sample up to `start`, Prometheus lost its past: then its first values are where counting begins. `from_zero`:
    whether it has one, where that is known already.
    """
    if metrics.problem:
        return Counted((), metrics.problem)
    grid = grid_of(metrics)
    patched = _side(metrics.patched, grid, from_zero=True)
    from_zero = began_before(metrics.stable.requests, grid) if from_zero is None else from_zero
    stable = _side(metrics.stable, grid, from_zero=from_zero)
    wrong = {**stable.wrong, **patched.wrong}
    told = min((grid.index(moment) for moment in stable.open_since | patched.open_since), default=grid.size)
    blocks: list[Block] = []
    start = grid.first
    for index in range(min(told, grid.size)):
        end = grid.edge(index + 1)
        if index in wrong:
            start = end
        elif index in patched.sampled or index in stable.sampled:
            block = _block(start, end, patched.count(index), stable.count(index))
            if not any(block.start - grid.interval < until and block.end > since for since, until in excluded):
                blocks.append(block)
            start = end
    newest = max((index for index in wrong if index < told), default=-1)
    return Counted(tuple(blocks), wrong[newest] if newest >= grid.size - PROBLEM_BLOCKS and newest >= 0 else None)


def counted(metrics: MetricsView) -> Counted:
    """`count` of all of it, once however often it is asked."""
    return metrics.once("counted", lambda: count(metrics))


def _block(start: float, end: float, patched: Count, stable: Count) -> Block:
    return Block(start, end, patched, stable, 1 if patched.requests or stable.requests else 0)


def _merged(one: Count, other: Count) -> Count:
    pairs = {str(counter): (one.of(counter), other.of(counter)) for counter in Counter}
    sums = {name: None if a is None or b is None else a + b for name, (a, b) in pairs.items() if name != Counter.BAD}
    both, pods = one.sampled and other.sampled, max(one.pods, other.pods)
    return Count(one.requests + other.requests, one.bad + other.bad, pods, sampled=both, **sums)


def paired(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks with requests on both sides; one-sided blocks are carried over into the next for at most 5 minutes, then
    dropped. Whether a block is carried depends on request counts only, so what is judged stays valid."""
    carried: Block | None = None
    for block in blocks:
        whole = _joined(carried, block) if carried and block.start - carried.end < ROUNDING else block
        carried = None
        if whole.patched.requests and whole.stable.requests:
            yield whole
        elif whole.end - whole.start < CARRY_SECONDS:
            carried = whole


def _joined(one: Block, other: Block) -> Block:
    patched, stable = _merged(one.patched, other.patched), _merged(one.stable, other.stable)
    return Block(one.start, other.end, patched, stable, one.scrapes + other.scrapes)


PodCounts = dict[int, dict[str, tuple[int, int]]]  # number of the block -> process -> (requests, those of a counter)


def pod_counts(side: SideSeries, view: MetricsView, counters: Sequence[Counter]) -> dict[Counter, PodCounts]:
    """(requests, those of the counter) of every process of a side, by number of block and by process; a process without
    requests is left out."""
    grid = grid_of(view)
    from_zero, told = began_before(side.requests, grid), restarts(side.requests, grid.interval, grid.edge(grid.size))

    def grown(many: Sequence[Series], *, neighbours: bool) -> dict[int, dict[str, int]]:
        blocks: dict[int, dict[str, int]] = {}
        for one, tells in _with_restarts(many, told, grid):
            grew = growth(one, grid, from_zero=from_zero, restarts=tells, neighbours=neighbours)
            for index in grew.grown.keys() - grew.wrong.keys():
                block = blocks.setdefault(index, {})
                block[one.process] = block.get(one.process, 0) + grew.grown[index]
        return blocks

    requests = grown(side.requests, neighbours=False)
    hits = {counter: grown(series_of(side, counter) or (), neighbours=True) for counter in counters}
    return {counter: _beside(requests, found) for counter, found in hits.items()}


def _beside(requests: dict[int, dict[str, int]], hits: dict[int, dict[str, int]]) -> PodCounts:
    return {
        index: {name: (n, hits.get(index, {}).get(name, 0)) for name, n in requests.get(index, {}).items() if n}
        for index in sorted(requests.keys() | hits.keys())
    }
