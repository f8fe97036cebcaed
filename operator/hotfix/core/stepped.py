"""Moments that lie in the future: the clock was put back, or another operator's was ahead. Pure.

Nothing may wait for such a moment to come: everything that runs from it starts now instead. A few seconds between two clocks are
no reason. What is noted meanwhile is too early for a clock that is put right again: it would take counts from before the fix for
counts since, and an hour for waited. So the latest moment that was known is remembered, and once it has come everything that runs
starts anew.
"""

from . import moments
from .status import Span, Status

TOLERANCE_SECONDS = 5.0
FIELDS = ("started_at", "phase_started_at", "stage_started_at", "acknowledged_at", "evidence_from", "baked_until")


def present(status: Status, now: float) -> Status:
    """The status with everything from the future set to now, or everything anew when the clock is right again; the very same when
    there is nothing.

    A clock that is put back twice comes to two moments. The nearer one is waited for first; the last decision, whose time is left
    as it was, tells of the other when that has come.
    """
    if status.clock_ahead is not None and now >= moments.unix(status.clock_ahead):
        status = _anew(status, moments.rfc3339(now))
    known = max((moments.unix(text) for text in _running(status)), default=now)
    if known > now + TOLERANCE_SECONDS:
        return _put_back(status, now, moments.rfc3339(known))
    decided = moments.unix(status.decisions[-1].time) if status.decisions else now
    if status.clock_ahead is None and decided > now + TOLERANCE_SECONDS:
        return status.model_copy(update={"clock_ahead": moments.rfc3339(decided)})
    return status


def _running(status: Status) -> list[str]:
    """Every moment of its own clock that something runs from."""
    texts = [getattr(status, name) for name in FIELDS] + [*status.since.values()]
    texts += [span.end for span in status.excluded]
    texts += [status.stable_lost.since if status.stable_lost else None, status.verdict.at if status.verdict else None]
    return [text for text in texts if text]


def _put_back(status: Status, now: float, known: str) -> Status:
    limit, moment = now + TOLERANCE_SECONDS, moments.rfc3339(now)

    def ahead(text: str | None) -> bool:
        return text is not None and moments.unix(text) > limit

    update: dict[str, object] = {name: moment for name in FIELDS if ahead(getattr(status, name))}
    if any(ahead(since) for since in status.since.values()):
        update["since"] = {name: moment if ahead(since) else since for name, since in status.since.items()}
    if any(ahead(span.end) for span in status.excluded):
        spans = [Span(start=min(span.start, moment), end=min(span.end, moment)) for span in status.excluded]
        update["excluded"] = [span for span in spans if span.start < span.end]
    if status.stable_lost and ahead(status.stable_lost.since):
        update["stable_lost"] = status.stable_lost.model_copy(update={"since": moment})
    if status.verdict and ahead(status.verdict.at):
        update["verdict"] = status.verdict.model_copy(update={"at": moment})
    if {"evidence_from", "baked_until"} & update.keys():
        update["bake_seconds"] = 0
    return status.model_copy(update=update | {"clock_ahead": known})


def _anew(status: Status, moment: str) -> Status:
    update: dict[str, object] = {name: moment for name in FIELDS if getattr(status, name)}
    update |= {
        "since": dict.fromkeys(status.since, moment),
        "excluded": [],
        "stopped_seconds": 0,
        "bake_seconds": 0,
        "clock_ahead": None,
    }
    if status.stable_lost:
        update["stable_lost"] = status.stable_lost.model_copy(update={"since": moment})
    return status.model_copy(update=update)
