"""Which share patched should get first, and how long a decision will take from there. Expectations, no decisions. Pure.

A small share exposes few requests to a patch that is bad, a large one ends the errors of stable earlier where it is good.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

from .counting import Counter
from .evidence import Question
from .planner import Traffic, expected_seconds, gain
from .questions import TARGET_PART, Questions, questions
from .terms import Terms

RISK_OF_BAD = 0.2  # how often a hotfix is taken to be bad, and then ...
RISK_OF_CRASH = 0.25  # ... how often it fails everything; else it is worse
WORSE_BY = 0.05  # ... by this much
MOST_PERCENT = 10  # of a start nobody asked for, while stable fails less than
BURNING = 0.05
QUIET_PERCENT, QUIET_REQUESTS = 25, 50.0  # a quiet service: this start gives patched fewer requests a scrape than that
MINIMUM_SECONDS, MINIMUM_BLOCKS, HELD_BLOCKS = 30.0, 4, 2  # before the bake, however clear the evidence
MOST_BLOCKS = 2000
WIDER_MARGINS = (0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected of a start. `bad_if_worse`: requests that fail more than they would on stable until a patch that is 5 pp
    worse is found out, after `detect_seconds`; `bad_if_crash`: requests to a patch that fails them all until then, after some
    scrapes; `bad_if_good`: errors of stable that a good one would have spared until it has nearly all traffic. Seconds from the
    first weight."""

    weight: int
    detect_seconds: float
    reach_seconds: float
    bad_if_worse: float
    bad_if_crash: float
    bad_if_good: float

    @property
    def cost(self) -> float:
        """Bad requests to be expected."""
        bad = RISK_OF_CRASH * self.bad_if_crash + (1 - RISK_OF_CRASH) * self.bad_if_worse
        return RISK_OF_BAD * bad + (1 - RISK_OF_BAD) * self.bad_if_good

    @property
    def decision_seconds(self) -> float:
        """Seconds to be expected until one or the other."""
        return RISK_OF_BAD * self.detect_seconds + (1 - RISK_OF_BAD) * self.reach_seconds


def _quiet(terms: Terms, request_rate: float) -> bool:
    return request_rate * terms.interval_seconds * QUIET_PERCENT / 100 < QUIET_REQUESTS


def outlooks(terms: Terms, request_rate: float) -> tuple[Outlook, ...]:
    """One for every step that may be the start, and for 10 %, which need not be a step. `request_rate`: requests a second of the
    whole service, above 0."""
    most = MOST_PERCENT if terms.rate(Counter.BAD) < BURNING else 100
    if _quiet(terms, request_rate):
        most = QUIET_PERCENT
    steps = sorted({MOST_PERCENT, *(step for step in terms.ramp_weights if step <= most)})
    return tuple(outlook(terms, request_rate, step) for step in steps)


def best_start(terms: Terms, request_rate: float) -> Outlook:
    """The one with the fewest bad requests to be expected. In a quiet service all of them cost few, and small ones take many
    minutes to tell anything: there it is the one with the soonest decision."""
    quiet = _quiet(terms, request_rate)
    return min(outlooks(terms, request_rate), key=lambda one: one.decision_seconds if quiet else one.cost)


def outlook(terms: Terms, request_rate: float, weight: int) -> Outlook:
    """What is expected of this start."""
    asked, rate = questions(terms), terms.rate(Counter.BAD)
    target = TARGET_PART * rate if terms.fix is None else terms.rate(Counter.TARGET)
    longest = terms.late_blocks * terms.interval_seconds

    def detected(patched: float) -> float:
        traffic = _traffic(terms, Counter.BAD, (patched, rate), request_rate, weight)
        seconds = expected_seconds(asked.worse, 0.0, traffic)
        # a block is judged one scrape after its end
        return min(longest, longest if seconds is None else seconds) + terms.interval_seconds

    worse = min(1.0, rate + WORSE_BY)
    detect, reach = detected(worse), reach_seconds(terms, asked, request_rate, weight)
    return Outlook(
        weight=weight,
        detect_seconds=detect,
        reach_seconds=reach,
        bad_if_worse=(worse - rate) * weight / 100 * request_rate * detect,
        bad_if_crash=(1 - rate) * weight / 100 * request_rate * detected(1.0),
        bad_if_good=target * request_rate * reach,
    )


def _traffic(terms: Terms, counter: Counter, rates: tuple[float, float], request_rate: float, weight: int) -> Traffic:
    return Traffic(
        request_rate=request_rate,
        share=weight / 100,
        patched_rate=rates[0],
        stable_rate=rates[1],
        interval_seconds=terms.interval_seconds,
        sigma2=terms.spread(counter),
        processes=(terms.processes, terms.processes),
    )


def reach_seconds(terms: Terms, asked: Questions, request_rate: float, start: int) -> float:
    """Seconds until a good patch that starts at this weight is expected to bake, evidence growing as expected block by block and
    the weight following it; at most the deadline."""
    needed = asked.wanted(terms)

    @cache
    def won(question: Question, weight: int) -> float:
        rates = _good_case(terms, question.counter)
        return gain(question, _traffic(terms, question.counter, rates, request_rate, weight))

    logs = dict.fromkeys((*needed, *asked.ramps.values()), 0.0)
    earliest = max(MINIMUM_BLOCKS, math.ceil(MINIMUM_SECONDS / terms.interval_seconds))
    weight, held, limit = start, 0, min(terms.late_blocks, MOST_BLOCKS)
    for number in range(1, limit + 1):
        logs = {question: log + won(question, weight) for question, log in logs.items()}
        held += 1
        allowed = max((step for step, ramp in asked.ramps.items() if logs[ramp] >= ramp.log_threshold), default=0)
        if allowed > weight:
            weight, held = allowed, -1  # the block in which it is raised and the next one are of two weights
            continue
        proven = all(logs[question] >= question.log_threshold for question in needed)
        if proven and held >= HELD_BLOCKS and number >= earliest:
            return (number + 1) * terms.interval_seconds  # a block is judged one scrape after its end
    return terms.late_blocks * terms.interval_seconds


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
    longest = terms.late_blocks * terms.interval_seconds
    for margin in (margin for margin in WIDER_MARGINS if margin > terms.delta):
        wider = replace(terms, delta=margin)
        if reach_seconds(wider, questions(wider), request_rate, start) < longest:
            return margin
    return None


def fix_seconds(terms: Terms, request_rate: float) -> float | None:
    """Seconds until the reduction of the target errors would be proven at half of the traffic; None: never, or not asked."""
    fixed = questions(terms).fixed
    if fixed is None or not terms.rate(Counter.TARGET):
        return None
    return expected_seconds(fixed, 0.0, _traffic(terms, Counter.TARGET, _good_case(terms, Counter.TARGET), request_rate, 50))
