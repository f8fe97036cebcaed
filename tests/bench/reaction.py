"""`make bench-reaction`: how fast a crash is taken out of traffic and a good hotfix gets it, on a real Envoy at 100 requests/s.

RUNS (3) is the number of runs of each case, SECONDS (600) the time over which client errors of a good hotfix are counted.
"""

import json
import os
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster, Load
from tests.cluster.load import Answer
from tests.cluster.operator import NAMESPACE, USER, Operator
from tests.e2e.shop import Shop, rollout

RATE, SCRAPE = 100.0, 5
OUTPUT = Path(".cache/bench-reaction.json")
SETTLED_SECONDS = 30.0


@dataclass
class Crash:
    """A patch that fails every request; seconds."""

    exposed: float  # first bad answer of patched to the last request that reached it
    bad: int  # bad answers of patched
    verdict_to_proxy: float  # decision to the last request that reached patched
    api_requests: int
    lost: int


@dataclass
class Cure:
    """Stable fails 5 %, patched cures it; seconds."""

    to_80_percent: float  # first weight to 80 % of the answers coming from patched
    errors: int  # client errors from the start over `seconds`
    seconds: float
    api_requests: int
    lost: int


def _patched(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.backend.startswith("checkout-hotfix-")]


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _requests(cluster: Cluster, shop: Shop) -> int:
    mine = [e for e in cluster.audit(USER) if (e.get("objectRef") or {}).get("namespace") == shop.namespace]
    return len(mine)


def crash(cluster: Cluster, number: int, *, stable: str) -> Crash:
    """One run with a patch that fails everything, beside a stable that burns (1.0) or has a rare bug (1.1)."""
    shop = Shop(cluster, f"crash-{stable[-1]}-{number}")
    shop.open(stable=stable, patched="sample:crash")
    with shop.load(RATE) as load:
        warm(cluster, load)
        shop.apply(rollout())
        status = shop.phase("RolledBack", seconds=180)
        decided = next(d for d in status["decisions"] if d["reason"] == "RollingBack")
        served = _patched(load.answers())
        lost = len(load.lost())
    last = max(answer.sent for answer in served)
    first = min(answer.done for answer in served)
    result = Crash(last - first, len(served), max(0.0, last - _unix(decided["time"])), _requests(cluster, shop), lost)
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return result


def warm(cluster: Cluster, load: Load) -> None:
    """So much load that the request rate is known before the start."""
    cluster.until(lambda: len(load.answers()) > SETTLED_SECONDS * RATE, "requests before the start", seconds=3 * SETTLED_SECONDS)


def cure(cluster: Cluster, number: int, seconds: float) -> Cure:
    """One run with a patch that cures."""
    shop = Shop(cluster, f"cure-{number}")
    shop.open(patched="sample:1.1")
    with shop.load(RATE, seconds=seconds + 120) as load:
        warm(cluster, load)
        shop.apply(rollout())
        status = shop.until(lambda s: s.get("startedAt"), "the start", seconds=60)
        begin = _unix(status["startedAt"])
        shop.phase("Promoted", seconds=300)
        requests = _requests(cluster, shop)
        cluster.until(lambda: time.time() > begin + seconds, "the time over which errors are counted", seconds=seconds + 10)
        answers = [answer for answer in load.answers() if begin <= answer.sent < begin + seconds]
        lost = len(load.lost())
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return Cure(reached(answers, 0.8) - begin, sum(a.bad for a in answers), seconds, requests, lost)


def reached(answers: list[Answer], share: float) -> float:
    """When patched first had this share of the answers over one second; the end when it never had."""
    for index in range(0, max(1, len(answers) - int(RATE)), 10):
        window = answers[index : index + int(RATE)]
        if len(_patched(window)) >= share * len(window):
            return window[0].sent
    return answers[-1].sent if answers else 0.0


