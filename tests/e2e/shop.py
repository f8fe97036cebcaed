"""A shop in a namespace of its own: stable, patched, Services, a route, a HotfixRollout, load, and what is asked of them."""

import contextlib
import copy
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.cluster import Load, Provider
from tests.cluster.provider import READY_SECONDS

PLUGIN = str(Path(sys.executable).parent / "kubectl-hotfix")
ROLLOUTS = "hotfixrollouts.hotfix-operator.dev"
_ROLLOUT_PATH = "apis/hotfix-operator.dev/v1alpha1/namespaces/{}/hotfixrollouts"
PATHS = {  # what is read many times a second is asked for without a kubectl process
    "deployment": "apis/apps/v1/namespaces/{}/deployments",
    "httproute": "apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    **dict.fromkeys(("hfr", "hotfixrollouts", ROLLOUTS), _ROLLOUT_PATH),
}
FAST = {"drain": "2s"}  # public settings that shorten what is not the point of a story
_numbers = itertools.count(1)


def deployment(
    name: str, image: str, *, replicas: int = 2, env: dict[str, str] | None = None, pre_stop: int = 1
) -> dict[str, Any]:
    """A Deployment of the sample app."""
    container: dict[str, Any] = {
        "name": "app",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "failureThreshold": 2},
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "resources": {"requests": {"cpu": "20m"}},  # on a real node one that asks for nothing starves beside others
    }
    if pre_stop:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": pre_stop}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 10},
            },
        },
    }


def service(name: str, *, selector: dict[str, str] | None = None) -> dict[str, Any]:
    """Its Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": selector or {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def autoscaler(name: str) -> dict[str, Any]:
    """A HorizontalPodAutoscaler of a Deployment that may have a single pod."""
    half_busy = {"type": "Utilization", "averageUtilization": 50}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": half_busy}}],
        },
    }


def route(name: str, host: str, *rules: dict[str, Any]) -> dict[str, Any]:
    """An HTTPRoute; one rule to `checkout` unless told otherwise."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "contour", "namespace": "projectcontour"}],
            "hostnames": [host],
            "rules": list(rules) or [{"backendRefs": [{"name": "checkout", "port": 80}]}],
        },
    }


def rollout(name: str = "fix", **spec: Any) -> dict[str, Any]:
    """A HotfixRollout with short times; `spec` overrides whole fields."""
    base: dict[str, Any] = {
        "stable": {"deployment": "checkout"},
        "patched": {"deployment": "checkout-hotfix"},
        "traffic": dict(FAST),
        "analysis": {"bakeTime": "20s"},
    }
    return {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": name},
        "spec": {**base, **spec},
    }


