"""Bugs to be planted, one for each checker that no other bug is there for. Which checker must notice is in checker_mutants.py."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix import reconcile
from hotfix.adapters.reading import Writer
from hotfix.adapters.routers import route_patch
from hotfix.adapters.routers.gateway_api import ROUTES, GatewayApiRouter
from hotfix.core import (
    before,
    fencing,
    guards,
    left_alone,
    machine,
    plan,
    promoting,
    requested,
    returning,
    rolling_back,
    superseding,
    vetoes,
)
from hotfix.core.look import Look, enter, say
from hotfix.core.reasons import Reason
from hotfix.core.status import Phase, Stage, Status
from hotfix.core.verbs import Verb
from hotfix.errors import Conflict

Patch = pytest.MonkeyPatch


def carries_what_it_saw_before(patch: Patch) -> None:
    """A write rests on the route as it was at an earlier look."""
    weigh = plan._weigh

    def remembered(look: Look, route: Any, weight: int) -> list[plan.Action]:
        return weigh(look, replace(route, version="1"), weight)

    patch.setattr(plan, "_weigh", remembered)


def expects_to_see_every_side(patch: Patch) -> None:
    """A side that could not be seen is taken apart like one that was."""
    workloads = plan._workloads

    def seen(look: Look, target: plan.Wanted) -> list[plan.Action]:
        assert look.seen.patched
        return workloads(look, target)

    patch.setattr(plan, "_workloads", seen)


def writes_what_is_there(patch: Patch) -> None:
    """Once it is given back, the route is written again as it is."""
    released = GatewayApiRouter.release

    async def again(self: Any, namespace: str, services: Any, change: Any) -> None:
        await released(self, namespace, services, change)
        latest = await self._kube.get(ROUTES.path(namespace, change.route.name))
        same = {"op": "replace", "path": "/spec/rules", "value": latest["spec"]["rules"]}
        await self._write(namespace, latest, [same])

    patch.setattr(GatewayApiRouter, "release", again)


def notes_the_end_on_the_route(patch: Patch) -> None:
    """What became of the rollout is left on the route for people to read."""
    act = reconcile.Reconciler._act

    async def noting(self: Any, stored: Any, services: Any, decision: Any, confirmed: float) -> None:
        await act(self, stored, services, decision, confirmed)
        if decision.status.stage is Stage.DONE:
            for latest in await self._router._kube.list(ROUTES.path(stored.key.namespace)):
                note = {"hotfix-operator.dev/ended": str(decision.status.phase)}
                await self._router._write(stored.key.namespace, latest, route_patch.annotated(latest, note))

    patch.setattr(reconcile.Reconciler, "_act", noting)


def counts_anew_when_it_rolls_back(patch: Patch) -> None:
    """The intentions of the way back have numbers of their own."""

    def anew(look: Look, before: Status) -> Look:
        numbered = before.intention + (look.status.weight != before.weight)
        begins = look.status.phase is Phase.ROLLING_BACK is not before.phase
        return replace(look, status=look.status.model_copy(update={"intention": 1 if begins else numbered}))

    patch.setattr(fencing, "numbered", anew)


def tries_again_on_the_way_back(patch: Patch) -> None:
    """While patched drains after a rollback, it gets a little once more."""
    step = machine.STAGES[Stage.DRAINING_PATCHED]

    def handle(look: Look) -> Status:
        drained = rolling_back.draining_patched(look)
        again = drained.stage is Stage.DRAINING_PATCHED and drained.phase is Phase.ROLLING_BACK
        return drained.model_copy(update={"weight": 5}) if again else drained

    patch.setitem(machine.STAGES, Stage.DRAINING_PATCHED, replace(step, handle=handle))


def promotes_without_the_fix(patch: Patch) -> None:
    """Patched is proven, and traffic goes back to a stable that never got the pod spec."""
    step = machine.STAGES[Stage.ALL_TO_PATCHED]

    def handle(look: Look) -> Status:
        after = promoting.all_to_patched(look)
        if after.stage not in (Stage.DRAINING_STABLE, Stage.AWAITING_GIT):
            return after
        return say(enter(look.status, look.now, Phase.PROMOTING, Stage.GIVING_BACK, weight=0), "Patched is proven.")

    patch.setitem(machine.STAGES, Stage.ALL_TO_PATCHED, replace(step, handle=handle))


def grants_what_it_does_not_do(patch: Patch) -> None:
    """A rollback that comes too late is answered as if it were done."""
    done = requested._done

    def granted(look: Look, verb: Verb | None) -> bool:
        return verb is Verb.ROLLBACK or done(look, verb)

    patch.setitem(requested.REFUSALS, Verb.ROLLBACK, lambda before, look: None)
    patch.setattr(requested, "_done", granted)


def rolls_back_on_any_refusal(patch: Patch) -> None:
    """The API server did not answer for one look: that is taken for a reason to roll back."""

    def unseen(look: Look) -> vetoes.Veto | None:
        blind = look.seen.routes is None or look.seen.stable is None
        return vetoes.Veto(Reason.CLUSTER_UNAVAILABLE, "The API server does not answer.") if blind else None

    patch.setattr(guards, "ROLL_BACK_SEEN", (*guards.ROLL_BACK_SEEN, unseen))


def gives_the_floor_back_beside_another(patch: Patch) -> None:
    """Whoever ends first gives stable's floor back, though the other one still wants it."""
    scaler = plan._scaler

    def own(look: Look, target: plan.Wanted) -> list[plan.Action]:
        with pytest.MonkeyPatch.context() as alone:
            alone.setattr(plan, "shared", lambda look: False)
            return scaler(look, target)

    patch.setattr(plan, "_scaler", own)


