"""`kubectl hotfix backtest`: the same engine over past counts, of two Deployments or of one against itself."""

import statistics
from dataclasses import replace

from hotfix.adapters.prometheus import Access
from hotfix.core import countable, fitness, moments, replay, reports
from hotfix.core.counting import Counter
from hotfix.core.looking import HISTORY_SECONDS
from hotfix.core.observation import MetricsView
from hotfix.core.quantities import span as length
from hotfix.core.replay import Outcome, Window
from hotfix.errors import Refused

from . import asking
from .asking import Subject, table

SHOWN = 10


async def run(  # noqa: PLR0913 - each is one option
    access: Access,
    subject: Subject,
    span: tuple[float, float, float],
    *,
    same: bool,
    every_seconds: float,
    weight: int,
) -> list[Window]:
    """The windows of `span` (start, end, interval). `same`: stable's processes against each other."""
    view = await _collected(access, subject, span)
    if same:
        parts = replay.halves(view.stable)
        if parts is None:
            raise Refused(f"{subject.asked.stable_service} has fewer than two processes then; an A/A test needs two.")
        view = replace(view, patched=parts[0], stable=parts[1])
    for name, side in ((subject.asked.patched_service, view.patched), (subject.asked.stable_service, view.stable)):
        if not side.requests:
            raise Refused(
                f"Prometheus has no requests of {name} between {moments.rfc3339(span[0])} and {moments.rfc3339(span[1])}."
            )
    mixed = fitness.sides_indistinct(view)
    if mixed:
        raise Refused(mixed.message)
    return replay.windows(subject.asked, view, every_seconds=every_seconds, weight=weight, begin=span[0])


async def _collected(access: Access, subject: Subject, span: tuple[float, float, float]) -> MetricsView:
    """All that a rollout would have counted, slow requests too, and what it would have learnt of stable in the hour before.
    Refused where it would have been."""
    if subject.preset is None:
        raise Refused("The manifest has neither metrics.preset nor queries of its own; add one, as no cluster is asked here.")
    unknown = countable.metrics_unknown(subject.look)
    if unknown:
        raise Refused(unknown.message)
    slow_bound = await _slow_bound(access, subject, span)
    view = await asking.collect(access, subject, (span[0] - HISTORY_SECONDS, *span[1:]), slow_bound=slow_bound)
    if view.problem:
        raise Refused(view.problem[1])
    grpc = None if subject.preset == countable.CUSTOM else fitness.blind_to_grpc(view)
    if grpc:
        raise Refused(grpc.message)
    return view


async def _slow_bound(access: Access, subject: Subject, span: tuple[float, float, float]) -> str:
    """From which bucket on a request was slow: by the histogram of the hour before the span, as a rollout that began there
    would have had it, else of its last hour. Refused where a threshold was given that neither can judge."""
    bound, _ = await asking.slow_bound(access, subject, span[0], span[2])
    if not bound:
        bound, why = await asking.slow_bound(access, subject, span[1], span[2])
        if bound is None:
            raise Refused(why)
    return bound


def data(found: list[Window]) -> list[dict[str, object]]:
    """One object a window."""
    return [_data(window) for window in found]


def _data(window: Window) -> dict[str, object]:
    sides = window.judgement.counted[Counter.BAD]
    return {
        "start": moments.rfc3339(window.start),
        "outcome": str(window.outcome),
        "seconds": window.seconds,
        "verdict": str(window.verdict),
        "patched": {"requests": sides.patched.requests, "failed": sides.patched.bad},
        "stable": {"requests": sides.stable.requests, "failed": sides.stable.bad},
        "evidence": reports.all_evidence(window.judgement),
    }


def as_text(found: list[Window]) -> str:
    """How often each outcome, and the first windows that were rolled back."""
    rows = []
    for outcome in Outcome:
        ended = [window.seconds for window in found if window.outcome is outcome]
        share = f"{100 * len(ended) / len(found):.1f} %" if found else "-"
        rows.append([str(outcome), str(len(ended)), share, length(statistics.median(ended)) if ended else "-"])
    text = table(["outcome", "windows", "share", "median time"], rows)
    back = [window for window in found if window.outcome is Outcome.ROLLED_BACK]
    for window in back[:SHOWN]:
        when = f"{moments.rfc3339(window.start)} {window.verdict} after {length(window.seconds)}"
        text += f"\n{when}: {reports.counts(window.judgement)}"
    return text + ("\n" if back else "")
