"""Cumulative counters of both sides -> blocks of (requests, bad requests): resets, births, deaths, gaps, carry-over. Pure.

Rates, extrapolation and judging have no place here: a block says how much counters grew, and where that cannot be said the
block does not exist.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from .observation import MetricsView, Series, SideSeries

CARRY_SECONDS = 300.0  # a block with requests on one side only waits this long for the other side
GAP_INTERVALS = 1.5  # without a sample for longer than this, a counter was gone: lower afterwards, it began anew
PROBLEM_BLOCKS = 4  # an unusable block is a problem while it is among the newest ones
LARGEST = 2.0**53  # beyond it a float no longer counts one by one
_ROUNDING = 1e-6  # of a block: times are floats


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
    as the client's fault, failed in the way the hotfix is for, or were slow; None where not counted."""

    requests: int
    bad: int
    pods: int
    started: int | None = None
    client_errors: int | None = None
    target: int | None = None
    slow: int | None = None

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


@dataclass(frozen=True, slots=True)
class _Grid:
    """Blocks (first + k * interval, first + (k + 1) * interval] for k in 0..size-1."""

    first: float
    interval: float
    size: int

    def index(self, moment: float) -> int:
        """Which block a moment is in; below 0: at or before the first edge."""
        return math.ceil((moment - self.first) / self.interval - _ROUNDING) - 1

    def edge(self, index: int) -> float:
        """Start of a block."""
        return self.first + index * self.interval


@dataclass(frozen=True, slots=True)
class _Growth:
    """One counter: growth per block (where not 0), blocks with a sample, what is wrong by block."""

    grown: dict[int, int]
    sampled: set[int]
    wrong: dict[int, tuple[str, str]]


def _grid(view: MetricsView) -> _Grid:
    first = math.floor(view.start / view.interval_seconds + _ROUNDING) * view.interval_seconds
    size = math.floor((view.end - first) / view.interval_seconds + _ROUNDING)
    return _Grid(first, view.interval_seconds, max(0, size))


def _not_monotone(series: Series, before: int, after: int) -> tuple[str, str]:
    return (
        "CountersNotMonotone",
        f"The counter of {series.id} fell from {before} to {after}; a restarted process would begin near 0. Query raw "
        "counters of single processes, from one Prometheus.",
    )


def _invalid(series: Series, value: float) -> tuple[str, str]:
    return (
        "CountersInvalid",
        f"The counter of {series.id} has the value {value} out of order or out of range; query counters that only grow from 0.",
    )


def _valid(raw: float) -> bool:
    return math.isfinite(raw) and 0 <= raw <= LARGEST


def _grew(before: int | None, value: int, *, restarted: bool) -> int | None:
    """Growth from one sample to the next; 0 where counting begins, None for a drop that no restart explains."""
    if before is None:
        return 0
    if restarted or 2 * value < before:
        return value
    return value - before if value >= before else None


def _restarts(many: Iterable[Series]) -> dict[str, list[float]]:
    """When each process began again, as its request counters tell; oldest first."""
    found: dict[str, set[float]] = {}
    for one in many:
        for (_, before), (moment, after) in pairwise(sample for sample in one.samples if _valid(sample[1])):
            if 2 * after < before:
                found.setdefault(one.process, set()).add(moment)
    return {process: sorted(moments) for process, moments in found.items()}


def _growth(series: Series, grid: _Grid, *, from_zero: bool, restarts: Sequence[float]) -> _Growth:
    """Differences of one counter. `from_zero`: without a sample up to the first edge it began at 0. `restarts`: when its
    process began again, which a counter that is small or comes and goes does not tell by itself."""
    result = _Growth({}, set(), {})
    last = 0 if from_zero else None
    peak: int | None = None  # an unexplained drop is remembered for one sample: two replicas that disagree come back to it
    newest = -math.inf
    for moment, raw in series.samples:
        index = grid.index(moment)
        if index >= grid.size:
            break
        if not _valid(raw) or moment <= newest:
            result.wrong[index] = _invalid(series, raw)
            continue
        vanished = moment - newest > GAP_INTERVALS * grid.interval
        restarted = bisect_right(restarts, newest) < bisect_right(restarts, moment)
        newest, value = moment, round(raw)
        restarted = restarted or (vanished and value < (last or 0))
        before, last, peak = (peak if peak is not None and value >= peak else last), value, None
        if index < 0:
            continue
        result.sampled.add(index)
        grew = _grew(before, value, restarted=restarted)
        if grew is None:
            result.wrong[index], peak = _not_monotone(series, before or 0, value), before
        elif grew:
            result.grown[index] = result.grown.get(index, 0) + grew
    return result


def _seen_before(series: Iterable[Series], grid: _Grid) -> bool:
    return any(one.samples and grid.index(one.samples[0][0]) < 0 for one in series)