class Shop:
    """One namespace. `judged` is shown every HotfixRollout that was waited for, as the API server gave it."""

    def __init__(self, cluster: Provider, name: str, judged: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.cluster, self.judged = cluster, judged
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.namespace = f"{re.sub('[^a-z0-9]+', '-', name.lower())[:40].strip('-')}-{worker}{next(_numbers)}"
        self.host = f"{self.namespace}.local"
        cluster.kubectl("create", "namespace", self.namespace)

    def apply(self, *items: dict[str, Any], manager: str = "kubectl") -> None:
        """Apply objects to this namespace."""
        placed = [copy.deepcopy(item) for item in items]
        for item in placed:
            item["metadata"].setdefault("namespace", self.namespace)
        self.cluster.apply(*placed, manager=manager)

    def open(
        self, stable: str = "sample:1.0", patched: str | None = "sample:1.1", *, replicas: int = 2, pre_stop: int = 1
    ) -> None:
        """Stable with its route, and patched; returns when stable is ready."""
        sides = {"checkout": stable, "checkout-hotfix": patched}
        self.apply(route("checkout", self.host), service("checkout"), *([service("checkout-hotfix")] if patched else []))
        self.apply(
            *(deployment(name, image, replicas=replicas, pre_stop=pre_stop) for name, image in sides.items() if image is not None)
        )
        self.ready("checkout", replicas)

    def ready(self, name: str, replicas: int) -> None:
        """Wait for a Deployment's pods."""
        self.cluster.until(
            lambda: self.read("deployment", name).get("status", {}).get("readyReplicas", 0) >= replicas,
            f"{name} is ready",
            seconds=READY_SECONDS,
        )

    def read(self, kind: str, name: str) -> dict[str, Any]:
        """One object of this namespace; RuntimeError where there is no answer, or another one."""
        if kind not in PATHS:
            return self.cluster.read(kind, name, self.namespace)
        try:
            status, text = self.cluster.raw(f"/{PATHS[kind].format(self.namespace)}/{name}")
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeError(f"{kind} {name}: the API server does not answer: {error}") from error
        if status != 200:
            raise RuntimeError(f"{kind} {name}: {status}: {text[:300]}")
        return dict(json.loads(text))

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """kubectl in this namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin, check=check).stdout

    def hotfix(self, *arguments: str) -> str:
        """`kubectl hotfix` in this namespace; what it printed."""
        env = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}
        done = subprocess.run([PLUGIN, *arguments, "-n", self.namespace], capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def patch(self, kind: str, name: str, operations: list[dict[str, Any]]) -> None:
        """A JSON Patch by a person."""
        self.kubectl("patch", kind, name, "--type=json", "-p", json.dumps(operations), "--field-manager=kubectl-edit")

    @contextlib.contextmanager
    def load(self, rate: float = 20, *, host: str = "", **more: Any) -> Iterator[Load]:
        """Requests to this shop, or to another host name; the block begins when the first were answered."""
        host = host or self.host
        self.cluster.until(lambda: self._answers(host), "the gateway knows the route", seconds=30)
        with self.cluster.load(host, rate=rate, **more) as load:
            self.cluster.until(lambda: len([a for a in load.answers() if a.status]) > 5, "the route answers", seconds=30)
            yield load

    def _answers(self, host: str) -> bool:
        """The gateway passes requests on to the app."""
        request = urllib.request.Request(self.cluster.gateway_url, headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:
                return "X-Backend" in answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return "X-Backend" in error.headers
        except OSError:
            return False

    # ---- what is asked of a rollout

    def status(self, name: str = "fix") -> dict[str, Any]:
        """Its status."""
        return dict(self.read(ROLLOUTS, name).get("status") or {})

    def until(
        self, question: Callable[[dict[str, Any]], Any], what: str, *, seconds: float = 120, name: str = "fix"
    ) -> dict[str, Any]:
        """The first status for which the question is true; fails with the story so far."""
        item: dict[str, Any] = {}

        def asked() -> bool:
            nonlocal item
            item = self.read(ROLLOUTS, name)
            return bool(question(item.get("status") or {}))

        try:
            self.cluster.until(asked, what, seconds=seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{so_far(item.get('status') or {})}\n{self.cluster_log()}") from error
        if self.judged is not None:
            self.judged(item)
        return dict(item.get("status") or {})

    def cluster_log(self) -> str:
        """The operator's last lines about this namespace."""
        lines = self.cluster.operator_log().splitlines()
        mine = [line for line in lines if self.namespace in line or "Traceback" in line or "Error" in line]
        return "\n".join(mine[-12:])

    def phase(self, *phases: str, seconds: float = 120, name: str = "fix") -> dict[str, Any]:
        """Wait for one of these phases."""
        return self.until(
            lambda status: status.get("phase") in phases, f"phase {' or '.join(phases)}", seconds=seconds, name=name
        )

    def held(self, reason: str, *, seconds: float = 60, name: str = "fix") -> dict[str, Any]:
        """Wait until it is held for this reason."""
        return self.until(lambda status: status.get("held") == reason, f"held: {reason}", seconds=seconds, name=name)

    def finalizers(self, name: str = "fix") -> list[str]:
        """What holds the rollout."""
        return list(self.read("hfr", name)["metadata"].get("finalizers") or ())

    def exists(self, kind: str, name: str) -> bool:
        """There is such an object."""
        return bool(self.kubectl("get", kind, name, "--ignore-not-found", "-o", "name").strip())

    def weights(self, name: str = "checkout", rule: int = 0) -> dict[str, int]:
        """Backend -> weight of one rule of a route."""
        refs = self.read("httproute", name)["spec"]["rules"][rule]["backendRefs"]
        return {ref["name"]: ref.get("weight", 1) for ref in refs}

    def replicas(self, name: str) -> int:
        """Wanted replicas of a Deployment."""
        return int(self.read("deployment", name)["spec"]["replicas"])

    def image(self, name: str) -> str:
        """What a Deployment runs."""
        return str(self.read("deployment", name)["spec"]["template"]["spec"]["containers"][0]["image"])

    def addresses(self, name: str) -> list[str]:
        """Addresses of a Deployment's pods."""
        return self.kubectl("get", "pods", "-l", f"app={name}", "-o", "jsonpath={.items[*].status.podIP}").split()

    def control(self, name: str, knobs: str) -> None:
        """Change the behaviour of a Deployment's running pods."""
        for address in self.addresses(name):
            self.cluster.get(f"http://{address}:8080/control?{knobs}")

    def edit(self, **spec: Any) -> None:
        """A person changes fields of the rollout's spec."""
        self.kubectl("patch", "hfr", "fix", "--type=merge", "-p", json.dumps({"spec": spec}))

    def conditions(self, name: str = "fix") -> dict[str, tuple[str, str]]:
        """Condition type -> (status, reason)."""
        return {c["type"]: (c["status"], c["reason"]) for c in self.status(name).get("conditions", [])}

    def events(self) -> list[str]:
        """Reasons of the events on HotfixRollouts, in order."""
        items = json.loads(self.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
        mine = [item for item in items if item.get("regarding", {}).get("kind") == "HotfixRollout"]
        return [item["reason"] for item in sorted(mine, key=lambda item: item["eventTime"])]


def untouched(item: dict[str, Any]) -> dict[str, Any]:
    """What of a route belongs to its user: the spec, labels, annotations; and whether we are in managedFields."""
    meta = item["metadata"]
    ours = [entry["manager"] for entry in meta.get("managedFields", []) if entry["manager"] == "hotfix-operator"]
    return {"spec": item["spec"], "labels": meta.get("labels"), "annotations": meta.get("annotations"), "ours": ours}


def so_far(status: dict[str, Any]) -> str:
    """What happened, for a failing test."""
    lines = [f"  {d['time']} {d['what']}: {d['reason']}: {d.get('message', '')}" for d in status.get("decisions", [])]
    head = f"phase {status.get('phase')} stage {status.get('stage')} weight {status.get('weight')} held {status.get('held')}"
    return "\n".join([head, f"  {status.get('message')} / {status.get('next')}", *lines])
