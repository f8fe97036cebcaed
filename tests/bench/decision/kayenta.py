"""Kayenta's judge as documented: two series of one metric are compared by the Mann-Whitney U test.

spinnaker.io, "The canary judge - how does it work?" and "Best practices for configuring canary"; docs/canary-config.md of
Kayenta for NetflixACAJudge-v1.0. The interval of the shift is the asymptotic one with continuity and ties corrected that
R's wilcox.test(conf.int = TRUE, exact = FALSE) documents, from which Kayenta says it took it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy
from scipy.optimize import brentq

from .runs import PROMOTED, ROLLED_BACK, Run, Tally
from .worlds import Draws, World

CONFIDENCE = 0.98  # of the interval of the shift
TOLERANCE = 0.25  # of the estimated shift: as far from 0 the interval must be
ROOT = 1e-4  # tolerance of the root, in units of the metric
PASS, HIGH, LOW, NO_DATA = "Pass", "High", "Low", "Nodata"
BASELINE_SEED = 1_000_003


@dataclass(frozen=True)
class Shift:
    """By how much the experiment lies above the control: interval and Hodges-Lehmann estimate, in units of the metric."""

    low: float
    high: float
    estimate: float


def standing(experiment: Sequence[float], control: Sequence[float], shift: float) -> float:
    """z of U, corrected for continuity and ties, were the experiment lower by `shift`; 0 where all values are tied."""
    x, y = numpy.asarray(experiment, dtype=float) - shift, numpy.asarray(control, dtype=float)
    both, m, n = numpy.sort(numpy.concatenate((x, y))), len(x), len(y)
    sorted_y = numpy.sort(y)
    above = numpy.searchsorted(sorted_y, x, "left").sum() + numpy.searchsorted(sorted_y, x, "right").sum()
    off = float(above) / 2 - m * n / 2
    edges = numpy.flatnonzero(numpy.diff(both)) + 1
    ties = numpy.diff(numpy.concatenate(([0], edges, [m + n]))).astype(float)
    variance = m * n / 12 * ((m + n + 1) - float((ties**3 - ties).sum()) / ((m + n) * (m + n - 1)))
    return (off - math.copysign(0.5, off) * (off != 0)) / math.sqrt(variance) if variance > 0 else 0.0


def shift_of(experiment: Sequence[float], control: Sequence[float], confidence: float = CONFIDENCE) -> Shift:
    """The shifts that the test would not reject, and the one it is most content with."""
    least, most = min(experiment) - max(control), max(experiment) - min(control)
    quantile = NormalDist().inv_cdf(0.5 + confidence / 2)

    def root(z: float) -> float:
        if standing(experiment, control, least) - z <= 0:
            return least
        if standing(experiment, control, most) - z >= 0:
            return most
        return float(brentq(lambda shift: standing(experiment, control, shift) - z, least, most, xtol=ROOT))

    return Shift(low=root(quantile), high=root(-quantile), estimate=root(0.0))


def classify(
    experiment: Sequence[float],
    control: Sequence[float],
    *,
    direction: str = "increase",
    tolerance: float = TOLERANCE,
    confidence: float = CONFIDENCE,
) -> str:
    """Pass, High or Low of one metric; Nodata where a side is empty. `direction`: increase, decrease or either."""
    if not len(experiment) or not len(control):
        return NO_DATA
    if sorted(experiment) == sorted(control) or len({*experiment, *control}) == 1:
        return PASS
    shift = shift_of(experiment, control, confidence)
    bound = tolerance * abs(shift.estimate)
    if direction != "decrease" and shift.low > bound:
        return HIGH
    return LOW if direction != "increase" and shift.high < -bound else PASS


def score(classes: Sequence[str]) -> float:
    """Percent of the metrics with data that passed; 0 where none has data."""
    counted = [found for found in classes if found != NO_DATA]
    return 100 * counted.count(PASS) / len(counted) if counted else 0.0


@dataclass(frozen=True, kw_only=True)
class Kayenta:
    """An analysis of several runs: one with a score under `marginal` fails it at once, the last one must be above `passing`.

    The metric is the percentage of failed requests in `step` seconds, missing values replaced by 0, direction increase. Canary
    and baseline are deployed at the same time and get `weight` percent each; the rest stays on production. What passes gets all
    traffic.
    """

    name: str
    runs: int = 3
    interval: float = 3600.0
    step: float = 60.0
    weight: int = 10
    passing: float = 95.0
    marginal: float = 75.0

    def run(self, world: World, seed: int) -> Run:
        """One rollout."""
        canary, tally = Draws(world, seed, everything=False), Tally(world)
        alike = replace(world, patched=world.stable, target=world.target and (world.target[1],) * 2, burn=None)
        baseline = Draws(alike, seed + BASELINE_SEED, everything=False)
        scrapes, width = round(self.interval / world.scrape_seconds), round(self.step / world.scrape_seconds)
        now, found = 0.0, 0.0
        for _ in range(self.runs):
            series: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
            for _ in range(scrapes):
                sides = canary.scrape(self.weight)
                tally.add(*sides)
                for counts, drawn in zip(series, (sides[0], baseline.scrape(self.weight)[0]), strict=True):
                    counts.append((drawn.requests, drawn.bad))
            now += self.interval
            found = score([classify(*(percentages(counts, width) for counts in series))])
            if found < self.marginal:
                return tally.ended(ROLLED_BACK, now, None, self.weight)
        end = PROMOTED if found > self.passing else ROLLED_BACK
        return tally.ended(end, now, now if end == PROMOTED else None, self.weight)


def percentages(counts: Sequence[tuple[int, int]], width: int) -> list[float]:
    """Failed requests in percent, of so many scrapes together; 0 where there were no requests."""
    sums = numpy.asarray(counts, dtype=float).reshape(-1, width, 2).sum(axis=1)
    return (100 * sums[:, 1] / numpy.maximum(sums[:, 0], 1)).tolist()
