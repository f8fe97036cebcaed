"""`make soak`: at least N promotions and rollbacks in all, a disturbance in each round; a table, and .cache/soak.json."""

import itertools
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster

from .disturbing import DISTURBANCES, Surroundings
from .rounds import Round, soak

OUTPUT = Path(".cache/soak.json")


def main() -> int:
    """Round after round; 1 when something was lost or odd."""
    wanted, beside = int(os.environ.get("N") or 200), int(os.environ.get("BESIDE") or 8)
    only = os.environ.get("ONLY", "")
    chosen = [disturbance for disturbance in DISTURBANCES if only in disturbance.name]
    rounds: list[Round] = []
    with Cluster.start("soak", scrape_seconds=2) as cluster:
        around = Surroundings(cluster)
        for number, disturbance in enumerate(itertools.cycle(chosen)):
            if sum(one.rollouts for one in rounds) >= wanted:
                break
            found = soak(around, number, disturbance, beside=beside)
            rounds.append(found)
            done = sum(one.rollouts for one in rounds)
            print(
                f"{done:4} rollouts, {found.lost} lost, {found.troubles:3} troubles, {found.seconds:4.0f} s: {found.disturbance}",
                flush=True,
            )
            for text in found.odd:
                print(f"     ! {text}", flush=True)
    table = Table("disturbance", "rollouts", "requests", "lost", "troubles", "odd")
    for name in dict.fromkeys(one.disturbance for one in rounds):
        same = [one for one in rounds if one.disturbance == name]
        sums = [str(sum(getattr(one, key) for one in same)) for key in ("rollouts", "requests", "lost", "troubles")]
        table.add_row(name, *sums, str(sum(len(one.odd) for one in same)))
    Console(width=130).print(table)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(one) for one in rounds], indent=1))
    print(f"{sum(one.rollouts for one in rounds)} rollouts, {sum(one.requests for one in rounds)} requests; written to {OUTPUT}")
    return 1 if any(one.odd for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