def operator_cost(cluster: Cluster) -> dict[str, float]:
    """CPU seconds and resident MiB of the leading operator so far, from its own metrics."""
    pod = json.loads(cluster.kubectl("get", "pod", Operator(cluster).leader(), "-n", NAMESPACE, "-o", "json").stdout)
    _, text = cluster.get(f"http://{pod['status']['podIP']}:8080/metrics")
    values = dict(line.split(" ", 1) for line in text.splitlines() if line.startswith("process_") and " " in line)
    return {
        "cpu_seconds": float(values["process_cpu_seconds_total"]),
        "memory_mib": float(values["process_resident_memory_bytes"]) / 2**20,
    }


def _row(table: Table, what: str, values: list[float], aim: str, form: str = "{:.1f}") -> None:
    shown = (form.format(statistics.median(values)), form.format(min(values)), form.format(max(values)))
    table.add_row(what, *shown, aim)


def main() -> None:
    """Run, print, write."""
    console, runs = Console(), int(os.environ.get("RUNS", "3"))
    seconds = float(os.environ.get("SECONDS", "600"))
    with Cluster.start("bench", scrape_seconds=SCRAPE) as cluster:
        Operator.install(cluster, scrape=f"{SCRAPE}s")
        started = time.monotonic()
        crashes: list[Crash] = []
        rare: list[Crash] = []
        for number in range(runs):
            console.print(f"crash {number + 1} of {runs}")
            crashes.append(crash(cluster, number, stable="sample:1.0"))
            rare.append(crash(cluster, number, stable="sample:1.1"))
        cures = []
        for number in range(runs):
            length = seconds if number == 0 else 150.0
            console.print(f"cure {number + 1} of {runs} ({length:.0f} s)")
            cures.append(cure(cluster, number, length))
        cost = operator_cost(cluster)
        cost["cpu_share"] = cost["cpu_seconds"] / (time.monotonic() - started)
    _report(console, crashes, rare, cures, cost)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps(
            {
                "crash": [asdict(c) for c in crashes],
                "crash, rare bug": [asdict(c) for c in rare],
                "cure": [asdict(c) for c in cures],
                "operator": cost,
            },
            indent=2,
        )
    )
    console.print(f"written to {OUTPUT}")


def _report(console: Console, crashes: list[Crash], rare: list[Crash], cures: list[Cure], cost: dict[str, float]) -> None:
    table = Table(title=f"Reaction at {RATE:.0f} requests/s, scrapes every {SCRAPE} s, {len(crashes)} runs of each case")
    for heading in ("", "median", "min", "max", "aim"):
        table.add_column(heading)
    _row(table, "crash: seconds exposed", [c.exposed for c in [*crashes, *rare]], "<= 20")
    _row(table, "crash: bad requests, stable fails 5 %", [float(c.bad) for c in crashes], "<= 100", "{:.0f}")
    _row(table, "crash: bad requests, stable has a rare bug", [float(c.bad) for c in rare], "<= 40", "{:.0f}")
    _row(
        table,
        "crash: seconds from verdict to weight 0 at Envoy",
        [c.verdict_to_proxy for c in [*crashes, *rare]],
        "p99 < 1",
        "{:.2f}",
    )
    _row(table, "good: seconds to 80 % of traffic", [c.to_80_percent for c in cures], "< 45")
    _row(table, f"good: client errors in {cures[0].seconds:.0f} s", [float(cures[0].errors)], "< 240", "{:.0f}")
    _row(table, "requests lost", [float(c.lost) for c in [*crashes, *rare, *cures]], "0", "{:.0f}")
    _row(table, "API requests for a rollout", [float(c.api_requests) for c in [*crashes, *cures]], "-", "{:.0f}")
    table.add_row("operator: memory, MiB", f"{cost['memory_mib']:.0f}", "", "", "< 90")
    table.add_row("operator: CPU, share of a core", f"{100 * cost['cpu_share']:.1f} %", "", "", "-")
    console.print(table)


if __name__ == "__main__":
    main()
