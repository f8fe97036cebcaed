"""Planted bugs: one for each promise, and for defects that others have shipped. Each must be caught, by the checker it names.

A simulator that finds nothing proves little; one that finds these proves that it looks. `plant` breaks the production code for
as long as a run lasts. Seeds are those of rollouts that meet the bug; without any the first ones are tried in turn.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hotfix import reconcile
from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.routers import route_patch, route_return
from hotfix.core import analysing, fencing, guards, machine, plan, promoting, returning, rolling_back, stable_lost, stepped
from hotfix.core import status as memory
from hotfix.core.look import Look, enter, say
from hotfix.core.quantities import seconds
from hotfix.core.reasons import Reason
from hotfix.core.status import Phase, Stage, Status

from .cells import cells
from .plots import (
    Plot,
    an_hour_ahead_at_the_deadline,
    dropped_while_stable_is_lost,
    reset_while_it_is_given_back,
    served_again_in_silence,
    served_again_while_the_server_is_slow,
    served_until_a_moment_ago,
    stored_in_the_future,
)
from .world import simulate

Patch = pytest.MonkeyPatch
MOST_SEEDS = 150


@dataclass(frozen=True)
class Mutant:
    """`plant` breaks it; `caught_by` is the checker that must notice, in cells of a memory, in a plot, or in rollouts of
    some seeds."""

    promise: str
    bug: str
    plant: Callable[[Patch], None]
    caught_by: str
    memory: str | None = None
    plot: Plot | None = None
    seeds: tuple[int, ...] = ()


# ---- bugs that need more than a line


def _acts_before_saving(patch: Patch) -> None:
    save, act = reconcile.Reconciler._save, reconcile.Reconciler._act

    async def saved(self: Any, stored: Any, decision: Any) -> Any:
        await act(self, stored, reconcile.spec.parse(dict(stored.spec)), decision, self._clock.monotonic())
        return await save(self, stored, decision)

    patch.setattr(reconcile.Reconciler, "_save", saved)


def _stores_only_what_changed(patch: Patch) -> None:
    async def saved(self: Any, stored: Any, decision: Any) -> Any:
        wanted = memory.dump(decision.status)
        return stored if wanted == dict(stored.status) else await self._store.save_status(stored, wanted)

    patch.setattr(reconcile.Reconciler, "_save", saved)
    _without_stamps(patch)


def _acts_on_what_was_told(patch: Patch) -> None:
    patch.setattr(reconcile, "_needs_confirming", lambda before, decision: False)


def _without_stamps(patch: Patch) -> None:
    patch.setattr(fencing, "intention_of", lambda written, seen: None)
    patch.setattr(plan, "stamped", lambda route, look: False)
    patch.setattr(rolling_back, "stamped", lambda route, look: False)
    patch.setattr(plan, "wanted_stamp", lambda look: "fix.0.0")


def _bakes_by_the_clock(patch: Patch) -> None:
    def bake(look: Look) -> Status:
        left = seconds(look.spec.analysis.bake_time) - look.elapsed(look.status.phase_started_at)
        return promoting.begin(look) if left <= 0 else look.status

    patch.setattr(analysing, "_bake", bake)
    _without_holds(guards.metrics_unavailable, guards.counters_unfit, guards.no_traffic)(patch)


def _without_holds(*gone: guards.Guard) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(guards, "HOLD", tuple(guard for guard in guards.HOLD if guard not in gone))


def _no_time_to_drain(patch: Patch) -> None:
    def at_once(look: Look) -> Status:
        return enter(look.status, look.now, look.status.phase or Phase.ROLLING_BACK, Stage.SCALING_DOWN)

    step = replace(machine.STAGES[Stage.WEIGHT_ZERO], handle=at_once, following=(Stage.SCALING_DOWN,))
    patch.setitem(machine.STAGES, Stage.WEIGHT_ZERO, step)


def _tries_again_after_the_rollback(patch: Patch) -> None:
    step = machine.STAGES[Stage.DRAINING_PATCHED]

    def handle(look: Look) -> Status:
        drained = rolling_back.draining_patched(look)
        return drained.model_copy(update={"weight": 5}) if drained.stage is Stage.DRAINING_PATCHED else drained

    patch.setitem(machine.STAGES, Stage.DRAINING_PATCHED, replace(step, handle=handle))


def _rolls_back_when_it_cannot_see(patch: Patch) -> None:
    def impatient(look: Look) -> Status | None:
        if look.seen.metrics is not None:
            return None
        return rolling_back.begin(look.status, look.now, guards.Veto(Reason.METRICS_UNAVAILABLE, "no metrics"))

    patch.setattr(analysing, "_blind_too_long", impatient)


def _rolls_back_in_two_looks(patch: Patch) -> None:
    begin = rolling_back.begin

    def later(status: Status, now: float, veto: guards.Veto, **more: Any) -> Status:
        return begin(status, now, veto, **more).model_copy(update={"weight": status.weight})

    patch.setattr(analysing, "roll_back", later)


def _failed_promotion_goes_to_stable(patch: Patch) -> None:
    def back(look: Look, veto: guards.Veto) -> Status:
        return rolling_back.begin(look.status, look.now, veto)

    patch.setattr(returning, "_fail", back)
    step = machine.STAGES[Stage.RETURNING]
    patch.setitem(machine.STAGES, Stage.RETURNING, replace(step, following=(*step.following, Stage.WEIGHT_ZERO)))


def _broken_stable_gets_everything(patch: Patch) -> None:
    def zero(look: Look) -> Status:
        return returning.hold(look.status.model_copy(update={"weight": 0}), Reason.PROMOTION_FAILED, "all to stable")

    step = machine.STAGES[Stage.RETURN_FAILED]
    patch.setitem(machine.STAGES, Stage.RETURN_FAILED, replace(step, handle=zero))


def _writes_over_any_pod_spec(patch: Patch) -> None:
    def stable(look: Look, target: plan.Wanted) -> list[plan.Action]:
        one, other = look.seen.stable, look.seen.patched
        if not target.stable_has_fix or not (one and one.deployment and other and other.deployment):
            return []
        return [plan.SetPodSpec(deployment=one.deployment, pod_spec=other.deployment.pod_spec)]

    patch.setattr(plan, "_stable", stable)
    for room in (promoting, returning):
        patch.setattr(room, "other_template", lambda look, before: None)


def _weighs_a_dead_side(patch: Patch) -> None:
    def weigh(look: Look, route: Any, weight: int) -> list[plan.Action]:
        rules = plan.shifted_rules(look, route)
        changed = tuple(rule.index for rule in rules if not plan.has_weight(rule, weight))
        return [plan.SetWeights(route=route, rules=changed, weight=weight, stamp="fix.0.0")] if changed else []

    patch.setattr(plan, "_weigh", weigh)


def _drops_third_backends(patch: Patch) -> None:
    weigh = route_patch.weigh

    def alone(route: Any, indexes: Any, services: Any, percent: int, was: Any) -> Any:
        found = weigh(route, indexes, services, percent, was)
        refs = route["spec"]["rules"][0]["backendRefs"]
        third = next((place for place, ref in enumerate(refs) if ref["name"] not in services), None)
        removal = {"op": "remove", "path": f"/spec/rules/0/backendRefs/{third}"}
        return [*found, removal] if found and third is not None else found

    patch.setattr(route_patch, "weigh", alone)


def _ratchets_third_backends(patch: Patch) -> None:
    patch.setattr(route_patch, "subtotal_of", lambda weights, stable, patched, was: weights[stable] + weights[patched])


def _gives_back_what_git_reset(patch: Patch) -> None:
    for module in (plan, rolling_back):
        patch.setattr(module, "lost_its_weight", lambda look, route: False)


def _never_too_late_for_pods(patch: Patch) -> None:
    patch.setattr(reconcile, "CONFIRMED_SECONDS", float("inf"))


def _promotes_what_was_not_counted(patch: Patch) -> None:
    patch.setattr(analysing, "MINIMUM_BLOCKS", 0)


def _ends_before_it_gave_back(patch: Patch) -> None:
    patch.setattr(rolling_back, "_given_back", lambda look: True)


def _says_nothing(patch: Patch) -> None:
    async def silent(self: Any, stored: Any, event: Any) -> None:
        self._remember(stored.key, event.sequence, published=True)

    patch.setattr(KubeAnnouncer, "announce", silent)


def _drains_what_was_served_a_moment_ago(patch: Patch) -> None:
    def draining(look: Look) -> Status:
        status = look.status
        if rolling_back._served_again(look):
            return rolling_back.hold(status, Reason.WEIGHTS_EDITED, "kept")
        if seconds(look.spec.traffic.drain) > look.elapsed(status.stage_started_at):
            return say(status, status.message)
        return enter(status, look.now, status.phase or Phase.ROLLING_BACK, Stage.SCALING_DOWN)

    step = machine.STAGES[Stage.DRAINING_PATCHED]
    patch.setitem(machine.STAGES, Stage.DRAINING_PATCHED, replace(step, handle=draining))


def _goes_on_after_the_end(patch: Patch) -> None:
    patch.setattr(plan, "UNTOUCHED", frozenset({Stage.CHECKING}))
    patch.setattr(plan, "SHARED", frozenset({Stage.GIVING_BACK, Stage.CHECKING}))


def _touches_before_the_finalizer(patch: Patch) -> None:
    patch.setattr(plan, "_unheld", lambda look, target: False)


def _scales_what_an_hpa_scales(patch: Patch) -> None:
    patch.setattr(plan, "scales_down", lambda look: True)
    patch.setattr(rolling_back, "scales_down", lambda look: True)


def _leaves_no_version(patch: Patch) -> None:
    patch.setattr(route_patch, "guarded", lambda route, operations: operations)


def _all_weights_zero(patch: Patch) -> None:
    split = route_patch.split
    patch.setattr(
        route_patch,
        "split",
        lambda weights, stable, patched, percent, was: (
            [0] * len(weights) if percent == 0 else split(weights, stable, patched, percent, was)
        ),
    )


def _commands(patch: Patch) -> None:
    patch.setattr(plan, "route_has", lambda look, route, weight: False)
    patch.setattr(plan, "has_weight", lambda rule, weight: False)


def _baked_while_paused(patch: Patch) -> None:
    baked = analysing._baked

    def counts(look: Look) -> Look:
        spec = look.spec.model_copy(update={"paused": False})
        after = baked(Look(spec, look.status, look.seen, look.judgement))
        return Look(look.spec, after.status, look.seen, look.judgement)

    patch.setattr(analysing, "_baked", counts)


def _keeps_the_injected_backend(patch: Patch) -> None:
    release = route_return.release
    patch.setattr(route_return, "release", lambda *args: [op for op in release(*args) if op["op"] != "remove"])
    patch.setattr(rolling_back, "left_behind", lambda rule, was: False)


def _keeps_the_ownership(patch: Patch) -> None:
    patch.setattr(route_return, "disown", lambda route, manager: [])


def _waits_for_the_future(patch: Patch) -> None:
    patch.setattr(stepped, "present", lambda status, now: status)


def _cannot_name_patched_again(patch: Patch) -> None:
    wanted = plan.wanted
    patch.setattr(
        plan,
        "wanted",
        lambda spec, status: (
            replace(wanted(spec, status), adopted=False) if status.phase is Phase.ROLLING_BACK else wanted(spec, status)
        ),
    )


def _promotes_the_worse(patch: Patch) -> None:
    patch.setattr(guards, "ROLL_BACK_JUDGED", ())
    _promoting_anything(patch)


def _promoting_anything(patch: Patch) -> None:
    patch.setattr(analysing, "_proven", lambda look: look.judgement is not None)
    patch.setattr(analysing, "_bake", promoting.begin)


def _stable_lost_is_not_seen(patch: Patch) -> None:
    patch.setattr(stable_lost, "lost", lambda look: False)


def _wants_what_it_sees(patch: Patch) -> None:
    """The target follows the route instead of the status."""
    patch.setattr(
        plan, "_weigh", lambda look, route, weight: [plan.SetWeights(route=route, rules=(0,), weight=42, stamp="fix.0.0")]
    )


MUTANTS: tuple[Mutant, ...] = (
    Mutant("1 save before acting", "acts, then saves", _acts_before_saving, "intention saved"),
    Mutant(
        "1 save before acting",
        "touches things before the finalizer",
        _touches_before_the_finalizer,
        "intention_before_action",
        "Scaling",
    ),
    Mutant("2 a difference", "commands instead of differences", _commands, "a_difference", "Shifting"),
    Mutant("3 wanted from the status", "the target follows what is seen", _wants_what_it_sees, "wanted_from_status", "Shifting"),
    Mutant("4 versions", "a route is written without its version", _leaves_no_version, "version carried"),
    Mutant("4 versions", "a writer that slept is not fenced", _stores_only_what_changed, "intention saved", seeds=(135, 159)),
    Mutant("5 unknown is nothing", "the bake ends by the clock", _bakes_by_the_clock, "unknown_is_nothing", "Baking"),
    Mutant("5 unknown is nothing", "a pause bakes on", _baked_while_paused, "unknown_is_nothing", "Baking"),
    Mutant(
        "5 unknown is nothing", "a pause does not hold", _without_holds(guards.paused), "unknown_is_nothing", "Shifting, settled"
    ),
    Mutant("5 unknown is nothing", "no metrics is a bad patch", _rolls_back_when_it_cannot_see, "unknown_is_nothing", "Shifting"),
    Mutant(
        "6 the fix is kept", "a failed promotion is rolled back", _failed_promotion_goes_to_stable, "fix_is_kept", "Returning"
    ),
    Mutant("6 the fix is kept", "a broken stable gets everything", _broken_stable_gets_everything, "fix_is_kept", "ReturnFailed"),
    Mutant(
        "7 rollback is one write",
        "the rollback waits for the next look",
        _rolls_back_in_two_looks,
        "rollback_at_once",
        "Shifting",
    ),
    Mutant("8 never zero, never dead", "all weights become 0", _all_weights_zero, "never all zero"),
    Mutant("8 never zero, never dead", "a dead side gets a weight", _weighs_a_dead_side, "never_a_dead_side", "Shifting"),
    Mutant(
        "8 never zero, never dead",
        "a stable that died keeps its share",
        _stable_lost_is_not_seen,
        "never_a_dead_side",
        "Shifting",
    ),
    Mutant("9 the end is final", "goes on after the end", _goes_on_after_the_end, "terminal_is_final", "RolledBack"),
    Mutant("9 the end is final", "the weight rises after a rollback", _tries_again_after_the_rollback, "terminal_is_final"),
    Mutant("10 the user's", "third backends are dropped", _drops_third_backends, "users' fields"),
    Mutant("10 the user's", "each edit by hand makes third backends' share grow", _ratchets_third_backends, "users' fields"),
    Mutant("10 the user's", "ends before the route is given back", _ends_before_it_gave_back, "users_is_users", "GivingBack"),
    Mutant("10 the user's", "any pod spec is written over", _writes_over_any_pod_spec, "users_is_users", "PatchingStable"),
    Mutant("10 the user's", "scales what an HPA scales", _scales_what_an_hpa_scales, "users_is_users", "ScalingDown"),
    Mutant("10 the user's", "the injected backend stays", _keeps_the_injected_backend, "given back"),
    Mutant("10 the user's", "the ownership stays", _keeps_the_ownership, "settles"),
    Mutant("drain", "pods end while proxies send to them", _no_time_to_drain, "no request is lost"),
    Mutant(
        "drain",
        "the drain began before its last request",
        _drains_what_was_served_a_moment_ago,
        "no request is lost",
        plot=served_until_a_moment_ago,
    ),
    Mutant(
        "drain", "pods end by what a watch told last", _acts_on_what_was_told, "no request is lost", plot=served_again_in_silence
    ),
    Mutant(
        "drain",
        "pods end on what was seen before a slow answer",
        _never_too_late_for_pods,
        "no request is lost",
        plot=served_again_while_the_server_is_slow,
    ),
    Mutant("said at least once", "events are not published", _says_nothing, "everything is said"),
    Mutant("settles", "waits for a moment in the future", _waits_for_the_future, "settles", plot=stored_in_the_future),
    Mutant(
        "settles",
        "a backend that git dropped is not named again",
        _cannot_name_patched_again,
        "settles",
        plot=dropped_while_stable_is_lost,
    ),
    Mutant("a bad patch is never promoted", "promotes without proof", _promotes_the_worse, "a bad patch is never promoted"),
    Mutant(
        "a bad patch is never promoted",
        "a deadline that promotes asks only the clock",
        _promotes_what_was_not_counted,
        "a bad patch is never promoted",
        plot=an_hour_ahead_at_the_deadline,
    ),
    Mutant(
        "10 the user's", "gives back what git reset", _gives_back_what_git_reset, "given back", plot=reset_while_it_is_given_back
    ),
)


@dataclass(frozen=True)
class Caught:
    """How a mutant fared: what was broken first, and after how many cells or rollouts."""

    mutant: Mutant
    by: tuple[str, ...]
    after: str

    @property
    def killed(self) -> bool:
        """By the checker that was named."""
        return self.mutant.caught_by in self.by


def hunt(mutant: Mutant) -> Caught:
    """Plant it and look until something is broken."""
    with pytest.MonkeyPatch.context() as patch:
        if mutant.memory:
            mutant_cells = _planted_cells(mutant, patch)
            return Caught(mutant, tuple(dict.fromkeys(rule for rule, _ in mutant_cells[1])), f"{mutant_cells[0]:,} cells")
        mutant.plant(patch)
        if mutant.plot:
            return Caught(mutant, tuple(asyncio.run(_told(mutant.plot))), f"the plot {mutant.plot.__name__}")
        seen: dict[str, None] = {}
        number = 0
        for seed in mutant.seeds or range(MOST_SEEDS):
            number += 1
            seen.update(dict.fromkeys(promise for promise, _ in asyncio.run(simulate(seed)).breaches))
            if mutant.caught_by in seen:
                break
        return Caught(mutant, tuple(seen), f"{number} rollouts")


async def _told(plot: Plot) -> list[str]:
    return await plot()


def _planted_cells(mutant: Mutant, patch: Patch) -> tuple[int, list[tuple[str, str]]]:
    """The memories come from the sound code; only the decisions are made by the mutant."""
    found = cells([mutant.memory or ""], most_broken=1, every=7, planted=lambda: mutant.plant(patch))
    return found.cells, found.broken
