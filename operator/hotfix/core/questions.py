"""What is asked of the counts, as data. Pure.

How evidence grows is in evidence.py and folded.py; what follows from it is in judgement.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from .bets import Null, Side
from .counting import Counter
from .evidence import Question
from .terms import CLIENT_ERRORS_MARGIN, Terms

MARGINS = (0.005, 0.01, 0.02, 0.05, 0.1)  # the ladder of bounds that can be called proven
REDUCTIONS = (0.5, 0.8, 0.9, 0.95)  # the ladder of reductions that can be called proven
WARM_CASE = 2.5  # times what is forgiven in the warm-up: the least rise that is betted on then
TARGET_PART = 0.9  # of the errors that the hotfix is for, which are all where it does not say: what a good one takes away


@dataclass(frozen=True)
class Questions:
    """What is asked of the counts; None where the counter or the wish for it is not there."""

    worse: Question
    not_worse: Question
    ramps: Mapping[int, Question]  # by weight
    margins: Mapping[float, Question]  # by margin, the ladder
    fixed: Question | None = None
    not_fixed: Question | None = None  # against the reduction that was promised
    not_fixed_least: Question | None = None  # against the least one; asked once the least one was proven
    reductions: Mapping[float, Question] = field(default_factory=dict)  # by reduction, the ladder
    client_errors: Question | None = None
    slow: Question | None = None
    not_slow: Question | None = None

    @cached_property
    def every(self) -> tuple[Question, ...]:
        """Every question once."""
        optional = (self.fixed, self.not_fixed, self.not_fixed_least, self.client_errors, self.slow, self.not_slow)
        ladders = (*self.ramps.values(), *self.margins.values(), *self.reductions.values())
        asked = (self.worse, self.not_worse, *ladders, *(question for question in optional if question))
        return tuple(dict.fromkeys(asked))

    def wanted(self, terms: Terms) -> tuple[Question, ...]:
        """What must be proven before the bake."""
        fixed = self.fixed if terms.fix and terms.fix.required else None
        return tuple(one for one in (self.not_worse, fixed, self.not_slow) if one)


NO_MATTER: dict[str, Any] = {
    "sigma2": (),
    "interval_seconds": 1.0,
    "evidence_from": 0.0,
    "warm_until": 0.0,
    "weight": 0,
    "weight_since": None,
    "bake_from": None,
    "now": 0.0,
    "rate_before": None,
    "processes": 1,
    "endpoints": (0, 0),
}  # what no question depends on, and changes from look to look


def questions(terms: Terms) -> Questions:
    """The questions of these terms, with the cases their bets are best for: what a harmful and a good patch look like."""
    return _questions(replace(terms, **NO_MATTER))


@lru_cache(maxsize=1024)
def _questions(terms: Terms) -> Questions:
    rate = min(terms.rate(Counter.BAD), 1.0)
    target = rate if terms.fix is None else min(terms.rate(Counter.TARGET), rate)
    rises, forgiven = (terms.delta, 10 * terms.delta, 0.5), max(terms.tau, terms.warm_margin)
    harm, warm = (tuple((min(rate + rise, 1.0), rate) for rise in cases) for cases in (rises, _beyond(rises, forgiven)))
    good = ((rate, rate), (rate - TARGET_PART * target, rate))

    def at_most(margin: float) -> Question:
        return Question("not worse", Null(Side.BETTER, margin, good), terms.beta)

    return Questions(
        worse=Question(
            "worse",
            Null(Side.WORSE, terms.tau, harm),
            terms.rollback_level,
            late_blocks=terms.late_blocks,
            warm=Null(Side.WORSE, forgiven, warm),
        ),
        not_worse=at_most(terms.delta),
        ramps={weight: at_most(100 * terms.max_impact / weight) for weight in terms.ramp_weights},
        margins={margin: at_most(margin) for margin in sorted({terms.delta, *MARGINS})},
        **_about_the_fix(terms),
        **_about_client_errors(terms),
        **_about_latency(terms),
    )


def _beyond(rises: tuple[float, ...], forgiven: float) -> tuple[float, ...]:
    """Design cases of the warm-up: a stake on a rise that is forgiven then would be lost."""
    return tuple(max(rise, WARM_CASE * forgiven) for rise in rises)


def _about_the_fix(terms: Terms) -> dict[str, Any]:
    """Fixed, NotFixed and the ladder of reductions, on the errors that the hotfix is for."""
    if terms.fix is None:
        return {}
    rate = terms.rate(Counter.TARGET)

    def fixed(reduction: float) -> Question:
        null = Null(Side.BETTER, 0.0, ((0.05 * rate, rate),), rho=1 - reduction)
        return Question("fixed", null, terms.beta, counter=Counter.TARGET)

    def not_fixed(reduction: float) -> Question:
        null = Null(Side.WORSE, 0.0, ((rate, rate),), rho=1 - reduction)
        return Question("not fixed", null, terms.rollback_level, counter=Counter.TARGET)

    least = terms.fix.min_reduction
    return {
        "fixed": fixed(least),
        "not_fixed": not_fixed(terms.fix.expected_reduction),
        "not_fixed_least": not_fixed(least),
        "reductions": {reduction: fixed(reduction) for reduction in sorted({least, *REDUCTIONS}) if reduction >= least},
    }


def _about_client_errors(terms: Terms) -> dict[str, Any]:
    """A hotfix that refuses good requests fails nothing: its 4xx rise."""
    if not terms.client_errors:
        return {}
    rate = terms.rate(Counter.CLIENT_ERRORS)
    harm = tuple((min(rate + rise, 1.0), rate) for rise in (CLIENT_ERRORS_MARGIN, 0.2))
    null = Null(Side.WORSE, CLIENT_ERRORS_MARGIN, harm)
    return {"client_errors": Question("client errors", null, terms.rollback_level, counter=Counter.CLIENT_ERRORS)}


def _about_latency(terms: Terms) -> dict[str, Any]:
    """Slow requests; what a cold cache makes of the first seconds is not asked."""
    if terms.slow is None:
        return {}
    rate, slow = terms.rate(Counter.SLOW), terms.slow
    harm = ((min(rate + 0.02, 1.0), rate), (min(1.3 * rate + 0.02, 1.0), rate))
    worse = Null(Side.WORSE, slow.tau, harm)
    better = Null(Side.BETTER, slow.delta, ((rate, rate),))
    return {
        "slow": Question("slower", worse, terms.rollback_level, cold=True, counter=Counter.SLOW),
        "not_slow": Question("not slower", better, terms.beta, cold=True, counter=Counter.SLOW) if slow.required else None,
    }
