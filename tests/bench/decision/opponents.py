"""Flagger and Argo Rollouts as their documentation describes them: the success rate of patched alone against a fixed number.

Both get the best of what the documentation leaves open: counts are there at once, no scrape is late, a weight is in force at
once, promotion and rollback take no time, and a window of so many seconds has all requests of that time (Prometheus' rate() has
those between its first and last sample). Rates are shares in 0..1, weights percent, times seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .runs import PROMOTED, ROLLED_BACK, UNDECIDED, Run, Tally
from .worlds import Draws, World

LONGEST_SECONDS = 4 * 3600.0


class Opponent(Protocol):
    """Another tool's way to decide."""

    @property
    def name(self) -> str:
        """The tool and which of its settings, for the table."""

    def run(self, world: World, seed: int) -> Run:
        """One rollout."""


Counts = Sequence[tuple[int, int]]  # (requests, bad ones) of patched, scrape by scrape, newest last


def success_rate(counts: Counts, scrapes: int) -> float | None:
    """Over the newest scrapes; None without a request in them (0/0 in Prometheus, which is NaN)."""
    window = counts[-scrapes:]
    requests = sum(n for n, _ in window)
    return 1 - sum(x for _, x in window) / requests if requests else None


@dataclass(frozen=True, kw_only=True)
class Flagger:
    """The Canary of Flagger: docs.flagger.app, "How it works", "Deployment Strategies", and the tutorials for each router.

    At every `interval` the built-in metric request-success-rate is compared with its least value. A check that fails halts the
    advancement and is counted; with `threshold` failed checks, of the whole analysis, traffic goes back. A check without any
    value fails too ("no values found ... probably not receiving traffic"). Else the weight grows by `step_weight` up to
    `max_weight`, and the next check that passes promotes. As documented a rollback takes interval x threshold, and a promotion
    interval x (max_weight / step_weight).
    """

    name: str
    interval: float = 60.0
    threshold: int = 5
    max_weight: int = 50
    step_weight: int = 10
    least: float = 0.99
    window: float = 60.0  # of the metric

    def passes(self, rate: float | None) -> bool:
        """Whether one check of the metric passes."""
        return rate is not None and rate >= self.least

    def run(self, world: World, seed: int) -> Run:
        """One rollout."""
        draws, tally, counts = Draws(world, seed, everything=False), Tally(world), []
        weight, failed, now = self.step_weight, 0, 0.0
        scrapes, window = round(self.interval / world.scrape_seconds), max(1, round(self.window / world.scrape_seconds))
        while now < LONGEST_SECONDS:
            for _ in range(scrapes):
                patched, stable = draws.scrape(weight)
                tally.add(patched, stable)
                counts.append((patched.requests, patched.bad))
            now += self.interval
            if not self.passes(success_rate(counts, window)):
                failed += 1
                if failed >= self.threshold:
                    return tally.ended(ROLLED_BACK, now, None, weight)
            elif weight >= self.max_weight:
                return tally.ended(PROMOTED, now, now, weight)
            else:
                weight = min(self.max_weight, weight + self.step_weight)
        return tally.ended(UNDECIDED, now, None, weight)


@dataclass(frozen=True, kw_only=True)
class ArgoRollouts:
    """A Rollout with background analysis: argo-rollouts.readthedocs.io, "Analysis & Progressive Delivery".

    `steps` are pairs of setWeight and the pause after it; the end of the last pause promotes. Beside them an AnalysisRun measures
    at every `interval`, for the first time when it starts. `failure_limit` is how many measurements may fail (the reference of
    failureLimit): one more aborts. The query of the documentation takes irate(), which is the growth between the last two
    scrapes (`window` None), over a longer `window` else. A query over no requests gives NaN; the condition then is the one that
    the documentation has for it, by which NaN is a success. The analysis begins with the first step; in the documentation's
    example it begins with the second, to show that it can.
    """

    name: str
    interval: float = 300.0
    failure_limit: int = 3
    least: float = 0.95
    steps: tuple[tuple[int, float], ...] = ((20, 600.0), (40, 600.0), (60, 600.0), (80, 600.0))
    window: float | None = None

    def succeeds(self, rate: float | None) -> bool:
        """isNaN(result[0]) || result[0] >= 0.95."""
        return rate is None or rate >= self.least

    def run(self, world: World, seed: int) -> Run:
        """One rollout."""
        draws, tally, counts = Draws(world, seed, everything=False), Tally(world), []
        window = 1 if self.window is None else max(1, round(self.window / world.scrape_seconds))
        failed, now, measure = 0, 0.0, self.interval  # at 0 there is nothing yet: NaN
        end, reached = 0.0, None
        for weight, pause in self.steps:
            end += pause
            reached = now if weight >= 80 and reached is None else reached
            while now < end:
                patched, stable = draws.scrape(weight)
                tally.add(patched, stable)
                counts.append((patched.requests, patched.bad))
                now += world.scrape_seconds
                if now >= measure:
                    measure += self.interval
                    failed += not self.succeeds(success_rate(counts, window))
                    if failed > self.failure_limit:
                        return tally.ended(ROLLED_BACK, now, None, weight)
        return tally.ended(PROMOTED, now, reached, weight)
