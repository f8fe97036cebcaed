"""95 % intervals of what was measured: shares by Wilson, medians and means by bootstrap."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

Z95 = 1.959964
RESAMPLES = 1000
SEED = 12_345


@dataclass(frozen=True)
class Measured:
    """A value and its 95 % interval; infinite where nothing was measured."""

    value: float
    low: float
    high: float

    def shown(self, form: str = "{:.0f}") -> str:
        """For people: 45 (45-60)."""
        if math.isinf(self.value):
            return "never"
        value, low, high = (form.format(number) for number in (self.value, self.low, self.high))
        return value if low == high else f"{value} ({low}-{high})"


def share(hits: int, trials: int) -> Measured:
    """A share in 0..1 with Wilson's interval."""
    p, z2 = hits / trials, Z95 * Z95
    centre, half = p + z2 / (2 * trials), Z95 * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))
    low, high = ((centre + sign * half) / (1 + z2 / trials) for sign in (-1, 1))
    return Measured(p, 0.0 if hits == 0 else max(0.0, low), 1.0 if hits == trials else min(1.0, high))


def median(values: Sequence[float]) -> Measured:
    """The median with the percentile interval of the bootstrap."""
    return _bootstrap(values, numpy.median)


def mean(values: Sequence[float]) -> Measured:
    """The mean with the percentile interval of the bootstrap."""
    return _bootstrap(values, numpy.mean)


def _bootstrap(values: Sequence[float], of: Callable[..., Any]) -> Measured:
    if not values:
        return Measured(math.inf, math.inf, math.inf)
    found = numpy.asarray(values, dtype=float)
    places = numpy.random.default_rng(SEED).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = numpy.percentile(of(found[places], axis=1), (2.5, 97.5))
    return Measured(float(of(found)), float(low), float(high))
