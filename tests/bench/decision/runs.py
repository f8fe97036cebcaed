"""How one rollout ended, under whichever rule; and some of them, here and not in the module that is run, where processes that are
not forked (Python 3.14 and newer) would not find it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .worlds import Drawn, World

HORIZON_SECONDS = 3600.0  # bad requests and errors are those of the first hour, whatever was decided in it
PROMOTED, ROLLED_BACK, UNDECIDED = "promoted", "rolled back", "undecided"
NEARLY_ALL = 80  # percent


@dataclass(frozen=True, kw_only=True)
class Run:
    """`end`: promoted, rolled back or undecided. Seconds from the first weight to that, and to nearly all traffic. `bad`: bad
    requests of patched, `errors`: errors that clients saw from either side, in the first hour."""

    end: str
    seconds: float
    reached: float | None
    bad: float
    errors: float


Rule = Callable[[int], Run]  # a seed


def some(rule: Rule, seeds: Sequence[int]) -> tuple[list[Run], float]:
    """Rollouts with these seeds, and the CPU seconds that they took."""
    began = time.process_time()
    return [rule(seed) for seed in seeds], time.process_time() - began


class Tally:
    """Adds up what users saw."""

    def __init__(self, world: World) -> None:
        self.world, self.bad, self.errors, self.until = world, 0.0, 0.0, 0.0

    def add(self, patched: Drawn, stable: Drawn) -> None:
        """One more scrape."""
        if self.until < HORIZON_SECONDS:
            self.bad += patched.bad
            self.errors += patched.bad + stable.bad
        self.until += self.world.scrape_seconds

    def ended(self, end: str, seconds: float, reached: float | None, weight: float) -> Run:
        """The run that ended so, `seconds` after the first weight; from the last scrape on what is to be expected is added: until
        then at this weight (percent), from then on at what the end gives patched."""
        after = {PROMOTED: 1.0, ROLLED_BACK: 0.0, UNDECIDED: weight / 100}[end]
        middle = min(max(self.until, seconds), HORIZON_SECONDS)
        before, later = self.world.expected(self.until, middle, weight / 100), self.world.expected(middle, HORIZON_SECONDS, after)
        bad, errors = (one + two for one, two in zip(before, later, strict=True))
        return Run(end=end, seconds=seconds, reached=reached, bad=self.bad + bad, errors=self.errors + errors)
