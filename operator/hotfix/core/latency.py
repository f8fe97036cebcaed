"""From which time on a request is slow: a bucket of stable's histogram. Pure.

The counter of slow requests is then the histogram's count less that bucket, so the bound is a bucket's and no other number.
"""

from collections.abc import Sequence

from .quantities import seconds, span
from .spec import AUTO, Spec

FEW_REQUESTS = 100
QUANTILE = 0.95
AUTO_FACTOR = 2.0

Buckets = Sequence[tuple[str, float, float]]  # (label le, its bound in seconds, requests up to it), ascending, +Inf last


def bound_of(spec: Spec, buckets: Buckets | None, *, own: bool) -> tuple[str | None, str]:
    """(label of the bucket, why). An empty label: slow requests are not judged. None: they are to be, and cannot be.

    `own`: the manifest has a counter of slow requests itself, so no bucket is needed.
    """
    threshold = spec.analysis.latency.threshold
    if own:
        return "", "Slow requests are counted by metrics.slow."
    finite = [bucket for bucket in buckets or () if bucket[1] != float("inf")]
    if threshold == AUTO:
        found = _auto(finite, buckets[-1][2] if buckets else 0.0)
        return (
            (found[0], f"Slow is over {_time(found[1])}.") if found else ("", "Latency is not judged: no histogram tells enough.")
        )
    fitting = next((bucket for bucket in finite if bucket[1] >= seconds(threshold)), None)
    if fitting is None:
        return None, (
            f"Prometheus has no latency histogram for {spec.stable_service} with a bucket of {threshold} or more, so "
            "analysis.latency.threshold cannot be judged; set it to Auto, or give metrics.slow."
        )
    return fitting[0], f"Slow is over {_time(fitting[1])}, the next bucket of the histogram to {threshold}."


def _time(bound: float) -> str:
    return span(bound) if bound >= 1 and bound == round(bound) else f"{bound * 1000:g}ms"


def _auto(finite: Buckets, total: float) -> tuple[str, float] | None:
    """The smallest bucket of at least twice stable's 95th percentile; None where requests or buckets are too few."""
    if total < FEW_REQUESTS:
        return None
    p95 = quantile(finite, total)
    return next(((label, bound) for label, bound, _ in finite if p95 is not None and bound >= AUTO_FACTOR * p95), None)


def quantile(finite: Buckets, total: float) -> float | None:
    """The 95th percentile in seconds, linear within its bucket; None when it lies above the last finite one."""
    rank, lower, below = QUANTILE * total, 0.0, 0.0
    for _, bound, count in finite:
        if count >= rank:
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return None
