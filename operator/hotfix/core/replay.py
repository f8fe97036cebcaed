"""The analysis over counts of the past: would it have rolled back, or proven what it is asked for, and when? Pure.

It judges as a rollout at one fixed weight would have; what the weight itself would have changed in the past is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from . import moments
from .baseline import Proxies, baseline_of, count_themselves
from .counting import Block, count
from .judgement import Judgement, Verdict
from .judging import judge
from .look import Look
from .looking import HISTORY_SECONDS
from .observation import MetricsView, Observation, Series, SideSeries
from .quantities import seconds
from .spec import Spec
from .status import Baseline, Phase, Stage, Status
from .terms import MINIMUM_BLOCKS, MINIMUM_SECONDS, Terms, terms_of


class Outcome(StrEnum):
    """How one window ended."""

    ROLLED_BACK = "rolled back"
    PROVEN = "proven"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One analysis that began at `start` (unix seconds). `judgement` is that of its decision, or of its last block."""

    start: float
    outcome: Outcome
    seconds: float
    verdict: Verdict
    judgement: Judgement


def terms_for(spec: Spec, history: MetricsView, start: float, weight: int) -> Terms:
    """The terms of a rollout that began at `start`, with the baseline that `history` gives."""
    own = count_themselves(history.stable, spec.stable.deployment)
    learnt = baseline_of(history, None if own else Proxies())
    late = max(2, round(seconds(spec.analysis.deadline) / history.interval_seconds))
    baseline = Baseline(
        rates={str(counter): f"{rate:.6g}" for counter, rate in learnt.rates.items()},
        sigma2={str(counter): f"{spread:.6g}" for counter, spread in learnt.sigma2.items()},
        interval_seconds=max(1, round(history.interval_seconds)),
        late_blocks=late,
        stable_template="",
        patched_template="",
        stable_pods=1,
    )
    moment = moments.rfc3339(start)
    status = Status(
        phase=Phase.ANALYZING,
        stage=Stage.SHIFTING,
        weight=weight,
        started_at=moment,
        evidence_from=moment,
        acknowledged_weight=weight,
        acknowledged_at=moment,
        baseline=baseline,
    )
    return terms_of(Look(spec, status, Observation(now=start, generation=1, deleting=False, finalizer=True)))


def windows(spec: Spec, view: MetricsView, *, every_seconds: float, weight: int = 50, begin: float | None = None) -> list[Window]:
    """Analyses that begin every so many seconds from `begin` (else from the start of `view`) on, each as long as the deadline of
    the manifest at most. Each knows of stable what the hour before it tells, and nothing of its own future."""
    blocks, found, start = count(view).blocks, [], view.start if begin is None else begin
    longest = seconds(spec.analysis.deadline)
    while start < view.end:
        past = replace(view, start=max(view.start, start - HISTORY_SECONDS), end=start)
        terms = terms_for(spec, past, start, weight)
        inside = [block for block in blocks if start <= block.start and block.end <= start + longest]
        if inside:
            found.append(_window(terms, inside, start))
        start += every_seconds
    return found


def _window(terms: Terms, blocks: Sequence[Block], start: float) -> Window:
    earliest = max(MINIMUM_SECONDS, MINIMUM_BLOCKS * terms.interval_seconds)
    judged, spent, outcome = judge(terms, ()), 0.0, Outcome.UNDECIDED
    for number, block in enumerate(blocks, 1):
        judged, spent = judge(terms, blocks[:number]), block.end - start
        if judged.findings.rejected:
            outcome = Outcome.ROLLED_BACK
            break
        if judged.fresh_until is not None and judged.findings.proven and spent >= earliest:
            outcome = Outcome.PROVEN
            break
    return Window(start=start, outcome=outcome, seconds=spent, verdict=judged.verdict, judgement=judged)


def halves(side: SideSeries) -> tuple[SideSeries, SideSeries] | None:
    """The processes of one side as two sides, by turns; None where there are fewer than two."""
    names = sorted({series.process for series in side.requests})
    if len(names) < 2:
        return None
    chosen = (frozenset(names[::2]), frozenset(names[1::2]))
    one, two = (_only(side, processes) for processes in chosen)
    return one, two


def _only(side: SideSeries, processes: frozenset[str]) -> SideSeries:
    def kept(many: tuple[Series, ...] | None) -> tuple[Series, ...] | None:
        return None if many is None else tuple(series for series in many if series.process in processes)

    return SideSeries(
        requests=kept(side.requests) or (),
        errors=kept(side.errors) or (),
        started=kept(side.started),
        client_errors=kept(side.client_errors),
        target=kept(side.target),
        slow=kept(side.slow),
    )
