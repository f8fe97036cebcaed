"""One cumulative counter -> how much it grew in each block, and in which blocks that cannot be said. Pure.

Whether a process began again is told by all its request counters together: restarts.py.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from .observation import Series
from .restarts import RETURN_SAMPLES, Restarts, valid

GAP_INTERVALS = 1.5  # without a sample for longer than this, a counter was gone: lower afterwards, it began anew
ROUNDING = 1e-6  # of a block: times are floats


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks (first + k * interval, first + (k + 1) * interval] for k in 0..size-1; seconds."""

    first: float
    interval: float
    size: int

    def index(self, moment: float) -> int:
        """Which block a moment is in; below 0: at or before the first edge."""
        return math.ceil((moment - self.first) / self.interval - ROUNDING) - 1

    def edge(self, index: int) -> float:
        """Start of a block."""
        return self.first + index * self.interval


@dataclass(frozen=True, slots=True)
class Growth:
    """One counter: growth per block (where not 0), blocks with a sample, what is wrong by block: (reason, sentence)."""

    grown: dict[int, int]
    sampled: set[int]
    wrong: dict[int, tuple[str, str]]


def _not_monotone(series: Series, before: int, after: int) -> tuple[str, str]:
    return (
        "CountersNotMonotone",
        f"The counter of {series.id} fell from {before} to {after}, and no restart of its process explains that. Query raw "
        "counters of single processes, from one Prometheus and not from replicas by turns.",
    )


def _invalid(series: Series, value: float) -> tuple[str, str]:
    return (
        "CountersInvalid",
        f"The counter of {series.id} has the value {value} out of order or out of range; query counters that only grow from 0.",
    )


def growth(series: Series, grid: Grid, *, from_zero: bool, restarts: Restarts, neighbours: bool = False) -> Growth:
    """Differences of one counter. `from_zero`: without a sample up to the first edge it began at 0. `restarts`: of its process.
    `neighbours`: it is not one of the counters that told so, and may have begun again one sample before or after."""
    result = Growth({}, set(), {})
    samples = _usable(series, grid, result)
    anew = {_began_anew(samples, moment, grid.interval, neighbours=neighbours) for moment in restarts.moments}
    # a fall that may yet prove to be a restart: what is counted before it must be the same then
    open_places = {_place(samples, restarts.open_since)} if restarts.open_since is not None else set()
    last: int | None = 0 if from_zero else None
    newest, usable, problem = -math.inf, 0, ("", "")
    for place, (moment, value) in enumerate(samples):
        index, vanished, newest = grid.index(moment), moment - newest > GAP_INTERVALS * grid.interval, moment
        grew = 0
        if place < usable:
            _note(result.wrong, index, problem)
        elif place in anew or (last is not None and vanished and value < last):
            grew, last = (0 if last is None else value), value
        elif last is not None and value < last:
            problem = _not_monotone(series, last, value)
            _note(result.wrong, index, problem)
            usable, last = _after_fall(samples, place, last, anew | open_places)
        else:
            grew, last = (0 if last is None else value - last), value
        if index >= 0:
            result.sampled.add(index)
            if grew:
                result.grown[index] = result.grown.get(index, 0) + grew
    return result


def _note(wrong: dict[int, tuple[str, str]], index: int, problem: tuple[str, str]) -> None:
    if index >= 0:
        wrong[index] = problem


def _usable(series: Series, grid: Grid, result: Growth) -> list[tuple[float, int]]:
    """Samples up to the end of the grid, rounded as totals; those that cannot be are noted."""
    samples: list[tuple[float, int]] = []
    newest = -math.inf
    for moment, raw in series.samples:
        index = grid.index(moment)
        if index >= grid.size:
            break
        if valid(raw) and moment > newest:
            samples.append((moment, round(raw)))
            newest = moment
        else:
            _note(result.wrong, index, _invalid(series, raw))
    return samples


def _place(samples: Sequence[tuple[float, int]], moment: float) -> int:
    """Of the first sample from a moment on."""
    return bisect_left(samples, moment, key=lambda sample: sample[0])


def _began_anew(samples: Sequence[tuple[float, int]], moment: float, interval: float, *, neighbours: bool) -> int:
    """The place of the first sample after a restart that was seen at `moment`."""
    place = _place(samples, moment)
    near = (place, place - 1, place + 1) if neighbours else ()
    for other in near:
        beside = 0 < other < len(samples) and abs(samples[other][0] - moment) <= GAP_INTERVALS * interval
        if beside and samples[other][1] < samples[other - 1][1]:
            return other
    return place


def _after_fall(samples: Sequence[tuple[float, int]], place: int, peak: int, anew: set[int]) -> tuple[int, int]:
    """(first usable place after an unexplained fall, value from which growth counts there).

    Two replicas that disagree come back to the peak: what was between is not counted twice. A counter that does not come
    back goes on from where it is.
    """
    for later in range(place + 1, place + 1 + RETURN_SAMPLES):
        if later >= len(samples) or later in anew:
            return later, samples[place][1]
        if samples[later][1] >= peak:
            return later, peak
    return place + 1, samples[place][1]
