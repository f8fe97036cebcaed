"""How an HTTPRoute is given back: pure functions from the raw route, and what is remembered of it, to JSON Patch operations.

What is written while it is borrowed is in route_patch.py. No I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.status import BorrowedRoute, BorrowedRule

from .route_patch import Operation, Services, guarded, named_at, reweigh, rules_of, sides, weights_of

Matches = list[tuple[int, BorrowedRule]]  # (index now, what it was), each once


def release(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that restore the original weights and take out what was injected; later edits of everything else stay."""
    found: list[Operation] = []
    for index, was in matched(route, original, services):
        rule = rules_of(route)[index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        wanted = restored(weights_of(rule), was, stable, patched)
        found += reweigh(index, rule, wanted)
        serves = any(weight for place, weight in enumerate(wanted) if place != patched)
        if was.patched_weight is None and patched is not None and serves:
            found += [
                named_at(index, patched, services[1]),
                {"op": "remove", "path": f"/spec/rules/{index}/backendRefs/{patched}"},
            ]
    return guarded(route, found)


def keep(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that keep the split, with third backends at the weights they had before the rule was multiplied."""
    found: list[Operation] = []
    for index, was in matched(route, original, services):
        rule = rules_of(route)[index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        weights = weights_of(rule)
        factor = multiplied(weights, was, stable, patched)
        if was.others and factor and not any(weight % factor for weight in weights):
            found += reweigh(index, rule, [weight // factor for weight in weights])
    return guarded(route, found)


def matched(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> Matches:
    """The borrowed rules, wherever they are now: by their name; the others in their order where that fits, as it does when
    somebody put a rule between them; else by their place, by naming both sides, and by having weights that we made of theirs. The
    surest matches are made first, so that they are not taken by others."""
    rules, namespace = rules_of(route), route["metadata"]["namespace"]
    named = [sides(rule, services, namespace) for rule in rules]
    borrowed = {was.name for was in original.rules if was.name}
    labels = [rule["name"] if rule.get("name") in borrowed else None for rule in rules]
    label_of = {was.index: was.name if was.name in labels else None for was in original.rules}

    def ours(was: BorrowedRule, index: int) -> bool:
        return multiplied(weights_of(rules[index]), was, *named[index]) is not None

    def sureness(was: BorrowedRule, index: int) -> int | None:
        """0 is the surest; None: it cannot be this one."""
        both, place, label = None not in named[index], index == was.index, label_of[was.index]
        if labels[index] != label or named[index] == (None, None):
            return None
        order = (label is not None, (was, index) in ordered, both and ours(was, index), both and place, both, place)
        return order.index(True) if any(order) else None

    free = [index for index in range(len(rules)) if labels[index] is None and None not in named[index]]
    unlabelled = [was for was in sorted(original.rules, key=lambda entry: entry.index) if label_of[was.index] is None]
    fits = len(free) == len(unlabelled) and all(map(ours, unlabelled, free))
    ordered = list(zip(unlabelled, free, strict=True)) if fits else []
    pairs = [
        (sure, index, was) for was in original.rules for index in range(len(rules)) if (sure := sureness(was, index)) is not None
    ]
    found: dict[int, BorrowedRule] = {}
    for _, index, was in sorted(pairs, key=lambda pair: (pair[0], pair[1] != pair[2].index, pair[1], pair[2].index)):
        if index not in found and all(was is not other for other in found.values()):
            found[index] = was
    return sorted(found.items(), key=lambda pair: pair[0])


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
    return guarded(route, [{"op": "replace", "path": "/metadata/managedFields", "value": others or [{}]}])
