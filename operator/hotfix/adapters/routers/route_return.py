"""How an HTTPRoute is given back: pure functions from the raw route, and what is remembered of it, to JSON Patch operations.

What is written while it is borrowed is in route_patch.py. No I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.borrowed import known_before, matched
from hotfix.core.status import BorrowedRoute, BorrowedRule

from .route_patch import Operation, Services, kept_at, named_at, reweigh, rules_of, sides, untouched_factor, weights_of
from .route_view import rule_views


def was_of(route: Mapping[str, Any], original: BorrowedRoute | None, services: Services) -> dict[int, BorrowedRule]:
    """How its rules were, by their index now."""
    return {seen.index: was for seen, was in matched(rule_views(route, services), original)} if original else {}


def release(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that restore the original weights and take out what was injected; later edits of everything else stay."""
    found: list[Operation] = []
    for seen, was in matched(rule_views(route, services), original):
        rule, places = _placed(route, seen.index, services)
        wanted = _restored(weights_of(rule), was, places)
        _, patched, older = places
        injected = [patched] * (was.patched_weight is None) + [older] * (was.older_weight is None)
        found += _without(seen.index, rule, wanted, [place for place in injected if place is not None])
    return found


def leave(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that take patched out, where it was injected; the other rollout there has the rest."""
    found: list[Operation] = []
    for seen, was in matched(rule_views(route, services), original):
        rule, (stable, patched, _) = _placed(route, seen.index, services)
        if stable is None or patched is None:
            continue
        wanted = weights_of(rule)
        wanted[stable], wanted[patched] = wanted[stable] + wanted[patched], 0
        found += _without(seen.index, rule, wanted, [patched] if was.patched_weight is None else [])
    return found


def keep(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that keep the split, with third backends at the weights they had before the rule was multiplied, and without the
    patch that was superseded, where that was injected."""
    found: list[Operation] = []
    for seen, was in matched(rule_views(route, services), original):
        rule, places = _placed(route, seen.index, services)
        weights, older = weights_of(rule), places[2]
        factor = untouched_factor(weights, places, was)
        exact = factor and not any(weight % factor for weight in weights)
        wanted = [weight // factor for weight in weights] if factor and exact else weights
        injected = [older] if older is not None and was.older_weight is None and not weights[older] else []
        found += _without(seen.index, rule, wanted, injected)
    return found


def _placed(
    route: Mapping[str, Any], index: int, services: Services
) -> tuple[Mapping[str, Any], tuple[int | None, int | None, int | None]]:
    """A rule, and where it names stable, patched and the side that is not compared."""
    rule, namespace = rules_of(route)[index], route["metadata"]["namespace"]
    return rule, (*sides(rule, services, namespace), kept_at(rule, services, namespace))


def _without(index: int, rule: Mapping[str, Any], wanted: Sequence[int], injected: Sequence[int]) -> list[Operation]:
    """Operations that give a rule these weights and take the injected backends out, unless nobody else would answer then."""
    found = reweigh(index, rule, wanted)
    if any(weight for place, weight in enumerate(wanted) if place not in injected):
        for place in sorted(injected, reverse=True):
            found += [
                named_at(index, place, rule["backendRefs"][place]["name"]),
                {"op": "remove", "path": f"/spec/rules/{index}/backendRefs/{place}"},
            ]
    return found


def _restored(weights: Sequence[int], was: BorrowedRule, places: tuple[int | None, int | None, int | None]) -> list[int]:
    """The weights to go back to. Where somebody changed third backends since, theirs are kept, and so is the sub-total beside
    them, which stable has."""
    found, (stable, patched, older) = list(weights), places
    if stable is None:
        return found
    third = [place for place in range(len(found)) if place not in places]
    known = known_before([found[place] for place in third], was)
    ours = not third or known == was.others or untouched_factor(weights, places, was)
    given = {patched: was.patched_weight or 0 if ours else 0, older: was.older_weight or 0 if ours else 0}
    if ours:
        for place, weight in zip(third, was.others, strict=False):
            found[place] = weight
        found[stable] = was.stable_weight
    else:
        found[stable] += sum(found[place] for place in (patched, older) if place is not None)
    for at, share in given.items():
        if at is not None:
            found[at] = share
    return found


def disown(route: Mapping[str, Any], manager: str) -> list[Operation]:
    """Operations that take a field manager out of managedFields; empty when it is not there. An empty list would be ignored, a
    list of one empty entry clears it (Kubernetes: server-side apply, "Clearing managedFields")."""
    entries = route["metadata"].get("managedFields") or []
    others = [entry for entry in entries if entry.get("manager") != manager]
    if len(others) == len(entries):
        return []
    return [{"op": "replace", "path": "/metadata/managedFields", "value": others or [{}]}]
