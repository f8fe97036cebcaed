"""Objects as an API server hands them out, with everything that a copy must not carry on. No tests here."""

import copy
from typing import Any

HELM_LABELS = {
    "app.kubernetes.io/name": "checkout",
    "app.kubernetes.io/instance": "shop",
    "app.kubernetes.io/version": "1.4.1",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": "checkout-1.4.1",
    "kustomize.toolkit.fluxcd.io/name": "shop",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    "team": "payments",
}
ANNOTATIONS = {
    "meta.helm.sh/release-name": "shop",
    "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout",
    "deployment.kubernetes.io/revision": "7",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "owner": "payments@shop.example",
}
POD_LABELS = {"app.kubernetes.io/name": "checkout", "app.kubernetes.io/instance": "shop", "tier": "web", "version": "1.4.1"}


def pod_spec() -> dict[str, Any]:
    """Two containers."""
    app: dict[str, Any] = {
        "name": "app",
        "image": "registry.example/checkout:1.4.1",
        "env": [
            {"name": "MODE", "value": "live"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "checkout", "key": "token"}}},
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "node"}]}}
    return {"containers": [app, {"name": "proxy", "image": "registry.example/proxy:3"}], "affinity": apart}


def deployment(**spec: Any) -> dict[str, Any]:
    """A live Deployment of two containers."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "uid": "11111111-2222-3333-4444-555555555555",
            "resourceVersion": "4711",
            "generation": 7,
            "creationTimestamp": "2030-01-01T00:00:00Z",
            "labels": dict(HELM_LABELS),
            "annotations": dict(ANNOTATIONS),
            "ownerReferences": [{"apiVersion": "shop.example/v1", "kind": "Shop", "name": "shop", "uid": "1"}],
            "managedFields": [{"manager": "helm", "operation": "Update"}],
            "finalizers": ["shop.example/keep"],
        },
        "spec": {
            "replicas": 6,
            "paused": False,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {key: POD_LABELS[key] for key in list(POD_LABELS)[:2]}},
            "template": {
                "metadata": {
                    "creationTimestamp": None,
                    "labels": dict(POD_LABELS),
                    "annotations": {"checksum/config": "abc", "kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z"},
                },
                "spec": pod_spec(),
            },
            **spec,
        },
        "status": {"readyReplicas": 6},
    }


def service(name: str = "checkout", *, selector: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A live Service of type LoadBalancer."""
    chosen = {"app.kubernetes.io/name": "checkout", "tier": "web"} if selector is None else selector
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": "2",
            "resourceVersion": "4712",
            "labels": dict(HELM_LABELS),
            "annotations": {
                **ANNOTATIONS,
                "external-dns.alpha.kubernetes.io/hostname": "shop.example",
                "projectcontour.io/upstream-protocol.h2c": "http",
            },
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": chosen,
            "clusterIP": "10.0.0.7",
            "clusterIPs": ["10.0.0.7"],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30001,
            "loadBalancerIP": "203.0.113.7",
            "allocateLoadBalancerNodePorts": True,
            "sessionAffinity": "None",
            "ports": [
                {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "nodePort": 30080, "appProtocol": "http"}
            ],
            **spec,
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}},
    }


def single(**changes: Any) -> dict[str, Any]:
    """A Deployment with one container, so that none has to be named."""
    made = deployment(**changes)
    made["spec"]["template"]["spec"]["containers"].pop()
    return copy.deepcopy(made)
