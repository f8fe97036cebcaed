"""Which paths of a pod spec differ: what promotion is going to change in stable. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

CONTAINERS = ("initContainers", "containers")
MERGED = {"env", "ports", "volumeDevices", "volumeMounts"}  # lists of a container that a strategic merge patch does not replace
REPLACE = {"$patch": "replace"}  # unless this is in them


def hash_of(pod_spec: Mapping[str, Any]) -> str:
    """The first 16 hex digits of the SHA-256 of the canonical JSON of a pod spec."""
    return hashlib.sha256(json.dumps(pod_spec, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def shape_of(pod_spec: Mapping[str, Any]) -> str:
    """The hash of a pod spec without its images: the same image has several names."""
    shaped = dict(pod_spec)
    for kind in CONTAINERS:
        if kind in shaped:
            shaped[kind] = [{key: value for key, value in entry.items() if key != "image"} for entry in shaped[kind] or ()]
    return hash_of(shaped)


def images_of(pod_spec: Mapping[str, Any]) -> dict[str, str]:
    """Container name -> image, of init containers too."""
    return {str(entry.get("name")): str(entry.get("image")) for kind in CONTAINERS for entry in pod_spec.get(kind) or ()}


def changed_paths(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Paths of the pod spec whose values differ, named as kubectl names them; containers by their name."""
    paths: list[str] = []
    for key in sorted({*before, *after}):
        old, new, path = before.get(key), after.get(key), f"{prefix}{key}"
        if old == new:
            continue
        old, new = _by_name(old), _by_name(new)
        inside = changed_paths(old, new, f"{path}.") if isinstance(old, Mapping) and isinstance(new, Mapping) else []
        paths += inside or [path[:253]]  # with nothing inside, their order alone differs
    return paths


def _by_name(value: Any) -> Any:
    named = isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value)
    found = {str(item["name"]): item for item in value} if named else {}
    return found if found and len(found) == len(value) else value


def containers_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The lists of containers of a strategic merge patch that makes those of `before` those of `after`; images are left out where
    a container is in both. Empty where nothing else differs."""
    found = {kind: _containers(before.get(kind) or [], after.get(kind) or []) for kind in CONTAINERS}
    return {kind: patch for kind, patch in found.items() if patch != []}


def _containers(before: list[Any], after: list[Any]) -> list[Any] | None:
    if not after:
        return None if before else []
    return _entries(before, after, besides="image") if before else after


def _entries(before: list[Any], after: list[Any], besides: str = "") -> list[Any]:
    """Of a list that is merged by names: what changes and what goes, one by one. The list as a whole where one comes, where their
    order changes, or a name is given twice: kubectl and kustomize put new entries at different ends."""
    old, new = _by_name(before), _by_name(after)
    if not (isinstance(old, Mapping) and isinstance(new, Mapping) and [name for name in old if name in new] == list(new)):
        return [*after, REPLACE]
    parts = {name: _part({**old[name], besides: None}, {**entry, besides: None}) for name, entry in new.items()}
    changed = [{"name": name, **part} for name, part in parts.items() if part]
    return changed + [{"name": name, "$patch": "delete"} for name in old if name not in new]


def _part(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that differ; one that `after` has no more is None, which takes it away."""
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return {key: _merging(key, before.get(key), after.get(key)) for key in keys}


def _merging(key: str, before: Any, after: Any) -> Any:
    """What a strategic merge patch says to make the one of the other. It merges maps, and some lists by a key of their entries;
    every other list is replaced as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _part(before, after)
    if key not in MERGED or not (before and isinstance(after, list)):
        return after
    return _entries(before, after) if key == "env" else [*after, REPLACE]
