"""`python -m tests.docs.record`: a good and a bad rollout on an embedded cluster, their counts written to docs/evidence.json.

Written is what the operator saw (counts by scrape, read from Prometheus through its own adapter) and what it decided, with its
own words. Nothing is judged here: the pictures are computed from the counts, by the production core.
"""

import asyncio
import dataclasses
import importlib.metadata
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotfix.adapters.prometheus import Access
from hotfix.cli import asking
from hotfix.core import moments
from hotfix.core.counting import Block, Count, count
from hotfix.core.looking import metrics_span
from hotfix.core.reasons import Reason
from hotfix.core.status import Stage, parse
from tests.cluster import Cluster, Load, binaries
from tests.cluster.operator import Operator
from tests.e2e.shop import Shop, rollout

from .evidence import RECORD

RATE, SCRAPE_SECONDS, BEFORE_SECONDS = 100.0, 5, 60.0
THIS_BUG = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code="500"}'
LONGEST_SECONDS = 420.0
KEPT = ("startedAt", "evidenceFrom", "baseline")
SIDES = ("patched", "stable")
TOLD = ("time", "what", "reason", "message", "counts", "evidence")

# name -> images of stable and patched, how it must end, what is asked for
RUNS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "good": ("sample:1.0", "sample:1.1", "Promoted", {"fix": {"errors": THIS_BUG}, "analysis": {"bakeTime": "30s"}}),
    "bad": ("sample:1.0", "sample:worse", "RolledBack", {"analysis": {"bakeTime": "30s"}}),
}


def ship(cluster: Cluster, name: str) -> dict[str, Any]:
    """One rollout from its start to its end under load, as recorded data."""
    stable, patched, end, asked = RUNS[name]
    shop = Shop(cluster, f"evidence-{name}")
    shop.open(stable=stable, patched=patched)
    item = rollout(metrics={"preset": "contour"}, **asked)
    decisions: dict[int, dict[str, Any]] = {}
    shifting: dict[str, Any] = {}

    def ended(status: dict[str, Any]) -> bool:
        decisions.update({entry["sequence"]: entry for entry in status.get("decisions", [])})
        if status.get("stage") == Stage.SHIFTING:
            shifting.update(status)
        return status.get("phase") == end

    with shop.load(RATE) as load:
        _warm(cluster, load)
        shop.apply(item)
        shop.until(ended, end, seconds=LONGEST_SECONDS)
    told = [decisions[sequence] for sequence in sorted(decisions)]
    left = next(entry for entry in told if entry["reason"] in (Reason.ROLLING_BACK, Reason.PROMOTING))
    blocks = asyncio.run(_counted(cluster, shop.namespace, item["spec"], shifting, moments.unix(left["time"])))
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return {
        "stable": stable,
        "patched": patched,
        "spec": item["spec"],
        "status": {key: shifting[key] for key in KEPT},
        "decisions": [{key: entry[key] for key in TOLD if key in entry} for entry in told],
        "columns": ["start", "end", *(f"{side} {field.name}" for side in SIDES for field in dataclasses.fields(Count))],
        "scrapes": [_row(block) for block in blocks],
    }


def _warm(cluster: Cluster, load: Load) -> None:
    """So much load that error rate and scatter of stable are known before the start."""
    cluster.until(lambda: len(load.answers()) > BEFORE_SECONDS * RATE, "requests before the start", seconds=3 * BEFORE_SECONDS)


async def _counted(
    cluster: Cluster, namespace: str, spec: dict[str, Any], remembered: dict[str, Any], moment: float
) -> tuple[Block, ...]:
    """What the operator's look at that moment counted."""
    subject = asking.Subject(namespace=namespace, asked=asking.parsed(spec, namespace))
    status = parse(remembered)
    span = metrics_span(subject.asked, status, moment, float(SCRAPE_SECONDS))
    assert span is not None
    assert status.baseline is not None
    view = await asking.collect(Access(url=cluster.prometheus_url), subject, span, slow_bound=status.baseline.slow_bound or None)
    found = count(view)
    assert found.problem is None, found.problem
    return found.blocks


def _row(block: Block) -> list[Any]:
    return [block.start, block.end, *dataclasses.astuple(block.patched), *dataclasses.astuple(block.stable)]


def versions() -> dict[str, str]:
    """Of what it ran on; those of Kubernetes, Contour and Prometheus are of their Go modules."""
    envoy = [str(Path(sys.executable).parent / "envoy"), "--version"]
    told = subprocess.run(envoy, capture_output=True, text=True, check=True).stdout
    return {
        "hotfix-operator": importlib.metadata.version("hotfix-operator"),
        "Kubernetes": binaries.KUBERNETES,
        "Contour": binaries.CONTOUR,
        "Prometheus": binaries.PROMETHEUS,
        "Envoy": told.split("version:")[1].split("/")[1],
    }


def main() -> None:
    """Both rollouts, one after the other, on one cluster."""
    with Cluster.start("evidence", scrape_seconds=SCRAPE_SECONDS) as cluster:
        Operator.install(cluster, scrape=f"{SCRAPE_SECONDS}s")
        record: dict[str, Any] = {
            "recorded": datetime.now(UTC).date().isoformat(),
            "versions": versions(),
            "requestsPerSecond": RATE,
            "scrapeSeconds": SCRAPE_SECONDS,
            "runs": {},
        }
        for name in RUNS:
            print(f"a {name} rollout under {RATE:.0f} requests/s: a few minutes")
            record["runs"][name] = ship(cluster, name)
    RECORD.write_text(_text(record))
    print(f"written to {RECORD.name}; `make docs` draws it")


def _text(record: dict[str, Any]) -> str:
    """JSON with a line for each scrape."""
    text = json.dumps(record, indent=1)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + " ".join(found.group(1).split()) + "]", text) + "\n"


if __name__ == "__main__":
    main()
