"""Every planted bug is caught by the checker that is there for it."""

import pytest

from .checker_mutants import CHECKER_MUTANTS
from .checkers import checkers
from .conftest import Say
from .mutants import MUTANTS, Mutant, hunt
from .pair_world import simulate_pair
from .planted import PLANTED, PLOTTED
from .plots import Plot
from .world import simulate

pytestmark = pytest.mark.net


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.bug)
def test_a_planted_bug_is_caught(mutant: Mutant, say: Say) -> None:
    caught = hunt(mutant)
    say("planted bugs caught", int(caught.killed))
    assert caught.killed, f"{mutant.caught_by} did not notice: {caught.by or 'nothing did'} in {caught.after}"


def test_every_promise_has_one() -> None:
    numbers = {mutant.promise.split()[0] for mutant in MUTANTS}
    assert {str(number) for number in range(1, 11)} <= numbers
    assert len(MUTANTS) >= 20
    needed = {mutant.plot.__name__ for mutant in PLANTED if mutant.plot}
    assert {plot.__name__ for plot in PLOTTED} == needed, "a story that no planted bug needs shows nothing"


def test_every_checker_has_caught_one() -> None:
    caught_by = {mutant.caught_by for mutant in PLANTED}
    assert checkers() - caught_by == set(), "a checker that no planted bug is there for may look at nothing"


@pytest.mark.parametrize("mutant", CHECKER_MUTANTS, ids=lambda mutant: mutant.bug)
async def test_without_a_bug_the_same_rollouts_break_no_promise(mutant: Mutant) -> None:
    for seed in mutant.seeds:
        assert (await simulate(seed)).breaches == []
    for seed in mutant.pairs:
        assert (await simulate_pair(seed)).breaches == []


@pytest.mark.parametrize("plot", PLOTTED, ids=lambda plot: plot.__name__)
async def test_without_a_bug_no_plot_breaks_a_promise(plot: Plot) -> None:
    assert await plot() == []
