"""Counting goes on where the last look left it: the same blocks as from all samples, for the work of the newest ones. Pure.

What is older than some blocks is taken over as it was counted, as long as every counter has the same samples up to there as
before, and a block ends just there: in the middle of a fall or of a gap none does. Else all is counted again.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from .counting import Counted, began_before, count, grid_of
from .observation import MetricsView, Series, SideSeries
from .restarts import RETURN_SAMPLES

LATE_SECONDS = 60.0  # samples may come so late
LOOK_BACK = RETURN_SAMPLES + 2  # blocks, and as many samples: no fall before them is left to be explained by later ones

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Known:
    """What was counted at a look, of which view. `settled`: unix seconds up to which blocks may be taken over, None: none may."""

    counted: Counted
    view: MetricsView
    spans: Spans
    settled: float | None


def count_on(view: MetricsView, spans: Spans, known: Known | None) -> Known:
    """As `count` says of all of it."""
    counted = (_counted_on(view, spans, known) if known else None) or count(view, spans)
    grid = grid_of(view)
    settled = grid.edge(grid.size - math.ceil(LATE_SECONDS / grid.interval) - LOOK_BACK)
    usable = not view.problem and settled > grid.edge(2 * LOOK_BACK) and _ends_at(counted, settled) is not None
    return Known(counted, view, spans, settled if usable else None)


def _counted_on(view: MetricsView, spans: Spans, known: Known) -> Counted | None:
    """None where it has to be counted from the start."""
    settled, grid, before = known.settled, grid_of(view), grid_of(known.view)
    if settled is None or settled > view.end or view.problem or known.spans != spans:
        return None
    if (grid.first, grid.interval) != (before.first, before.interval) or _past(view, settled) != _past(known.view, settled):
        return None
    since = settled - LOOK_BACK * grid.interval
    newest = count(
        replace(view, start=settled, patched=_since(view.patched, since, settled), stable=_since(view.stable, since, settled)),
        spans,
        from_zero=began_before(view.stable.requests, grid),
    )
    return Counted(known.counted.blocks[: _ends_at(known.counted, settled)] + newest.blocks, newest.problem)


def _ends_at(counted: Counted, moment: float) -> int | None:
    """How many blocks end up to there, the last of them just there; None where none does."""
    place = bisect_right(counted.blocks, moment, key=lambda block: block.end)
    return place if place and counted.blocks[place - 1].end == moment else None


def _past(view: MetricsView, moment: float) -> dict[tuple[str, str, str], Sequence[tuple[float, float]]]:
    """The samples up to a moment of every counter (side, name, id) that has any."""
    sides = (("patched", view.patched), ("stable", view.stable))
    named = ((name, field.name, getattr(side, field.name) or ()) for name, side in sides for field in fields(SideSeries))
    cut = {(side, name, one.id): one.samples[: _place(one, moment)] for side, name, many in named for one in many}
    return {key: samples for key, samples in cut.items() if samples}


def _place(one: Series, moment: float) -> int:
    """Of the first sample after a moment."""
    return bisect_right(one.samples, moment, key=lambda sample: sample[0])


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
