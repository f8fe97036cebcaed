"""Moments that lie in the future: the clock was put back, or another operator's was ahead. Pure.

Nothing may wait for such a moment to come: everything that runs from it starts now instead. A few seconds between two clocks are
no reason.
"""

from . import moments
from .status import Span, Status

TOLERANCE_SECONDS = 60.0
FIELDS = ("started_at", "phase_started_at", "stage_started_at", "acknowledged_at", "evidence_from", "baked_until")


def present(status: Status, now: float) -> Status:
    """The status with everything from the future set to now; the very same when there is nothing."""
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
    return status.model_copy(update=update) if update else status
