"""`python -m tests.demo`: exit code 0 only if the good hotfix was promoted, the bad one rolled back, and nothing was lost."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster, Load
from tests.cluster.binaries import Missing
from tests.cluster.load import error_rate
from tests.cluster.operator import Operator
from tests.e2e.shop import Shop, untouched

from .view import View, sides

RATE = 100.0
LONGEST_SECONDS = 240.0
PACE_SECONDS = 0.5
SHORT = {"traffic": {"drain": "5s"}, "analysis": {"bakeTime": "20s"}}


@dataclass
class Outcome:
    """One story, for the closing table."""

    story: str
    ended: str
    right: bool
    seconds: float
    requests: int
    bad: int
    lost: int
    note: str


class Demo:
    """One shop under load, and the hotfixes shipped into it."""

    def __init__(self, cluster: Cluster, console: Console) -> None:
        self.cluster, self.console = cluster, console
        self.shop = Shop(cluster, "shop")

    def init(self, image: str, name: str) -> list[dict[str, Any]]:
        """What `kubectl hotfix init` prints, with short times put in."""
        command = ["init", "deploy/checkout", "--image", image, "--name", name, "-n", self.shop.namespace]
        self.console.print(f"\n[bold]$ kubectl hotfix {' '.join(command)} | kubectl apply -f -[/]")
        self.console.print("  (bake 20 s and drain 5 s instead of 10 min and 30 s, so that nobody has to wait)", style="dim")
        program = Path(sys.executable).parent / "kubectl-hotfix"
        env = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}
        done = subprocess.run([str(program), *command], capture_output=True, text=True, check=False, env=env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        items = [item for item in yaml.safe_load_all(done.stdout) if item]
        for item in items:
            if item["kind"] == "HotfixRollout":
                item["spec"].update(SHORT)
        return items

    def ship(self, story: str, image: str, name: str, load: Load, *, good: bool) -> Outcome:
        """One hotfix from init to its end."""
        before = untouched(self.shop.read("httproute", "checkout"))
        items = self.init(image, name)
        patched = next(item["metadata"]["name"] for item in items if item["kind"] == "Deployment")
        began = time.time()
        self.cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(items))
        status = self._watch(story, name, patched, load)
        seconds = time.time() - began
        answers = load.since(began)
        same = untouched(self.shop.read("httproute", "checkout")) == before
        served = self.shop.image("checkout")
        phase = status.get("phase", "nothing")
        right = same and phase == ("Promoted" if good else "RolledBack") and served == ("sample:1.1")
        note = f"stable runs {served}; route {'as before' if same else 'NOT as before'}"
        bad = sum(answer.bad for answer in answers)
        return Outcome(story, phase, right, seconds, len(answers), bad, len(load.lost()), note)

    def _watch(self, story: str, name: str, patched: str, load: Load) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_SECONDS
        status: dict[str, Any] = {}
        pace = signal.sigtimedwait  # a pause that Ctrl-C ends
        with View(self.console, story) as view:
            while status.get("phase") not in ("Promoted", "RolledBack") and time.monotonic() < deadline:
                status = self.shop.status(name)
                images = {"checkout": self.shop.image("checkout"), patched: self.shop.image(patched)}
                view.show(status, sides(load.answers()[-2000:], self.shop.weights(), images))
                pace([signal.SIGUSR1], PACE_SECONDS)
        return status


def _report(console: Console, outcomes: list[Outcome], before: float, after: float) -> bool:
    table = Table(title="What happened")
    for heading in ("hotfix", "ended", "time", "requests", "failed", "lost", ""):
        table.add_column(heading)
    for one in outcomes:
        mark = "[green]as it should[/]" if one.right else "[red]WRONG[/]"
        table.add_row(
            one.story, f"{one.ended} {mark}", f"{one.seconds:.0f} s", str(one.requests), str(one.bad), str(one.lost), one.note
        )
    console.print(table)
    console.print(f"errors users saw: {100 * before:.1f} % before, {100 * after:.2f} % now; requests lost: {outcomes[-1].lost}")
    return all(one.right for one in outcomes) and outcomes[-1].lost == 0 and after < before / 5


@contextlib.contextmanager
def _cluster(console: Console) -> Iterator[Cluster]:
    console.print(
        "[bold]Starting Kubernetes, Contour, Envoy and Prometheus[/] (built from source the first time, about 11 minutes)"
    )
    with Cluster.start("demo", log=lambda text: console.print(f"  {text}", highlight=False)) as cluster:
        yield cluster
        if os.environ.get("KEEP"):
            console.print(f"\nKEEP=1: export KUBECONFIG={cluster.kubeconfig}   (Ctrl-C ends it)")
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def run(console: Console) -> bool:
    """All of it; True when everything went as it should."""
    with _cluster(console) as cluster:
        Operator.install(cluster)
        console.print("  operator installed from deploy/base with its own RBAC")
        demo = Demo(cluster, console)
        demo.shop.open(patched=None)
        console.print(f"\n[bold]A shop under {RATE:.0f} requests/s[/]; its version 1.0 fails 5 % of them.")
        with demo.shop.load(RATE) as load:
            cluster.until(lambda: len(load.answers()) > 12 * RATE, "some seconds of requests", seconds=60)
            before = error_rate(load.answers())
            outcomes = [
                demo.ship("version 1.1 cures it", "sample:1.1", "cure", load, good=True),
                demo.ship("a patch that fails every request", "sample:crash", "worse", load, good=False),
            ]
            now = time.time()
            cluster.until(lambda: len(load.since(now)) > 5 * RATE, "some more seconds of requests", seconds=60)
            return _report(console, outcomes, before, error_rate(load.since(now)))


def main() -> int:
    """Exit code 0, or 1 with the reason."""
    console = Console()
    try:
        return 0 if run(console) else 1
    except Missing as error:
        console.print(f"[red]cannot run here:[/] {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
