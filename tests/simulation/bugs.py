"""Bugs to be planted: each breaks the production code for as long as a run lasts. Which checker must notice is in mutants.py."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hotfix import reconcile
from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.routers import route_patch, route_return, route_view
from hotfix.core import (
    analysing,
    awaiting_git,
    fencing,
    guards,
    kin,
    machine,
    plan,
    promoting,
    retrying,
    returning,
    rolling_back,
    stable_lost,
    stepped,
    uncompared,
    vetoes,
)
from hotfix.core.look import Look, enter, ready, say
from hotfix.core.quantities import seconds
from hotfix.core.reasons import Reason
from hotfix.core.status import Phase, Stage, Status

Patch = pytest.MonkeyPatch


def acts_before_saving(patch: Patch) -> None:
    save, act = reconcile.Reconciler._save, reconcile.Reconciler._act

    async def saved(self: Any, stored: Any, decision: Any) -> Any:
        asked = reconcile.spec.parse(dict(stored.spec))
        services = reconcile.superseding.services_of(asked, decision.status)
        await act(self, stored, services, decision, self._clock.monotonic())
        return await save(self, stored, decision)

    patch.setattr(reconcile.Reconciler, "_save", saved)


def acts_on_what_was_told(patch: Patch) -> None:
    patch.setattr(reconcile, "_needs_confirming", lambda before, decision: False)


def without_stamps(patch: Patch) -> None:
    patch.setattr(fencing, "intention_of", lambda written, seen: None)
    patch.setattr(plan, "stamped", lambda route, look: False)
    patch.setattr(rolling_back, "stamped", lambda route, look: False)
    patch.setattr(plan, "wanted_stamp", lambda look: "fix.0.0")


def bakes_by_the_clock(patch: Patch) -> None:
    def bake(look: Look) -> Status:
        left = seconds(look.spec.analysis.bake_time) - look.elapsed(look.status.phase_started_at)
        return promoting.begin(look) if left <= 0 else look.status

    patch.setattr(analysing, "_bake", bake)
    without_holds(guards.metrics_unavailable, guards.counters_unfit, guards.no_traffic)(patch)


def without_holds(*gone: vetoes.Guard) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(guards, "HOLD", tuple(guard for guard in guards.HOLD if guard not in gone))


def no_time_to_drain(patch: Patch) -> None:
    def at_once(look: Look) -> Status:
        return enter(look.status, look.now, look.status.phase or Phase.ROLLING_BACK, Stage.SCALING_DOWN)

    step = replace(machine.STAGES[Stage.WEIGHT_ZERO], handle=at_once, following=(Stage.SCALING_DOWN,))
    patch.setitem(machine.STAGES, Stage.WEIGHT_ZERO, step)


def tries_again_after_the_rollback(patch: Patch) -> None:
    step = machine.STAGES[Stage.DRAINING_PATCHED]

    def handle(look: Look) -> Status:
        drained = rolling_back.draining_patched(look)
        return drained.model_copy(update={"weight": 5}) if drained.stage is Stage.DRAINING_PATCHED else drained

    patch.setitem(machine.STAGES, Stage.DRAINING_PATCHED, replace(step, handle=handle))


def rolls_back_when_it_cannot_see(patch: Patch) -> None:
    def impatient(look: Look) -> Status | None:
        if look.seen.metrics is not None:
            return None
        return rolling_back.begin(look.status, look.now, vetoes.Veto(Reason.METRICS_UNAVAILABLE, "no metrics"))

    patch.setattr(analysing, "_blind_too_long", impatient)


def rolls_back_in_two_looks(patch: Patch) -> None:
    begin = rolling_back.begin

    def later(status: Status, now: float, veto: vetoes.Veto, **more: Any) -> Status:
        return begin(status, now, veto, **more).model_copy(update={"weight": status.weight})

    patch.setattr(analysing, "roll_back", later)


def failed_promotion_goes_to_stable(patch: Patch) -> None:
    def back(look: Look, veto: vetoes.Veto) -> Status:
        return rolling_back.begin(look.status, look.now, veto)

    patch.setattr(returning, "_fail", back)
    step = machine.STAGES[Stage.RETURNING]
    patch.setitem(machine.STAGES, Stage.RETURNING, replace(step, following=(*step.following, Stage.WEIGHT_ZERO)))


def broken_stable_gets_everything(patch: Patch) -> None:
    def zero(look: Look) -> Status:
        return returning.hold(look.status.model_copy(update={"weight": 0}), Reason.PROMOTION_FAILED, "all to stable")

    step = machine.STAGES[Stage.RETURN_FAILED]
    patch.setitem(machine.STAGES, Stage.RETURN_FAILED, replace(step, handle=zero))


def writes_over_any_pod_spec(patch: Patch) -> None:
    def stable(look: Look, target: plan.Wanted) -> list[plan.Action]:
        one, other = look.seen.stable, look.seen.patched
        if not target.stable_has_fix or not (one and one.deployment and other and other.deployment):
            return []
        return [plan.SetPodSpec(deployment=one.deployment, pod_spec=other.deployment.pod_spec)]

    patch.setattr(plan, "_stable", stable)
    for room in (promoting, returning):
        patch.setattr(room, "other_template", lambda look, before: None)


def weighs_a_dead_side(patch: Patch) -> None:
    def weigh(look: Look, route: Any, weight: int) -> list[plan.Action]:
        rules = plan.shifted_rules(look, route)
        changed = tuple(rule.index for rule in rules if not plan.has_weight(rule, weight))
        return [plan.SetWeights(route=route, rules=changed, weight=weight, stamp="fix.0.0")] if changed else []

    patch.setattr(plan, "_weigh", weigh)


def drops_third_backends(patch: Patch) -> None:
    weigh = route_patch.weigh

    def alone(route: Any, services: Any, change: Any, was: Any) -> Any:
        found = weigh(route, services, change, was)
        refs = route["spec"]["rules"][0]["backendRefs"]
        third = next((place for place, ref in enumerate(refs) if ref["name"] not in services), None)
        removal = {"op": "remove", "path": f"/spec/rules/0/backendRefs/{third}"}
        return [*found, removal] if found and third is not None else found

    patch.setattr(route_patch, "weigh", alone)


def ratchets_third_backends(patch: Patch) -> None:
    patch.setattr(route_patch, "subtotal_of", lambda weights, places, was: weights[places[0]] + weights[places[1]])


def gives_back_what_git_reset(patch: Patch) -> None:
    for module in (plan, rolling_back):
        patch.setattr(module, "lost_its_weight", lambda look, route: False)


def never_too_late_for_pods(patch: Patch) -> None:
    patch.setattr(reconcile, "CONFIRMED_SECONDS", float("inf"))


def promotes_what_was_not_counted(patch: Patch) -> None:
    patch.setattr(analysing, "MINIMUM_BLOCKS", 0)


def ends_before_it_gave_back(patch: Patch) -> None:
    patch.setattr(rolling_back, "_given_back", lambda look: True)


def says_nothing(patch: Patch) -> None:
    async def silent(self: Any, stored: Any, event: Any) -> None:
        self._memory(stored, event.sequence).is_said(event.sequence)

    patch.setattr(KubeAnnouncer, "announce", silent)


def drains_what_was_served_a_moment_ago(patch: Patch) -> None:
    def draining(look: Look) -> Status:
        status = look.status
        if rolling_back._served_again(look):
            return rolling_back.hold(status, Reason.WEIGHTS_EDITED, "kept")
        if seconds(look.spec.traffic.drain) > look.elapsed(status.stage_started_at):
            return say(status, status.message)
        return enter(status, look.now, status.phase or Phase.ROLLING_BACK, Stage.SCALING_DOWN)

    step = machine.STAGES[Stage.DRAINING_PATCHED]
    patch.setitem(machine.STAGES, Stage.DRAINING_PATCHED, replace(step, handle=draining))


def writes_what_git_keeps(patch: Patch) -> None:
    wanted = plan.wanted
    patch.setattr(
        plan,
        "wanted",
        lambda spec, status: replace(
            wanted(spec, status), stable_has_fix=status.stage in (Stage.PATCHING_STABLE, Stage.AWAITING_GIT)
        ),
    )


def gives_the_broken_version_back(patch: Patch) -> None:
    def back(look: Look) -> Status:
        return rolling_back.begin(look.status, look.now, vetoes.Veto(Reason.DELETED, "deleted"))

    patch.setattr(awaiting_git, "_still", back)


def leaves_the_mark(patch: Patch) -> None:
    returned = route_patch.returned
    patch.setattr(
        route_patch, "returned", lambda route, reconcile: {route_patch.STAMP: returned(route, reconcile)[route_patch.STAMP]}
    )
    patch.setattr(route_view, "lent_until", lambda annotations: None)


def begins_again_by_itself(patch: Patch) -> None:
    patch.setattr(retrying, "RETRIES", (None, *retrying.RETRIES))


def goes_on_after_the_end(patch: Patch) -> None:
    patch.setattr(plan, "UNTOUCHED", frozenset({Stage.CHECKING}))
    patch.setattr(plan, "SHARED", frozenset({Stage.GIVING_BACK, Stage.CHECKING}))


def touches_before_the_finalizer(patch: Patch) -> None:
    patch.setattr(plan, "_unheld", lambda look, target: False)


def scales_what_an_hpa_scales(patch: Patch) -> None:
    patch.setattr(plan, "scales_down", lambda look: True)
    patch.setattr(rolling_back, "scales_down", lambda look: True)


def leaves_no_version(patch: Patch) -> None:
    patch.setattr(route_patch, "guarded", lambda route, operations: operations)


def all_weights_zero(patch: Patch) -> None:
    split = route_patch.split
    patch.setattr(
        route_patch,
        "split",
        lambda weights, places, percent, was: [0] * len(weights) if percent == 0 else split(weights, places, percent, was),
    )


def commands(patch: Patch) -> None:
    patch.setattr(plan, "route_has", lambda look, route, weight: False)
    patch.setattr(plan, "has_weight", lambda rule, weight: False)


def baked_while_paused(patch: Patch) -> None:
    baked = analysing._baked

    def counts(look: Look) -> Look:
        spec = look.spec.model_copy(update={"paused": False})
        after = baked(Look(spec, look.status, look.seen, look.judgement))
        return Look(look.spec, after.status, look.seen, look.judgement)

    patch.setattr(analysing, "_baked", counts)


def keeps_the_injected_backend(patch: Patch) -> None:
    release = route_return.release
    patch.setattr(route_return, "release", lambda *args: [op for op in release(*args) if op["op"] != "remove"])
    patch.setattr(rolling_back, "left_behind", lambda rule, was, **shared: False)


def keeps_the_ownership(patch: Patch) -> None:
    patch.setattr(route_return, "disown", lambda route, manager: [])


def waits_for_the_future(patch: Patch) -> None:
    patch.setattr(stepped, "present", lambda status, now: status)


def believes_a_wrong_clock(patch: Patch) -> None:
    patch.setattr(stepped, "_anew", lambda status, moment: status)


def cannot_name_patched_again(patch: Patch) -> None:
    wanted = plan.wanted
    patch.setattr(
        plan,
        "wanted",
        lambda spec, status: (
            replace(wanted(spec, status), adopted=False) if status.phase is Phase.ROLLING_BACK else wanted(spec, status)
        ),
    )


def promotes_the_worse(patch: Patch) -> None:
    patch.setattr(guards, "ROLL_BACK_JUDGED", ())
    promoting_anything(patch)


def promoting_anything(patch: Patch) -> None:
    patch.setattr(analysing, "_proven", lambda look: look.judgement is not None)
    patch.setattr(analysing, "_bake", promoting.begin)


def promotes_what_nobody_saw_serve(patch: Patch) -> None:
    patch.setattr(uncompared, "missing", lambda look: None)


def stable_lost_is_not_seen(patch: Patch) -> None:
    patch.setattr(stable_lost, "lost", lambda look: False)


def few_pods_are_lost(patch: Patch) -> None:
    def thin(look: Look) -> bool:
        count, baseline = ready(look.seen.stable), look.status.baseline
        return count is not None and baseline is not None and count < guards.LOST_SHARE * baseline.stable_pods

    patch.setattr(stable_lost, "is_thin", thin)


def waits_for_one_that_cannot_start(patch: Patch) -> None:
    patch.setattr(kin, "cannot_start", lambda phase, held: False)


def lets_late_writes_through(patch: Patch) -> None:
    patch.setattr(plan, "outdated", lambda look: [])


def wants_what_it_sees(patch: Patch) -> None:
    """The target follows the route instead of the status."""
    patch.setattr(
        plan, "_weigh", lambda look, route, weight: [plan.SetWeights(route=route, rules=(0,), weight=42, stamp="fix.0.0")]
    )
