"""What to write on an HTTPRoute: pure functions from the raw route to JSON Patch operations (RFC 6902). No I/O.

`rules` and `backendRefs` are atomic lists, so single weights are replaced by position, each guarded by a `test` on the backend's
name. Shares are kept by keeping the stable + patched sub-total; where its integers are too coarse for a percent, all weights of
the rule are multiplied by the same factor, so that third backends keep their share.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.status import BorrowedRoute, BorrowedRule
from hotfix.errors import Refused

MOST_WEIGHT = 1_000_000  # Gateway API: HTTPBackendRef.weight
MOST_BACKENDS = 16  # Gateway API: HTTPRouteRule.backendRefs
FINE = 100  # a sub-total from which on every percent is met to within half a percent
UNFIT = "RouteUnfit"

Operation = dict[str, Any]
Services = tuple[str, str]  # (stable, patched)
Matches = list[tuple[int, BorrowedRule]]  # (index now, what it was), each once


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


def factor_for(total: int, weights: Sequence[int], percent: int) -> int | None:
    """What all weights of a rule are multiplied by, so that `percent` of the sub-total `total` is an integer, or as near to one
    as the limit of a weight allows; None where that is not near enough."""
    if total * percent % 100 == 0:
        return 1
    exact, most = 100 // math.gcd(total, 100), MOST_WEIGHT // max(total, *weights)
    factor = exact if exact <= most else most if total < FINE else 1
    return factor if total * factor >= FINE else None


def split(weights: Sequence[int], stable: int, patched: int, percent: int) -> list[int]:
    """The weights of a rule's backends that give the one at place `patched` `percent` of the sub-total it has together with the
    one at place `stable`. Refused where that cannot be expressed."""
    found = list(weights)
    total = found[stable] + found[patched]
    if total == 0:
        if any(found) and percent:
            raise Refused("Neither stable nor patched has a weight in the rule; give one to stable.", reason=UNFIT)
        if any(found):
            return found
        total = found[stable] = FINE
    factor = factor_for(total, found, percent)
    if factor is None:
        raise Refused(f"{percent} % of {total} cannot be expressed beside a weight of {max(found)}.", reason=UNFIT)
    found = [weight * factor for weight in found]
    share = round(total * factor * percent / 100)
    found[patched], found[stable] = share, total * factor - share
    return found


def weigh(route: Mapping[str, Any], indexes: Sequence[int], services: Services, percent: int) -> list[Operation]:
    """Operations that set the split in these rules; empty when it is so already. A rule that does not name both sides is left as
    it is at 0 % (nothing reaches patched there), and Refused above."""
    found: list[Operation] = []
    for index in indexes:
        rule = _rule(route, index)
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        if stable is not None and patched is not None:
            found += _reweigh(index, rule, split(weights_of(rule), stable, patched, percent))
        elif percent:
            raise Refused(f"Rule {index} does not name both {services[0]} and {services[1]}.", reason=UNFIT)
    return _guarded(route, found)


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
            _test(index, stable, services[0]),
            {"op": "add", "path": f"/spec/rules/{index}/backendRefs/-", "value": copy},
        ]
    return _guarded(route, found)


# ---- the way back


def release(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that restore the original weights and take out what was injected; later edits of everything else stay."""
    found: list[Operation] = []
    for index, was in matched(route, original, services):
        rule = rules_of(route)[index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        wanted = restored(weights_of(rule), was, stable, patched)
        found += _reweigh(index, rule, wanted)
        serves = any(weight for place, weight in enumerate(wanted) if place != patched)
        if was.patched_weight is None and patched is not None and serves:
            found += [
                _test(index, patched, services[1]),
                {"op": "remove", "path": f"/spec/rules/{index}/backendRefs/{patched}"},
            ]
    return _guarded(route, found)


def keep(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that keep the split, with third backends at the weights they had before the rule was multiplied."""
    found: list[Operation] = []
    for index, was in matched(route, original, services):
        rule = rules_of(route)[index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        weights = weights_of(rule)
        factor = multiplied(weights, was, stable, patched)
        if was.others and factor and not any(weight % factor for weight in weights):
            found += _reweigh(index, rule, [weight // factor for weight in weights])
    return _guarded(route, found)


def matched(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> Matches:
    """The borrowed rules, wherever they are now: by their name; without one by their place, by naming both sides, and by having
    the weights that we would have made of them. The surest matches are made first, so that they are not taken by others."""
    rules, namespace = rules_of(route), route["metadata"]["namespace"]
    named = [sides(rule, services, namespace) for rule in rules]
    borrowed = {was.name for was in original.rules if was.name}
    labels = [rule["name"] if rule.get("name") in borrowed else None for rule in rules]

    def sureness(was: BorrowedRule, index: int) -> int | None:
        """0 is the surest; None: it cannot be this one."""
        label = was.name if was.name in labels else None
        if labels[index] != label or named[index] == (None, None):
            return None
        both, place = None not in named[index], index == was.index
        ours = both and multiplied(weights_of(rules[index]), was, *named[index]) is not None
        order = (label is not None, ours and place, ours, both and place, both, place)
        return order.index(True) if any(order) else None

    pairs = [(sureness(was, index), index, was) for was in original.rules for index in range(len(rules))]
    found: dict[int, BorrowedRule] = {}
    for sure, index, was in sorted(pairs, key=lambda pair: (pair[0] or 0, pair[1], pair[2].index)):
        if sure is not None and index not in found and all(was is not other for other in found.values()):
            found[index] = was
    return sorted(found.items())


def multiplied(weights: Sequence[int], was: BorrowedRule, stable: int | None, patched: int | None) -> int | None:
    """What the weights of a rule have been multiplied by since; None when somebody else changed them."""
    places = [place for place in (stable, patched) if place is not None]
    total, before = sum(weights[place] for place in places), was.stable_weight + (was.patched_weight or 0)
    if before == 0 or total == 0 or total % before:
        return None
    others = [weight for place, weight in enumerate(weights) if place not in places]
    return total // before if others == [weight * (total // before) for weight in was.others] else None


def restored(weights: Sequence[int], was: BorrowedRule, stable: int | None, patched: int | None) -> list[int]:
    """The weights to go back to. Where somebody changed third backends since, theirs are kept, and so is the sub-total beside
    them, which stable has."""
    found = list(weights)
    if stable is None:
        return found
    third = [place for place in range(len(found)) if place not in (stable, patched)]
    if not third or multiplied(weights, was, stable, patched):
        for place, weight in zip(third, was.others, strict=False):
            found[place] = weight
        found[stable] = was.stable_weight
        given = was.patched_weight or 0
    else:
        found[stable] += found[patched] if patched is not None else 0
        given = 0
    if patched is not None:
        found[patched] = given
    return found


def disown(route: Mapping[str, Any], manager: str) -> list[Operation]:
    """Operations that take a field manager out of managedFields; empty when it is not there. An empty list would be ignored, a
    list of one empty entry clears it (Kubernetes: server-side apply, "Clearing managedFields")."""
    entries = route["metadata"].get("managedFields") or []
    others = [entry for entry in entries if entry.get("manager") != manager]
    if len(others) == len(entries):
        return []
    return _guarded(route, [{"op": "replace", "path": "/metadata/managedFields", "value": others or [{}]}])


# ---- operations


def _rule(route: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """A rule, which is empty where there is none of that index."""
    rules = rules_of(route)
    return rules[index] if index < len(rules) else {}


def _reweigh(index: int, rule: Mapping[str, Any], wanted: Sequence[int]) -> list[Operation]:
    found: list[Operation] = []
    for place, (ref, weight) in enumerate(zip(rule["backendRefs"], wanted, strict=True)):
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
