"""Counting goes on where the last look left it: the same blocks as from all samples, for the work of the newest ones. Pure.

What is older than some blocks is taken over as it was counted, as long as every counter has as many samples up to there as
before and the same values at some places, and a block ends just there: in the middle of a fall or of a gap none does. In any
doubt all is counted again.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from .counting import Counted, began_before, count, grid_of
from .observation import MetricsView, Series, SideSeries
from .restarts import RETURN_SAMPLES

LATE_SECONDS = 60.0  # samples may come so late
PLACES = 8  # of a counter, evenly spread, at which its values must be what they were
LOOK_BACK = RETURN_SAMPLES + 2  # blocks, and as many samples: no fall before them is left to be explained by later ones

Spans = Sequence[tuple[float, float]]
Prints = dict[tuple[str, str, str], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Known:
    """What was counted at a look. `prints`: of every counter (side, name, id), how many samples it had up to `settled`, and
    some of their values; `settled`: unix seconds up to which blocks may be taken over, None: none may."""

    counted: Counted
    first: float
    interval: float
    spans: Spans
    settled: float | None
    prints: Prints


def count_on(view: MetricsView, spans: Spans, known: Known | None) -> Known:
    """As `count` says of all of it."""
    grid = grid_of(view)
    same = known is not None and (known.first, known.interval, known.spans) == (grid.first, grid.interval, spans)
    counted = _counted_on(view, spans, known) if same and known and not view.problem else None
    if counted is None:
        counted = count(view, spans)
    settled = grid.edge(grid.size - math.ceil(LATE_SECONDS / grid.interval) - LOOK_BACK)
    usable = not view.problem and settled > grid.edge(2 * LOOK_BACK) and _ends_at(counted, settled) is not None
    return Known(counted, grid.first, grid.interval, spans, settled if usable else None, _prints(view, settled) if usable else {})


def _counted_on(view: MetricsView, spans: Spans, known: Known) -> Counted | None:
    """None where it has to be counted from the start."""
    settled = known.settled
    if settled is None or settled > view.end or _prints(view, settled) != known.prints:
        return None
    since = settled - LOOK_BACK * known.interval
    newest = count(
        replace(view, start=settled, patched=_since(view.patched, since, settled), stable=_since(view.stable, since, settled)),
        spans,
        from_zero=began_before(view.stable.requests, grid_of(view)),
    )
    before = known.counted.blocks[: _ends_at(known.counted, settled)]
    return Counted(before + newest.blocks, newest.problem)


def _ends_at(counted: Counted, moment: float) -> int | None:
    """How many blocks end up to there, the last of them just there; None where none does."""
    place = bisect_right(counted.blocks, moment, key=lambda block: block.end)
    return place if place and counted.blocks[place - 1].end == moment else None


def _counters(view: MetricsView) -> Iterator[tuple[str, str, Series]]:
    for name, side in (("patched", view.patched), ("stable", view.stable)):
        for field in fields(SideSeries):
            for one in getattr(side, field.name) or ():
                yield name, field.name, one


def _place(one: Series, moment: float) -> int:
    """Of the first sample after a moment."""
    return bisect_right(one.samples, moment, key=lambda sample: sample[0])


def _prints(view: MetricsView, moment: float) -> Prints:
    places = {(side, name, one.id): (_place(one, moment), one) for side, name, one in _counters(view)}
    return {key: (number, *_some_values(one, number)) for key, (number, one) in places.items() if number}


def _some_values(one: Series, number: int) -> Iterator[float]:
    """Of its first `number` samples; the last one among them."""
    return (one.samples[(number - 1) * part // PLACES][1] for part in range(1, PLACES + 1))


def _look_back(one: Series, since: float, until: float) -> int:
    """The place of its last sample before `since`, or of one earlier, so that enough of them are up to `until`."""
    enough = _place(one, until) - LOOK_BACK
    return max(0, min(bisect_left(one.samples, since, key=lambda sample: sample[0]) - 1, enough))


def _since(side: SideSeries, since: float, until: float) -> SideSeries:
    """The samples from where one looks back to."""

    def cut(many: tuple[Series, ...]) -> tuple[Series, ...]:
        return tuple(Series(one.id, one.samples[_look_back(one, since, until) :]) for one in many)

    asked = {field.name: many for field in fields(SideSeries) if (many := getattr(side, field.name)) is not None}
    return replace(side, **{name: cut(many) for name, many in asked.items()})
