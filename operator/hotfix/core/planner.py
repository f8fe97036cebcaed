"""How long until the counts can decide, and where to start. Expectations only: nothing is proven here, nothing decided. Pure."""

import math
from dataclasses import dataclass

from .bets import best_bet, growth
from .evidence import Question, widening

PRIOR_REQUESTS = 100.0  # what the rate before the start is worth beside what was counted since
QUIET_PERCENT, QUIET_REQUESTS = 25, 50.0  # a quiet service: this share of it are fewer requests a scrape than that
SUSPECT_SCRAPES = 2  # a weight is not raised where patched is expected to be taken out of traffic so soon


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is expected of the next scrapes: requests per second of both sides, patched's share of them in (0, 1), both
    error rates, the length of a scrape in seconds, the relative variance of the rate between processes, and how many of these
    (patched, stable) have."""

    request_rate: float
    share: float
    patched_rate: float
    stable_rate: float
    interval_seconds: float
    sigma2: float = 0.0
    processes: tuple[int, int] = (1, 1)


def expected_rate(bad: int, requests: int, before: float) -> float:
    """An error rate from counts and from what was known before, worth 100 requests; in [0, 1]."""
    return min(1.0, (bad + before * PRIOR_REQUESTS) / (requests + PRIOR_REQUESTS))


def gain(question: Question, traffic: Traffic) -> float:
    """Expected growth of the log evidence in one scrape, by the best bet: slowed by the design effect, bounded by the cap; 0 or
    less where it is not expected to grow."""
    n_c, n_s = (traffic.request_rate * traffic.interval_seconds * part for part in (traffic.share, 1 - traffic.share))
    if n_c <= 0 or n_s <= 0:
        return 0.0
    null, case = question.null, (traffic.patched_rate, traffic.stable_rate)
    won = growth(null, n_c / n_s, case, best_bet(null, n_c / n_s, case)) * n_c
    pooled = (n_c * traffic.patched_rate + n_s * traffic.stable_rate - n_c * null.margin) / (null.rho * n_c + n_s)
    return min(won / widening(null, (n_c, n_s), pooled, traffic.sigma2, traffic.processes), question.cap)


def expected_seconds(question: Question, log_now: float, traffic: Traffic) -> float | None:
    """Seconds until a question is expected to reach its threshold, in whole scrapes (at least two from zero).

    ln(1/level) / max_f [rate_c ln(1-f) + rate_s/r ln(1 + f r) + f d] requests of patched, slowed by the design effect and by
    the cap; None when that evidence is not expected to grow or there is no traffic.
    """
    missing = question.log_threshold - log_now
    if missing <= 0:
        return 0.0
    won = gain(question, traffic)
    return traffic.interval_seconds * math.ceil(missing / won) if won > 0 else None


def quiet(interval_seconds: float, request_rate: float) -> bool:
    """So few requests that a decision takes minutes at any weight, and few of them are at stake meanwhile."""
    return request_rate * interval_seconds * QUIET_PERCENT / 100 < QUIET_REQUESTS


def suspect(found_out_seconds: float | None, interval_seconds: float, request_rate: float) -> bool:
    """So few scrapes are missing to a rollback (None: it is not expected) that more requests for patched would only cost more. In
    a quiet service they cost little and tell it sooner."""
    if found_out_seconds is None or quiet(interval_seconds, request_rate):
        return False
    return found_out_seconds <= SUSPECT_SCRAPES * interval_seconds
