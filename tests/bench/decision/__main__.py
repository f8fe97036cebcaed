"""Runs the worlds and prints the tables. N (500) is the number of rollouts a cell (four times as many where a target is below
1 %), SEED (1) the first seed.
"""

import json
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import ours, thresholds
from .ours import Run
from .worlds import World

OUTPUT = Path(".cache/bench-decision.json")
HEALTHY, BUG = 0.001, 0.05


@dataclass(frozen=True)
class Cell:
    """A world, what is measured of it, and what is asked for. `rare`: the target is below 1 %."""

    world: World
    shows: str  # rolled back | promoted | reached
    target: str
    good: Callable[[Sequence[Run]], bool]
    start: int | None = None
    rare: bool = False
    deadline: float = 3600.0


def share(runs: Sequence[Run], end: str) -> float:
    """Of the rollouts that ended like that."""
    return sum(run.end == end for run in runs) / len(runs)


def middle(values: Sequence[float]) -> float:
    """Median; infinite without any."""
    return statistics.median(values) if values else math.inf


def most(end: str, limit: float) -> Callable[[Sequence[Run]], bool]:
    return lambda runs: wilson(sum(run.end == end for run in runs), len(runs))[0] <= limit


def back_within(seconds: float, bad: float) -> Callable[[Sequence[Run]], bool]:
    def good(runs: Sequence[Run]) -> bool:
        ended = [run for run in runs if run.end == "rolled back"]
        times, wrong = middle([run.seconds for run in ended]), middle([run.bad for run in ended])
        return share(runs, "rolled back") >= 0.99 and times <= seconds and wrong <= bad

    return good


def reached_within(seconds: float) -> Callable[[Sequence[Run]], bool]:
    return lambda runs: share(runs, "promoted") >= 0.95 and middle([run.reached for run in runs if run.reached]) <= seconds


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z, p = 1.959964, hits / trials
    centre, half = p + z * z / (2 * trials), z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    return max(0.0, (centre - half) / (1 + z * z / trials)), min(1.0, (centre + half) / (1 + z * z / trials))


def world(name: str, rps: float, patched: float, stable: float, **more: object) -> World:
    return World(name=f"{name}, {rps:g} rps", rps=rps, patched=patched, stable=stable, **more)  # type: ignore[arg-type]


def cells() -> list[Cell]:
    """Every world of the table."""
    found = [
        Cell(world("crash", 100, 1.0, HEALTHY), "rolled back", "<= 60 s, <= 60 bad (1 % start)", back_within(60, 60), start=1),
        *(
            Cell(world("+5 pp", r, HEALTHY + 0.05, HEALTHY), "rolled back", "<= 90 s, <= 25 bad", back_within(90, 25))
            for r in (10, 100)
        ),
    ]
    for rps in (1, 10, 100, 1000):
        limit = 0.05 if rps < 100 else 0.005
        worse = world("+0.5 pp", rps, HEALTHY + 0.005, HEALTHY)
        found.append(Cell(worse, "promoted", f"<= {100 * limit:g} %", most("promoted", limit), rare=rps >= 100))
    for rps in (1, 10, 100, 1000):
        for name, more in (("healthy", {}), ("noisy", {"noise": 0.3}), ("sticky noise", {"noise": 0.3, "sticky": 4})):
            alike = world(name, rps, 0.02, 0.02, **more)
            found.append(Cell(alike, "rolled back", "<= 1 %", most("rolled back", 0.01)))
    for rps in (10, 100, 1000):
        cure = world("good hotfix", rps, HEALTHY, HEALTHY, target=(0.02 * BUG, BUG))
        found.append(Cell(cure, "reached", "<= 90 s", reached_within(90)))
    for rps in (100, 1000):
        placebo = world("no effect", rps, HEALTHY, HEALTHY, target=(BUG, BUG))
        found.append(Cell(placebo, "rolled back", "<= 135 s", back_within(135, math.inf)))
        found.append(Cell(placebo, "promoted", "<= 0.2 %", most("promoted", 0.002), rare=True))
    outage = world("good, 2 % outage beside it", 100, 0.02, 0.02, target=(0.02 * BUG, BUG))
    found.append(Cell(outage, "promoted", "promoted", lambda runs: share(runs, "promoted") >= 0.95))
    for rps in (10, 100):
        edge = world("boundary, +0.5 pp", rps, 0.01, 0.005)
        found.append(Cell(edge, "promoted", "<= 5 % (50/50, 2 h)", most("promoted", 0.05), start=50, deadline=7200.0))
        edge = world("boundary, +0.1 pp", rps, 0.006, 0.005)
        found.append(Cell(edge, "rolled back", "<= 1 % (50/50, 2 h)", most("rolled back", 0.01), start=50, deadline=7200.0))
    return found


