"""All planted bugs, and the plots that some of them need: what test_mutants.py plants and `make mutants` prints."""

from .checker_mutants import CHECKER_MUTANTS
from .crash_mutants import CRASH_MUTANTS
from .late import LATE_PLOTS
from .mutants import MUTANTS, MUTANTS_OF_OTHERS, Mutant
from .others_plots import OTHERS_PLOTS
from .pair_mutants import PAIR_MUTANTS
from .pair_plots import PAIR_PLOTS
from .plots import PLOTS, Plot
from .stale_plots import STALE_PLOTS
from .waiting_plots import WAITING_PLOTS

PLANTED: tuple[Mutant, ...] = (*MUTANTS, *MUTANTS_OF_OTHERS, *PAIR_MUTANTS, *CHECKER_MUTANTS, *CRASH_MUTANTS)
PLOTTED: tuple[Plot, ...] = (*PLOTS, *OTHERS_PLOTS, *WAITING_PLOTS, *LATE_PLOTS, *PAIR_PLOTS, *STALE_PLOTS)
