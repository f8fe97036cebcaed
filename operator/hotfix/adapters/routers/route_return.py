"""How an HTTPRoute is given back: pure functions from the raw route, and what is remembered of it, to JSON Patch operations.

What is written while it is borrowed is in route_patch.py. No I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.core.borrowed import matched
from hotfix.core.status import BorrowedRoute, BorrowedRule

from .route_patch import Operation, Services, named_at, reweigh, rules_of, sides, untouched_factor, weights_of
from .route_view import rule_views


def was_of(route: Mapping[str, Any], original: BorrowedRoute | None, services: Services) -> dict[int, BorrowedRule]:
    """How its rules were, by their index now."""
    return {seen.index: was for seen, was in matched(rule_views(route, services), original)} if original else {}


def release(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that restore the original weights and take out what was injected; later edits of everything else stay."""
    found: list[Operation] = []
    for seen, was in matched(rule_views(route, services), original):
        rule = rules_of(route)[seen.index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        wanted = _restored(weights_of(rule), was, stable, patched)
        found += reweigh(seen.index, rule, wanted)
        serves = any(weight for place, weight in enumerate(wanted) if place != patched)
        if was.patched_weight is None and patched is not None and serves:
            found += [
                named_at(seen.index, patched, services[1]),
                {"op": "remove", "path": f"/spec/rules/{seen.index}/backendRefs/{patched}"},
            ]
    return found


def keep(route: Mapping[str, Any], original: BorrowedRoute, services: Services) -> list[Operation]:
    """Operations that keep the split, with third backends at the weights they had before the rule was multiplied."""
    found: list[Operation] = []
    for seen, was in matched(rule_views(route, services), original):
        rule = rules_of(route)[seen.index]
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        weights = weights_of(rule)
        factor = untouched_factor(weights, stable, patched, was)
        if factor and not any(weight % factor for weight in weights):
            found += reweigh(seen.index, rule, [weight // factor for weight in weights])
    return found


def _restored(weights: Sequence[int], was: BorrowedRule, stable: int | None, patched: int | None) -> list[int]:
    """The weights to go back to. Where somebody changed third backends since, theirs are kept, and so is the sub-total beside
    them, which stable has."""
    found = list(weights)
    if stable is None:
        return found
    third = [place for place in range(len(found)) if place not in (stable, patched)]
    ours = not third or [found[place] for place in third] == was.others or untouched_factor(weights, stable, patched, was)
    if ours:
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
    return [{"op": "replace", "path": "/metadata/managedFields", "value": others or [{}]}]
