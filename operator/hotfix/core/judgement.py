"""What the counts say at one look, as data: the evidence of each question, proven bounds, one verdict. Pure.

How it is computed is in judging.py; what follows from it is decided in guards.py and analysing.py, not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .counting import Counter
from .silence import Silence


class Verdict(StrEnum):
    """One word for it."""

    WORSE = "Worse"
    CLIENT_ERRORS = "ClientErrors"
    SLOW = "Slow"
    NOT_FIXED = "NotFixed"
    FIXED = "Fixed"
    NOT_WORSE = "NotWorse"
    UNDECIDED = "Undecided"
    NO_TRAFFIC = "NoTraffic"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    # not told by counts: verdicts.py says when
    INCONCLUSIVE = "Inconclusive"
    STABLE_LOST = "StableLost"
    PATCHED_LOST = "PatchedLost"
    PATCHED_NOT_ANSWERING = "PatchedNotAnswering"


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
    """Requests of one side since evidenceFrom, and those of one kind among them."""

    requests: int
    bad: int

    @property
    def rate(self) -> float:
        """The share of that kind; 0 without any request."""
        return self.bad / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The same of both sides."""

    patched: Tally
    stable: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The evidence of every question; None for what is not asked."""

    worse: Evidence
    not_worse: Evidence
    fixed: Evidence | None = None
    not_fixed: Evidence | None = None
    client_errors: Evidence | None = None
    slow: Evidence | None = None
    not_slow: Evidence | None = None
    fix_required: bool = False

    @property
    def against(self) -> dict[Verdict, Evidence]:
        """What may take patched out of traffic, by the verdict that it gives; the order is that of the reasons."""
        asked = {
            Verdict.WORSE: self.worse,
            Verdict.CLIENT_ERRORS: self.client_errors,
            Verdict.SLOW: self.slow,
            Verdict.NOT_FIXED: self.not_fixed,
        }
        return {verdict: evidence for verdict, evidence in asked.items() if evidence}

    @property
    def rejected(self) -> Verdict | None:
        """The first of these whose evidence suffices."""
        return next((verdict for verdict, evidence in self.against.items() if evidence.reached_ever), None)

    @property
    def wanted(self) -> dict[str, Evidence]:
        """What must be proven before the bake, by its name for people."""
        fixed = self.fixed if self.fix_required else None
        asked = {"not worse": self.not_worse, "fixed": fixed, "not slower": self.not_slow}
        return {name: evidence for name, evidence in asked.items() if evidence}

    @property
    def proven(self) -> bool:
        """All of it is proven now."""
        return all(evidence.reached_now for evidence in self.wanted.values())

    @property
    def verdict(self) -> Verdict:
        """One word for all of it, given that there were requests."""
        if self.rejected:
            return self.rejected
        if not self.not_worse.reached_now:
            return Verdict.UNDECIDED
        return Verdict.FIXED if self.fixed and self.fixed.reached_now else Verdict.NOT_WORSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the counts say at one look. Seconds are unix seconds unless named otherwise."""

    verdict: Verdict
    findings: Findings
    counted: Mapping[Counter, Sides]  # BAD always; the others where they are judged
    ramp_weight: int  # largest of the asked-for weights that Ramp allows now; 0: none
    ramps: Mapping[int, Evidence]  # of each of these weights above the present one, ascending
    proven_margin: float | None  # smallest of 0.005 .01 .02 .05 .10 whose NotWorse has fired, as a share
    proven_reduction: float | None  # largest of minReduction .5 .8 .9 .95 whose Fixed has fired, as a share
    expected_seconds: float | None  # until a decision is expected at the present weight; None: cannot be told
    found_out_seconds: float | None  # until patched is expected to be taken out of traffic; None: it does not look bad
    blocks: int  # with requests on both sides since evidenceFrom
    blocks_at_weight: int  # of them in which this weight was in force for at least a third
    fresh_until: float | None  # end of the newest block with requests on both sides; None: never
    baked_seconds: float  # seconds of such blocks in (bake_from, now]
    baked_until: float | None
    observed_share: float | None  # patched's share of the requests in the newest blocks since `weight_since`
    share_off_blocks: int  # consecutive newest blocks in which the share is outside its band (WeightNotEffective)
    not_answering_blocks: int  # consecutive newest blocks in which patched starts requests but completes under half its share
    request_rate: float | None  # requests per second of both sides together, newest blocks
    patched_load: float | None  # requests per second and pod (request series) of patched
    stable_load: float | None
    silence: Silence | None = None  # patched answers no more, told without a counter of begun requests
    swapped: bool = False  # "patched" is here stable, which has the fix, and "stable" is patched, its control

    @property
    def patched(self) -> Tally:
        """Requests and failed ones of patched."""
        return self.counted[Counter.BAD].patched

    @property
    def stable(self) -> Tally:
        """Requests and failed ones of stable."""
        return self.counted[Counter.BAD].stable

    @property
    def by_name(self) -> dict[str, Tally]:
        """The same under the names that the manifest gives the sides."""
        judged, control = ("stable", "patched") if self.swapped else ("patched", "stable")
        tallies = {judged: self.patched, control: self.stable}
        return {name: tallies[name] for name in ("patched", "stable")}
