"""What was judged of the counters at the last look is not judged again while they are the same: the same answer, only
sooner. Pure.

Between two scrapes nothing that is counted changes, but a look is due more often than that: pods may be lost meanwhile.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from . import counting
from .judgement import Judgement
from .judging import judge
from .observation import MetricsView
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
    problem: Problem


_remembered: OrderedDict[Rollout, _Judged] = OrderedDict()


def judged_anew_or_remembered(
    rollout: Rollout, view: MetricsView, spans: Spans, terms: Terms, *, swapped: bool
) -> tuple[Judgement, Problem]:
    """What the counters say under these terms, and why they cannot be counted. `swapped`: with the sides exchanged."""
    timeless = replace(terms, now=0.0)  # no judgement depends on when it is made
    known = _remembered.pop(rollout, None)
    if known is None or known.view is not view or (known.spans, known.terms, known.swapped) != (spans, timeless, swapped):
        counted = counting.count(swap(view) if swapped else view, spans)
        known = _Judged(view, spans, timeless, swapped, judge(terms, counted.blocks), counted.problem)
    _remembered[rollout] = known
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return known.judgement, known.problem


def swap(metrics: MetricsView) -> MetricsView:
    """The same counters with the sides exchanged."""
    return replace(metrics, patched=metrics.stable, stable=metrics.patched)
