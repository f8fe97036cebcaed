"""What stable's past tells before the start: its error rate, how much its processes differ, and its traffic. Pure.

Frozen into the status at the start, so that a replay of the evidence gives the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .counting import Block, Counter, count, pod_counts, series_of
from .observation import MetricsView
from .split import request_rate

JUDGED = (Counter.BAD, Counter.CLIENT_ERRORS, Counter.TARGET, Counter.SLOW)
FEW_REQUESTS = 100
RATE_OF_THE_UNKNOWN = 0.001
SIGMA2_PRIOR = 0.02
PRIOR_BLOCKS = 10
BATCH_SECONDS = 300.0
NEWEST_SECONDS = 300.0
SIGMA2_MOST = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """`rates`: stable's share of each counter, in (0, 1]. `sigma2`: relative variance of the same between processes. Counters
    without series of their own are in neither. `request_rate`: requests per second in the newest 5 minutes; None when nothing
    was counted."""

    rates: dict[Counter, float]
    sigma2: dict[Counter, float]
    request_rate: float | None


def baseline_of(history: MetricsView) -> Learnt:
    """What the counters of `history` (stable alone, or both sides before the start) say of stable."""
    blocks = count(history).blocks
    judged = [counter for counter in JUDGED if series_of(history.stable, counter) is not None]
    # a block that spans a gap (no scrape before the first request) says nothing of the rate now
    newest = [block for block in blocks if block.start >= history.end - max(NEWEST_SECONDS, 2 * history.interval_seconds)]
    return Learnt(
        rates={counter: _rate(blocks, counter) for counter in judged},
        sigma2={counter: min(_spread(history, counter), SIGMA2_MOST) for counter in judged},
        request_rate=request_rate(newest),
    )


def _rate(blocks: Sequence[Block], counter: Counter) -> float:
    requests = sum(block.stable.requests for block in blocks)
    hits = sum(block.stable.of(counter) or 0 for block in blocks)
    return min(1.0, (hits + 0.5) / (requests + 1)) if requests >= FEW_REQUESTS else RATE_OF_THE_UNKNOWN


def _spread(history: MetricsView, counter: Counter) -> float:
    """The larger one of two time scales: scrapes, and batches of five minutes."""
    scales = {history.interval_seconds, max(BATCH_SECONDS, history.interval_seconds)}
    return max(_sigma2(pod_counts(history.stable, history, seconds, counter)) for seconds in scales)


def _sigma2(batches: list[list[tuple[int, int]]]) -> float:
    """sum(chi2/(P-1) - 1) / sum((e-1)/P) over batches of P processes with e errors, chi2 around the batch's own rate; drawn
    to a weak prior that is worth ten batches.

    Given e, processes that differ by a relative variance sigma2 give E[chi2/(P-1)] = 1 + (e-1) sigma2/P, near enough, as for
    a Dirichlet-multinomial.
    """
    excess = weight = 0.0
    informative = 0
    for batch in batches:
        pods, requests, bad = len(batch), sum(n for n, _ in batch), sum(x for _, x in batch)
        if pods < 2 or bad < 2:
            continue
        expected = [n * bad / requests for n, _ in batch]
        chi2 = sum((x - e) ** 2 / e for (_, x), e in zip(batch, expected, strict=True))
        excess += chi2 / (pods - 1) - 1
        weight += (bad - 1) / pods
        informative += 1
    found = max(0.0, excess / weight) if informative else SIGMA2_PRIOR
    return (informative * found + PRIOR_BLOCKS * SIGMA2_PRIOR) / (informative + PRIOR_BLOCKS)
