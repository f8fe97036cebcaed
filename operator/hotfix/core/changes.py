"""Which paths of a pod spec differ: what promotion is going to change in stable. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

CONTAINERS = ("initContainers", "containers")


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
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            paths += changed_paths(old, new, f"{path}.")
        else:
            paths.append(path[:253])
    return paths


def _by_name(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value):
        return {str(item["name"]): item for item in value}
    return value


def changed_containers(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each container in both pod specs, its name and the fields of `after` that differ, besides the image: the containers of
    a strategic merge patch. A field that `after` has no more is None there, which takes it away."""
    old = {str(entry.get("name")): entry for entry in before.get("containers") or ()}
    found = []
    for entry in after.get("containers") or ():
        was = old.get(str(entry.get("name")), entry)
        keys = [key for key in sorted({*was, *entry} - {"image"}) if was.get(key) != entry.get(key)]
        if keys:
            found.append({"name": entry["name"], **{key: _merging(key, was.get(key), entry.get(key)) for key in keys}})
    return found


def _merging(key: str, before: Any, after: Any) -> Any:
    """What a strategic merge patch says to make the one of the other. It merges lists of objects by a key of theirs: variables
    by their name, one by one; every other list is replaced as a whole."""
    if not (isinstance(after, list) and after and isinstance(after[0], Mapping)):
        return after
    old, new = _by_name(before) or {}, _by_name(after)
    if key != "env" or not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [*after, {"$patch": "replace"}]
    changed = [entry for name, entry in new.items() if old.get(name) != entry]
    return changed + [{"name": name, "$patch": "delete"} for name in old if name not in new]