@dataclass(frozen=True, slots=True)
class _Side:
    """Sums of one side by block; a counter that was not asked for is not in `sums`."""

    requests: dict[int, int]
    sums: dict[Counter, dict[int, int]]
    pods: dict[int, set[str]]
    sampled: set[int]
    wrong: dict[int, tuple[str, str]]

    def count(self, index: int) -> Count:
        """One block of it."""
        sums = {str(counter): grown.get(index, 0) for counter, grown in self.sums.items()}
        return Count(requests=self.requests.get(index, 0), pods=len(self.pods.get(index, ())), **sums)


def series_of(side: SideSeries, counter: Counter) -> tuple[Series, ...] | None:
    """The series of a counter; None where it was not asked for."""
    found: tuple[Series, ...] | None = side.errors if counter is Counter.BAD else getattr(side, counter)
    return found


def _side(series: SideSeries, grid: _Grid, *, from_zero: bool) -> _Side:
    side = _Side({}, {}, {}, set(), {})
    restarts = _restarts(series.requests)
    asked = {counter: many for counter in Counter if (many := series_of(series, counter)) is not None}
    side.sums.update({counter: {} for counter in asked})
    for counter, many in ((None, series.requests), *asked.items()):
        sums = side.requests if counter is None else side.sums[counter]
        for one in many:
            growth = _growth(one, grid, from_zero=from_zero, restarts=restarts.get(one.process, ()))
            side.wrong.update(growth.wrong)
            for index, grown in growth.grown.items():
                sums[index] = sums.get(index, 0) + grown
                if counter is None:
                    side.pods.setdefault(index, set()).add(one.process)
            if counter is None:
                side.sampled.update(growth.sampled)
    return side


def count(metrics: MetricsView, excluded: Sequence[tuple[float, float]] = ()) -> Counted:
    """Blocks of both sides from `metrics.start` to `metrics.end`, without those that may hold requests of an excluded span.

    A drop below half, or after the series was gone, is a restart (growth = the new value); any other drop makes the block
    unusable. A series without a sample up to `start` began at 0, one that vanishes adds nothing, one that reappears with as
    much or more goes on from its last value. Where stable as a whole has no sample up to `start`, Prometheus lost its past:
    then its first values are where counting begins.
    """
    if metrics.problem:
        return Counted((), metrics.problem)
    grid = _grid(metrics)
    patched = _side(metrics.patched, grid, from_zero=True)
    stable = _side(metrics.stable, grid, from_zero=_seen_before(metrics.stable.requests, grid))
    wrong = {**stable.wrong, **patched.wrong}
    blocks: list[Block] = []
    start = grid.first
    for index in range(grid.size):
        end = grid.edge(index + 1)
        if index in wrong:
            start = end
        elif index in patched.sampled or index in stable.sampled:
            block = _block(start, end, patched.count(index), stable.count(index))
            if not any(block.start - grid.interval < until and block.end > since for since, until in excluded):
                blocks.append(block)
            start = end
    newest = max(wrong, default=-1)
    return Counted(tuple(blocks), wrong[newest] if newest >= grid.size - PROBLEM_BLOCKS and newest >= 0 else None)


def _block(start: float, end: float, patched: Count, stable: Count) -> Block:
    return Block(start, end, patched, stable, 1 if patched.requests or stable.requests else 0)


def _merged(one: Count, other: Count) -> Count:
    pairs = {str(counter): (one.of(counter), other.of(counter)) for counter in Counter}
    sums = {name: None if a is None or b is None else a + b for name, (a, b) in pairs.items() if name != Counter.BAD}
    return Count(one.requests + other.requests, one.bad + other.bad, max(one.pods, other.pods), **sums)


def paired(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks with requests on both sides; one-sided blocks are carried over into the next for at most 5 minutes, then
    dropped. Whether a block is carried depends on request counts only, so what is judged stays valid."""
    carried: Block | None = None
    for block in blocks:
        whole = _joined(carried, block) if carried and block.start - carried.end < _ROUNDING else block
        carried = None
        if whole.patched.requests and whole.stable.requests:
            yield whole
        elif whole.end - whole.start < CARRY_SECONDS:
            carried = whole


def _joined(one: Block, other: Block) -> Block:
    patched, stable = _merged(one.patched, other.patched), _merged(one.stable, other.stable)
    return Block(one.start, other.end, patched, stable, one.scrapes + other.scrapes)


def pod_counts(
    side: SideSeries, view: MetricsView, batch_seconds: float, counter: Counter = Counter.BAD
) -> list[list[tuple[int, int]]]:
    """(requests, those of the counter) of every process of a side in each batch, oldest first; without requests a process is
    left out."""
    grid = _grid(view)
    from_zero, restarts = _seen_before(side.requests, grid), _restarts(side.requests)
    batches: dict[int, dict[str, list[int]]] = {}
    for place, many in enumerate((side.requests, series_of(side, counter) or ())):
        for one in many:
            growth = _growth(one, grid, from_zero=from_zero, restarts=restarts.get(one.process, ()))
            for index in growth.grown.keys() - growth.wrong.keys():
                batch = batches.setdefault(int((index + 0.5) * grid.interval // batch_seconds), {})
                batch.setdefault(one.process, [0, 0])[place] += growth.grown[index]
    return [[(n, x) for n, x in pods.values() if n] for _, pods in sorted(batches.items())]
