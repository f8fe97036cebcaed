"""`make bench-urgency`: seconds from `kubectl apply` until patched answers 80 % of the requests, for each urgency, on a real
Envoy at 100 requests/s. RUNS (3) is the number of runs of each.
"""

import json
import os
import statistics
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster
from tests.cluster.operator import Operator
from tests.e2e.shop import Shop, rollout

from .reaction import RATE, SCRAPE, reached, warm

OUTPUT = Path(".cache/bench-urgency.json")
INCIDENT = {"reference": "INC-1", "reason": "measured"}
KINDS = {
    "Standard": {},
    "Expedited": {"urgency": "Expedited"},
    "BreakGlass": {"urgency": "BreakGlass", "incident": INCIDENT},
    "control None": {"control": "None", "incident": INCIDENT},
}


def seconds_to_80_percent(cluster: Cluster, kind: str, number: int) -> float:
    """One rollout of a cure for a stable that fails 5 %, with patched's pods running already."""
    shop = Shop(cluster, f"urgent-{kind}-{number}")
    shop.open(patched="sample:1.1")
    shop.ready("checkout-hotfix", 2)
    with shop.load(RATE) as load:
        warm(cluster, load)
        applied = time.time()
        shop.apply(rollout(**KINDS[kind]))
        shop.phase("Promoting", "Promoted", seconds=300)
        answers = [answer for answer in load.answers() if answer.sent >= applied]
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return reached(answers, 0.8) - applied


def main() -> None:
    """Run, print, write."""
    console, runs = Console(), int(os.environ.get("RUNS", "3"))
    with Cluster.start("bench", scrape_seconds=SCRAPE) as cluster:
        Operator.install(cluster, scrape=f"{SCRAPE}s")
        found = {kind: [seconds_to_80_percent(cluster, kind, number) for number in range(runs)] for kind in KINDS}
    table = Table(title=f"Seconds from apply to 80 % of traffic at {RATE:.0f} requests/s, {runs} runs of each")
    for heading in ("", "median", "min", "max"):
        table.add_column(heading)
    for kind, values in found.items():
        table.add_row(kind, *(f"{value:.1f}" for value in (statistics.median(values), min(values), max(values))))
    console.print(table)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=2))
    console.print(f"written to {OUTPUT}")


if __name__ == "__main__":
    main()
