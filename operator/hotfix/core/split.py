"""How requests were really split between the sides, block by block: observed share, load, and a side that hangs. Pure.

Errors play no part here, and no decision is made.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import takewhile

from .counting import Block

BAND = 0.001  # a share outside the band in which 99.9 % of honest splits lie ...
TOLERANCE = 0.2  # ... and off by more than this part of the wanted one is not the split that was asked for
NEWEST_SECONDS = 60.0  # what "the newest blocks" means for shares and loads
STARTED_LEAST = 10  # requests that must have begun before a side can be said to hang


def newest(blocks: Sequence[Block], seconds: float = NEWEST_SECONDS) -> Sequence[Block]:
    """The blocks that end within the last `seconds` before the end of the newest one, and always the newest."""
    if not blocks:
        return blocks
    since = blocks[-1].end - seconds
    return [block for block in blocks if block.end > since]


def observed_share(blocks: Sequence[Block]) -> float | None:
    """Patched's share of the requests; None without requests."""
    patched = sum(block.patched.requests for block in blocks)
    total = patched + sum(block.stable.requests for block in blocks)
    return patched / total if total else None


def tail(hits: int, trials: int, share: float) -> float:
    """Probability of so many hits or of a rarer number on the same side of the mean, binomial; share in (0, 1).

    Summed from `hits` away from the mean, where terms fall, until they no longer count.
    """
    log_term = (
        math.lgamma(trials + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(trials - hits + 1)
        + hits * math.log(share)
        + (trials - hits) * math.log1p(-share)
    )
    odds, upward = share / (1 - share), hits > trials * share
    term = total = math.exp(log_term)
    while term > 1e-6 * total and 0 <= hits <= trials:
        term *= (trials - hits) / (hits + 1) * odds if upward else hits / (trials - hits + 1) / odds
        hits += 1 if upward else -1
        total += term
    return total


def off(block: Block, share: float) -> bool:
    """This block was not split as asked: outside the binomial band and far from the wanted share in (0, 1)."""
    hits, trials = block.patched.requests, block.patched.requests + block.stable.requests
    if not trials or abs(hits / trials - share) <= TOLERANCE * share:
        return False
    return tail(hits, trials, share) < BAND / 2


def off_blocks(blocks: Sequence[Block], share: float) -> int:
    """How many of the newest blocks, without a break, were not split as asked."""
    return run(off(block, share) for block in reversed(blocks))


def not_answering(block: Block, share: float) -> bool:
    """Requests begin on patched, stable's advance, yet patched completed less than half of its share and of what began."""
    started, done = block.patched.started, block.patched.requests
    if not started or not block.stable.requests:
        return False
    return 2 * done < started and 2 * done * (1 - share) < share * block.stable.requests


def not_answering_blocks(blocks: Sequence[Block], share: float) -> int:
    """How many of the newest blocks, without a break, patched did not answer in; 0 while too few requests began in them."""
    length = run(not_answering(block, share) for block in reversed(blocks))
    began = sum(block.patched.started or 0 for block in blocks[len(blocks) - length :])
    return length if began >= STARTED_LEAST else 0


def run(marks: Iterable[bool]) -> int:
    """How many marks are True before the first that is not."""
    return sum(1 for _ in takewhile(bool, marks))


def request_rate(blocks: Sequence[Block]) -> float | None:
    """Requests per second of both sides together; None without blocks."""
    spent = sum(block.end - block.start for block in blocks)
    return sum(block.patched.requests + block.stable.requests for block in blocks) / spent if spent else None


def loads(blocks: Sequence[Block], endpoints: tuple[int, int] = (0, 0)) -> tuple[float | None, float | None]:
    """Requests per second and pod of patched and of stable; None where nobody had any. `endpoints`: ready pods of both; where
    that is 0, not known, as many as processes counted requests, which are fewer where a proxy counts."""
    spent = sum(block.end - block.start for block in blocks)
    found: list[float | None] = []
    for counts, ready in zip(([block.patched for block in blocks], [block.stable for block in blocks]), endpoints, strict=True):
        requests, pods = sum(count.requests for count in counts), ready or max((count.pods for count in counts), default=0)
        found.append(requests / spent / pods if requests and pods else None)
    return found[0], found[1]
