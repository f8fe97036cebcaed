"""What to write on an HTTPRoute: pure functions from the raw route to JSON Patch operations (RFC 6902). No I/O.

`rules` and `backendRefs` are atomic lists, so single weights are replaced by position, each guarded by a `test` on the backend's
name. Third backends keep their share: the stable + patched sub-total stays, and where its integers are too coarse for a percent,
all weights of the rule are multiplied by the same factor. Where somebody changed the sub-total and not the third backends, it is
put right again: else each of these edits would make their share grow.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.lending import LEFT_ALONE
from hotfix.core.status import BorrowedRule
from hotfix.errors import Refused

MOST_WEIGHT = 1_000_000  # Gateway API: HTTPBackendRef.weight
MOST_BACKENDS = 16  # Gateway API: HTTPRouteRule.backendRefs
FINE = 100  # a sub-total from which on every percent is met to within half a percent
UNFIT = "RouteUnfit"
STAMP = "hotfix-operator.dev/stamp"
LENT_UNTIL = "hotfix-operator.dev/lent-until"
RECONCILE = "kustomize.toolkit.fluxcd.io/reconcile"

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


def sides(rule: Mapping[str, Any], services: Services, namespace: str) -> tuple[int | None, int | None]:
    """Where a rule names stable and patched first."""
    stable, patched = (positions(rule, service, namespace) for service in services)
    return (stable[0] if stable else None, patched[0] if patched else None)


def weight_of(ref: Mapping[str, Any]) -> int:
    """A backend's weight; 1 where none is given (Gateway API; its CRD fills that in)."""
    return int(ref.get("weight", 1))


def weights_of(rule: Mapping[str, Any]) -> list[int]:
    """The weights of a rule's backends, in their order."""
    return [weight_of(ref) for ref in rule.get("backendRefs") or []]


# ---- the split


def factor_for(total: int, weights: Sequence[int], percent: int) -> int:
    """What all weights of a rule are multiplied by, so that `percent` of the sub-total `total` is an integer, or as near to one
    as the limit of a weight allows."""
    if total * percent % 100 == 0:
        return 1
    exact, most = 100 // math.gcd(total, 100), MOST_WEIGHT // max(total, *weights)
    return exact if exact <= most else most if total < FINE else 1


def subtotal_of(weights: Sequence[int], stable: int, patched: int, was: BorrowedRule | None) -> int:
    """The stable + patched sub-total of a rule that is to be split: as it was, times what we multiplied the rule by, where third
    backends have what they had; else what it is."""
    present, before = weights[stable] + weights[patched], untouched_factor(weights, stable, patched, was)
    if was is None or before is None:
        return present
    return before * (was.stable_weight + (was.patched_weight or 0)) or present


def untouched_factor(weights: Sequence[int], stable: int | None, patched: int | None, was: BorrowedRule | None) -> int | None:
    """What we multiplied a rule by, told by its third backends alone; None where there are none, or somebody changed them."""
    third = [weight for place, weight in enumerate(weights) if place not in (stable, patched)]
    if was is None or not any(was.others):
        return None
    total = was.stable_weight + (was.patched_weight or 0)
    made = (1, factor_for(total, was.others, 1)) if total else (1,)
    return next((factor for factor in made if third == [weight * factor for weight in was.others]), None)


def split(weights: Sequence[int], stable: int, patched: int, percent: int, was: BorrowedRule | None = None) -> list[int]:
    """The weights of a rule's backends that give the one at place `patched` `percent` of the sub-total it has together with the
    one at place `stable`. `was`: how the rule was. Where the sub-total is so small beside the others that a percent of it cannot
    be expressed, it is made a hundred, which is under 0.02 % of the rule then. Refused where nothing is to be split."""
    found = list(weights)
    total = subtotal_of(found, stable, patched, was)
    if total == 0:
        if any(found) and percent:
            raise Refused("Neither stable nor patched has a weight in the rule; give one to stable.", reason=UNFIT)
        if any(found):
            return found
        total = FINE
    found[stable], found[patched] = total, 0
    factor = factor_for(total, found, percent)
    found = [weight * factor for weight in found]
    total = found[stable] if total * percent % 100 == 0 else max(FINE, found[stable])
    found[patched] = round(total * percent / 100)
    found[stable] = total - found[patched]
    return found


