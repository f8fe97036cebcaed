"""`python -m tests.demo`: exit code 0 only if the good hotfix was promoted, the bad one rolled back, and nothing was lost."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from tests.cluster import Cluster, Load, binaries
from tests.cluster.load import error_rate
from tests.cluster.operator import Operator
from tests.e2e.shop import Shop, untouched

from .ending import Outcome, exit_code, report
from .view import ENDS, LEGEND, View, sides

RATE = 100.0
LONGEST_SECONDS = 240.0
PACE_SECONDS = 0.5
COUNTED_SECONDS = 12
SHORT = {"traffic": {"drain": "5s"}, "analysis": {"bakeTime": "20s"}}


class Demo:
    """One shop under load, and the hotfixes shipped into it."""

    def __init__(self, cluster: Cluster, console: Console) -> None:
        self.cluster, self.console = cluster, console
        self.shop = Shop(cluster, "shop")

    def init(self, image: str, name: str) -> list[dict[str, Any]]:
        """What `kubectl hotfix init` prints, with short times put in."""
        command = ["init", "deploy/checkout", "--image", image, "--name", name, "-n", self.shop.namespace]
        self.console.print(f"[bold]$ kubectl hotfix {' '.join(command)} | kubectl apply -f -[/]", soft_wrap=True)
        program = Path(sys.executable).parent / "kubectl-hotfix"
        env = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}
        done = subprocess.run([str(program), *command], capture_output=True, text=True, check=False, env=env)
        if done.returncode:
            raise RuntimeError(f"kubectl hotfix init failed\n{done.stderr}")
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
        same = untouched(self.shop.read("httproute", "checkout")) == before
        served = self.shop.image("checkout")
        phase = status.get("phase", "nothing")
        right = same and phase == ("Promoted" if good else "RolledBack") and served == "sample:1.1"
        note = f"stable runs {served}\nroute {'as before' if same else 'NOT as before'}"
        return Outcome(story, phase, right, seconds, load.since(began), patched, note)

    def _watch(self, story: str, name: str, patched: str, load: Load) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_SECONDS
        status: dict[str, Any] = {}
        pace = signal.sigtimedwait  # a pause that Ctrl-C ends
        with View(self.console, story) as view:
            while status.get("phase") not in ENDS and time.monotonic() < deadline:
                status = self.shop.status(name)
                images = {"checkout": self.shop.image("checkout"), patched: self.shop.image(patched)}
                view.show(status, sides(load.answers()[-2000:], self.shop.weights(), images))
                pace([signal.SIGUSR1], PACE_SECONDS)
        return status


@contextlib.contextmanager
def _cluster(console: Console) -> Iterator[Cluster]:
    console.print("[bold]Starting Kubernetes, Contour, Envoy and Prometheus[/] as plain processes, in namespaces of their own")
    missing = [build for build in binaries.builds("go") if not (binaries.cache_folder() / build.name).exists()]
    if missing:
        minutes = max(1, round(sum(build.minutes for build in missing)))
        console.print(f"  the first run builds {', '.join(build.name for build in missing)} from source: once only, about")
        console.print(f"  {minutes} minutes on two cores; Ctrl-C is safe, what is built stays built")
    with Cluster.start("demo", log=lambda text: console.print(f"  {text}", highlight=False)) as cluster:
        try:
            yield cluster
        except BaseException:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it
            console.print("  ending the cluster", style="dim")
            raise
        if os.environ.get("KEEP"):
            console.print(f"\nKEEP=1: export KUBECONFIG={cluster.kubeconfig}   (Ctrl-C ends it)")
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def tell(console: Console) -> bool:
    """All of it; True when everything went as it should."""
    with _cluster(console) as cluster:
        Operator.install(cluster)
        console.print("  operator installed from deploy/base with its own RBAC")
        demo = Demo(cluster, console)
        demo.shop.open(patched=None)
        console.print(
            f"\n[bold]A shop under {RATE:.0f} requests/s.[/] Its version 1.0 fails 5 % of them; {COUNTED_SECONDS} s are counted"
        )
        with demo.shop.load(RATE) as load:
            cluster.until(lambda: len(load.answers()) > COUNTED_SECONDS * RATE, "some seconds of requests", seconds=60)
            before = error_rate(load.answers())
            console.print(f"  users see {100 * before:.1f} % errors")
            console.print(
                "\nTwo hotfixes are shipped. bakeTime is 20 s and drain 5 s, not 10 min and 30 s, so that nobody has to wait."
            )
            console.print(LEGEND, style="dim")
            console.print(
                "\n[bold]1. A cure[/]: version 1.1 must be proven not to be worse, and then becomes stable (2 to 3 minutes)"
            )
            good = demo.ship("version 1.1 cures it", "sample:1.1", "cure", load, good=True)
            console.print(
                "\n[bold]2. A mistake[/]: a version that fails every request must be found out by a few of them (about 30 s)"
            )
            bad = demo.ship("a patch that fails every request", "sample:crash", "worse", load, good=False)
            console.print("\nSome more seconds of requests, to see what users get now")
            now = time.time()
            cluster.until(lambda: len(load.since(now)) > 5 * RATE, "some more seconds of requests", seconds=60)
            after = error_rate(load.since(now))
            return report(console, [good, bad], before=before, after=after, lost=len(load.lost()))


def main() -> int:
    """Exit code 0, 1 with the reason, or 130 when it was stopped."""
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: it is ignored in what a script starts in the background
        signal.signal(number, signal.default_int_handler)
    return exit_code(Console(), tell)


if __name__ == "__main__":
    sys.exit(main())
