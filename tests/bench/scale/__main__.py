"""`make bench-scale`: the operator's cost and lateness with 1, 100, 1,000 and 5,000 live rollouts (ROLLOUTS="1 100 1000 5000").

For each size: fill up, wait until all are analysed at a steady weight (10 minutes at most), measure for SECONDS (90), make some
of these patches crash, start the operator anew. Before, BURST (200) rollouts at once on an idle operator, and 20 that end. A
query takes LATENCY_MS (20). Prints a table, writes .cache/bench-scale.json. For 5,000 rollouts 60,000 objects are made: let
nothing else run beside it.
"""

import json
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster

from .figures import Audit, Metrics, Request, busy, percentile, quantile, unix
from .objects import IN_A_NAMESPACE, Place
from .running import SCRAPE_SECONDS, Bench

OUTPUT = Path(".cache/bench-scale.json")
LABEL = re.compile(r'(\w+)="([^"]*)"')
STEADY = 50.0  # percent: the last step, at which an undecided rollout stays
LATENESS = "hotfix_look_lateness_seconds"
PATIENCE_SECONDS = 600.0
AIMS = {
    "CPU, cores": "<= 1",
    "memory, MiB": "<= 500",
    "API requests a rollout-minute": "< 20",
    "requests for 20 finished ones": "0",
    "status write to weight, p99 s": "< 1",
    "decision to weight, p99 s": "< 1",
}


def at_weight(metrics: Metrics, weight: float, of: str) -> set[str]:
    """namespace/name of the rollouts of a set that are asked to have it."""
    named = [
        dict(LABEL.findall(labels)) for labels, value in metrics.labelled("hotfix_rollout_weight_percent") if value == weight
    ]
    return {f"{found['namespace']}/{found['name']}" for found in named if found["namespace"].startswith(f"{of}-")}


def in_phase(metrics: Metrics, phase: str, of: str) -> int:
    """How many rollouts of a set are in it."""
    named = metrics.labelled("hotfix_rollout_phase")
    return sum(1 for labels, value in named if value and f'phase="{phase}' in labels and f'namespace="{of}-' in labels)


