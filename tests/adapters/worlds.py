"""One namespace in which a contract is tried: on the API server in memory, or on a real one. The same verbs for both."""

import copy
import json
from collections.abc import Callable
from typing import Any, Protocol

from hotfix.adapters.kube import Kube
from tests.cluster import Cluster
from tests.fakes.api import KINDS, FakeApi
from tests.fakes.controllers import Controllers
from tests.fakes.kube import FakeKube

Object = dict[str, Any]
RESOURCES = {"HotfixRollout": "hotfixrollouts.hotfix-operator.dev", "Event": "events.events.k8s.io"}


class World(Protocol):
    """What a contract needs."""

    kube: Kube
    namespace: str

    def apply(self, *items: Object, manager: str = "kubectl") -> None:
        """Create objects in the namespace, or make them what is given."""
        ...

    def edit(self, kind: str, name: str, *operations: Object, manager: str = "kubectl-edit") -> None:
        """A JSON Patch by somebody."""
        ...

    def read(self, kind: str, name: str) -> Object:
        """One object."""
        ...

    def names(self, kind: str) -> list[str]:
        """The names of all objects of a kind."""
        ...

    def delete(self, kind: str, name: str) -> None:
        """Ask for an object's end; does not wait for it."""
        ...

    def until(self, question: Callable[[], Any], what: str) -> None:
        """Let controllers work until it is so."""
        ...


class FakeWorld:
    """In memory."""

    def __init__(self, namespace: str) -> None:
        self.api, self.namespace = FakeApi(), namespace
        self.kube = FakeKube(self.api)
        self.controllers = Controllers(self.api)
        self.api.apply({"kind": "Namespace", "metadata": {"name": namespace}})

    def apply(self, *items: Object, manager: str = "kubectl") -> None:
        for item in items:
            placed = copy.deepcopy(item)
            placed["metadata"]["namespace"] = self.namespace
            self.api.apply(placed, manager)

    def edit(self, kind: str, name: str, *operations: Object, manager: str = "kubectl-edit") -> None:
        self.api.edit(kind, self.namespace, name, operations, manager)

    def read(self, kind: str, name: str) -> Object:
        return self.api.read(kind, self.namespace, name)

    def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.api.every(kind, self.namespace)]

    def delete(self, kind: str, name: str) -> None:
        self.api.delete(kind, self.namespace, name)

    def until(self, question: Callable[[], Any], what: str) -> None:
        for _ in range(5):
            self.controllers.step()
            if question():
                return
        raise AssertionError(f"never: {what}")


class ClusterWorld:
    """On an embedded cluster."""

    def __init__(self, cluster: Cluster, kube: Kube, namespace: str) -> None:
        self.cluster, self.kube, self.namespace = cluster, kube, namespace
        cluster.kubectl("create", "namespace", namespace)

    def close(self) -> None:
        self.cluster.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def apply(self, *items: Object, manager: str = "kubectl") -> None:
        placed = [copy.deepcopy(item) for item in items]
        for item in placed:
            item["metadata"]["namespace"] = self.namespace
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": placed})
        forced = ("--server-side", "--force-conflicts", f"--field-manager={manager}", "--validate=strict")
        self.cluster.kubectl("apply", *forced, "-f", "-", stdin=body)

    def edit(self, kind: str, name: str, *operations: Object, manager: str = "kubectl-edit") -> None:
        patch = json.dumps(operations)
        self._kubectl("patch", self._kind(kind), name, "--type=json", "-p", patch, f"--field-manager={manager}")

    def read(self, kind: str, name: str) -> Object:
        return self._asked(kind, f"/{name}")

    def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in self._asked(kind)["items"]]

    def delete(self, kind: str, name: str) -> None:
        self._kubectl("delete", self._kind(kind), name, "--wait=false")

    def until(self, question: Callable[[], Any], what: str) -> None:
        self.cluster.until(question, what, seconds=60)

    def _asked(self, kind: str, name: str = "") -> Object:
        """What is read many times a second is asked for without a kubectl process."""
        version, plural = KINDS[kind]
        path = f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/{self.namespace}/{plural}{name}"
        status, text = self.cluster.raw(path)
        if status != 200:
            raise RuntimeError(f"{path}: {status}: {text[:300]}")
        return json.loads(text)

    def _kind(self, kind: str) -> str:
        return RESOURCES.get(kind, kind.lower())

    def _kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *arguments).stdout
