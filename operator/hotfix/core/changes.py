"""Which paths of a pod spec differ: what promotion is going to change in stable. Pure."""

from collections.abc import Mapping
from typing import Any


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
