"""Blocks + terms -> Judgement: evidence of each question, proven bounds, expected time, one verdict. Pure.

Where the terms come from is in terms.py; what to do about a verdict is decided in guards.py and machine.py, not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from . import planner, split
from .baseline import baseline_of
from .counting import Block, paired
from .evidence import Question, State, design_effect
from .planner import start_weight_first_form
from .questions import evidence_of, questions
from .terms import Terms, terms_of

__all__ = ["Evidence", "Judgement", "Tally", "Terms", "Verdict", "baseline_of", "judge", "start_weight_first_form", "terms_of"]


class Verdict(StrEnum):
    """What the counts say."""

    WORSE = "Worse"
    NOT_WORSE = "NotWorse"
    UNDECIDED = "Undecided"
    NO_TRAFFIC = "NoTraffic"
    METRICS_UNAVAILABLE = "MetricsUnavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One question: natural logs of the evidence now, of its maximum so far, and of the threshold it must reach."""

    log_now: float
    log_max: float
    log_threshold: float

    @property
    def reached_now(self) -> bool:
        """What advancing asks for: the value at the newest block."""
        return self.log_now >= self.log_threshold

    @property
    def reached_ever(self) -> bool:
        """What rolling back asks for: the running maximum over blocks."""
        return self.log_max >= self.log_threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Requests and bad ones of one side since evidenceFrom."""

    requests: int
    bad: int

    @property
    def rate(self) -> float:
        """Share of bad requests; 0 without any."""
        return self.bad / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the counts say at one look. Seconds are unix seconds unless named otherwise."""

    verdict: Verdict
    patched: Tally
    stable: Tally
    worse: Evidence
    not_worse: Evidence
    ramp_weight: int  # largest of the asked-for weights that Ramp allows now; 0: none
    proven_margin: float | None  # smallest of 0.005 .01 .02 .05 .10 whose NotWorse has fired, as a share
    expected_seconds: float | None  # until NotWorse is expected to fire at the present weight; None: cannot be told
    blocks_at_weight: int  # blocks with requests on both sides since `weight_since`
    fresh_until: float | None  # end of the newest block with requests on both sides; None: never
    baked_seconds: float  # seconds of such blocks in (bake_from, now]
    baked_until: float | None
    observed_share: float | None  # patched's share of the requests in the newest blocks since `weight_since`
    share_off_blocks: int  # consecutive newest blocks in which the share is outside its band (WeightNotEffective)
    not_answering_blocks: int  # consecutive newest blocks in which patched starts requests but completes under half its share
    request_rate: float | None  # requests per second of both sides together, newest blocks
    patched_load: float | None  # requests per second and pod (request series) of patched
    stable_load: float | None


_ROUNDING = 1e-2  # seconds: moments in the status have milliseconds


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
    worse, not_worse = _evidence(asked.worse, states), _evidence(asked.not_worse, states)
    share = terms.share
    return Judgement(
        verdict=_verdict(worse, not_worse, pairs),
        patched=_tally(scrapes, "patched"),
        stable=_tally(scrapes, "stable"),
        worse=worse,
        not_worse=not_worse,
        ramp_weight=max((w for w, question in asked.ramps.items() if _evidence(question, states).reached_now), default=0),
        proven_margin=min((m for m, question in asked.margins.items() if _evidence(question, states).reached_now), default=None),
        expected_seconds=_expected(terms, pairs, (asked.not_worse, states[asked.not_worse]), split.request_rate(newest)),
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


def _evidence(question: Question, states: Mapping[Question, State]) -> Evidence:
    state = states[question]
    return Evidence(log_now=state.log_now, log_max=state.log_max, log_threshold=question.log_threshold)


def _verdict(worse: Evidence, not_worse: Evidence, pairs: Sequence[Block]) -> Verdict:
    if not pairs:
        return Verdict.NO_TRAFFIC
    if worse.reached_ever:
        return Verdict.WORSE
    return Verdict.NOT_WORSE if not_worse.reached_now else Verdict.UNDECIDED


def _tally(blocks: Sequence[Block], side: str) -> Tally:
    counts = [block.patched if side == "patched" else block.stable for block in blocks]
    return Tally(requests=sum(count.requests for count in counts), bad=sum(count.bad for count in counts))


def _expected(terms: Terms, pairs: Sequence[Block], asked: tuple[Question, State], request_rate: float | None) -> float | None:
    """Seconds until patched is expected to be proven not worse, at the present weight and by what was counted so far."""
    if terms.share is None or not request_rate:
        return None
    question, state = asked
    sides = [_tally(pairs, side) for side in ("patched", "stable")]
    patched, stable = (planner.expected_rate(tally.bad, tally.requests, terms.baseline_rate) for tally in sides)
    traffic = planner.Traffic(
        request_rate=request_rate,
        share=terms.share,
        patched_rate=patched,
        stable_rate=stable,
        interval_seconds=terms.interval_seconds,
        phi=design_effect(question.null, pairs[-1], terms.sigma2) if pairs else 1.0,
    )
    return planner.expected_seconds(question, state.log_now, traffic)
