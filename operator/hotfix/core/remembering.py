"""What was judged of the counters at the last look is not judged again while they are the same: the same answer, only
sooner. Pure.

Between two scrapes nothing that is counted changes, but a look is due more often than that: pods may be lost meanwhile.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from .judgement import Judgement
from .judging import judge
from .observation import MetricsView
from .recounting import Known, count_on
from .terms import Terms

REMEMBERED = 8192  # analyses

Spans = tuple[tuple[float, float], ...]
Problem = tuple[str, str] | None
Rollout = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class _Judged:
    view: MetricsView
    spans: Spans
    terms: Terms
    swapped: bool
    judgement: Judgement
    known: Known


_remembered: OrderedDict[Rollout, _Judged] = OrderedDict()


def judged_anew_or_remembered(
    rollout: Rollout, view: MetricsView, spans: Spans, terms: Terms, *, swapped: bool
) -> tuple[Judgement, Problem]:
    """What the counters say under these terms, and why they cannot be counted. `swapped`: with the sides exchanged."""
    timeless = replace(terms, now=0.0)  # no judgement depends on when it is made
    last = _remembered.pop(rollout, None)
    if last is None or last.view is not view or (last.spans, last.terms, last.swapped) != (spans, timeless, swapped):
        before = last.known if last and last.swapped == swapped else None
        known = count_on(swap(view) if swapped else view, spans, before)
        last = _Judged(view, spans, timeless, swapped, judge(terms, known.counted.blocks), known)
    _remembered[rollout] = last
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return last.judgement, last.known.counted.problem


def swap(metrics: MetricsView) -> MetricsView:
    """The same counters with the sides exchanged."""
    return replace(metrics, patched=metrics.stable, stable=metrics.patched)
