"""A side that answers no more where nobody counts the requests that begin: told from the requests that are missing. Pure.

What stale proxies, sticky sessions and other routes take from patched goes to stable instead: both sides together complete as
many requests as before. A patch that hangs takes its requests with it: both together complete fewer, by about patched's share.
Traffic that falls by itself falls on both sides and changes no share. So patched is silent when all of this is so:

- It answered before: its counters grew in earlier blocks, and these tell how many blocks lie between two of its scrapes.
- In the blocks of three of its scrapes running, sampled and with requests on stable, it completed less than half of what its
  share is beside stable's requests; beyond what chance does to a split (`split.BAND`).
- In these blocks both sides together completed less than the rate before, less half of patched's share of it; beyond what chance
  does to two counts (binomial, given their sum). The rate before is that of the blocks at this weight before it fell silent;
  without any, the one on which the weight was raised.

Where it cannot be said, nothing is said. That is so below a share of one half, where the fall is what traffic may do by itself,
and beyond the first five minutes: a split may be off for hours for an innocent reason, and traffic falls meanwhile. It is so also
where requests that begin are counted, for then `split.not_answering` tells more, and sooner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .counting import Block
from .split import BAND, NEWEST_SECONDS, run, tail

SCRAPES = 3  # of the silent side
LEAST_SHARE = 0.5
FIRST_SECONDS = 300.0
RATE_BLOCKS = 4  # the rate before is that of the newest minute, or of so many blocks where these are longer
SPACING_BLOCKS = 10  # newest blocks in which the side's counters grew


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Blocks in which patched did not answer, and requests per second that both sides together completed in them and before."""

    blocks: int
    rate: float
    rate_before: float


def silence(scrapes: Sequence[Block], at_weight: Sequence[Block], share: float, rate_before: float | None) -> Silence | None:
    """What is missing since patched fell silent; None while it is not. `at_weight`: the last of the `scrapes`, those split by the
    wanted `share` in (0, 1); `rate_before`: requests per second of both sides on which this weight was raised."""
    newest = next((block for block in reversed(at_weight) if _total(block)), None)
    # nearly every look ends here; only a silent side is worth going through all blocks
    if share < LEAST_SHARE or newest is None or not _silent(newest, share) or any(block.patched.started for block in scrapes):
        return None
    told = [block for block in at_weight if _total(block)]
    length = run(_silent(block, share) for block in reversed(told))
    since = told[-length].start
    silent = [block for block in told[-length:] if block.end <= since + FIRST_SECONDS]
    spacing = _spacing([block for block in scrapes if block.start < since and _total(block)])
    if spacing is None or len(silent) < SCRAPES * spacing:
        return None
    completed, seconds = _sums(silent)
    before, before_seconds = _before(told[:-length], rate_before)
    if not before or completed / seconds >= (1 - share / 2) * before / before_seconds:
        return None
    by_chance = (
        tail(sum(block.patched.requests for block in silent), completed, share),
        tail(completed, completed + before, seconds / (seconds + before_seconds)),
    )
    if max(by_chance) >= BAND / 2:
        return None
    return Silence(blocks=len(silent), rate=completed / seconds, rate_before=before / before_seconds)


def _total(block: Block) -> int:
    return block.patched.requests + block.stable.requests


def _silent(block: Block, share: float) -> bool:
    """Counters that are not sampled tell nothing."""
    done, stable = block.patched.requests, block.stable.requests
    return block.patched.sampled and 2 * done * (1 - share) < share * stable


def _spacing(blocks: Sequence[Block]) -> int | None:
    """How many blocks on from one in which patched's counters grew they usually grow again; None where that was not seen."""
    grown = [place for place, block in enumerate(blocks) if block.patched.requests][-SPACING_BLOCKS:]
    steps = sorted(later - earlier for earlier, later in pairwise(grown))
    return steps[len(steps) // 2] if steps else None


def _sums(blocks: Sequence[Block]) -> tuple[int, float]:
    """Requests of both sides, and seconds. Blocks without any are not among them: a scrape may have been late."""
    return sum(_total(block) for block in blocks), sum(block.end - block.start for block in blocks)


def _before(answered: Sequence[Block], rate_before: float | None) -> tuple[int, float]:
    if not answered:
        return round((rate_before or 0.0) * NEWEST_SECONDS), NEWEST_SECONDS
    newest = answered[-1]
    since = newest.end - max(NEWEST_SECONDS, RATE_BLOCKS * (newest.end - newest.start))
    return _sums([block for block in answered if block.end > since])