STARTS: dict[str, int | None] = {"planner": None, "1 %": 1, "5 %": 5, "10 %": 10}


def starts(pool: "Pool", seeds: range) -> tuple[Table, list[dict[str, object]]]:
    """The planner's start against fixed ones and against a simpler rule (the smallest step of at most 10 % that gives patched 10
    requests a scrape, else 10 %): bad requests of a bad patch, errors of all clients under a good one."""
    table, results = Table("first weight", *STARTS, "simpler rule"), []
    cases = [("crash", 100, 1.0, None), ("crash", 10, 1.0, None), ("good", 100, HEALTHY, BUG), ("good", 10, HEALTHY, BUG)]
    for name, rps, patched, bug in cases:
        case = world(name, rps, patched, HEALTHY, target=(0.02 * bug, bug) if bug else None)
        row = []
        simpler = next((step for step in (1, 5) if rps * case.scrape_seconds * step >= 1000), 10)
        for start in (*STARTS.values(), simpler):
            runs = pool.map(partial(ours.run, case, start=start), seeds, chunksize=8)
            row.append(statistics.mean([run.bad if name == "crash" else run.errors for run in runs]))
        table.add_row(f"{case.name}: {'bad requests' if name == 'crash' else 'errors'}", *(f"{value:.0f}" for value in row))
        results.append({"world": case.name, **dict(zip([*STARTS, "simpler rule"], row, strict=True))})
    return table, results


def told(runs: Sequence[Run], shows: str) -> str:
    """The numbers of one cell under one rule."""
    if shows == "reached":
        times = [run.reached for run in runs if run.end == "promoted" and run.reached is not None]
        return f"{100 * share(runs, 'promoted'):.0f} % promoted, 80 % after {middle(times):.0f} s"
    ended = [run for run in runs if run.end == shows]
    low, high = wilson(len(ended), len(runs))
    text = f"{100 * len(ended) / len(runs):.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{text}, {middle([r.seconds for r in ended]):.0f} s, {middle([r.bad for r in ended]):.0f} bad" if ended else text


def main() -> None:
    """Measure, print, write JSON."""
    rollouts, seed = int(os.environ.get("N", "500")), int(os.environ.get("SEED", "1"))
    console, began = Console(width=170), time.monotonic()
    console.print(
        f"{rollouts} rollouts a cell (x4 where the target is below 1 %), seeds from {seed}, 15 s scrapes, 95 % intervals"
    )
    table = Table("world", "of it", "asked", "ours", *(rule.name for rule in thresholds.RULES))
    results = []
    with multiprocessing.Pool() as pool:
        for cell in cells():
            seeds = range(seed, seed + rollouts * (4 if cell.rare else 1))
            mine = pool.map(partial(ours.run, cell.world, start=cell.start, deadline=cell.deadline), seeds, chunksize=8)
            theirs = {
                rule.name: pool.map(partial(thresholds.run, cell.world, rule=rule), seeds, chunksize=64)
                for rule in thresholds.RULES
            }
            kept = cell.good(mine)
            row = [told(mine, cell.shows) + ("" if kept else " MISSED"), *(told(runs, cell.shows) for runs in theirs.values())]
            table.add_row(cell.world.name, cell.shows, cell.target, *row)
            console.print(f"{time.monotonic() - began:6.0f} s  {cell.world.name}, {cell.shows}: {row[0]}")
            results.append({"world": cell.world.name, "shows": cell.shows, "asked": cell.target, "kept": kept, "ours": row[0]})
        compared, first = starts(pool, range(seed, seed + max(1, rollouts // 5)))
    console.print(table)
    console.print(compared)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({"rollouts": rollouts, "seed": seed, "cells": results, "starts": first}, indent=2))
    console.print(f"written to {OUTPUT}; {sum(entry['kept'] for entry in results)} of {len(results)} targets met")


if __name__ == "__main__":
    main()
