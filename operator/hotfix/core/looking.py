"""What a look has to see: which span of metrics, which Services. Told by spec and status alone. Pure."""

import math

from . import moments
from .observation import ServiceView, SideView
from .quantities import seconds
from .spec import Spec
from .status import Stage, Status

LOOK_SECONDS = 5.0  # longest time between two looks while live
SOON_SECONDS = 0.5  # while an acknowledgement or a clock of seconds is awaited, and after a moment that must have passed
HISTORY_SECONDS = 3600.0  # of stable's counters, to learn its error rate and its noise before the start
ARRIVAL_SECONDS = 2.5  # so long a scrape may take until Prometheus has it; what arrives later is counted when it does


def judging_lag(interval_seconds: float) -> float:
    """Seconds from the end of a block until it is judged: no longer than samples need, and at most one scrape."""
    return min(interval_seconds, ARRIVAL_SECONDS)


def seconds_to_look(now: float, interval_seconds: float) -> float:
    """Seconds from `now` until the next look at counts: whenever a block is judged, and not rarer than LOOK_SECONDS."""
    since = (now - judging_lag(interval_seconds)) % interval_seconds
    return min(interval_seconds - since, LOOK_SECONDS - since % LOOK_SECONDS) + SOON_SECONDS


def learns(status: Status) -> bool:
    """What stable's counters tell is learnt: right before the start, or before an older one is asked to stand still for it."""
    return status.stage is Stage.ADOPTING or (status.stage is Stage.SCALING and status.supersedes is not None)


def metrics_span(spec: Spec, status: Status, now: float, scrape_interval_seconds: float) -> tuple[float, float, float] | None:
    """(start, end, interval) in unix seconds on a grid aligned to the interval; None when nothing is to be judged.

    The end is a while ago, so that every sample of the last block has arrived.
    """
    if not learns(status) and status.stage not in (Stage.SHIFTING, Stage.RETURNING):
        return None
    interval = float(status.baseline.interval_seconds) if status.baseline else scrape_interval_seconds
    if status.baseline is None and spec.metrics.interval:
        interval = seconds(spec.metrics.interval)
    end = math.floor((now - judging_lag(interval)) / interval) * interval
    begin = moments.unix(status.evidence_from) if status.evidence_from else now - HISTORY_SECONDS
    start = math.floor(begin / interval) * interval
    return min(start, end), end, interval


def port_of(side: SideView | None, routed: int | None) -> int:
    """The Service port that the route sends to; the Service's first one where the route names none."""
    service: ServiceView | None = side.service if side else None
    if routed is not None:
        return routed
    return service.ports[0] if service and service.ports else 80
