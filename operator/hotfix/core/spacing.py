"""How far apart the real samples of counters are, told by when their values change. Pure.

A range query repeats the last sample at every step of its grid, so the grid says nothing of how often a process is scraped.
"""

import math
from itertools import pairwise

from .observation import Series, SideSeries

RECENT_SECONDS = 600.0
CHANGES_LEAST = 5
GROWTH_LEAST = 5.0  # per change: with fewer requests a scrape may find none, and the gap would not be the scrape interval's
SLACK = 1.25  # scrapes jitter, and change times are known to one step of the grid
SLOW_SECONDS = 15.0  # from here on decisions are noticeably later


def spacing_seconds(side: SideSeries, end: float) -> float | None:
    """Seconds between real samples of a side's request counters in the 10 minutes before `end`: of its most often scraped busy
    counter, as changes since another one are too rare to tell. None where no counter is busy enough."""
    found = [spacing for series in side.requests if (spacing := _spacing(series, end)) is not None]
    return min(found, default=None)


def _spacing(series: Series, end: float) -> float | None:
    recent = [sample for sample in series.samples if end - RECENT_SECONDS <= sample[0] <= end]
    changes = [(moment, after - before) for (_, before), (moment, after) in pairwise(recent) if after > before]
    gaps = len(changes) - 1
    if gaps < CHANGES_LEAST or sum(growth for _, growth in changes) < GROWTH_LEAST * len(changes):
        return None
    return (changes[-1][0] - changes[0][0]) / gaps


def block_seconds(interval_seconds: float, spacing: float | None) -> int:
    """The length of a block in whole seconds: the interval that was asked for, or the spacing of the samples where that is
    clearly larger."""
    longer = spacing is not None and spacing > SLACK * interval_seconds
    return max(1, math.ceil(spacing or 0.0) if longer else round(interval_seconds))
