"""Blocks + spec -> Judgement: evidence of each question, proven bounds, expected time, one verdict with its reason. Pure.

What to do about a verdict is decided in guards.py and machine.py, not here.
"""

from dataclasses import dataclass
from enum import StrEnum


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
