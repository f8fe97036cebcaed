"""Simulated rollouts, or pairs of them, on all processors.

Not in the module that is run: where processes are not forked (Python 3.14 and newer) they find nothing that is in there.
"""

import asyncio
import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from .garbage import collect_rarely
from .pair_world import simulate_pair
from .world import simulate

EACH = 50


def _some(seeds: Sequence[int], *, pairs: bool) -> tuple[Counter[str], int, list[tuple[int, str]], Counter[str]]:
    """(endings, looks, (seed, what was broken), what happened)."""
    logging.disable(logging.CRITICAL)
    endings, happened = Counter[str](), Counter[str]()
    looks, broken = 0, []
    for seed in seeds:
        result = asyncio.run(simulate_pair(seed) if pairs else simulate(seed))
        endings[str(result.phase)] += 1
        looks += result.looks
        happened += result.happened
        broken += [(seed, f"{promise}: {text}") for promise, text in result.breaches[:1]]
    return endings, looks, broken, happened


def simulated(count: int, first: int, *, pairs: bool) -> int:
    """Many rollouts, or pairs of them, on all processors; 1 when a promise was broken."""
    began, endings, looks, broken, done = time.monotonic(), Counter[str](), 0, [], 0
    happened = Counter[str]()
    parts = [range(seed, min(seed + EACH, first + count)) for seed in range(first, first + count, EACH)]
    with multiprocessing.Pool(os.cpu_count(), collect_rarely) as pool:
        for part in pool.imap_unordered(partial(_some, pairs=pairs), parts):
            done += sum(part[0].values())
            endings += part[0]
            looks += part[1]
            broken += part[2]
            happened += part[3]
            for seed, text in part[2]:
                print(f"seed {seed}: {text}   (make replay SEED={seed}{' PAIRS=1' if pairs else ''})", flush=True)
            if done % (20 * EACH) == 0:
                print(f"{done:,} of {count:,} rollouts, {time.monotonic() - began:.0f} s", flush=True)
    ends = ", ".join(f"{number:,} {phase}" for phase, number in endings.most_common())
    print(*(f"{1000 * number / done:8.1f} in 1,000: {what}" for what, number in sorted(happened.items())), sep="\n")
    print(f"{done:,} rollouts, {looks:,} looks, {time.monotonic() - began:.0f} s; {len(broken)} broke a promise; {ends}")
    return 1 if broken else 0
