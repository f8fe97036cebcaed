"""Stable's Deployment and Service -> the manifests of a hotfix: patched's Deployment, its Service, the HotfixRollout. Pure.

The pod spec of the copy differs from stable's in the image and in variables only: it is what promotion will give to stable.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotfix.adapters.store import API_VERSION
from hotfix.core.labels import selector_of, selects
from hotfix.errors import Refused

from . import labels
from .crd import KIND

Object = dict[str, Any]

# marks by which Flux, Argo CD, Helm, Rancher and kubectl know what is theirs: on a copy they would be a lie
OWNERS = (
    "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "argocd.argoproj.io/", "meta.helm.sh/", "helm.sh/",
    "fleet.cattle.io/", "objectset.rio.cattle.io/", "field.cattle.io/", "config.kubernetes.io/", "internal.config.kubernetes.io/",
    "config.k8s.io/", "applyset.kubernetes.io/", "kapp.k14s.io/", "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt", "deployment.kubernetes.io/", "app.kubernetes.io/managed-by",
)  # fmt: skip
# annotations that give a Service an address of its own outside
ADDRESSES = (
    "external-dns.alpha.kubernetes.io/", "service.beta.kubernetes.io/", "service.kubernetes.io/", "cloud.google.com/",
    "networking.gke.io/", "metallb.io/", "metallb.universe.tf/", "io.cilium/", "lbipam.cilium.io/",
)  # fmt: skip
SERVICE_FIELDS = ("ports", "sessionAffinity", "sessionAffinityConfig", "publishNotReadyAddresses", "trafficDistribution")
LONGEST_NAME = 57  # of patched's Deployment: of a longer one not even the whole name is in the names of its pods
INSTANCE = "app.kubernetes.io/instance"  # by this label alone Argo CD may take an object for its own


@dataclass(frozen=True, kw_only=True)
class Stable:
    """What is copied. `selecting`: every Service that selects the pods, `service` among them."""

    deployment: Mapping[str, Any]
    service: Mapping[str, Any]
    selecting: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Name of the Deployment."""
        return str(self.deployment["metadata"]["name"])

    @property
    def template(self) -> Mapping[str, Any]:
        """The pod template."""
        return dict(self.deployment["spec"]["template"])

    @property
    def pod_labels(self) -> Mapping[str, str]:
        """Labels of its pods."""
        return labels_of(self.deployment)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is asked for: the fix, and how the rollout is named."""

    image: str | None = None
    container: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    incident: str | None = None
    paused: bool = False
    namespace: str | None = None
    number: int = 1  # 2 for the second hotfix of this stable that is under way ...


def labels_of(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    """Labels of the pods of a Deployment."""
    return dict((deployment["spec"]["template"].get("metadata") or {}).get("labels") or {})


def hotfix(stable: Stable, change: Change) -> tuple[Object, Object, Object]:
    """(Deployment, Service, HotfixRollout) to be applied; Refused with a sentence where there is nothing sensible to print."""
    selector = stable.deployment["spec"]["selector"]
    keys = labels.keys_of(selector).union(*(service["spec"]["selector"] for service in stable.selecting))
    pod_labels = labels.of_patched(stable.pod_labels, keys, change.number)
    if selects(selector_of(selector), pod_labels):
        raise Refused(
            f"The selector of Deployment {stable.name} would match the pods of any copy, whatever the values of "
            f"{', '.join(sorted(labels.keys_of(selector)))}; select by matchLabels instead."
        )
    name = patched_name(stable.name, change.number)
    deployment = _deployment(stable, change, name, pod_labels)
    service = _service(stable, change, service_name(name), pod_labels)
    return deployment, service, _rollout(stable, change, service["metadata"]["name"])


def patched_name(stable: str, number: int = 1) -> str:
    """Name of patched's Deployment."""
    return labels.suffixed(stable, number, LONGEST_NAME)


def service_name(patched: str) -> str:
    """Name of patched's Service: that of its Deployment, without the dots that a Service may not have."""
    return patched.replace(".", "-")


def rollout_name(stable: str, change: Change) -> str:
    """The name given, else of the incident, else of patched."""
    if change.name:
        return change.name
    if change.incident:
        return f"{stable}-{re.sub('[^a-z0-9]+', '-', change.incident.lower()).strip('-')}".rstrip("-")
    return patched_name(stable, change.number)


def container_of(stable: Stable, wanted: str | None) -> str:
    """Which container is changed: the one that is named, the only one, or the default that kubectl goes by."""
    names = [str(container["name"]) for container in stable.template["spec"]["containers"]]
    marks = (stable.template.get("metadata") or {}).get("annotations") or {}
    chosen = wanted or (names[0] if len(names) == 1 else marks.get("kubectl.kubernetes.io/default-container"))
    if chosen in names:
        return str(chosen)
    said = f"has no container {chosen}" if chosen else "has several containers"
    raise Refused(f"Deployment {stable.name} {said}; choose one of them: {', '.join(f'--container {name}' for name in names)}")


