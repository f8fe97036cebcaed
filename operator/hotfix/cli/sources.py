"""Where `init` reads from: a cluster, or manifests in a file. Both give the same few lists of raw objects; nothing is written."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from hotfix.adapters.kube import Kube, path
from hotfix.adapters.store import API_VERSION, PLURAL
from hotfix.errors import NotFound, Refused

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is in one namespace. `unread`: kinds that may not be listed; they are not in `others`."""

    deployments: Sequence[Object]
    services: Sequence[Object]
    others: Sequence[Object] = field(default_factory=list)
    unread: Sequence[str] = field(default_factory=list)
    where: str


# kinds that people select pods by, or that would be in the way: listed where that is allowed
LISTED = (
    ("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    ("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    ("HotfixRollout", API_VERSION, PLURAL),
)


async def from_cluster(kube: Kube, namespace: str, deployment: str, patched: Callable[[Found], str]) -> Found:
    """The Deployment that is asked for, with what surrounds it, and patched's where it exists; its name may depend on what else
    there is."""
    where = f"namespace {namespace}"
    found = await kube.find(path("apps/v1", "deployments", namespace, deployment))
    if found is None:
        raise NotFound(f"There is no Deployment {deployment} in {where}; `kubectl get deployments -n {namespace}` lists them.")
    services = await kube.list(path("v1", "services", namespace))
    others: list[Object] = []
    unread: list[str] = []
    for kind, version, plural in LISTED:
        try:
            others += [{**item, "kind": kind} for item in await kube.list(path(version, plural, namespace))]
        except Refused:  # no right to list them, or this cluster has no such kind: it is said, and nothing depends on it
            unread.append(kind)
    alone = Found(deployments=[found], services=services, others=others, unread=unread, where=where)
    already = await kube.find(path("apps/v1", "deployments", namespace, patched(alone)))
    return alone if already is None else replace(alone, deployments=[found, already])


def from_manifests(file: str) -> Found:
    """The objects of a YAML or JSON file with any number of documents and Lists; `-` is the standard input."""
    where = "the standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        items = [item for document in yaml.safe_load_all(text) for item in _flat(document)]
    except OSError as error:
        raise Refused(f"{where} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{where} cannot be read as manifests: {error}") from error
    kinds: dict[str, list[Object]] = {}
    for item in items:
        kinds.setdefault(str(item.get("kind")), []).append(item)
    deployments, services = kinds.pop("Deployment", []), kinds.pop("Service", [])
    for item in (*deployments, *services):
        _check_shape(item, where)
    return Found(deployments=deployments, services=services, others=[i for rest in kinds.values() for i in rest], where=where)


def _flat(document: Any) -> Iterator[Object]:
    if isinstance(document, Mapping) and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _flat(item)
    elif isinstance(document, Mapping):
        yield document


def _check_shape(item: Object, where: str) -> None:
    """What is copied must look like what an API server would accept; it says so before anything is printed."""
    try:
        name, spec = item["metadata"]["name"], item["spec"]
        wrong = not isinstance(spec, Mapping) or not isinstance(name, str)
        if item["kind"] == "Deployment":
            containers = spec["template"]["spec"]["containers"]
            wrong = wrong or not spec["selector"] or not [(entry["name"], entry["image"]) for entry in containers]
    except (KeyError, TypeError) as error:
        raise Refused(
            f"{where}: a {item['kind']} is not complete ({error!r}); `kubectl get -o yaml` prints whole ones."
        ) from error
    if wrong:
        raise Refused(f"{where}: a {item['kind']} is not complete; `kubectl get -o yaml` prints whole ones.")
