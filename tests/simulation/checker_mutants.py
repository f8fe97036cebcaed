"""Planted bugs for checkers that no other one is there for: whatever promise it belongs to, each checker has seen a bug."""

from . import checker_bugs
from .kin_rules import FLOOR, NO_RISE
from .mutants import Mutant
from .remembered import FOLLOWS, KNOWS
from .stale_plots import asleep_until_it_bakes, asleep_until_it_was_rolled_back

CHECKER, VERSIONS = "each checker", "4 versions"
CHECKER_MUTANTS: tuple[Mutant, ...] = (
    Mutant(CHECKER, "a write rests on an earlier look", checker_bugs.carries_what_it_saw_before, "version_seen", "Shifting"),
    Mutant(CHECKER, "a side that was not seen raises", checker_bugs.expects_to_see_every_side, "total", "Shifting"),
    Mutant(
        CHECKER,
        "what is left to patched is not said",
        checker_bugs.ends_without_a_word,
        "told_as_it_is",
        "GivingBack before the start",
    ),
    Mutant(
        CHECKER, "an edit is left for one reason alone", checker_bugs.holds_for_one_reason_alone, "edits_are_left", "Shifting"
    ),
    Mutant(
        CHECKER,
        "patched's pods end beside a dead stable",
        checker_bugs.ends_on_a_stable_that_died,
        "fix_is_kept",
        "DrainingPatched",
    ),
    Mutant(CHECKER, "what is there is written again", checker_bugs.writes_what_is_there, "a difference", seeds=(0,)),
    Mutant(CHECKER, "the end is noted on the route", checker_bugs.notes_the_end_on_the_route, "terminal is final", seeds=(0,)),
    Mutant(CHECKER, "intentions are counted anew", checker_bugs.counts_anew_when_it_rolls_back, "fenced", seeds=(6,)),
    Mutant(CHECKER, "the way back tries again", checker_bugs.tries_again_on_the_way_back, "no rise after a rollback", seeds=(6,)),
    Mutant(CHECKER, "it is promoted without the fix", checker_bugs.promotes_without_the_fix, "the fix is in", seeds=(1,)),
    Mutant(
        CHECKER,
        "a rollback that is not done is granted",
        checker_bugs.grants_what_it_does_not_do,
        "done as it was answered",
        seeds=(88,),
    ),
    Mutant(
        CHECKER,
        "a look without an answer rolls back",
        checker_bugs.rolls_back_on_any_refusal,
        "a good patch is promoted whatever the API does",
        seeds=(132,),
    ),
    Mutant(
        CHECKER,
        "a patched without traffic is waited for until it is large",
        checker_bugs.waits_for_all_pods_of_patched,
        "settles",
        seeds=(1000916,),
    ),
    Mutant(
        CHECKER,
        "a promotion that failed cannot be ended without patched",
        checker_bugs.never_takes_stable_as_it_is,
        "settles",
        seeds=(1016607,),
    ),
    Mutant(
        CHECKER,
        "stable's floor stays what it was when stable had fewer pods",
        checker_bugs.never_raises_the_floor_further,
        "settles",
        seeds=(1093076,),
    ),
    Mutant(
        CHECKER,
        "stable's floor goes with the first that ends",
        checker_bugs.gives_the_floor_back_beside_another,
        FLOOR,
        pairs=(6,),
    ),
    Mutant(CHECKER, "of two, the way back tries again", checker_bugs.tries_again_on_the_way_back, NO_RISE, pairs=(79,)),
    Mutant(
        CHECKER,
        "the newer one forgets what it took",
        checker_bugs.forgets_what_it_took,
        "superseded by one that has its share",
        pairs=(0,),
    ),
    Mutant(
        VERSIONS,
        "a status is stored without its version",
        checker_bugs.stores_whatever_it_knows,
        FOLLOWS,
        plot=asleep_until_it_was_rolled_back,
    ),
    Mutant(
        VERSIONS,
        "a conflict is answered by the same status at the newest version",
        checker_bugs.stores_at_the_newest_version,
        KNOWS,
        plot=asleep_until_it_bakes,
    ),
    Mutant(
        VERSIONS,
        "of two that lead, each insists on its status",
        checker_bugs.stores_at_the_newest_version,
        KNOWS,
        seeds=(123,),
    ),
)
