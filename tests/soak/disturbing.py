"""What happens to a cluster in a round of a soak: one disturbance each, and how it ends."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cluster import Cluster, chaos
from tests.cluster.components import API
from tests.cluster.operator import Operator

PROXY = f"http://127.0.0.1:{chaos.PORT}"


class Surroundings:
    """A cluster whose operator reaches the API server through a proxy that makes trouble."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.file, self.log = cluster.home / "trouble.json", cluster.home / "trouble.log"
        self.file.write_text("[]")
        self.proxy = cluster.spawn(
            [sys.executable, "-m", "tests.cluster.chaos", API, str(self.file), str(self.log)], name="chaos"
        )
        self.operator = Operator.install(cluster, scrape="2s", api_server=PROXY)

    def trouble(self, *entries: dict[str, Any]) -> None:
        """From now on this happens to requests; nothing without entries."""
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(entries))
        partial.replace(self.file)

    def happened(self) -> list[str]:
        """What the proxy did so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def for_a_while(self, begin: Callable[[], None], end: Callable[[], None], seconds: float) -> None:
        """Something begins, and ends later by itself."""
        begin()
        threading.Timer(seconds, end).start()


@dataclass(frozen=True)
class Disturbance:
    """One kind of trouble. `lossless`: it cannot lose requests by itself, so none may be lost."""

    name: str
    begin: Callable[[Surroundings], None]
    lossless: bool = True


def _kills(pattern: str, times: int = 4) -> Callable[[Surroundings], None]:
    return lambda around: around.trouble({"match": pattern, "fault": "kill", "times": times})


def _requests(**entry: Any) -> Callable[[Surroundings], None]:
    return lambda around: around.trouble({"times": 40, **entry})


def _restarts(component: str) -> Callable[[Surroundings], None]:
    def begin(around: Surroundings) -> None:
        around.cluster.stop_component(component)
        around.cluster.start_component(component)

    return begin


def _stops(component: str, seconds: float) -> Callable[[Surroundings], None]:
    def begin(around: Surroundings) -> None:
        around.for_a_while(
            lambda: around.cluster.signal(component, signal.SIGSTOP),
            lambda: around.cluster.signal(component, signal.SIGCONT),
            seconds,
        )

    return begin


ROLLOUT, ROUTE, DEPLOYMENT = "PATCH .*/hotfixrollouts/", "PATCH .*/httproutes/", "PATCH .*/deployments/"
DISTURBANCES: tuple[Disturbance, ...] = (
    Disturbance("killed after it stored a status", _kills(f"{ROLLOUT}.*/status")),
    Disturbance("killed after it wrote a route", _kills(ROUTE)),
    Disturbance("killed after it wrote a Deployment", _kills(DEPLOYMENT)),
    Disturbance("killed after it published an event", _kills("POST .*/events")),
    Disturbance("killed after it set a finalizer", _kills(f"{ROLLOUT}[^/]*$")),
    Disturbance("answers to writes are lost", _requests(match="PATCH|POST .*/events", fault="lost")),
    Disturbance("answers to reads are lost", _requests(match="GET .*/namespaces/", fault="lost")),
    Disturbance("the API server is slow", _requests(match=".", fault="slow", seconds=2, times=150)),
    Disturbance("too many requests", _requests(match=".", fault="refuse", status=429, times=80)),
    Disturbance("internal errors", _requests(match=".", fault="refuse", status=500, times=80)),
    Disturbance("forbidden", _requests(match="(PATCH|GET) .*/namespaces/", fault="refuse", status=403, times=80)),
    Disturbance("the API server restarts", _restarts("apiserver")),
    Disturbance("etcd is paused", _stops("etcd", 5)),
    Disturbance("Prometheus restarts", _restarts("prometheus")),
    Disturbance("Prometheus hangs", _stops("prometheus", 15)),
    Disturbance("Contour restarts", _restarts("contour")),
    Disturbance("Envoy restarts", _restarts("envoy"), lossless=False),
)
