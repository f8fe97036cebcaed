"""What controllers do in a cluster, one step at a time: pods of Deployments, addresses of Services, the word of a Gateway."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .api import FakeApi

Object = dict[str, Any]
CONTROLLER = "projectcontour.io/gateway-controller"


class Controllers:
    """`step` brings everything in line with what is asked; what shall be wrong is set before."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.never_ready: set[str] = set()  # images
        self.crashing: set[str] = set()  # images
        self.rejects: dict[str, str] = {}  # route -> message
        self.deaf: set[str] = set()  # routes that nobody reports on
        self._done: object = None

    def step(self) -> None:
        """Everything that controllers would do by now."""
        present = (self.api.changes, sorted(self.never_ready), sorted(self.crashing), sorted(self.rejects), sorted(self.deaf))
        if present == self._done:
            return
        self._work()
        self._done = (self.api.changes, *present[1:])

    def _work(self) -> None:
        for deployment in self.api.peek_every("Deployment"):
            self._pods(deployment)
            self._report(deployment)
        for service in self.api.peek_every("Service"):
            self._addresses(service)
        for route in self.api.peek_every("HTTPRoute"):
            if route["metadata"]["name"] not in self.deaf:
                self._acknowledge(route)

    # ---- Deployments

    def _pods(self, deployment: Object) -> None:
        """As many pods of the present template as are asked for, and none of an older one."""
        namespace, name, label = deployment["metadata"]["namespace"], deployment["metadata"]["name"], template_label(deployment)
        wanted = {pod_name(f"{name}-{label}-", number) for number in range(deployment["spec"]["replicas"])}
        for pod in self._of(deployment):
            if pod["metadata"]["name"] not in wanted:
                self.api.delete("Pod", namespace, pod["metadata"]["name"])
        there = {pod["metadata"]["name"] for pod in self._of(deployment)}
        template = deployment["spec"]["template"]
        for missing in sorted(wanted - there):
            meta = {
                "name": missing,
                "namespace": namespace,
                "labels": {**template["metadata"]["labels"], "pod-template-hash": label},
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-{label}", "controller": True}
                ],
            }
            self.api.apply(
                {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}, "kube-controller-manager"
            )
            self.api.set_status("Pod", namespace, missing, self._pod_status(template["spec"]), "kubelet")

    def _of(self, deployment: Object) -> list[Object]:
        """A Deployment's pods."""
        meta = deployment["metadata"]
        pods = self.api.peek_every("Pod", meta["namespace"])
        stem = f"{meta['name']}-"
        return [
            pod
            for pod in pods
            if pod["metadata"]["ownerReferences"][0]["name"] == stem + pod["metadata"]["labels"]["pod-template-hash"]
        ]

    def _pod_status(self, spec: Object) -> Object:
        images = {container["image"] for container in spec["containers"]}
        crashes = bool(images & self.crashing)
        ready = not crashes and not images & self.never_ready
        state = {"waiting": {"reason": "CrashLoopBackOff"}} if crashes else {"running": {}}
        containers = [
            {
                "name": c["name"],
                "image": c["image"],
                "imageID": f"sha256:{c['image']}",
                "restartCount": 3 * crashes,
                "state": state,
            }
            for c in spec["containers"]
        ]
        return {"conditions": [{"type": "Ready", "status": str(ready)}], "containerStatuses": containers}

    def _report(self, deployment: Object) -> None:
        pods = self._of(deployment)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(pods),
            "readyReplicas": sum(map(is_ready, pods)),
        }
        self.api.set_status("Deployment", deployment["metadata"]["namespace"], deployment["metadata"]["name"], status)

    # ---- Services and routes

    def _addresses(self, service: Object) -> None:
        """One EndpointSlice for a Service."""
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        selector: Mapping[str, str] = service["spec"].get("selector") or {}
        pods = [
            pod
            for pod in self.api.peek_every("Pod", namespace)
            if selector and selector.items() <= pod["metadata"].get("labels", {}).items()
        ]
        endpoints = [
            {
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": is_ready(pod), "serving": is_ready(pod), "terminating": False},
                "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
            }
            for pod in pods
        ]
        where = self.api.place("EndpointSlice", namespace, f"{name}-slice")
        meta = {"name": where.name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}}
        item = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "endpoints": endpoints}
        if where in self.api.objects:
            item["metadata"] = self.api.objects[where]["metadata"]
            self.api.update(where, item, "endpointslice-controller")
        else:
            self.api.apply(item, "endpointslice-controller")

    def _acknowledge(self, route: Object) -> None:
        """Every parent's word on the present generation."""
        meta = route["metadata"]
        message = self.rejects.get(meta["name"])
        status = "False" if message else "True"
        conditions = [
            {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": meta["generation"]},
            {
                "type": "ResolvedRefs",
                "status": status,
                "reason": "BackendNotFound" if message else "ResolvedRefs",
                "message": message or "",
                "observedGeneration": meta["generation"],
            },
        ]
        parents = [
            {"parentRef": ref, "controllerName": CONTROLLER, "conditions": conditions} for ref in route["spec"]["parentRefs"]
        ]
        self.api.set_status("HTTPRoute", meta["namespace"], meta["name"], {"parents": parents}, "contour")


def pod_name(stem: str, number: int) -> str:
    """Where it were longer than a host name may be, the stem is cut, as the API server cuts it for five random characters."""
    whole = f"{stem}{number}"
    return whole if len(whole) <= 63 else stem[:58] + hashlib.sha256(whole.encode()).hexdigest()[:5]


def template_label(deployment: Object) -> str:
    """The pod-template-hash of a Deployment's template."""
    return hashlib.sha256(json.dumps(deployment["spec"]["template"], sort_keys=True).encode()).hexdigest()[:10]


def is_ready(pod: Object) -> bool:
    """The pod reports that it is ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
