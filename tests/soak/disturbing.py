"""What happens to a cluster in a round of a soak: one disturbance each, and how it ends."""

import json
import re
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cluster import Cluster, chaos
from tests.cluster.components import API, PROMETHEUS_URL
from tests.cluster.operator import Operator


class Surroundings:
    """A cluster whose operator reaches the API server and Prometheus through proxies that make trouble."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.namespaces: list[str] = []  # of the rollouts of this round
        self.file, self.log = cluster.home / "trouble.json", cluster.home / "trouble.log"
        chaos.tell(self.file)
        for port, target in ((chaos.API_PORT, API), (chaos.PROMETHEUS_PORT, PROMETHEUS_URL)):
            program = [sys.executable, "-m", "tests.cluster.chaos", str(port), target, str(self.file), str(self.log)]
            cluster.spawn(program, name="chaos")
        self.operator = Operator.install(
            cluster,
            scrape="2s",
            api_server=f"http://127.0.0.1:{chaos.API_PORT}",
            environment={"HOTFIX_PROMETHEUS_URL": f"http://127.0.0.1:{chaos.PROMETHEUS_PORT}"},
        )

    def trouble(self, *entries: dict[str, Any]) -> None:
        """From now on this happens to requests, as often as it says with each of the two; nothing without entries."""
        chaos.tell(self.file, *entries)

    def happened(self, what: str = "fault", match: str = "") -> list[str]:
        """The requests that met a fault so far, or those for which it has ended."""
        lines = self.log.read_text().split("\n")[:-1] if self.log.exists() else []
        notes = [json.loads(line) for line in lines]
        return [note["request"] for note in notes if what in note and re.search(match, note["request"])]

    def for_a_while(self, begin: Callable[[], None], end: Callable[[], None], seconds: float) -> None:
        """Something begins, and ends later by itself."""
        begin()
        threading.Timer(seconds, end).start()


@dataclass(frozen=True)
class Disturbance:
    """One kind of trouble. `lossless`: it cannot lose requests by itself, so none may be lost. `told`: the proxies tell each time
    that it happened. `again`: it begins once more when a rollout is on its way to its end, as its times are used up by then."""

    name: str
    begin: Callable[[Surroundings], None]
    lossless: bool = True
    told: bool = True
    again: bool = False


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


def _one_pod_of_each(do: Callable[[Surroundings, str, dict[str, Any]], None]) -> Callable[[Surroundings], None]:
    def begin(around: Surroundings) -> None:
        for namespace in around.namespaces:
            pods = json.loads(around.cluster.kubectl("get", "pods", "-n", namespace, "-o", "json").stdout)["items"]
            for pod in {item["metadata"]["labels"]["app"]: item for item in pods}.values():
                do(around, namespace, pod)

    return begin


def _delete(around: Surroundings, namespace: str, pod: dict[str, Any]) -> None:
    around.cluster.kubectl("delete", "pod", pod["metadata"]["name"], "-n", namespace, "--wait=false")


def _kill(around: Surroundings, namespace: str, pod: dict[str, Any]) -> None:
    for pid in around.cluster.order(do="processes", match="sample", environment=f"HOSTNAME={pod['metadata']['name']}"):
        around.cluster.order(do="kill", pid=pid, number=int(signal.SIGKILL))


QUERY = "(GET|POST) /api/v1/query"
NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}
PARTIAL = {**NOTHING, "warnings": ["a store did not answer"]}
ROLLOUT, ROUTE, DEPLOYMENT = "PATCH .*/hotfixrollouts/", "PATCH .*/httproutes/", "PATCH .*/deployments/"
AUTOSCALER, LEASE = "PATCH .*/horizontalpodautoscalers/", "(PUT|PATCH) .*/leases/"
DISTURBANCES: tuple[Disturbance, ...] = (
    Disturbance("killed after it stored a status", _kills(f"{ROLLOUT}.*/status"), again=True),
    Disturbance("killed after it wrote a route", _kills(ROUTE), again=True),
    Disturbance("killed after it wrote a Deployment", _kills(DEPLOYMENT), again=True),
    Disturbance("killed after it wrote an autoscaler", _kills(AUTOSCALER), again=True),
    Disturbance("killed after it renewed its lease", _kills(LEASE), again=True),
    Disturbance("killed after it published an event", _kills("POST .*/events"), again=True),
    Disturbance("killed after it set a finalizer", _kills(f"{ROLLOUT}[^/]*$"), again=True),
    Disturbance("answers to writes are lost", _requests(match="PATCH|POST .*/events", fault="lost")),
    Disturbance("answers to reads are lost", _requests(match="GET .*/namespaces/", fault="lost")),
    Disturbance("the API server is slow", _requests(match=".", fault="slow", seconds=2, times=150)),
    Disturbance("too many requests", _requests(match=".", fault="refuse", status=429, times=80)),
    Disturbance("internal errors", _requests(match=".", fault="refuse", status=500, times=80)),
    Disturbance("forbidden", _requests(match="(PATCH|GET) .*/namespaces/", fault="refuse", status=403, times=80)),
    Disturbance("the API server restarts", _restarts("apiserver"), told=False),
    Disturbance("etcd is paused", _stops("etcd", 5), told=False),
    Disturbance("Prometheus restarts", _restarts("prometheus"), told=False),
    Disturbance("Prometheus hangs", _stops("prometheus", 15), told=False),
    Disturbance("Prometheus is slow", _requests(match=QUERY, fault="slow", seconds=3, times=60)),
    Disturbance("Prometheus knows nothing", _requests(match=QUERY, fault="answer", body=NOTHING, times=60)),
    Disturbance("Prometheus knows a part", _requests(match=QUERY, fault="answer", body=PARTIAL, times=60)),
    Disturbance("a pod of each side is deleted", _one_pod_of_each(_delete), told=False),
    Disturbance("a pod of each side is killed", _one_pod_of_each(_kill), lossless=False, told=False),
    Disturbance("Contour restarts", _restarts("contour"), told=False),
    Disturbance("Envoy restarts", _restarts("envoy"), lossless=False, told=False),
)
