"""Simulate more rollouts than the tests do, tell the story of one, list the planted bugs: see `make help`."""

import argparse
import asyncio
import logging
import sys

from rich.console import Console
from rich.table import Table

from .many import simulated
from .mutants import Caught, hunt
from .pair_world import simulate_pair
from .pairs import pair_of
from .planted import PLANTED
from .world import simulate


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
