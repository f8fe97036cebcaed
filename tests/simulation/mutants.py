"""Planted bugs: one for each promise, and for defects that others have shipped. Each must be caught, by the checker it names.

A simulator that finds nothing proves little; one that finds these proves that it looks. `plant` breaks the production code for
as long as a run lasts. Seeds are those of rollouts that meet the bug; without any the first ones are tried in turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from hotfix.core import (
    guards,
)

from . import bugs, others_bugs
from .cells import cells
from .crashing import Crashes, Tale, crashes
from .late import arrives_after_the_end, arrives_while_patched_serves
from .others_plots import (
    CONFIRMED,
    EFFECTIVE,
    LOOKS_FIRST,
    away_while_the_patch_goes_bad,
    with_a_parent_that_nobody_reports_on,
    with_backends_that_are_not_resolved,
    with_pods_that_never_start,
    with_sessions_that_stick,
)
from .pair_world import simulate_pair
from .plots import (
    Plot,
    an_hour_ahead_at_the_deadline,
    an_hour_behind_while_it_drains,
    dropped_while_stable_is_lost,
    reset_while_it_is_given_back,
    served_again_in_silence,
    served_again_while_the_server_is_slow,
    served_until_a_moment_ago,
    stored_in_the_future,
)
from .waiting_plots import behind_one_that_cannot_start, shrunk_in_the_bake
from .world import simulate

Patch = pytest.MonkeyPatch
MOST_SEEDS = 150


@dataclass(frozen=True)
class Mutant:
    """`plant` breaks it; `caught_by` is the checker that must notice, in cells of a memory, in a plot, in a tale that a net of
    crash points tells again, or in rollouts of some seeds, or of pairs of some seeds."""

    promise: str
    bug: str
    plant: Callable[[Patch], None]
    caught_by: str
    memory: str | None = None
    plot: Plot | None = None
    tale: Tale | None = None
    net: Callable[..., Awaitable[Crashes]] = crashes
    seeds: tuple[int, ...] = ()
    pairs: tuple[int, ...] = ()


MUTANTS: tuple[Mutant, ...] = (
    Mutant("1 save before acting", "acts, then saves", bugs.acts_before_saving, "intention saved"),
    Mutant(
        "1 save before acting",
        "touches things before the finalizer",
        bugs.touches_before_the_finalizer,
        "intention_before_action",
        "Scaling",
    ),
    Mutant("2 a difference", "commands instead of differences", bugs.commands, "a_difference", "Shifting"),
    Mutant(
        "3 wanted from the status", "the target follows what is seen", bugs.wants_what_it_sees, "wanted_from_status", "Shifting"
    ),
    Mutant("4 versions", "a route is written without its version", bugs.leaves_no_version, "version carried"),
    Mutant("4 versions", "no stamp says what a route was written for", bugs.without_stamps, "intention saved", seeds=(0,)),
    Mutant("5 unknown is nothing", "the bake ends by the clock", bugs.bakes_by_the_clock, "unknown_is_nothing", "Baking"),
    Mutant("5 unknown is nothing", "a pause bakes on", bugs.baked_while_paused, "unknown_is_nothing", "Baking"),
    Mutant(
        "5 unknown is nothing",
        "a pause does not hold",
        bugs.without_holds(guards.paused),
        "unknown_is_nothing",
        "Shifting, settled",
    ),
    Mutant(
        "5 unknown is nothing", "no metrics is a bad patch", bugs.rolls_back_when_it_cannot_see, "unknown_is_nothing", "Shifting"
    ),
    Mutant(
        "6 the fix is kept", "a failed promotion is rolled back", bugs.failed_promotion_goes_to_stable, "fix_is_kept", "Returning"
    ),
    Mutant(
        "6 the fix is kept",
        "the broken version comes back while git is awaited",
        bugs.gives_the_broken_version_back,
        "fix_is_kept",
        "AwaitingGit",
    ),
    Mutant(
        "6 the fix is kept", "a broken stable gets everything", bugs.broken_stable_gets_everything, "fix_is_kept", "ReturnFailed"
    ),
    Mutant(
        "7 rollback is one write",
        "the rollback waits for the next look",
        bugs.rolls_back_in_two_looks,
        "rollback_at_once",
        "Shifting",
    ),
    Mutant("8 never zero, never dead", "all weights become 0", bugs.all_weights_zero, "never all zero"),
    Mutant("8 never zero, never dead", "a dead side gets a weight", bugs.weighs_a_dead_side, "never_a_dead_side", "Shifting"),
    Mutant(
        "8 never zero, never dead",
        "a stable that died keeps its share",
        bugs.stable_lost_is_not_seen,
        "never_a_dead_side",
        "Shifting",
    ),
    Mutant("9 the end is final", "goes on after the end", bugs.goes_on_after_the_end, "terminal_is_final", "RolledBack"),
    Mutant("9 the end is final", "the weight rises after a rollback", bugs.tries_again_after_the_rollback, "terminal_is_final"),
    Mutant(
        "9 the end is final", "begins again without being asked", bugs.begins_again_by_itself, "terminal_is_final", "RolledBack"
    ),
    Mutant(
        "10 the user's",
        "writes the pod spec that git keeps",
        bugs.writes_what_git_keeps,
        "intention_before_action",
        "AwaitingGit",
    ),
    Mutant("10 the user's", "Flux never gets the route back", bugs.leaves_the_mark, "given back"),
    Mutant("10 the user's", "third backends are dropped", bugs.drops_third_backends, "users' fields"),
    Mutant("10 the user's", "each edit by hand makes third backends' share grow", bugs.ratchets_third_backends, "users' fields"),
    Mutant("10 the user's", "ends before the route is given back", bugs.ends_before_it_gave_back, "users_is_users", "GivingBack"),
    Mutant("10 the user's", "any pod spec is written over", bugs.writes_over_any_pod_spec, "users_is_users", "PatchingStable"),
    Mutant("10 the user's", "scales what an HPA scales", bugs.scales_what_an_hpa_scales, "users_is_users", "ScalingDown"),
    Mutant("10 the user's", "the injected backend stays", bugs.keeps_the_injected_backend, "given back"),
    Mutant("10 the user's", "the ownership stays", bugs.keeps_the_ownership, "settles"),
    Mutant("drain", "pods end while proxies send to them", bugs.no_time_to_drain, "no request is lost"),
    Mutant(
        "drain",
        "the drain began before its last request",
        bugs.drains_what_was_served_a_moment_ago,
        "no request is lost",
        plot=served_until_a_moment_ago,
    ),
    Mutant(
        "drain",
        "pods end by what a watch told last",
        bugs.acts_on_what_was_told,
        "no request is lost",
        plot=served_again_in_silence,
    ),
    Mutant(
        "drain",
        "pods end on what was seen before a slow answer",
        bugs.never_too_late_for_pods,
        "no request is lost",
        plot=served_again_while_the_server_is_slow,
    ),
    Mutant("said at least once", "events are not published", bugs.says_nothing, "everything is said"),
    Mutant("settles", "waits for a moment in the future", bugs.waits_for_the_future, "settles", plot=stored_in_the_future),
    Mutant(
        "drain",
        "goes on with what a wrong clock noted",
        bugs.believes_a_wrong_clock,
        "no request is lost",
        plot=an_hour_behind_while_it_drains,
    ),
    Mutant(
        "settles",
        "a backend that git dropped is not named again",
        bugs.cannot_name_patched_again,
        "settles",
        plot=dropped_while_stable_is_lost,
    ),
    Mutant(
        "4 versions",
        "what was under way at the end is done after it",
        bugs.lets_late_writes_through,
        "given back",
        plot=arrives_after_the_end,
    ),
    Mutant(
        "4 versions",
        "pods end by a write that was under way when they were needed again",
        bugs.lets_late_writes_through,
        "no request is lost",
        plot=arrives_while_patched_serves,
    ),
    Mutant(
        "settles",
        "a stable that was made small is taken for lost",
        bugs.few_pods_are_lost,
        "settles",
        plot=shrunk_in_the_bake,
    ),
    Mutant(
        "settles",
        "waits for one that cannot start",
        bugs.waits_for_one_that_cannot_start,
        "settles",
        plot=behind_one_that_cannot_start,
    ),
    Mutant("a bad patch is never promoted", "promotes without proof", bugs.promotes_the_worse, "a bad patch is never promoted"),
    Mutant(
        "a bad patch is never promoted",
        "a person promotes for a lost stable what nobody saw serve",
        bugs.promotes_what_nobody_saw_serve,
        "a bad patch is never promoted",
        seeds=(33,),
    ),
    Mutant(
        "a bad patch is never promoted",
        "a deadline that promotes asks only the clock",
        bugs.promotes_what_was_not_counted,
        "a bad patch is never promoted",
        plot=an_hour_ahead_at_the_deadline,
    ),
    Mutant(
        "10 the user's",
        "gives back what git reset",
        bugs.gives_back_what_git_reset,
        "given back",
        plot=reset_while_it_is_given_back,
    ),
)


OTHERS = "defects of others"
MUTANTS_OF_OTHERS: tuple[Mutant, ...] = (
    Mutant(
        OTHERS,
        "ready although no parent reports",
        others_bugs.is_ready_without_reports,
        CONFIRMED,
        plot=with_a_parent_that_nobody_reports_on,
    ),
    Mutant(
        OTHERS,
        "ResolvedRefs is never read",
        others_bugs.never_reads_resolved_refs,
        CONFIRMED,
        plot=with_backends_that_are_not_resolved,
    ),
    Mutant(OTHERS, "the whole route is rewritten", others_bugs.rewrites_the_route, "users' fields"),
    Mutant(OTHERS, "an abort ends stable", others_bugs.an_abort_ends_stable, "users_is_users", "ScalingDown"),
    Mutant(OTHERS, "weights of git go unnoticed", others_bugs.does_not_notice_git, "settles"),
    Mutant(
        OTHERS,
        "sticky sessions go unnoticed",
        bugs.without_holds(guards.weight_not_effective),
        EFFECTIVE,
        plot=with_sessions_that_stick,
    ),
    Mutant(
        OTHERS,
        "raises first when it comes back",
        others_bugs.looks_at_what_was_counted_long_ago,
        LOOKS_FIRST,
        plot=away_while_the_patch_goes_bad,
    ),
    Mutant(
        OTHERS,
        "pods that never start are awaited for ever",
        others_bugs.without_patience,
        "settles",
        plot=with_pods_that_never_start,
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
        if mutant.tale:
            return asyncio.run(_told_again(mutant, mutant.tale))
        seen: dict[str, None] = {}
        number = 0
        for seed in mutant.pairs or mutant.seeds or range(MOST_SEEDS):
            number += 1
            result = asyncio.run(simulate_pair(seed) if mutant.pairs else simulate(seed))
            seen.update(dict.fromkeys(promise for promise, _ in result.breaches))
            if mutant.caught_by in seen:
                break
        return Caught(mutant, tuple(seen), f"{number} rollouts")


async def _told(plot: Plot) -> list[str]:
    return await plot()


async def _told_again(mutant: Mutant, tale: Tale) -> Caught:
    """Until the first crash, or the first lost answer, that changes something."""
    found = await mutant.net(tale, first=True)
    return Caught(mutant, tuple(dict.fromkeys(promise for promise, _ in found.odd)), f"{found.points} {mutant.net.__name__}")


def _planted_cells(mutant: Mutant, patch: Patch) -> tuple[int, list[tuple[str, str]]]:
    """The memories come from the sound code; only the decisions are made by the mutant."""
    found = cells([mutant.memory or ""], most_broken=1, every=7, planted=lambda: mutant.plant(patch))
    return found.cells, found.broken
