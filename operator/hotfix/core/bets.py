"""Bets against a null hypothesis: which fractions f are put on it, with how much of the stake each. Pure.

What the bets have won is kept in evidence.py; which questions are asked is decided in judgement.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

UNIFORM = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 0.99)
LEAST, MOST = 0.002, 0.99  # range of the bets for the design cases
CELLS = 6  # of the logarithmic grid of n_c / n_s, per factor e
_HALVINGS = 30


class Side(StrEnum):
    """Which claim rejecting the null proves: `BETTER` that rate_c < rho * rate_s + d, `WORSE` that it is above."""

    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Null:
    """rate_c >= rho * rate_s + margin (side better), rate_c <= rho * rate_s + margin (side worse).

    `cases`: (rate_c, rate_s) for which the evidence should grow as fast as it can.
    """

    side: Side
    margin: float
    cases: tuple[tuple[float, float], ...]
    rho: float = 1.0
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """It is a key for every block of every question, so its hash is computed once."""
        object.__setattr__(self, "_hash", hash((self.side, self.margin, self.cases, self.rho)))

    def __hash__(self) -> int:
        return self._hash


def growth(null: Null, ratio: float, case: tuple[float, float], bet: float) -> float:
    """Expected growth of ln S per request of patched when patched has `ratio` = n_c / n_s requests for one of stable's."""
    rate_c, rate_s = case
    r = null.rho * ratio
    if null.side is Side.BETTER:
        return rate_c * math.log1p(-bet) + rate_s / ratio * math.log1p(bet * r) + bet * null.margin
    return rate_c * math.log1p(bet / r) + (rate_s * math.log1p(-bet) - bet * null.margin / null.rho) / ratio


def _slope(null: Null, ratio: float, case: tuple[float, float]) -> Callable[[float], float]:
    """Derivative of the growth by the bet (times `ratio` for side worse): falling, so its zero is the best bet."""
    rate_c, rate_s = case
    r = null.rho * ratio
    if null.side is Side.BETTER:
        return lambda bet: -rate_c / (1 - bet) + rate_s * null.rho / (1 + bet * r) + null.margin
    return lambda bet: ratio * rate_c / (r + bet) - rate_s / (1 - bet) - null.margin / null.rho


def best_bet(null: Null, ratio: float, case: tuple[float, float]) -> float:
    """The growth-optimal bet in [LEAST, MOST], by bisection of the derivative (the growth is concave in the bet)."""
    slope = _slope(null, ratio, case)
    low, high = LEAST, MOST
    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if slope(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=256)
def shares(null: Null) -> tuple[float, ...]:
    """The stake on each bet, in the order of `bets`: half on the design cases, half on the fixed ones; sums to 1."""
    return (0.5 / len(null.cases),) * len(null.cases) + (0.5 / len(UNIFORM),) * len(UNIFORM)


def cell(ratio: float) -> int:
    """Place of n_c / n_s on the logarithmic grid."""
    return round(math.log(ratio) * CELLS)


@lru_cache(maxsize=8192)
def bets(null: Null, place: int) -> tuple[tuple[float, float], ...]:
    """(f, ln(1 - f)) of every bet for a block whose n_c / n_s lies at this place of the grid.

    They depend on request counts alone, never on errors of the block they are for, so the bets stay honest.
    """
    ratio = math.exp(place / CELLS)
    chosen = (*(best_bet(null, ratio, case) for case in null.cases), *UNIFORM)
    return tuple((bet, math.log1p(-bet)) for bet in chosen)
