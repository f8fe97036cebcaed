"""Which share patched should get first, and how long a decision will take from there. Expectations, no decisions. Pure.

A small share exposes few requests to a patch that is bad, a large one ends the errors of stable earlier where it is good.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from .counting import Counter
from .course import longest_seconds, until_found_out, until_the_bake
from .planner import QUIET_PERCENT, Traffic, expected_seconds, quiet
from .questions import TARGET_PART, questions
from .terms import Terms

RISK_OF_BAD = 0.2  # how often a hotfix is taken to be bad
WORSE_BY = 0.05  # how much more a patch fails whose detection is planned for
MOST_PERCENT = 10  # of a start nobody asked for, while stable fails less than
BURNING = 0.05
ALIKE = 0.05  # costs that differ by less are taken for the same
WIDER_MARGINS = (0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected of a start. `exposed`: requests to a patch that is 5 pp worse until it is found out, after
    `detect_seconds`; `bad_if_crash`: requests to a patch that fails them all until then; `bad_if_good`: errors of stable that a
    good one would have spared until it has nearly all traffic. Seconds from the first weight."""

    weight: int
    detect_seconds: float
    reach_seconds: float
    exposed: float
    bad_if_worse: float
    bad_if_crash: float
    bad_if_good: float

    @property
    def cost(self) -> float:
        """Bad requests to be expected, where every request to a bad patch is taken to fail."""
        return RISK_OF_BAD * self.exposed + (1 - RISK_OF_BAD) * self.bad_if_good

    @property
    def decision_seconds(self) -> float:
        """Seconds to be expected until one or the other."""
        return RISK_OF_BAD * self.detect_seconds + (1 - RISK_OF_BAD) * self.reach_seconds


def outlooks(terms: Terms, request_rate: float) -> tuple[Outlook, ...]:
    """One for every step that may be the start, and for 10 %, which need not be a step. `request_rate`: requests a second of the
    whole service, above 0."""
    most = MOST_PERCENT if terms.rate(Counter.BAD) < BURNING else 100
    if quiet(terms.interval_seconds, request_rate):
        most = QUIET_PERCENT
    steps = sorted({MOST_PERCENT, *(step for step in terms.ramp_weights if step <= most)})
    return tuple(outlook(terms, request_rate, step) for step in steps)


@lru_cache(maxsize=64)
def best_start(terms: Terms, request_rate: float) -> Outlook:
    """The one with the fewest bad requests to be expected; of those that differ by no more than expectations can tell, the
    largest, because it decides soonest. In a quiet service all of them cost few, and small ones take many minutes to tell
    anything: there it is the one with the soonest decision."""
    found = outlooks(terms, request_rate)
    if quiet(terms.interval_seconds, request_rate):
        return min(found, key=lambda one: one.decision_seconds)
    least = min(one.cost for one in found)
    return max((one for one in found if one.cost <= (1 + ALIKE) * least), key=lambda one: one.weight)


def outlook(terms: Terms, request_rate: float, weight: int) -> Outlook:
    """What is expected of this start."""
    rate = terms.rate(Counter.BAD)
    target = TARGET_PART * rate if terms.fix is None else terms.rate(Counter.TARGET)
    worse = min(1.0, rate + WORSE_BY)
    found, crash = (until_found_out(terms, {Counter.BAD: (patched, rate)}, request_rate, weight) for patched in (worse, 1.0))
    reach = reach_seconds(terms, request_rate, weight)
    return Outlook(
        weight=weight,
        detect_seconds=found.seconds,
        reach_seconds=reach,
        exposed=found.patched_requests,
        bad_if_worse=(worse - rate) * found.patched_requests,
        bad_if_crash=(1 - rate) * crash.patched_requests,
        bad_if_good=target * request_rate * reach,
    )


def reach_seconds(terms: Terms, request_rate: float, start: int) -> float:
    """Seconds until a good patch that starts at this weight is expected to bake; at most the deadline."""
    rates = {counter: _good_case(terms, counter) for counter in {question.counter for question in questions(terms).wanted(terms)}}
    return until_the_bake(terms, rates, request_rate, start).seconds


def _good_case(terms: Terms, counter: Counter) -> tuple[float, float]:
    """(patched, stable) rates of a counter where the patch does what it is for."""
    rate = terms.rate(counter)
    if counter is Counter.TARGET:
        return rate * (1 - (terms.fix.expected_reduction if terms.fix else TARGET_PART)), rate
    if counter is Counter.BAD and terms.fix is not None:
        return max(0.0, rate - terms.fix.expected_reduction * terms.rate(Counter.TARGET)), rate
    return (rate * (1 - TARGET_PART) if counter is Counter.BAD else rate), rate


def fitting_margin(terms: Terms, request_rate: float, start: int) -> float | None:
    """The smallest wider maxErrorRateIncrease with which a decision is expected before the deadline; None where there is none."""
    longest = longest_seconds(terms)
    for margin in (margin for margin in WIDER_MARGINS if margin > terms.delta):
        if reach_seconds(replace(terms, delta=margin), request_rate, start) < longest:
            return margin
    return None


def fix_seconds(terms: Terms, request_rate: float) -> float | None:
    """Seconds until the reduction of the target errors would be proven at half of the traffic; None: never, or not asked."""
    fixed = questions(terms).fixed
    if fixed is None or not terms.rate(Counter.TARGET):
        return None
    patched, stable = _good_case(terms, Counter.TARGET)
    half = Traffic(
        request_rate=request_rate,
        share=0.5,
        patched_rate=patched,
        stable_rate=stable,
        interval_seconds=terms.interval_seconds,
        sigma2=terms.spread(Counter.TARGET),
        processes=(terms.processes, terms.processes),
    )
    return expected_seconds(fixed, 0.0, half)
