"""Blocks + terms -> Judgement. Pure.

Where the terms come from is in terms.py, what is asked under them in questions.py.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from . import planner, split
from .counting import Block, Counter, paired
from .evidence import Question, State, design_effect
from .judgement import Evidence, Findings, Judgement, Sides, Tally, Verdict
from .questions import Questions, evidence_of, questions
from .terms import Terms

_ROUNDING = 1e-2  # seconds: moments in the status have milliseconds
States = Mapping[Question, State]
Step = TypeVar("Step", int, float)  # of a ladder: a weight, a margin, a reduction


def _since(blocks: Sequence[Block], moment: float | None) -> list[Block]:
    return [] if moment is None else [block for block in blocks if block.start >= moment - _ROUNDING]


def judge(terms: Terms, blocks: Sequence[Block]) -> Judgement:
    """What these blocks (as counted, oldest first) say under these terms."""
    scrapes = _since(blocks, terms.evidence_from)
    pairs = tuple(paired(scrapes))
    asked, states = questions(terms), evidence_of(terms, pairs)
    newest = split.newest(scrapes)
    at_weight = _since(scrapes, terms.weight_since)
    baked = _since(pairs, terms.bake_from)
    patched_load, stable_load = split.loads(newest)
    share, findings = terms.share, _findings(terms, asked, states)
    return Judgement(
        verdict=findings.verdict if pairs else Verdict.NO_TRAFFIC,
        findings=findings,
        counted={counter: sides_of(scrapes, counter) for counter in (Counter.BAD, *_judged(asked))},
        ramp_weight=max(_fired(asked.ramps, states), default=0),
        proven_margin=min(_fired(asked.margins, states), default=None),
        proven_reduction=max(_fired(asked.reductions, states), default=None),
        expected_seconds=_expected(terms, asked, states, pairs, split.request_rate(newest)),
        blocks_at_weight=len(_since(pairs, terms.weight_since)),
        fresh_until=pairs[-1].end if pairs else None,
        baked_seconds=sum(block.scrapes for block in baked) * terms.interval_seconds,
        baked_until=baked[-1].end if baked else None,
        observed_share=split.observed_share(split.newest(at_weight)),
        share_off_blocks=split.off_blocks(at_weight, share) if share else 0,
        not_answering_blocks=split.not_answering_blocks(at_weight, share) if share else 0,
        request_rate=split.request_rate(newest),
        patched_load=patched_load,
        stable_load=stable_load,
    )


def _judged(asked: Questions) -> tuple[Counter, ...]:
    """The further counters that are asked about."""
    return tuple(dict.fromkeys(question.counter for question in asked.all() if question.counter is not Counter.BAD))


def _evidence(question: Question, states: States) -> Evidence:
    state = states[question]
    return Evidence(log_now=state.log_now, log_max=state.log_max, log_threshold=question.log_threshold)


def _asked(question: Question | None, states: States) -> Evidence | None:
    return _evidence(question, states) if question else None


def _fired(ladder: Mapping[Step, Question], states: States) -> list[Step]:
    return [place for place, question in ladder.items() if _evidence(question, states).reached_now]


def _findings(terms: Terms, asked: Questions, states: States) -> Findings:
    fixed = _asked(asked.fixed, states)
    # once the least reduction was proven, falling short of the promised one no longer takes patched out of traffic
    not_fixed = asked.not_fixed_least if fixed and fixed.reached_ever else asked.not_fixed
    return Findings(
        worse=_evidence(asked.worse, states),
        not_worse=_evidence(asked.not_worse, states),
        fixed=fixed,
        not_fixed=_asked(not_fixed, states),
        client_errors=_asked(asked.client_errors, states),
        slow=_asked(asked.slow, states),
        not_slow=_asked(asked.not_slow, states),
        fix_required=bool(terms.fix and terms.fix.required),
    )


def sides_of(blocks: Sequence[Block], counter: Counter) -> Sides:
    """The sums of both sides of one counter over blocks."""

    def tally(side: str) -> Tally:
        counts = [block.patched if side == "patched" else block.stable for block in blocks]
        return Tally(requests=sum(count.requests for count in counts), bad=sum(count.of(counter) or 0 for count in counts))

    return Sides(patched=tally("patched"), stable=tally("stable"))


def _expected(terms: Terms, asked: Questions, states: States, pairs: Sequence[Block], request_rate: float | None) -> float | None:
    """Seconds until everything wanted is expected to be proven, at the present weight and by what was counted so far."""
    if terms.share is None or not request_rate:
        return None
    wanted = [asked.not_worse, asked.fixed if terms.fix and terms.fix.required else None, asked.not_slow]
    times: list[float] = []
    for question in (question for question in wanted if question):
        sides = sides_of(pairs, question.counter)
        before = terms.rate(question.counter)
        traffic = planner.Traffic(
            request_rate=request_rate,
            share=terms.share,
            patched_rate=planner.expected_rate(sides.patched.bad, sides.patched.requests, before),
            stable_rate=planner.expected_rate(sides.stable.bad, sides.stable.requests, before),
            interval_seconds=terms.interval_seconds,
            phi=_design_effect(terms, question, pairs),
        )
        seconds = planner.expected_seconds(question, states[question].log_now, traffic)
        if seconds is None:
            return None
        times.append(seconds)
    return max(times)


def _design_effect(terms: Terms, question: Question, pairs: Sequence[Block]) -> float:
    sigma2 = dict(terms.sigma2).get(question.counter, 0.0)
    return design_effect(question.null, pairs[-1], sigma2, question.counter) if pairs else 1.0
