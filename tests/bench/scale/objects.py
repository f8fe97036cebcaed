"""The objects of one rollout and what it rests on, as they are in a shop that is healthy and ready. Pure."""

from dataclasses import dataclass
from typing import Any

IN_A_NAMESPACE = 20
PODS = 2  # of each side
CONTROLLER = "projectcontour.io/gateway-controller"
GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "contour", "namespace": "projectcontour"}
NODE = "no-node"  # the embedded node runs only what is bound to it
SINCE = "2026-01-01T00:00:00Z"

Object = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where the objects of the rollout with this number are, counted from 0, of a set of rollouts."""

    number: int
    of: str = "scale"

    @property
    def namespace(self) -> str:
        """Twenty rollouts share one."""
        return f"{self.of}-{self.number // IN_A_NAMESPACE:03d}"

    @property
    def name(self) -> str:
        """Of the rollout, of stable's Deployment and Service, and of the route."""
        return f"shop-{self.number % IN_A_NAMESPACE:02d}"

    @property
    def sides(self) -> tuple[str, str]:
        """Stable's and patched's Deployments and Services."""
        return self.name, f"{self.name}-hotfix"

    def address(self, side: int, pod: int) -> str:
        """Of a pod; nothing ever connects to it."""
        place = self.number * 2 * PODS + side * PODS + pod
        return f"10.{100 + place // 65536}.{place // 256 % 256}.{place % 256}"


def deployment(name: str, image: str) -> Object:
    """A Deployment whose pods are all ready."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}]}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": PODS, "selector": {"matchLabels": {"app": name}}, "template": template},
        "status": {
            "observedGeneration": 1,
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), PODS),
        },
    }


def service(name: str) -> Object:
    """Its Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "clusterIP": "None", "ports": [{"port": 80, "targetPort": 8080}]},
    }


def pod(place: Place, side: int, number: int, image: str) -> Object:
    """One pod that runs and is ready."""
    name, address = place.sides[side], place.address(side, number)
    running = {
        "name": "app",
        "image": image,
        "imageID": f"registry.example/{image}",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": SINCE}},
    }
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-5d8f7c9b6", "uid": name, "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-5d8f7c9b6-aaaa{number}",
            "labels": {"app": name, "pod-template-hash": "5d8f7c9b6"},
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": NODE, "containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}]}]},
        "status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": SINCE,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": SINCE}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [running],
        },
    }


def endpoints(place: Place, side: int) -> Object:
    """What stands behind the Service of a side."""
    name = place.sides[side]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-abcde", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [place.address(side, number)],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", "name": f"{name}-5d8f7c9b6-aaaa{number}"},
            }
            for number in range(PODS)
        ],
    }


def route(place: Place) -> Object:
    """An HTTPRoute with one rule that sends everything to stable."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": place.name},
        "spec": {
            "parentRefs": [GATEWAY],
            "hostnames": [f"{place.name}.{place.namespace}.example"],
            "rules": [{"backendRefs": [{"name": place.name, "port": 80}]}],
        },
    }


def accepted(generation: int) -> Object:
    """What a Gateway's controller reports on a route."""
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": kind,
            "message": "",
            "observedGeneration": generation,
            "lastTransitionTime": SINCE,
        }
        for kind in ("Accepted", "ResolvedRefs")
    ]
    return {"status": {"parents": [{"parentRef": GATEWAY, "controllerName": CONTROLLER, "conditions": conditions}]}}


def surroundings(place: Place) -> list[Object]:
    """Everything a rollout needs, in the order in which it is made."""
    images = ("shop:1.0", "shop:1.1")
    made: list[Object] = []
    for side, (name, image) in enumerate(zip(place.sides, images, strict=True)):
        made += [deployment(name, image), service(name), endpoints(place, side)]
        made += [pod(place, side, number, image) for number in range(PODS)]
    return [*made, route(place)]


def rollout(place: Place) -> Object:
    """A HotfixRollout that stays undecided for hours: what must be excluded is tiny, and neither side is worse."""
    return {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": place.name},
        "spec": {
            "stable": {"deployment": place.sides[0]},
            "patched": {"deployment": place.sides[1], "afterRollback": "Keep"},  # no controller would take the pods away
            "traffic": {"drain": "2s"},
            "analysis": {"maxErrorRateIncrease": "0.01%"},
        },
    }
