"""Who owns which field (managedFields), to the depth that the operator reads: the fields right under spec, status as a whole."""

from collections.abc import Sequence
from typing import Any

from .copying import copied

Object = dict[str, Any]


def rewritten(entries: Sequence[Object], before: Object, after: Object, manager: str, *, subresource: str) -> list[Object]:
    """The entries after a write by `manager`: what it changed is its own and nobody else's."""
    changed = _changed(before, after, subresource)
    if not changed:
        return [entry for entry in entries if entry.get("fieldsV1")]
    found = [_without(entry, changed) for entry in copied(list(entries))]
    found = [entry for entry in found if entry.get("fieldsV1")]
    mine = next((e for e in found if (e["manager"], e.get("subresource", "")) == (manager, subresource)), None)
    if mine is None:
        mine = {"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {}}
        if subresource:
            mine["subresource"] = subresource
        found.append(mine)
    for parent, name in changed:
        mine["fieldsV1"].setdefault(parent, {})[name] = {}
    return found


def _changed(before: Object, after: Object, subresource: str) -> set[tuple[str, str]]:
    part = subresource or "spec"
    old, new = before.get(part) or {}, after.get(part) or {}
    return {(f"f:{part}", f"f:{name}") for name in {*old, *new} if old.get(name) != new.get(name)}


def _without(entry: Object, changed: set[tuple[str, str]]) -> Object:
    fields = entry.get("fieldsV1") or {}
    for parent, name in changed:
        fields.get(parent, {}).pop(name, None)
    entry["fieldsV1"] = {parent: names for parent, names in fields.items() if names}
    return entry