def weigh(
    route: Mapping[str, Any], indexes: Sequence[int], services: Services, percent: int, was: Mapping[int, BorrowedRule]
) -> list[Operation]:
    """Operations that set the split in these rules; empty when it is so already. `was`: how rules were, by index. A rule that
    does not name both sides is left as it is at 0 % (nothing reaches patched there), and Refused above."""
    found: list[Operation] = []
    for index in indexes:
        rule = _rule(route, index)
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        if stable is not None and patched is not None:
            found += reweigh(index, rule, split(weights_of(rule), stable, patched, percent, was.get(index)))
        elif percent:
            raise Refused(f"Rule {index} does not name both {services[0]} and {services[1]}.", reason=UNFIT)
    return found


def adopt(route: Mapping[str, Any], indexes: Sequence[int], services: Services) -> list[Operation]:
    """Operations that add patched's backend at weight 0 beside stable's: a copy of it with another name."""
    found: list[Operation] = []
    for index in indexes:
        rule = _rule(route, index)
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        if stable is None or patched is not None:
            continue
        copy = {**rule["backendRefs"][stable], "name": services[1], "weight": 0}
        found += [
            named_at(index, stable, services[0]),
            {"op": "add", "path": f"/spec/rules/{index}/backendRefs/-", "value": copy},
        ]
    return found


def lent(stamp: str, until: str | None) -> dict[str, str | None]:
    """The annotations of a borrowed route: the stamp and, with `until`, the mark by which Flux leaves it alone."""
    mark: dict[str, str | None] = {RECONCILE: LEFT_ALONE, LENT_UNTIL: until} if until else {}
    return {STAMP: stamp, **mark}


def is_stamped(route: Mapping[str, Any]) -> bool:
    """Some rollout shifts it."""
    return STAMP in (route["metadata"].get("annotations") or {})


def returned(route: Mapping[str, Any], reconcile: str | None) -> dict[str, str | None]:
    """The annotations of a route that is given back. `reconcile`: what the mark's annotation was before."""
    ours = LENT_UNTIL in (route["metadata"].get("annotations") or {})
    return {STAMP: None} | ({RECONCILE: reconcile, LENT_UNTIL: None} if ours else {})


def annotated(route: Mapping[str, Any], wanted: Mapping[str, str | None]) -> list[Operation]:
    """Operations that set these annotations or (None) take them away; empty when it is so already."""
    before = dict(route["metadata"].get("annotations") or {})
    after = {key: value for key, value in {**before, **wanted}.items() if value is not None}
    if after == before:
        return []
    whole = "/metadata/annotations"
    if not before:
        return [{"op": "add", "path": whole, "value": after}]
    if not after:
        return [{"op": "remove", "path": whole}]
    found: list[Operation] = []
    for key in sorted(wanted):
        at = f"{whole}/{key.replace('~', '~0').replace('/', '~1')}"
        if key in after and before.get(key) != after[key]:
            found.append({"op": "add", "path": at, "value": after[key]})
        elif key in before and key not in after:
            found.append({"op": "remove", "path": at})
    return found


# ---- operations


def _rule(route: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """A rule, which is empty where there is none of that index."""
    rules = rules_of(route)
    return rules[index] if index < len(rules) else {}


def reweigh(index: int, rule: Mapping[str, Any], wanted: Sequence[int]) -> list[Operation]:
    """Operations that give a rule's backends these weights; empty when they have them."""
    found: list[Operation] = []
    for place, (ref, weight) in enumerate(zip(rule["backendRefs"], wanted, strict=True)):
        if weight_of(ref) != weight:
            at = f"/spec/rules/{index}/backendRefs/{place}/weight"
            found += [named_at(index, place, ref["name"]), {"op": "add", "path": at, "value": weight}]
    return found


def named_at(index: int, place: int, name: str) -> Operation:
    """An operation that fails the whole patch when another backend is in that place."""
    return {"op": "test", "path": f"/spec/rules/{index}/backendRefs/{place}/name", "value": name}


def guarded(route: Mapping[str, Any], operations: list[Operation]) -> list[Operation]:
    """The version first, so that a stale view is a Conflict and never overwrites."""
    if not operations:
        return []
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": route["metadata"]["resourceVersion"]}
    return [version, *operations]
