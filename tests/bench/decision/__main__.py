"""Runs the worlds and prints the tables. N (500) is the number of rollouts a cell (four times as many where a target is below
1 %), SEED (1) the first seed, ONLY a part of a world's name, JOBS (all cores) how many processes.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import ours, report, updates
from .cells import BUG, CURED, HEALTHY, Cell, cells, world
from .intervals import mean
from .kayenta import Kayenta
from .opponents import ArgoRollouts, Flagger, Opponent
from .runs import Rule, Run, some

OUTPUT = Path(".cache/bench-decision.json")
CHUNK = 25  # rollouts a task
MANY = 4
TASKS = 16  # of a process: the core remembers the evidence of thousands of analyses
OPPONENTS: tuple[Opponent, ...] = (
    Flagger(name="Flagger, tutorial"),
    Flagger(name="Flagger, 15 s", interval=15.0, threshold=2, window=30.0),
    ArgoRollouts(name="Argo Rollouts, 5 min"),
    ArgoRollouts(
        name="Argo Rollouts, 1 min", interval=60.0, window=60.0, steps=tuple((weight, 120.0) for weight in (20, 40, 60, 80))
    ),
    Kayenta(name="Kayenta, 3 x 1 h"),
    Kayenta(name="Kayenta, 15 min", runs=1, interval=900.0, step=15.0),
)
STARTS: dict[str, int | None] = {"planner": None, "1 %": 1, "5 %": 5, "10 %": 10, "25 %": 25}


def rules(cell: Cell) -> dict[str, Rule]:
    """By name, ours first."""
    mine: Rule = partial(ours.run, cell.world, start=cell.start, deadline=cell.deadline)
    return {report.OURS: mine, **{tool.name: partial(tool.run, cell.world) for tool in OPPONENTS}}


def measure(pool: Pool, cell: Cell, rollouts: int, seed: int) -> tuple[dict[str, list[Run]], dict[str, float]]:
    """Runs and CPU seconds of every rule in a cell; the other tools need no more rollouts for a target of ours."""
    pending = {}
    for name, rule in rules(cell).items():
        total = rollouts * (MANY if cell.many and name == report.OURS else 1)
        chunks = [range(first, min(first + CHUNK, seed + total)) for first in range(seed, seed + total, CHUNK)]
        pending[name] = [pool.apply_async(some, (rule, chunk)) for chunk in chunks]
    found = {name: [result.get() for result in results] for name, results in pending.items()}
    runs = {name: [run for ended, _ in parts for run in ended] for name, parts in found.items()}
    return runs, {name: sum(spent for _, spent in parts) for name, parts in found.items()}


def starts(pool: Pool, seeds: range) -> tuple[Table, list[dict[str, object]]]:
    """The planner's start against fixed ones and against a simpler rule (the smallest step of at most 10 % that gives patched 10
    requests a scrape, else 10 %): mean bad requests of a bad patch, mean errors of all clients under a good one, with 95 %
    intervals."""
    made, results = Table("first weight", *STARTS, "simpler rule"), []
    kinds = (("crash", 1.0, None), ("good", HEALTHY, BUG))
    for name, rps, patched, bug in ((kind[0], rps, *kind[1:]) for kind in kinds for rps in (10, 100, 1000)):
        case = world(name, rps, patched, HEALTHY, target=(CURED * bug, bug) if bug else None)
        simpler = next((step for step in (1, 5) if rps * case.scrape_seconds * step >= 1000), 10)
        row = []
        for start in (*STARTS.values(), simpler):
            runs = pool.map(partial(ours.run, case, start=start), seeds, chunksize=CHUNK)
            row.append(mean([run.bad if name == "crash" else run.errors for run in runs]))
        label = f"{name}, {rps} rps: {'bad requests' if name == 'crash' else 'errors of all in an hour'}"
        made.add_row(label, *(found.shown() for found in row))
        results.append({"world": label, **dict(zip([*STARTS, "simpler rule"], map(asdict, row), strict=True))})
    return made, results


def costs() -> tuple[Table, dict[str, float]]:
    """What an update of the evidence costs, question by question."""
    found = updates.measured()
    made = Table("one update of the evidence", f"CPU microseconds (<= {updates.TARGET_MICROSECONDS:g})")
    for name, spent in found.items():
        made.add_row(name, f"{spent:.1f}" + ("" if spent <= updates.TARGET_MICROSECONDS else " MISSED"))
    return made, found


def show(console: Console, entries: Sequence[dict[str, object]]) -> None:
    """One table for each world, then what was missed and where ours is not the best."""
    names = [report.OURS, *(tool.name for tool in OPPONENTS)]
    for name in dict.fromkeys(str(entry["world"]) for entry in entries):
        rows = [entry for entry in entries if entry["world"] == name]
        console.print(report.table(f"{name}; right: {rows[0]['right']}", rows, names))
    for entry in entries:
        for ask in entry["asks"]:  # type: ignore[attr-defined]
            if not ask["met"]:
                console.print(f"MISSED  {entry['world']}, {entry['rps']:g} rps: {report.said(ask)}")
    for entry in entries:
        if entry["not_best"]:
            console.print(f"NOT BEST  {entry['world']}, {entry['rps']:g} rps: {entry['not_best']}")


def progress(cell: Cell, entry: dict[str, object], seconds: float, spent: float) -> str:
    """One line while it runs."""
    asked = "; ".join(report.said(ask) for ask in entry["asks"])  # type: ignore[attr-defined]
    return f"{seconds:6.0f} s  {spent:4.0f} s CPU  {cell.world.name}, {cell.world.rps:g} rps: {asked}"


def main() -> None:
    """Measure, print, write JSON."""
    rollouts, seed = int(os.environ.get("N", "500")), int(os.environ.get("SEED", "1"))
    only, jobs = os.environ.get("ONLY", ""), int(os.environ.get("JOBS", os.cpu_count() or 1))
    console, began, entries, spent = Console(width=190), time.monotonic(), [], dict[str, float]()
    console.print(f"{rollouts} rollouts a cell (x{MANY} where a target is below 1 %), seeds from {seed}, 15 s scrapes")
    with multiprocessing.Pool(jobs, maxtasksperchild=TASKS) as pool:
        for cell in (cell for cell in cells() if only in cell.world.name):
            runs, used = measure(pool, cell, rollouts, seed)
            entries.append({**report.entry(cell, runs), "cpu_seconds": used})
            spent = {name: spent.get(name, 0.0) + seconds for name, seconds in used.items()}
            console.print(progress(cell, entries[-1], time.monotonic() - began, used[report.OURS]))
        compared, first = starts(pool, range(seed, seed + max(CHUNK, rollouts // 5)))
    show(console, entries)
    cost, questions = costs()
    console.print(compared, cost, sep="\n")
    each = ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent.items())
    console.print(f"CPU seconds: {each}; in all {sum(spent.values()):.0f}")
    document = {"rollouts": rollouts, "seed": seed, "cells": entries, "starts": first, "microseconds": questions}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({**document, "cpu_seconds": spent}, indent=2))
    asks = [ask for entry in entries for ask in entry["asks"]]
    console.print(f"written to {OUTPUT}; {sum(ask['met'] for ask in asks)} of {len(asks)} targets met")


if __name__ == "__main__":
    main()
