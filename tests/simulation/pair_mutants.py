"""Planted bugs of two rollouts on one route. Each is caught in pairs of seeds, or in a plot, in which nothing else is
broken."""

from . import pair_bugs
from .kin_rules import DEAD, DELETED, GIVES_WAY, GOES_ON, KEEPS, STABLE_RISES, STARTS, STILL, TAKEN_BACK
from .mutants import Mutant
from .pair_plots import awake_when_the_newer_is_promoted, dead_when_the_share_moves

SUPERSEDING = "two on one route"
PAIR_MUTANTS: tuple[Mutant, ...] = (
    Mutant(SUPERSEDING, "the older one does not stand still", pair_bugs.goes_on_beside_the_newer, STILL, pairs=(6, 13)),
    Mutant(SUPERSEDING, "the newer one does not wait", pair_bugs.starts_without_waiting, STARTS, pairs=(0, 2)),
    Mutant(
        SUPERSEDING, "the older one gives way before its share has moved", pair_bugs.gives_way_at_once, GIVES_WAY, pairs=(0, 2)
    ),
    Mutant(
        SUPERSEDING,
        "the older one goes on before the newer has nothing",
        pair_bugs.goes_on_before_the_newer_is_at_zero,
        GOES_ON,
        pairs=(13, 22),
    ),
    Mutant(
        SUPERSEDING,
        "the newer one gives the older one's share to stable when it is rolled back",
        pair_bugs.gives_back_what_the_older_has,
        STABLE_RISES,
        pairs=(13, 26),
    ),
    Mutant(SUPERSEDING, "the floor of stable is forgotten", pair_bugs.forgets_the_floor, "given back", pairs=(5, 10)),
    Mutant(
        SUPERSEDING,
        "the older one goes back to stable when it is deleted",
        pair_bugs.a_deletion_does_not_wait,
        DELETED,
        pairs=(0, 2),
    ),
    Mutant(SUPERSEDING, "what an edit took stays away", pair_bugs.what_an_edit_took_stays_away, KEEPS, pairs=(53, 269)),
    Mutant(
        SUPERSEDING,
        "what the newer one leaves goes to a stable that is lost",
        pair_bugs.gives_a_lost_stable_what_it_leaves,
        "never_a_dead_side",
        pairs=(73, 149),
    ),
    Mutant(SUPERSEDING, "stable gets the share that moves", pair_bugs.stable_gets_what_moves, STABLE_RISES, pairs=(0, 5)),
    Mutant(
        SUPERSEDING,
        "the share moves to a patch of which nothing is known",
        pair_bugs.takes_any_older_one,
        STABLE_RISES,
        pairs=(0,),
    ),
    Mutant(
        SUPERSEDING,
        "a share moves to a patch that has lost its last pod",
        pair_bugs.only_a_rise_needs_pods,
        DEAD,
        plot=dead_when_the_share_moves,
    ),
    Mutant(
        SUPERSEDING,
        "the older one starts when the newer has been promoted",
        pair_bugs.starts_after_the_newer,
        TAKEN_BACK,
        plot=awake_when_the_newer_is_promoted,
    ),
)
