"""`kubectl hotfix doctor`: which series there are for which side, at what rate, and why an analysis on them would be refused."""

import math
from dataclasses import dataclass
from itertools import pairwise

from hotfix.adapters.prometheus import Access
from hotfix.core import countable, fitness
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.presets import PRESETS
from hotfix.core.remarks import HANGS_LATE
from hotfix.core.spacing import SLOW_SECONDS, spacing_seconds

from . import asking
from .asking import Subject, table

RECENT_SECONDS = 300.0
PARTS = {
    "requests": "requests",
    "errors": "failed (5xx)",
    "client_errors": "refused (4xx)",
    "slow": "slow",
    "target": "errors of the fix",
    "started": "begun",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """`problems` would keep traffic from moving; `notes` are worth knowing."""

    text: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]


async def examine(access: Access, subject: Subject, now: float, interval_seconds: float) -> Report:
    """Ask for the last five minutes as the operator would."""
    refused = [problem.message for check in CHECKS if (problem := check(subject.look))]
    if countable.metrics_unknown(subject.look):
        return Report(text="", problems=tuple(refused), notes=())
    end = math.floor(now / interval_seconds) * interval_seconds
    span = (end - RECENT_SECONDS, end, interval_seconds)
    bound, why = await asking.slow_bound(access, subject, end, interval_seconds)
    view = await asking.collect(access, subject, span, slow_bound=bound)
    problems = [*refused, *_problems(subject, view)]
    return Report(text=_table(subject, view), problems=tuple(problems), notes=(why, *_notes(subject, view, interval_seconds)))


CHECKS = (countable.metrics_unknown, countable.blind_to_grpc)


def _problems(subject: Subject, view: MetricsView) -> list[str]:
    own = subject.preset == countable.CUSTOM
    found = [problem.message for problem in fitness.problems(view, own_queries=own)]
    if not view.stable.requests:
        found.append(f"No request counter for {subject.asked.stable_service}; without it patched could not be judged.")
    return found


def _notes(subject: Subject, view: MetricsView, interval_seconds: float) -> list[str]:
    found = [f"Queries: {subject.preset}."]
    if subject.preset in PRESETS:
        queries = PRESETS[subject.preset]
        found += [f"They need: {queries.needs}", f"They are blind to: {queries.blind}"]
    if not view.patched.requests:
        found.append(f"{subject.asked.patched_service} has no request series yet, as is usual before it gets traffic.")
    if not view.stable.started:
        found.append(f"{HANGS_LATE[0].upper()}{HANGS_LATE[1:]}.")
    spacing = spacing_seconds(view.stable, view.end)
    if spacing is None:
        found.append("There are too few requests to tell how often the counters are scraped.")
    else:
        slow = f"; {SLOW_SECONDS:.0f} s or less would decide sooner" if spacing > SLOW_SECONDS else ""
        longer = (
            f", so blocks of evidence are longer than the {interval_seconds:g} s asked for"
            if spacing > 1.25 * interval_seconds
            else ""
        )
        found.append(f"The counters are scraped every {spacing:.0f} s{longer}{slow}.")
    return found


def _table(subject: Subject, view: MetricsView) -> str:
    rows = []
    for part, what in PARTS.items():
        stable, patched = (getattr(side, part) for side in (view.stable, view.patched))
        if stable is None:
            rows.append([what, "not counted", "not counted"])
        else:
            rows.append([what, *(_cell(many, side, view) for many, side in ((stable, view.stable), (patched, view.patched)))])
    return table(["", f"stable: {subject.asked.stable_service}", f"patched: {subject.asked.patched_service}"], rows)


def _cell(many: tuple[Series, ...], side: SideSeries, view: MetricsView) -> str:
    processes = len({one.process for one in side.requests})
    grown = sum(increase(_values(one, view)) for one in many)
    plural = "" if processes == 1 else "es"
    return f"{grown / RECENT_SECONDS:.2f}/s, {len(many)} series of {processes} process{plural}" if many else "no series"


def increase(values: list[float]) -> float:
    """What was counted from the first value to the last; a lower one is that of a process that began again."""
    return sum(later - earlier if later >= earlier else later for earlier, later in pairwise(values))


def _values(series: Series, view: MetricsView) -> list[float]:
    return [value for moment, value in series.samples if view.start <= moment <= view.end]
