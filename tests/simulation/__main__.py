"""Simulate more rollouts than the tests do, tell the story of one, list the planted bugs: see `make help`."""

import argparse
import asyncio
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from .garbage import collect_rarely
from .mutants import Caught, hunt
from .pair_world import simulate_pair
from .pairs import pair_of
from .planted import PLANTED
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


def replayed(seed: int, *, pairs: bool) -> int:
    """The story of one rollout, or of two, a line for each event."""
    logging.disable(logging.CRITICAL)
    result = asyncio.run(simulate_pair(seed) if pairs else simulate(seed))
    print(pair_of(seed) if pairs else result.plan)
    print("\n".join(result.story))
    print(f"{result.phase} after {result.looks} looks; broken: {result.breaches or 'nothing'}")
    return 1 if result.breaches else 0


def hunted() -> int:
    """The table of planted bugs; 1 when one survives."""
    logging.disable(logging.CRITICAL)
    table = Table("promise", "planted bug", "caught by", "after", "")
    found: list[Caught] = []
    for mutant in PLANTED:
        caught = hunt(mutant)
        found.append(caught)
        table.add_row(
            mutant.promise, mutant.bug, ", ".join(caught.by) or "nothing", caught.after, "killed" if caught.killed else "SURVIVED"
        )
    Console(width=150).print(table)
    left = sum(not caught.killed for caught in found)
    print(f"{len(found) - left} of {len(found)} planted bugs were caught by the checker that is there for them")
    return 1 if left else 0


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    commands = parser.add_subparsers(dest="command", required=True)
    sim = commands.add_parser("sim")
    sim.add_argument("--count", type=int, default=5000)
    sim.add_argument("--seed", type=int, default=0)
    replay = commands.add_parser("replay")
    replay.add_argument("seed", type=int)
    for command in (sim, replay):
        command.add_argument("--pairs", action="store_true")
    commands.add_parser("mutants")
    asked = parser.parse_args()
    if asked.command == "sim":
        return simulated(asked.count, asked.seed, pairs=asked.pairs)
    return replayed(asked.seed, pairs=asked.pairs) if asked.command == "replay" else hunted()


if __name__ == "__main__":
    sys.exit(main())
