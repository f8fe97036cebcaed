"""What to write on an HTTPRoute: pure functions from the raw route to JSON Patch operations (RFC 6902). No I/O.

`rules` and `backendRefs` are atomic lists, so single weights are replaced by position, each guarded by a `test` on the backend's
name. Third backends keep their share: the stable + patched sub-total stays, and where its integers are too coarse for a percent,
all weights of the rule are multiplied by the same factor. Where somebody changed the sub-total and not the third backends, it is
put right again: else each of these edits would make their share grow.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.actions import AdoptRoute, SetWeights
from hotfix.core.borrowed import known_before
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
Services = tuple[str, ...]  # (stable, patched); while one rollout supersedes another also that of the side that is not compared


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
    stable, patched = (positions(rule, service, namespace) for service in services[:2])
    return (stable[0] if stable else None, patched[0] if patched else None)


def kept_at(rule: Mapping[str, Any], services: Services, namespace: str) -> int | None:
    """Where a rule names the side that is not compared, and keeps what it has."""
    found = positions(rule, services[2], namespace) if len(services) > 2 else []
    return found[0] if found else None


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


def subtotal_of(weights: Sequence[int], places: tuple[int, int, int | None], was: BorrowedRule | None) -> int:
    """The stable + patched sub-total of a rule that is to be split: as it was, times what we multiplied the rule by, where third
    backends have what they had; else what it is. `places` of stable, patched and the side that is not compared, which keeps what
    it has."""
    stable, patched, third = places
    present, before = weights[stable] + weights[patched], untouched_factor(weights, places, was)
    if was is None or before is None:
        return present
    kept = weights[third] if third is not None else 0
    return max(0, before * (was.stable_weight + (was.patched_weight or 0)) - kept) or present


def untouched_factor(weights: Sequence[int], places: Sequence[int | None], was: BorrowedRule | None) -> int | None:
    """What we multiplied a rule by, told by its third backends alone; None where there are none, or somebody changed them."""
    if was is None or not any(was.others):
        return None
    third = known_before([weight for place, weight in enumerate(weights) if place not in places], was)
    total, ours = was.stable_weight + (was.patched_weight or 0), sum(weights[place] for place in places if place is not None)
    made = [1, factor_for(total, was.others, 1), *([ours // total] if not ours % total else [])] if total else [1]
    return next((factor for factor in made if third == [weight * factor for weight in was.others]), None)


def split(
    weights: Sequence[int], places: tuple[int, int, int | None], percent: int, was: BorrowedRule | None = None
) -> list[int]:
    """The weights of a rule's backends that give the second of the `places` `percent` of the sub-total it has together with the
    first. The third is of the side that is not compared, which keeps what it has. `was`: how it was. Where the sub-total is so
    small beside the others that a percent of it cannot be expressed, it is made a hundred, which is under 0.02 % of the rule
    then. Refused where nothing is to be split."""
    found, (stable, patched, third) = list(weights), places
    total = subtotal_of(found, places, was)
    if total == 0:
        if any(found) and percent:
            raise Refused("Neither stable nor patched has a weight in the rule; give one to stable.", reason=UNFIT)
        if any(found):
            return found
        total = FINE
    found[stable], found[patched] = total, 0
    kept = found[third] if third is not None else 0
    factor = factor_for(total, (*found, total + kept), percent)
    found = [weight * factor for weight in found]
    total = found[stable] if total * percent % 100 == 0 else max(FINE, found[stable])
    found[patched] = round(total * percent / 100)
    found[stable] = total - found[patched]
    return found


def set_aside(weights: Sequence[int], places: tuple[int, int, int | None], percent: int) -> list[int]:
    """The weights with `percent` of what all sides have for the third of the `places`, and the rest for the first. What all
    sides have is made larger where a percent of it cannot be expressed, as in `split`."""
    found, (stable, patched, kept) = list(weights), places
    if kept is None:
        return found
    total = weights[stable] + weights[patched] + weights[kept]
    factor = factor_for(total, weights, percent) if total else 1
    found = [weight * factor for weight in found]
    total = total * factor if total * percent % 100 == 0 or not total else max(FINE, total * factor)
    found[kept] = round(total * percent / 100)
    found[stable], found[patched] = total - found[kept], 0
    return found


def weigh(route: Mapping[str, Any], services: Services, change: SetWeights, was: Mapping[int, BorrowedRule]) -> list[Operation]:
    """Operations that set the split in the rules of a change; empty when it is so already. `was`: how rules were, by index. One
    that does not name both sides is left as it is at 0 % (nothing reaches patched there), and Refused above."""
    found: list[Operation] = []
    for index in change.rules:
        rule, namespace = _rule(route, index), route["metadata"]["namespace"]
        stable, patched = sides(rule, services, namespace)
        kept, weights = kept_at(rule, services, namespace), weights_of(rule)
        if stable is not None and patched is not None:
            places = (stable, patched, kept)
            if change.takes_over and kept is not None:
                weights[stable], weights[kept] = weights[stable] + weights[kept], 0
            elif index in change.restores:
                weights = set_aside(weights, places, change.kept_percent)
            found += reweigh(index, rule, split(weights, places, change.weight, was.get(index)))
        elif change.weight:
            raise Refused(f"Rule {index} does not name both {services[0]} and {services[1]}.", reason=UNFIT)
    return found


def drop(route: Mapping[str, Any], services: Services, change: SetWeights) -> list[Operation]:
    """Operations that take the older patch, which has no weight any more, out of rules."""
    found: list[Operation] = []
    for index in change.drops:
        rule = _rule(route, index)
        kept = kept_at(rule, services, route["metadata"]["namespace"])
        if kept is not None:
            at = f"/spec/rules/{index}/backendRefs/{kept}"
            found += [named_at(index, kept, services[2]), {"op": "test", "path": f"{at}/weight", "value": 0}]
            found.append({"op": "remove", "path": at})
    return found


def adopt(route: Mapping[str, Any], services: Services, change: AdoptRoute) -> list[Operation]:
    """Operations that add patched's backend at weight 0 beside stable's: a copy of it with another name. Where that is to be
    restored, also the one of the older patch."""
    found: list[Operation] = []
    for index in change.rules:
        rule, restored = _rule(route, index), index in change.restores
        places = [next(iter(positions(rule, service, route["metadata"]["namespace"])), None) for service in services]
        model = next((place for place in (places if restored else places[:1]) if place is not None), None)
        if model is None:
            continue
        missing = [service for number, service in enumerate(services) if places[number] is None and (restored or number == 1)]
        backend = rule["backendRefs"][model]
        found += [named_at(index, model, backend["name"])] if missing else []
        found += [
            {"op": "add", "path": f"/spec/rules/{index}/backendRefs/-", "value": {**backend, "name": service, "weight": 0}}
            for service in missing
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
