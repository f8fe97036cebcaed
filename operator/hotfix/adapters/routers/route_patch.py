"""What to write on an HTTPRoute: pure functions from the raw route to JSON Patch operations (RFC 6902).

`rules` and `backendRefs` are atomic lists, so single weights are replaced by position, each guarded by a `test` on the backend's
name. Shares are kept by keeping the stable + patched sub-total; where its integers are too coarse for a percent, all weights of
the rule are multiplied by the same factor, so that third backends keep their share.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.status import BorrowedRoute, BorrowedRule

MOST_WEIGHT = 1_000_000
MOST_BACKENDS = 16

Operation = dict[str, Any]
Services = tuple[str, str]  # (stable, patched)


def rules_of(route: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rules of a raw route."""
    return (route.get("spec") or {}).get("rules") or []


def positions(rule: Mapping[str, Any], service: str, namespace: str) -> list[int]:
    """Where a rule names the Service (of the route's namespace)."""
    return [
        index
        for index, ref in enumerate(rule.get("backendRefs") or [])
        if ref.get("name") == service
        and ref.get("kind", "Service") == "Service"
        and not ref.get("group")
        and ref.get("namespace", namespace) == namespace
    ]


def weight_of(ref: Mapping[str, Any]) -> int:
    """A backend's weight; 1 where none is given (Gateway API)."""
    return int(ref.get("weight", 1))


def split(rule: Mapping[str, Any], services: Services, namespace: str, weight: int) -> list[int]:
    """The weights of all backends of a rule that give patched `weight` percent of the stable + patched sub-total.

    ValueError when the rule does not name both sides or nothing can be split.
    """
    refs = rule.get("backendRefs") or []
    stable, patched = (positions(rule, service, namespace) for service in services)
    if not stable or not patched:
        raise ValueError(f"the rule does not name both {services[0]} and {services[1]}")
    weights = [weight_of(ref) for ref in refs]
    total = weights[stable[0]] + weights[patched[0]]
    if total <= 0:
        if any(weights):
            raise ValueError("the rule gives no weight to either side")
        total = weights[stable[0]] = 100
    factor = 100 // math.gcd(total, 100) if (total * weight) % 100 else 1
    if factor * max(total, *weights) > MOST_WEIGHT:
        factor = 1
    weights = [value * factor for value in weights]
    total *= factor
    share = round(total * weight / 100)
    weights[patched[0]], weights[stable[0]] = share, total - share
    return weights


def weigh(route: Mapping[str, Any], indexes: Sequence[int], services: Services, weight: int) -> list[Operation]:
    """Operations that set the split in these rules; empty when it is so already."""
    found: list[Operation] = []
    for index in indexes:
        rule = rules_of(route)[index]
        wanted = split(rule, services, route["metadata"]["namespace"], weight)
        found += _reweigh(index, rule, wanted)
    return _guarded(route, found)


def adopt(route: Mapping[str, Any], indexes: Sequence[int], services: Services) -> list[Operation]:
    """Operations that add patched's backend at weight 0: a copy of stable's with another name."""
    found: list[Operation] = []
    namespace = route["metadata"]["namespace"]
    for index in indexes:
        rule = rules_of(route)[index]
        stable = positions(rule, services[0], namespace)
        if not stable or positions(rule, services[1], namespace):
            continue
        copy = {**rule["backendRefs"][stable[0]], "name": services[1], "weight": 0}
        found += [
            _test(index, stable[0], services[0]),
            {"op": "add", "path": f"/spec/rules/{index}/backendRefs/-", "value": copy},
        ]
    return _guarded(route, found)


def release(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that restore the original weights and take out what was injected; backends are found by name, rules by their
    name or place, later edits of everything else stay."""
    found: list[Operation] = []
    namespace = route["metadata"]["namespace"]
    for index, rule in enumerate(rules_of(route)):
        was = _was(original, index, rule)
        stable, patched = (positions(rule, service, namespace) for service in services)
        if was is None or not stable:
            continue
        found += _reweigh(index, rule, restored(rule, was, stable[0], patched[0] if patched else None))
        if was.patched_weight is None and patched:
            found += [
                _test(index, patched[0], services[1]),
                {"op": "remove", "path": f"/spec/rules/{index}/backendRefs/{patched[0]}"},
            ]
    return _guarded(route, found)


def _was(original: BorrowedRoute, index: int, rule: Mapping[str, Any]) -> BorrowedRule | None:
    name = rule.get("name")
    by_name = next((entry for entry in original.rules if name and entry.name == name), None)
    return by_name or next((entry for entry in original.rules if entry.index == index), None)


def restored(rule: Mapping[str, Any], was: BorrowedRule, stable: int, patched: int | None) -> list[int]:
    """The weights to go back to. Third backends go back to theirs unless somebody changed them since; then they are kept, and
    stable has the sub-total."""
    refs = rule["backendRefs"]
    weights = [weight_of(ref) for ref in refs]
    total = weights[stable] + (weights[patched] if patched is not None else 0)
    before = was.stable_weight + (was.patched_weight or 0)
    others = {str(i): value for i, value in enumerate(weights) if i not in (stable, patched)}
    factor = total // before if before and total % before == 0 else 0
    untouched = factor > 0 and list(others.values()) == [value * factor for value in was.others]
    if untouched:
        for position, value in zip(others, was.others, strict=True):
            weights[int(position)] = value
        weights[stable] = was.stable_weight
        if patched is not None:
            weights[patched] = was.patched_weight or 0
        return weights
    weights[stable] = total
    if patched is not None:
        weights[patched] = 0
    return weights


def _reweigh(index: int, rule: Mapping[str, Any], wanted: Sequence[int]) -> list[Operation]:
    refs = rule["backendRefs"]
    found: list[Operation] = []
    for place, (ref, weight) in enumerate(zip(refs, wanted, strict=True)):
        if weight_of(ref) != weight:
            at = f"/spec/rules/{index}/backendRefs/{place}/weight"
            found += [_test(index, place, ref["name"]), {"op": "add", "path": at, "value": weight}]
    return found


def _test(index: int, place: int, name: str) -> Operation:
    return {"op": "test", "path": f"/spec/rules/{index}/backendRefs/{place}/name", "value": name}


def _guarded(route: Mapping[str, Any], operations: list[Operation]) -> list[Operation]:
    """The version first, so that a stale view is a Conflict and never overwrites."""
    if not operations:
        return []
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": route["metadata"]["resourceVersion"]}
    return [version, *operations]


def disown(route: Mapping[str, Any], manager: str) -> list[Operation]:
    """Operations that take a field manager out of managedFields; empty when it is not there."""
    entries = route["metadata"].get("managedFields") or []
    others = [entry for entry in entries if entry.get("manager") != manager]
    if len(others) == len(entries):
        return []
    return _guarded(route, [{"op": "replace", "path": "/metadata/managedFields", "value": others}])
