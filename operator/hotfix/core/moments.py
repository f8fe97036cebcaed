"""Moments: seconds since 1970 (what the core computes with) and RFC 3339 in UTC (what the status shows), and waits that grow. No
clock here.
"""

from datetime import UTC, datetime
from functools import lru_cache

REMEMBERED = 4096  # moments: every look reads those of its rollout's status again


@lru_cache(REMEMBERED)
def rfc3339(moment_seconds: float) -> str:
    """RFC 3339 with milliseconds, in UTC: 0.5 is `1970-01-01T00:00:00.500Z`."""
    return datetime.fromtimestamp(moment_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_seconds(moment_seconds: float) -> str:
    """RFC 3339 without a fraction, as metav1.Time wants it."""
    return datetime.fromtimestamp(int(moment_seconds), UTC).isoformat().replace("+00:00", "Z")


def microseconds(moment_seconds: float) -> str:
    """RFC 3339 with six digits of a second, as metav1.MicroTime wants it."""
    return datetime.fromtimestamp(moment_seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def doubled(first_seconds: float, times: int, longest_seconds: float) -> float:
    """A wait in seconds that grows each time: the first, twice that after one time more ..., and never more than the longest,
    however often it was."""
    return min(first_seconds * 2.0 ** min(max(0, times), 16), longest_seconds)


@lru_cache(REMEMBERED)
def unix(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 moment; ValueError when it is none or has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
