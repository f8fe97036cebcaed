"""How long nobody decides when the leader ends (SIGTERM) or is killed (SIGKILL): from the signal until the other replica has
decided on a live rollout. Prints a table and writes .cache/bench-failover.json. RUNS=3 of each.
"""

import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster
from tests.cluster.operator import Operator
from tests.e2e.shop import Shop, rollout

AIMS = {"SIGTERM": 5.0, "SIGKILL": 17.0}
RESULT = Path(".cache/bench-failover.json")


def measured(shop: Shop, operator: Operator, number: signal.Signals, *, paused: bool) -> float:
    """Seconds until somebody has decided on what was asked for right after the signal."""
    operator.cluster.until(lambda: len(operator.pids()) == 2, "two replicas run")
    operator.wait_ready()
    pid = operator.pid()
    began = time.monotonic()
    operator.cluster.order(do="kill", pid=pid, number=int(number))
    shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", json.dumps({"spec": {"paused": paused}}))
    shop.until(lambda status: (status.get("held") == "Paused") is paused, "a decision", seconds=60)
    return time.monotonic() - began


def main() -> int:
    """Both signals, one after the other."""
    runs = int(os.environ.get("RUNS") or 3)
    seconds: dict[str, list[float]] = {name: [] for name in AIMS}
    with Cluster.start("failover", scrape_seconds=5) as cluster:
        operator, shop = Operator.install(cluster, scrape="5s"), Shop(cluster, "failover")
        shop.open()
        with shop.load(20):
            shop.apply(rollout(startWeight=10, analysis={"bakeTime": "1h"}))
            shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
            paused = False
            for name in AIMS:
                for _ in range(runs):
                    paused = not paused
                    seconds[name].append(measured(shop, operator, signal.Signals[name], paused=paused))
    table = Table("the leader gets", "median", "worst", "aim")
    for name, found in seconds.items():
        table.add_row(name, f"{statistics.median(found):.1f} s", f"{max(found):.1f} s", f"{AIMS[name]:.0f} s")
    Console().print(table)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(seconds, indent=1))
    print(f"written to {RESULT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
