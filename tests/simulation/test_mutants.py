"""Every planted bug is caught by the checker that is there for it."""

import pytest

from .conftest import Say
from .late import LATE_PLOTS
from .mutants import MUTANTS, MUTANTS_OF_OTHERS, Mutant, hunt
from .others_plots import OTHERS_PLOTS
from .pair_mutants import PAIR_MUTANTS
from .plots import PLOTS, Plot
from .waiting_plots import WAITING_PLOTS

pytestmark = pytest.mark.net


@pytest.mark.parametrize("mutant", [*MUTANTS, *MUTANTS_OF_OTHERS, *PAIR_MUTANTS], ids=lambda mutant: mutant.bug)
def test_a_planted_bug_is_caught(mutant: Mutant, say: Say) -> None:
    caught = hunt(mutant)
    say("planted bugs caught", int(caught.killed))
    assert caught.killed, f"{mutant.caught_by} did not notice: {caught.by or 'nothing did'} in {caught.after}"


def test_every_promise_has_one() -> None:
    numbers = {mutant.promise.split()[0] for mutant in MUTANTS}
    assert {str(number) for number in range(1, 11)} <= numbers
    assert len(MUTANTS) >= 20
    assert {plot.__name__ for plot in (*PLOTS, *OTHERS_PLOTS, *WAITING_PLOTS, *LATE_PLOTS)} == {
        mutant.plot.__name__ for mutant in (*MUTANTS, *MUTANTS_OF_OTHERS) if mutant.plot
    }, "a story that no planted bug needs shows nothing"


@pytest.mark.parametrize("plot", [*PLOTS, *OTHERS_PLOTS, *WAITING_PLOTS, *LATE_PLOTS], ids=lambda plot: plot.__name__)
async def test_without_a_bug_no_plot_breaks_a_promise(plot: Plot) -> None:
    assert await plot() == []