def forgets_what_it_took(patch: Patch) -> None:
    """At its end the newer one no longer remembers that it got the older one's share."""
    moved = superseding.moved

    def forgotten(look: Look, status: Status) -> Status:
        after, claim = moved(look, status), status.supersedes
        over = claim is not None and status.stage is Stage.DONE
        return after.model_copy(update={"supersedes": claim.model_copy(update={"moved": False})}) if over and claim else after

    patch.setattr(superseding, "moved", forgotten)


def stores_whatever_it_knows(patch: Patch) -> None:
    """A status is stored without the version that it was decided on."""
    write = Writer.patch

    async def unguarded(self: Any, resource: Any, place: Any, operations: Any, *, subresource: str | None = None) -> Any:
        kept = [op for op in operations if not (subresource and op["path"] == "/metadata/resourceVersion")]
        return await write(self, resource, place, kept, subresource=subresource)

    patch.setattr(Writer, "patch", unguarded)


def stores_at_the_newest_version(patch: Patch) -> None:
    """A conflict is answered by the same status once more, with the version that the object has by now."""
    write = Writer.patch

    async def insisting(self: Any, resource: Any, place: Any, operations: Any, *, subresource: str | None = None) -> Any:
        try:
            return await write(self, resource, place, operations, subresource=subresource)
        except Conflict:
            if not subresource:
                raise
            latest = await self._kube.get(resource.path(*place))
            newest = {"op": "replace", "path": "/metadata/resourceVersion", "value": latest["metadata"]["resourceVersion"]}
            return await write(self, resource, place, [newest, *operations[1:]], subresource=subresource)

    patch.setattr(Writer, "patch", insisting)


def never_takes_stable_as_it_is(patch: Patch) -> None:
    """After a promotion that failed nobody's word helps while patched has no pod."""
    patch.setattr(returning, "_as_it_is", lambda look: False)


def waits_for_all_pods_of_patched(patch: Patch) -> None:
    """A patched that was lost is waited for though stable, which has everything meanwhile, has the fix."""
    patch.setattr(returning, "stable_keeps_everything", lambda look: look.status)


def ends_without_a_word(patch: Patch) -> None:
    """Who still sends requests to patched when a rollback ends is not said."""
    patch.setattr(rolling_back, "_left_serving", lambda look: "")


def holds_for_one_reason_alone(patch: Patch) -> None:
    """An edit is left alone only while it is what the rollout is held for."""
    patch.setattr(left_alone, "kept", lambda look, after: after)


def ends_on_a_stable_that_died(patch: Patch) -> None:
    """Nobody looks whether stable can serve while patched drains."""
    patch.setattr(returning, "lost_at_the_end", lambda look: None)


def never_raises_the_floor_further(patch: Patch) -> None:
    """Stable got more pods before traffic moved; its autoscaler takes them away again, and it never has what its share needs."""
    patch.setattr(before, "_raised_further", lambda look: look.status.borrowed)
