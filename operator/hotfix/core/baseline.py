"""What stable's past tells before the start: its error rate, how much its processes differ, and its traffic. Pure.

Frozen into the status at the start, so that a replay of the evidence gives the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .counting import Block, Counter, counted, pod_counts, series_of
from .observation import MetricsView, SideSeries
from .scatter import Counts, Scatter, between_processes, memory_blocks, over_time
from .split import request_rate

JUDGED = (Counter.BAD, Counter.CLIENT_ERRORS, Counter.TARGET, Counter.SLOW)
FEW_REQUESTS = 100
RATE_OF_THE_UNKNOWN = 0.001
SIGMA2_PRIOR = 0.02
PRIOR_BLOCKS = 10
NEWEST_SECONDS = 300.0
SIGMA2_MOST = 100.0
NAME_LENGTH = 47  # of a Deployment's name, as much as is uncut in its pods' names


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """`rates`: stable's share of each counter, in (0, 1]. `sigma2`: relative variance of the same between processes. Counters
    without series of their own are in neither. `request_rate`: requests per second in the newest 5 minutes; None when nothing
    was counted. `processes`: how many of stable's had requests at a time, at least 1."""

    rates: dict[Counter, float]
    sigma2: dict[Counter, float]
    request_rate: float | None
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """Who counts is a proxy: how many ready pods it sends requests to on either side; 0 where that is not known."""

    stable_pods: int = 0
    patched_pods: int = 0

    @property
    def thinner(self) -> float:
        """How many times fewer pods patched's requests are spread over; at least 1. Its rate scatters so much more."""
        return max(1.0, self.stable_pods / self.patched_pods) if self.patched_pods else 1.0


def count_themselves(side: SideSeries, deployment: str) -> bool:
    """The processes of this side are the Deployment's own pods, as their names tell."""
    return any(one.process.startswith(deployment[:NAME_LENGTH]) for one in side.requests)


def baseline_of(history: MetricsView, proxies: Proxies | None = None) -> Learnt:
    """What the counters of `history` (stable alone, or both sides before the start) say of stable. `proxies`: given where
    these count; None where every pod counts for itself."""
    blocks = counted(history).blocks
    judged = [counter for counter in JUDGED if series_of(history.stable, counter) is not None]
    # a block that spans a gap (no scrape before the first request) says nothing of the rate now
    newest = [block for block in blocks if block.start >= history.end - max(NEWEST_SECONDS, 2 * history.interval_seconds)]
    grown = pod_counts(history.stable, history, judged)
    memory = memory_blocks(history.interval_seconds)
    return Learnt(
        rates={counter: _rate(blocks, counter) for counter in judged},
        sigma2={counter: min(_spread(counts, memory, proxies), SIGMA2_MOST) for counter, counts in grown.items()},
        request_rate=request_rate(newest),
        processes=_processes(blocks),
    )


def _rate(blocks: Sequence[Block], counter: Counter) -> float:
    requests = sum(block.stable.requests for block in blocks)
    hits = sum(block.stable.of(counter) or 0 for block in blocks)
    return min(1.0, (hits + 0.5) / (requests + 1)) if requests >= FEW_REQUESTS else RATE_OF_THE_UNKNOWN


def _processes(blocks: Sequence[Block]) -> int:
    pods = sorted(block.stable.pods for block in blocks if block.stable.pods)
    return pods[len(pods) // 2] if pods else 1


def _spread(counts: Counts, memory: int, proxies: Proxies | None) -> float:
    """Between processes where several have errors: the finest there is, as what happens to all at once happens to patched too.
    One process alone is only seen over time. Proxies hardly differ from each other, however much the pods behind them do, so
    theirs is the larger one of both."""
    between = between_processes(counts, memory)
    if proxies is None and between.seen:
        return _known(between)
    time = over_time(counts, memory).times(proxies.thinner if proxies else 1.0)
    return max(_known(between), _known(time)) if between.seen else _known(time)


def _known(found: Scatter) -> float:
    """What happens at once is drawn to a weak prior that is worth ten blocks."""
    at_once = (found.blocks * found.at_once + PRIOR_BLOCKS * SIGMA2_PRIOR) / (found.blocks + PRIOR_BLOCKS)
    return at_once + found.lasting
