"""Blocks + terms -> Judgement. Pure.

Where the terms come from is in terms.py, what is asked under them in questions.py.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from . import planner, split
from .counting import Block, Counter
from .evidence import Question, State
from .folded import END, Folded, folded
from .judgement import Evidence, Findings, Judgement, Verdict
from .questions import Questions, questions
from .silence import silence
from .terms import HELD_PART, Terms

_ROUNDING = 1e-2  # seconds: moments in the status have milliseconds
START = attrgetter("start")
States = Mapping[Question, State]
Step = TypeVar("Step", int, float)  # of a ladder: a weight, a margin, a reduction


def _since(blocks: Sequence[Block], moment: float | None) -> Sequence[Block]:
    return () if moment is None else blocks[bisect_left(blocks, moment - _ROUNDING, key=START) :]


def _held(terms: Terms, pairs: Sequence[Block]) -> Sequence[Block]:
    """Those in which requests were split at the present weight for a good part of it, and at its end. A raise follows a scrape by
    seconds; to wait for the next full block would be a scrape lost at every step, and nothing is proven by it: evidence is the
    same whatever the weights were."""
    if terms.weight_since is None:
        return ()
    return _since(pairs, terms.weight_since - (1 - HELD_PART) * terms.interval_seconds)


def _newer(blocks: Sequence[Block]) -> Sequence[Block]:
    """All that can be among the newest: every look has a few, an analysis thousands."""
    return blocks[bisect_right(blocks, blocks[-1].end - split.NEWEST_SECONDS, key=END) :] if blocks else blocks


def judge(terms: Terms, blocks: Sequence[Block]) -> Judgement:
    """What these blocks (as counted, oldest first) say under these terms."""
    scrapes = _since(blocks, terms.evidence_from)
    asked, known = questions(terms), folded(terms, scrapes)
    pairs, states, rates = known.pairs, known.states, known.sums
    newest = split.newest(_newer(scrapes))
    at_weight = _since(scrapes, terms.weight_since)
    baked = _since(pairs, terms.bake_from)
    patched_load, stable_load = split.loads(newest, terms.endpoints)
    share, findings = terms.share, _findings(terms, asked, states)
    expected = _expected(terms, known, split.request_rate(newest))
    return Judgement(
        verdict=findings.verdict if pairs else Verdict.NO_TRAFFIC,
        findings=findings,
        counted=rates,
        ramp_weight=max(_fired(asked.ramps, states), default=0),
        ramps={weight: _evidence(ramp, states) for weight, ramp in asked.ramps.items() if weight > terms.weight},
        proven_margin=min(_fired(asked.margins, states), default=None),
        proven_reduction=max(_fired(asked.reductions, states), default=None),
        expected_seconds=expected.soonest,
        found_out_seconds=expected.bad,
        blocks=len(pairs),
        blocks_at_weight=len(_held(terms, pairs)),
        fresh_until=pairs[-1].end if pairs else None,
        baked_seconds=sum(block.scrapes for block in baked) * terms.interval_seconds,
        baked_until=baked[-1].end if baked else None,
        observed_share=split.observed_share(split.newest(_newer(at_weight))),
        share_off_blocks=split.off_blocks(at_weight, share) if share else 0,
        not_answering_blocks=split.not_answering_blocks(at_weight, share) if share else 0,
        silence=silence(scrapes, at_weight, share, terms.rate_before) if share else None,
        request_rate=split.request_rate(newest),
        patched_load=patched_load,
        stable_load=stable_load,
    )


def _evidence(question: Question, states: States) -> Evidence:
    state = states[question]
    return Evidence(log_now=state.log_now, log_max=state.log_max, log_threshold=question.log_threshold)


def _asked(question: Question | None, states: States) -> Evidence | None:
    return _evidence(question, states) if question else None


def _fired(ladder: Mapping[Step, Question], states: States) -> list[Step]:
    return [place for place, question in ladder.items() if _evidence(question, states).reached_now]


def _findings(terms: Terms, asked: Questions, states: States) -> Findings:
    return Findings(
        worse=_evidence(asked.worse, states),
        not_worse=_evidence(asked.not_worse, states),
        fixed=_asked(asked.fixed, states),
        not_fixed=_asked(_not_fixed(asked, states), states),
        client_errors=_asked(asked.client_errors, states),
        slow=_asked(asked.slow, states),
        not_slow=_asked(asked.not_slow, states),
        fix_required=bool(terms.fix and terms.fix.required),
    )


def _not_fixed(asked: Questions, states: States) -> Question | None:
    """Once the least reduction was proven, falling short of the promised one no longer takes patched out of traffic."""
    fixed = _asked(asked.fixed, states)
    return asked.not_fixed_least if fixed and fixed.reached_ever else asked.not_fixed


@dataclass(frozen=True, slots=True)
class _Expected:
    """Seconds until a question is answered at the present weight, by what was counted so far; None: not expected. `good`: all
    that is wanted is proven, `bad`: patched is taken out of traffic."""

    good: float | None = None
    bad: float | None = None

    @property
    def soonest(self) -> float | None:
        """Whichever comes first."""
        return min((one for one in (self.good, self.bad) if one is not None), default=None)


def _expected(terms: Terms, known: Folded, request_rate: float | None) -> _Expected:
    if terms.share is None or not request_rate:
        return _Expected()
    asked = questions(terms)

    def seconds(question: Question) -> float:
        traffic = _traffic(terms, known, question.counter, request_rate)
        found = planner.expected_seconds(question, known.states[question].log_now, traffic)
        return math.inf if found is None else found

    good = max(seconds(question) for question in asked.wanted(terms))
    against = (asked.worse, asked.client_errors, asked.slow, _not_fixed(asked, known.states))
    bad = min(seconds(question) for question in against if question)
    return _Expected(*(one if one < math.inf else None for one in (good, bad)))


def _traffic(terms: Terms, known: Folded, counter: Counter, request_rate: float) -> planner.Traffic:
    assert terms.share is not None
    sides, before, newest = known.sums[counter], terms.rate(counter), known.pairs[-1] if known.pairs else None
    processes = (newest.patched.pods, newest.stable.pods) if newest else (terms.processes, terms.processes)
    return planner.Traffic(
        request_rate=request_rate,
        share=terms.share,
        patched_rate=planner.expected_rate(sides.patched.bad, sides.patched.requests, before),
        stable_rate=planner.expected_rate(sides.stable.bad, sides.stable.requests, before),
        interval_seconds=terms.interval_seconds,
        sigma2=terms.spread(counter),
        processes=processes,
    )
