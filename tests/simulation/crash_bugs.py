"""Bugs to be planted that a crash, or an answer that is lost, brings to light. Which net must notice is in crash_mutants.py."""

import uuid
from typing import Any

import pytest

from hotfix import reconcile
from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.mirror import Mirror
from hotfix.core import actions as act
from hotfix.core import plan
from hotfix.core.look import Look

Patch = pytest.MonkeyPatch


def holds_the_object_last(patch: Patch) -> None:
    """The finalizer is set after the first write."""
    actions = plan.actions

    def last(look: Look) -> tuple[act.Action, ...]:
        return tuple(sorted(actions(look), key=lambda action: isinstance(action, act.SetFinalizer)))

    patch.setattr(plan, "_unheld", lambda look, target: False)
    patch.setattr(plan, "actions", last)


def raises_the_floor_before_it_is_stored(patch: Patch) -> None:
    """What the floor of stable's HPA was is stored after it was raised."""
    save = reconcile.Reconciler._save

    async def raised(self: Any, stored: Any, decision: Any) -> Any:
        for action in decision.actions:
            if isinstance(action, act.SetScalerFloor):
                await self._do(stored, (), action)
        return await save(self, stored, decision)

    patch.setattr(plan, "_unheld", lambda look, target: False)
    patch.setattr(reconcile.Reconciler, "_save", raised)


def names_each_event_anew(patch: Patch) -> None:
    """The name of an Event does not tell which decision it is of: said again, it is another one."""
    body = KubeAnnouncer._body

    def anew(self: Any, stored: Any, event: Any) -> dict[str, Any]:
        made = body(self, stored, event)
        return {**made, "metadata": {**made["metadata"], "name": f"{stored.key.name}.{uuid.uuid4()}"}}

    patch.setattr(KubeAnnouncer, "_body", anew)


def trusts_its_memory_for_ever(patch: Patch) -> None:
    """Neither a write that did not come through nor a silent watch has it ask anew: the old version is used for ever."""
    patch.setattr(Mirror, "doubt", lambda self, resource, namespace, name: None)
    patch.setattr(Mirror, "_stale", lambda self, found: not found.watched)
