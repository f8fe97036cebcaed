"""How long until the counts can decide, and where to start. Expectations only: nothing is proven here, nothing decided. Pure."""

import math
from dataclasses import dataclass

from .bets import best_bet, growth
from .evidence import Question

PRIOR_REQUESTS = 100.0  # what the rate before the start is worth beside what was counted since


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is expected of the next scrapes: requests per second of both sides, patched's share of them in (0, 1), both
    error rates, the length of a scrape in seconds, and the design effect of one scrape."""

    request_rate: float
    share: float
    patched_rate: float
    stable_rate: float
    interval_seconds: float
    phi: float = 1.0


def expected_rate(bad: int, requests: int, before: float) -> float:
    """An error rate from counts and from what was known before, worth 100 requests; in [0, 1]."""
    return min(1.0, (bad + before * PRIOR_REQUESTS) / (requests + PRIOR_REQUESTS))


def expected_seconds(question: Question, log_now: float, traffic: Traffic) -> float | None:
    """Seconds until a question is expected to reach its threshold, in whole scrapes (at least two from zero).

    ln(1/level) / max_f [rate_c ln(1-f) + rate_s/r ln(1 + f r) + f d] requests of patched, slowed by the design effect and by
    the cap; None when that evidence is not expected to grow or there is no traffic.
    """
    missing = question.log_threshold - log_now
    if missing <= 0:
        return 0.0
    patched = traffic.request_rate * traffic.share * traffic.interval_seconds
    if patched <= 0 or not 0 < traffic.share < 1:
        return None
    ratio, case = traffic.share / (1 - traffic.share), (traffic.patched_rate, traffic.stable_rate)
    gain = growth(question.null, ratio, case, best_bet(question.null, ratio, case))
    if gain <= 0:
        return None
    return traffic.interval_seconds * math.ceil(missing / min(gain * patched / traffic.phi, question.cap))
