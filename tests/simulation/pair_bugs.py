"""Bugs of two rollouts on one route, to be planted: each breaks the production code for as long as a run lasts."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix.adapters.routers import route_patch
from hotfix.core import guards, kin, look, plan, retrying, rolling_back, superseding, yielding
from hotfix.core.lineage import SupersededBy
from hotfix.core.look import Look
from hotfix.core.originals import Borrowed
from hotfix.core.status import Phase, Status

Patch = pytest.MonkeyPatch


def goes_on_beside_the_newer(patch: Patch) -> None:
    handle = yielding.handle

    def moving(look: Look) -> Status | None:
        after = handle(look)
        return None if after is not None and look.status.superseded_by and after.phase is look.status.phase else after

    patch.setattr(yielding, "handle", moving)


def starts_without_waiting(patch: Patch) -> None:
    patch.setattr(superseding, "waits", lambda look: None)


def gives_way_at_once(patch: Patch) -> None:
    still = yielding._stands_still

    def gives(look: Look, bound: SupersededBy) -> Status:
        newer = kin.newer(look)
        return yielding._gives_way(look, newer) if newer and newer.phase == Phase.ANALYZING else still(look, bound)

    patch.setattr(yielding, "_stands_still", gives)


def goes_on_before_the_newer_is_at_zero(patch: Patch) -> None:
    takes = kin._takes
    patch.setattr(kin, "_takes", lambda look, rival: rival.phase != Phase.ROLLING_BACK and takes(look, rival))


def gives_back_what_the_older_has(patch: Patch) -> None:
    for module in (plan, rolling_back):
        patch.setattr(module, "shared", lambda look: False)


def forgets_the_floor(patch: Patch) -> None:
    borrowed = superseding.borrowed

    def without(look: Look) -> Borrowed:
        claim = look.status.supersedes
        none = {"hpa": None, "hpa_min_replicas": None, "hpa_raised_to": None}
        return borrowed(look).model_copy(update=none) if claim and claim.yielded else borrowed(look)

    patch.setattr(superseding, "borrowed", without)


def a_deletion_does_not_wait(patch: Patch) -> None:
    patch.setattr(yielding, "SEEN", guards.ROLL_BACK_SEEN)
    patch.setattr(yielding, "_waits_for_it", lambda look: None)


def stable_gets_what_moves(patch: Patch) -> None:
    weigh = route_patch.weigh

    def moves(route: Any, services: Any, change: Any, was: Any) -> Any:
        if change.takes_over:
            rule = {ref["name"]: ref.get("weight", 1) for ref in route["spec"]["rules"][change.rules[0]]["backendRefs"]}
            had = 100 * rule.get(services[1], 0) / (sum(rule.get(name, 0) for name in services) or 1)
            change = replace(change, weight=round(had))
        return weigh(route, services, change, was)

    patch.setattr(route_patch, "weigh", moves)


def what_an_edit_took_stays_away(patch: Patch) -> None:
    for module in (look, plan, guards):
        patch.setattr(module, "displaced", lambda seen, rule: False)


def gives_a_lost_stable_what_it_leaves(patch: Patch) -> None:
    kept = plan._kept_percent
    patch.setattr(plan, "_kept_percent", lambda look: 0 if kin.gives_up(look) else kept(look))


def takes_any_older_one(patch: Patch) -> None:
    """The share moves when the newer one begins, whatever is known of it."""
    moved = superseding.moved

    def at_once(look: Look, status: Status) -> Status:
        claim = status.supersedes
        if claim is None or not claim.yielded or claim.control or status.phase is not Phase.ANALYZING:
            return moved(look, status)
        return status.model_copy(update={"supersedes": claim.model_copy(update={"moved": True})})

    patch.setattr(superseding, "moved", at_once)


def only_a_rise_needs_pods(patch: Patch) -> None:
    """A share that moves, where patched's percent of what is split does not rise, asks for no ready pod."""
    weigh, ready = plan._weigh, plan.ready

    def guarded(look: Look, route: Any, weight: int) -> list[plan.Action]:
        if any(plan.share_of(rule) < weight for rule in plan.shifted_rules(look, route)):
            return weigh(look, route, weight)
        with pytest.MonkeyPatch.context() as unguarded:
            unguarded.setattr(plan, "ready", lambda side: ready(side) or 1)
            return weigh(look, route, weight)

    patch.setattr(plan, "_weigh", guarded)


def starts_after_the_newer(patch: Patch) -> None:
    patch.setattr(retrying, "overtaken_by", lambda look: None)
