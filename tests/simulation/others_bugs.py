"""Bugs to be planted: defects that other tools for the same job have shipped. Which checker must notice is in mutants.py."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonpatch
import pytest

from hotfix.adapters.routers import route_patch, route_view
from hotfix.core import actions as act
from hotfix.core import looking, pending, plan
from hotfix.core.look import Look
from hotfix.core.observation import Ack, RouteView

Patch = pytest.MonkeyPatch


def is_ready_without_reports(patch: Patch) -> None:
    """A parent that no controller reports on counts as one that accepts."""
    acknowledgement = route_view.acknowledgement

    def told(route: Mapping[str, Any]) -> tuple[Ack, str]:
        ack, message = acknowledgement(route)
        return (Ack.APPLIED, "") if ack is Ack.PENDING and message.startswith("no controller reports") else (ack, message)

    patch.setattr(route_view, "acknowledgement", told)


def never_reads_resolved_refs(patch: Patch) -> None:
    reported = route_view._reported

    def accepted_alone(entry: Mapping[str, Any], generation: int) -> tuple[Ack, str]:
        accepted = [condition for condition in entry.get("conditions") or () if condition["type"] == "Accepted"]
        both = [*accepted, *({**condition, "type": "ResolvedRefs"} for condition in accepted)]
        return reported({**entry, "conditions": both}, generation)

    patch.setattr(route_view, "_reported", accepted_alone)


def rewrites_the_route(patch: Patch) -> None:
    """Each step writes the route as this operator would have made it: parents and backends, and nothing else."""
    weigh = route_patch.weigh

    def rewritten(route: Mapping[str, Any], *rest: Any) -> list[dict[str, Any]]:
        made = jsonpatch.apply_patch(dict(route), weigh(route, *rest))["spec"]
        return [{"op": "replace", "path": "/spec", "value": {"parentRefs": made["parentRefs"], "rules": made["rules"]}}]

    patch.setattr(route_patch, "weigh", rewritten)


def an_abort_ends_stable(patch: Patch) -> None:
    """The way back scales the side that it knows first."""
    workloads = plan._patched

    def wrong(look: Look, target: plan.Wanted) -> list[act.Action]:
        stable = look.seen.stable.deployment if look.seen.stable else None
        return [
            replace(action, deployment=stable) if isinstance(action, act.Scale) and action.replicas == 0 and stable else action
            for action in workloads(look, target)
        ]

    patch.setattr(plan, "_patched", wrong)


def does_not_notice_git(patch: Patch) -> None:
    """What is on the route is not compared while somebody else's name is on its weights."""
    route_has = plan.route_has
    patch.setattr(plan, "route_has", lambda look, route, weight: _foreign(route) or route_has(look, route, weight))


def _foreign(route: RouteView) -> bool:
    return route.weight_manager is not None


def without_patience(patch: Patch) -> None:
    """Patched's pods are awaited for ever."""
    patch.setattr(pending, "_too_late", lambda look: False)


def looks_at_what_was_counted_long_ago(patch: Patch) -> None:
    """Counts of a while ago are taken for those of now."""
    span = looking.metrics_span

    def late(*seen: Any) -> tuple[float, float, float] | None:
        found = span(*seen)
        return (found[0], max(found[0], found[1] - 90.0), found[2]) if found else None

    patch.setattr(looking, "metrics_span", late)
