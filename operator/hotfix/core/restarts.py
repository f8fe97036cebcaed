"""When a process began again, as its request counters tell, and when they only seem to: two views of one truth. Pure.

How much a counter grew is in growth.py.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .observation import Series

RETURN_SAMPLES = 2  # a counter that is back at its old peak so soon never began anew: two Prometheus that disagree were asked
LARGEST = 2.0**53  # beyond it a float no longer counts one by one

Values = Mapping[str, float]  # series id -> value at one moment


@dataclass(frozen=True, slots=True)
class Restarts:
    """`moments`: when a process began again, ascending. `open_since`: a fall that the next samples have yet to explain."""

    moments: tuple[float, ...] = ()
    open_since: float | None = None


def valid(raw: float) -> bool:
    """Whether a counter can have this value."""
    return math.isfinite(raw) and 0 <= raw <= LARGEST


def restarts(many: Iterable[Series], interval_seconds: float, end: float) -> dict[str, Restarts]:
    """Of every process that has one of these counters, which must be all of its request counters where it counts requests.

    A process began again when its counters together fell below half of what they were, and are not back within two samples:
    one counter of many is too small to tell, as one error more or less is no restart. Samples after `end` (unix seconds) are
    not looked at.
    """
    many = tuple(many)
    falling = {one.process for one in many if any(after < before for (_, before), (_, after) in pairwise(one.samples))}
    processes: dict[str, dict[float, dict[str, float]]] = {one.process: {} for one in many}
    for one in (one for one in many if one.process in falling):
        by_moment = processes[one.process]
        for moment, raw in one.samples:
            if moment <= end and valid(raw):
                by_moment.setdefault(moment, {})[one.id] = raw
    settled = end - RETURN_SAMPLES * interval_seconds
    return {process: _of_one(sorted(found.items()), settled) for process, found in processes.items()}


def _of_one(samples: Sequence[tuple[float, Values]], settled: float) -> Restarts:
    """`settled`: a fall up to this moment had the time to show what it was."""
    found: list[float] = []
    for place in range(1, len(samples)):
        before, (moment, after) = samples[place - 1][1], samples[place]
        if not _fell(before, after):
            continue
        later = [values for _, values in samples[place + 1 : place + 1 + RETURN_SAMPLES]]
        if any(_back(before, values) for values in later):
            continue
        if len(later) < RETURN_SAMPLES and moment > settled:
            return Restarts(tuple(found), moment)
        found.append(moment)
    return Restarts(tuple(found))


def _fell(before: Values, after: Values) -> bool:
    common = before.keys() & after.keys()
    return 2 * sum(after[name] for name in common) < sum(before[name] for name in common)


def _back(before: Values, later: Values) -> bool:
    common = before.keys() & later.keys()
    return bool(common) and sum(later[name] for name in common) >= sum(before[name] for name in common)
