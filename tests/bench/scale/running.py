"""The cluster as far as this measurement needs it, with the stand-ins and the operator as processes inside."""

import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.cluster.cluster import ROOT, Running
from tests.cluster.components import API, kubeconfig
from tests.cluster.operator import NAME, NAMESPACE

from .figures import Metrics

PLANE_PORT, OPERATOR = 9191, "127.0.0.1:8080"
NEEDLESS = ("contour", "envoy", "relay", "prometheus", "scheduler", "controller-manager")
SCRAPE_SECONDS = 15


class Bench:
    """One cluster with one operator, which is the real program with the rights that deploy/ gives it."""

    def __init__(self, cluster: Cluster, latency_seconds: float) -> None:
        self.cluster = cluster
        for name in NEEDLESS:  # nothing but the API server and its store is measured beside the operator
            cluster.stop_component(name)
        self._install()
        self.plane = self._spawn("tests.bench.scale.plane", str(PLANE_PORT), str(latency_seconds))
        self.operator: Running | None = None
        cluster.until(self.figures, "the stand-in for Prometheus answers", seconds=30)

    def _install(self) -> None:
        """All of deploy/ but the Deployment, and a token of its ServiceAccount."""
        rendered = self.cluster.kubectl("kustomize", str(ROOT / "deploy/base")).stdout
        items = [item for item in yaml.safe_load_all(rendered) if item and item["kind"] != "Deployment"]
        first = ("CustomResourceDefinition", "Namespace")
        self.cluster.apply(*(item for item in items if item["kind"] in first))
        self.cluster.apply(*(item for item in items if item["kind"] not in first))
        self.cluster.until(self._served, "the API server serves HotfixRollouts", seconds=30)
        token = self.cluster.kubectl("create", "token", NAME, "-n", NAMESPACE, "--duration=12h").stdout.strip()
        (self.cluster.home / "operator.kubeconfig").write_text(kubeconfig(API, token))

    def _served(self) -> bool:
        return self.cluster.kubectl("get", "hotfixrollouts", "-A", check=False).returncode == 0

    def _spawn(self, module: str, *arguments: str) -> Running:
        return self.cluster.spawn([sys.executable, "-m", module, *arguments], name=module.rpartition(".")[2])

    # ---- the operator

    def start(self) -> float:
        """Start it; when that was, by the monotonic clock."""
        env = {
            "KUBECONFIG": str(self.cluster.home / "operator.kubeconfig"),
            "HOTFIX_PROMETHEUS_URL": f"http://127.0.0.1:{PLANE_PORT}",
            "HOTFIX_SCRAPE_INTERVAL": f"{SCRAPE_SECONDS}s",
            "HOTFIX_HTTP_ADDRESS": OPERATOR,
            "HOTFIX_LEADER_ELECTION": "false",  # a machine that is too busy would end it, where only its lateness is asked for
            "HOTFIX_LOG_LEVEL": "warning",
        }
        began = time.monotonic()
        self.operator = self.cluster.spawn([sys.executable, "-m", "hotfix"], name="operator", env=env)
        self.cluster.until(self._ready, "the operator is ready", seconds=120)
        return began

    def _ready(self) -> bool:
        with contextlib.suppress(RuntimeError):
            return bool(self.cluster.get(f"http://{OPERATOR}/readyz")[0] == 200)
        return False

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        assert self.operator is not None
        self.operator.signal(signal.SIGTERM)
        self.operator.wait()

    def metrics(self) -> Metrics:
        """What it tells of itself."""
        return Metrics(self.cluster.get(f"http://{OPERATOR}/metrics")[1])

    # ---- the surroundings

    def fill(self, what: str, of: str, first: int, last: int) -> dict[str, float]:
        """Make surroundings or rollouts; rollout -> when its creation was answered."""
        if first >= last:
            return {}
        made = self._spawn("tests.bench.scale.filling", what, of, str(first), str(last))
        code = self._ended(made)
        if code:
            raise RuntimeError(made.file.with_suffix(".err").read_text()[-2000:])
        return dict(json.loads(made.file.read_text()))

    def _ended(self, running: Running) -> int:
        """Its exit code; it may take longer than one order is waited for."""
        while True:
            with contextlib.suppress(TimeoutError):
                return running.wait()

    def figures(self) -> dict[str, Any] | None:
        """What the stand-in for Prometheus was asked."""
        with contextlib.suppress(RuntimeError):
            return dict(json.loads(self.cluster.get(f"http://127.0.0.1:{PLANE_PORT}/figures")[1]))
        return None

    def crash(self, shops: list[str]) -> float:
        """These patches fail everything from now on; when that was."""
        query = "&".join(f"shop={shop}" for shop in shops)
        return float(json.loads(self.cluster.get(f"http://127.0.0.1:{PLANE_PORT}/crash?{query}")[1])["at"])

    def until(self, question: Callable[[Metrics], bool], *, seconds: float, pause: float = 2.0) -> float | None:
        """The monotonic moment at which the operator's metrics first said so; None when they did not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.cluster.order(do="processes", match="-m hotfix"):
                raise RuntimeError("the operator has ended; see HOTFIX_KEEP_LOGS")
            if question(self.metrics()):
                return time.monotonic()
            self.wait(pause)
        return None

    def wait(self, seconds: float) -> None:
        """Let time pass: what is measured is what happens meanwhile."""
        threading.Event().wait(seconds)