class Measuring:
    """One run through all sizes."""

    def __init__(self, bench: Bench, console: Console, window_seconds: float) -> None:
        self.bench, self.console, self.window_seconds = bench, console, window_seconds
        self.audit = Audit(bench.cluster.home)
        self.made = 0
        self.ended: set[int] = set()

    # ---- before the sizes

    def finish(self) -> None:
        """A namespace of rollouts that have all ended."""
        self.bench.fill("surroundings", "done", 0, IN_A_NAMESPACE)
        self.bench.fill("rollouts", "done", 0, IN_A_NAMESPACE)
        shops = [_shop(Place(number, "done")) for number in range(IN_A_NAMESPACE)]
        self.bench.until(lambda m: in_phase(m, "Analyzing", "done") == IN_A_NAMESPACE, seconds=120)
        self.bench.crash(shops)
        if self.bench.until(lambda m: in_phase(m, "RolledBack", "done") == IN_A_NAMESPACE, seconds=180) is None:
            raise RuntimeError("20 rollouts that crash were not rolled back within 3 minutes")

    def burst(self, count: int) -> dict[str, Any]:
        """Rollouts created at once: seconds from the answer to each one's creation until its first weight above 0 is written."""
        self.bench.fill("surroundings", "burst", 0, count)
        before, asked = self.bench.metrics(), self.bench.figures()
        answered = self.bench.fill("rollouts", "burst", 0, count)
        self.bench.until(lambda m: in_phase(m, "Analyzing", "burst") == count, seconds=180)
        after, told = self.bench.metrics(), self.bench.figures()
        assert asked is not None
        assert told is not None
        self.bench.wait(2)
        writes = _route_writes(self.audit.read(), min(answered.values()))
        waits = [writes[shop][1].done - moment for shop, moment in answered.items() if len(writes.get(shop, ())) > 1]
        for number in range(0, count, IN_A_NAMESPACE):
            self.bench.cluster.kubectl(
                "delete", "hotfixrollouts", "--all", "--wait=false", "-n", Place(number, "burst").namespace
            )
        self.bench.until(lambda m: not in_phase(m, "", "burst"), seconds=120)
        return {
            "rollouts": count,
            "started": len(waits),
            "created within, s": max(answered.values()) - min(answered.values()),
            "push to first weight, median s": statistics.median(waits) if waits else None,
            "push to first weight, p99 s": percentile(waits, 0.99),
            "CPU, s": after.since(before, "process_cpu_seconds_total"),
            "looks": after.since(before, "hotfix_look_seconds_count"),
            "queries": told["queries"] - asked["queries"],
        }

    # ---- one size

    def size(self, count: int) -> dict[str, Any]:
        """Everything that is measured with so many live rollouts."""
        crashing = max(1, min(50, count // 20))
        last = count + crashing + len(self.ended)
        began = time.monotonic()
        self.bench.fill("surroundings", "scale", self.made, last)
        self.console.print(f"{count}: surroundings made in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        self.bench.fill("rollouts", "scale", self.made, last)
        self.made = last
        live = count + crashing
        steady = self.bench.until(lambda m: len(at_weight(m, STEADY, "scale")) >= live, seconds=PATIENCE_SECONDS, pause=5)
        so_far = "all" if steady else f"{len(at_weight(self.bench.metrics(), STEADY, 'scale'))}"
        self.console.print(f"{count}: {so_far} steady after {time.monotonic() - began:.0f} s")
        self.bench.wait(2 * SCRAPE_SECONDS)
        result: dict[str, Any] = {"rollouts": count, "steady": so_far}
        result |= self._steady(live)
        self.console.print(result)
        result |= self._verdicts(crashing)
        result |= self._start()
        return result

    def _steady(self, live: int) -> dict[str, Any]:
        """A span in which nothing happens but analysis."""
        before, asked, processors, since = self.bench.metrics(), self.bench.figures(), busy(), time.time()
        self.bench.wait(self.window_seconds)
        after, answered, until = self.bench.metrics(), self.bench.figures(), time.time()
        used = [now - then for now, then in zip(busy(), processors, strict=True)]
        assert asked is not None
        assert answered is not None
        minutes = (until - since) / 60
        requests = [request for request in self.audit.between(since, until) if request.resource != "leases"]
        cpu = after.since(before, "process_cpu_seconds_total")
        kinds: dict[str, int] = {}
        for request in requests:
            kinds[f"{request.verb} {request.resource}"] = kinds.get(f"{request.verb} {request.resource}", 0) + 1
        late = before.buckets(LATENESS), after.buckets(LATENESS)
        looks = after.since(before, "hotfix_look_seconds_count")
        return {
            "CPU, cores": cpu / (until - since),
            "memory, MiB": after.value("process_resident_memory_bytes") / 2**20,
            "API requests a rollout-minute": len(requests) / live / minutes,
            "requests for 20 finished ones": sum(1 for request in requests if request.namespace.startswith("done-")),
            "queries a rollout-minute": (answered["queries"] - asked["queries"]) / live / minutes,
            "looks a rollout-minute": looks / live / minutes,
            "CPU a look, ms": 1000 * cpu / looks if looks else None,
            "lateness p50, s": quantile(*late, 0.5),
            "lateness p99, s": quantile(*late, 0.99),
            "machine busy, share": used[0] / used[1],
            "watches": after.value("hotfix_watches"),
            "requests by kind": kinds,
        }

    def _verdicts(self, crashing: int) -> dict[str, Any]:
        """Patches that crash: from the decision, and from the write of the status that tells it, until weight 0 is written. Only
        those that are analysed at the steady weight by now."""
        steady = at_weight(self.bench.metrics(), STEADY, "scale")
        live = [number for number in range(self.made) if number not in self.ended and _shop(Place(number)) in steady]
        chosen = live[:: max(1, len(live) // crashing)][:crashing]
        places = [Place(number) for number in chosen]
        shops = [_shop(place) for place in places]
        at = self.bench.crash(shops)
        ended = len(self.ended) + len(chosen)
        self.bench.until(lambda m: in_phase(m, "RolledBack", "scale") >= ended, seconds=180, pause=3)
        self.ended |= set(chosen)
        requests, saved, decided, exposed = self.audit.read(), [], [], []
        writes = _route_writes(requests, at)
        statuses = [request for request in requests if request.came >= at and request.resource == "hotfixrollouts/status"]
        for place, shop in zip(places, shops, strict=True):
            if shop not in writes:
                continue
            written = writes[shop][0]
            told = [request.came for request in statuses if request.shop == shop and request.done <= written.came]
            status = self.bench.cluster.read("hotfixrollout", place.name, place.namespace)["status"]
            moment = next((unix(entry["time"]) for entry in status["decisions"] if entry["reason"] == "RollingBack"), None)
            if moment is None or not told:
                continue
            saved.append(written.done - told[-1])
            decided.append(written.done - moment)
            exposed.append(written.done - at)
        return {
            "crashed": len(chosen),
            "rolled back": len(saved),
            "status write to weight, p99 s": percentile(saved, 0.99),
            "decision to weight, p50 s": percentile(decided, 0.5),
            "decision to weight, p99 s": percentile(decided, 0.99),
            "crash to weight 0, p50 s": percentile(exposed, 0.5),
        }

    def _start(self) -> dict[str, Any]:
        """End and start it: seconds until each rollout that was analysed at the steady weight had a look."""
        known = at_weight(self.bench.metrics(), STEADY, "scale")
        self.bench.stop()
        began = self.bench.start()
        first = self.bench.until(
            lambda m: at_weight(m, STEADY, "scale") >= known, seconds=PATIENCE_SECONDS, pause=0.5 if len(known) < 1000 else 2.0
        )
        return {"start to first look of all, s": None if first is None else first - began}


def _shop(place: Place) -> str:
    return f"{place.namespace}/{place.name}"


def _route_writes(requests: list[Request], since: float) -> dict[str, list[Request]]:
    """Writes of each shop's route from a moment on, in their order."""
    found: dict[str, list[Request]] = {}
    for request in requests:
        if (request.verb, request.resource, request.code) == ("patch", "httproutes", 200) and request.came >= since:
            found.setdefault(request.shop, []).append(request)
    return found


def report(console: Console, results: list[dict[str, Any]], burst: dict[str, Any]) -> None:
    """The tables."""
    table = Table(title="Live rollouts, looks after each scrape of 15 s; times are noisy where the machine is busy")
    for heading in ("", *(f"{result['rollouts']:,}" for result in results), "aim"):
        table.add_column(heading)
    for name in results[0] if results else ():
        values = [result[name] for result in results]
        if name == "rollouts" or isinstance(values[0], dict):
            continue
        table.add_row(name, *(_shown(value) for value in values), AIMS.get(name, "-"))
    console.print(table)
    console.print(burst)


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Run, print, write."""
    console = Console()
    sizes = [int(text) for text in os.environ.get("ROLLOUTS", "1 100 1000 5000").split()]
    window, burst_size = float(os.environ.get("SECONDS", "90")), int(os.environ.get("BURST", "200"))
    results: list[dict[str, Any]] = []
    with Cluster.start("scale") as cluster:
        bench = Bench(cluster, float(os.environ.get("LATENCY_MS", "20")) / 1000)
        bench.start()
        measuring = Measuring(bench, console, window)
        measuring.finish()
        burst = measuring.burst(burst_size) if burst_size else {}
        console.print(burst)
        for size in sizes:
            results.append(measuring.size(size))
            console.print(results[-1])
            OUTPUT.parent.mkdir(exist_ok=True)
            OUTPUT.write_text(json.dumps({"sizes": results, "burst": burst}, indent=1))
        bench.stop()
    report(console, results, burst)
    console.print(f"written to {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