def _deployment(stable: Stable, change: Change, name: str, pod_labels: Mapping[str, str]) -> Object:
    spec = copy.deepcopy(dict(stable.deployment["spec"]))
    spec.pop("paused", None)
    selected = labels.keys_of(spec["selector"]) | {labels.SIDE_LABEL}
    meta = spec["template"].get("metadata") or {}
    template: Object = {"metadata": {"labels": dict(pod_labels)}, "spec": _pod_spec(stable, change)}
    if kept := _cleaned(meta.get("annotations")):
        template["metadata"]["annotations"] = kept
    first = {
        "replicas": spec.pop("replicas", 1),
        "selector": {"matchLabels": {key: pod_labels[key] for key in sorted(selected) if key in pod_labels}},
    }
    rest = {key: value for key, value in spec.items() if key not in ("selector", "template")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(stable, stable.deployment, _named(name, change.namespace), pod_labels, change.number),
        "spec": {**first, **rest, "template": template},
    }


def _pod_spec(stable: Stable, change: Change) -> Object:
    chosen = container_of(stable, change.container)
    before = stable.template["spec"]
    after: Object = copy.deepcopy(dict(before))
    container = next(entry for entry in after["containers"] if entry["name"] == chosen)
    if change.image:
        container["image"] = change.image
    for name, value in change.env.items():
        _set_variable(container, name, value)
    if after == before:
        raise Refused(
            f"Deployment {stable.name} runs {container['image']} with these variables already; "
            "give the image of the fix with --image, or a variable with --env NAME=VALUE."
        )
    return after


def _set_variable(container: Object, name: str, value: str) -> None:
    variables = container.setdefault("env", [])
    for entry in variables:
        if entry["name"] == name:
            entry.pop("valueFrom", None)
            entry["value"] = value
            return
    variables.append({"name": name, "value": value})


def _service(stable: Stable, change: Change, name: str, pod_labels: Mapping[str, str]) -> Object:
    before = stable.service["spec"]
    keys = sorted({*before["selector"], labels.SIDE_LABEL})
    spec: Object = {"selector": {key: pod_labels[key] for key in keys}}
    spec |= {key: copy.deepcopy(before[key]) for key in SERVICE_FIELDS if before.get(key)}
    spec["ports"] = [{key: value for key, value in port.items() if key != "nodePort"} for port in spec["ports"]]
    if before.get("clusterIP") == "None":
        spec["clusterIP"] = "None"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(stable, stable.service, _named(name, change.namespace), pod_labels, change.number),
        "spec": spec,
    }


def _rollout(stable: Stable, change: Change, patched_service: str) -> Object:
    chosen = container_of(stable, change.container)
    images = {entry["name"]: entry["image"] for entry in stable.template["spec"]["containers"]}
    sides: Object = {"stable": {"deployment": stable.name}, "patched": {"deployment": patched_name(stable.name, change.number)}}
    if stable.service["metadata"]["name"] != stable.name:
        sides["stable"]["service"] = stable.service["metadata"]["name"]
    sides["stable"]["image"] = images[chosen]
    if patched_service != sides["patched"]["deployment"]:
        sides["patched"]["service"] = patched_service
    meta = _named(rollout_name(stable.name, change), change.namespace)
    incident = {"incident": {"reference": change.incident}} if change.incident else {}
    paused = {"paused": True} if change.paused else {}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": {**sides, **incident, **paused}}


def _metadata(stable: Stable, item: Mapping[str, Any], meta: Object, pod_labels: Mapping[str, str], number: int) -> Object:
    """Labels that tell stable's pods have patched's values here too, so that nobody's list mixes the sides."""
    kept = _cleaned(item["metadata"].get("labels"))
    same = {key for key, value in kept.items() if stable.pod_labels.get(key) == value}
    changed = {key: pod_labels[key] if key in same else value for key, value in kept.items()}
    if INSTANCE in kept and changed[INSTANCE] == kept[INSTANCE]:
        changed[INSTANCE] = labels.suffixed(kept[INSTANCE], number)
    annotations = _cleaned(item["metadata"].get("annotations"), ADDRESSES)
    return {
        **meta,
        "labels": {**changed, labels.SIDE_LABEL: "patched"},
        **({"annotations": annotations} if annotations else {}),
    }


def _named(name: str, namespace: str | None) -> Object:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def _cleaned(marks: Mapping[str, str] | None, more: tuple[str, ...] = ()) -> dict[str, str]:
    return {key: value for key, value in (marks or {}).items() if not key.startswith(OWNERS + more)}
