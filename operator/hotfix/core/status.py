"""What we remember: the whole of `.status`, frozen; a transition makes a new one. Bounded, and written only on change.

Times are RFC 3339 strings in UTC (see `core/moments.py`), shares and rates are strings for people; what the machine
computes with is an int, a string or a time. No decision is made here.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from .choices import PromotionMode
from .fields import Image, Model, Moment, ObjectName, Sentence, Short
from .lineage import SupersededBy, Supersedes
from .originals import Borrowed, BorrowedRoute, BorrowedRule
from .phases import LIVE_PHASES, PHASES_OF, RETURN_WEIGHTS, TERMINAL_PHASES, Phase, Stage
from .verbs import HandledRequest

__all__ = [
    "LIVE_PHASES",
    "PHASES_OF",
    "RETURN_WEIGHTS",
    "TERMINAL_PHASES",
    "Baseline",
    "Borrowed",
    "BorrowedRoute",
    "BorrowedRule",
    "Condition",
    "DecisionRecord",
    "HandedOver",
    "Phase",
    "PromotionRecord",
    "Resolved",
    "ResolvedRoute",
    "Span",
    "StableLost",
    "Stage",
    "Status",
    "SupersededBy",
    "Supersedes",
    "Verdict",
    "dump",
    "parse",
]

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?(e-?[0-9]{1,2})?$", max_length=32)]
Pasted = Annotated[str, StringConstraints(max_length=4096)]
ReasonOf = Annotated[str, StringConstraints(pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=1024)]  # a condition

LISTED, OTHER_PODS = 64, "*"  # of patched's pods that had restarted before the start so many are named; a name that no pod has


class Condition(Model):
    """A metav1.Condition with its own observedGeneration."""

    type: Short
    status: Annotated[str, StringConstraints(pattern="^(True|False|Unknown)$")]
    reason: ReasonOf
    message: Annotated[str, StringConstraints(max_length=32768)] = ""
    last_transition_time: Moment
    observed_generation: int = Field(ge=0)


class ResolvedRoute(Model):
    """A route as it will be shifted."""

    name: ObjectName
    rules: list[int] = Field(default_factory=list, max_length=16, description="Indexes of the rules that are shifted.")


class Resolved(Model):
    """What was inferred from the manifest; frozen when traffic first moves."""

    stable_service: Short | None = None
    patched_service: Short | None = None
    routes: list[ResolvedRoute] = Field(default_factory=list, max_length=8)
    bypasses: list[Short] = Field(
        default_factory=list, max_length=16, description="Routes and Ingresses by which requests to stable by-pass the weights."
    )
    preset: Short | None = Field(None, description="A preset, or Custom when own queries are given.")
    promotion: PromotionMode | None = Field(None, description="How it is promoted: promotion.mode, and what Auto comes to here.")
    owners: list[Short] = Field(
        default_factory=list, max_length=16, description="What keeps the objects of this rollout as they are in git, and which."
    )
    start_weight: int | None = None
    start_reason: Sentence | None = None


class Span(Model):
    """A span of time that is not judged."""

    start: Moment
    end: Moment


class Baseline(Model):
    """What must not move between replays of the evidence."""

    rates: dict[str, Number] = Field(
        default_factory=dict,
        max_length=8,
        description="Stable's share of bad, client_errors, target and slow requests before the start, decimals in 0..1. What is "
        "not named is not judged.",
    )
    sigma2: dict[str, Number] = Field(
        default_factory=dict, max_length=8, description="Relative variance of the same between pods, decimals."
    )
    slow_bound: Short | None = Field(
        None, description="Upper bound (label le) of the histogram bucket above which a request is slow; empty: none is."
    )
    interval_seconds: int = Field(ge=1, description="Length of a block.")
    late_blocks: int = Field(ge=1, description="Deadline in blocks: the latest start of a late defect.")
    stable_template: Short = Field(description="Hash of stable's pod spec at the start.")
    patched_template: Short = Field(description="Hash of the pod spec that is being proven.")
    stable_images: list[Image] = Field(default_factory=list, max_length=16)
    patched_images: list[Image] = Field(default_factory=list, max_length=16)
    stable_pods: int = Field(ge=0, description="Ready pods of stable when the rollout began.")
    patched_restarts: dict[str, int] = Field(
        default_factory=dict,
        max_length=LISTED,
        description="Restarts of patched's pods at the start, if any; `*`: of the others.",
    )


class Verdict(Model):
    """The present reasoning, in words and numbers for people."""

    state: Short = "Undecided"
    stable: Short = Field("", description="For example 4.9 % (412/8402).")
    patched: Short = ""
    proven: Sentence = Field("", description="The tightest bound proven so far.")
    evidence: Sentence = Field("", description="Evidence of each question against its threshold.")
    intervals: Short = Field("", description="95 % intervals of both rates.")
    fix: Sentence = Field("", description="The errors the hotfix is for, on both sides, and the reduction proven so far.")
    expected_decision: Short = ""
    at: Moment | None = None


class DecisionRecord(Model):
    """One decision, with the numbers it was made on."""

    sequence: int = Field(ge=1)
    time: Moment
    what: Short
    reason: Short
    message: Sentence = ""
    type: Annotated[str, StringConstraints(pattern="^(Normal|Warning)$")] = "Normal"
    phase: Phase | None = Field(None, description="The phase that began with it.")
    counts: Sentence | None = Field(None, description="Failed and all requests of both sides then, with 95 % intervals.")
    evidence: Sentence | None = Field(None, description="Evidence of each question then, against its threshold.")


class StableLost(Model):
    """Stable cannot serve: all traffic is on patched until it is back."""

    since: Moment
    return_weight: int = Field(ge=0, le=100)


class HandedOver(Model):
    """What git is to say so that stable gets the fix, each part ready to be pasted; one that is too long is left out."""

    sentence: Sentence = Field("", description="All of it, in words.")
    kustomize: Pasted | None = Field(None, description="The line images of a kustomization.yaml.")
    helm: Pasted | None = Field(None, description="The image of each container; the keys of the values are the chart's.")
    kubectl: Pasted | None = Field(None, description="For a stable that nobody restores to what git says.")

    def __str__(self) -> str:
        return self.sentence


class PromotionRecord(Model):
    """What promotion changes in stable, and by what it is known that git did."""

    changes: list[Short] = Field(default_factory=list, max_length=32, description="Paths of the pod spec that differ.")
    previous_revision: Short | None = Field(
        None, description="Revision of stable before the change, as `kubectl rollout undo --to-revision` takes it."
    )
    patched_at: Moment | None = Field(None, description="When stable's template was seen to be what was proven.")
    handover: HandedOver | None = Field(None, description="What git is to say; AwaitingGit waits for it.")
    shape: Short | None = Field(None, description="Hash of the proven pod spec without its images.")
    digests: list[Image] = Field(default_factory=list, max_length=16, description="Digests of the images that were proven.")
    accepted_template: Short | None = Field(
        None, description="Hash of another pod spec that a person accepted for stable instead of the proven one."
    )
    lost_times: int = Field(0, ge=0, description="How often patched was lost while git was awaited.")
    reminders: int = Field(0, ge=0, description="How often people were reminded that git is waited for.")


class Status(Model):
    """Everything the operator remembers about one rollout."""

    observed_generation: int | None = None
    phase: Phase | None = None
    stage: Stage | None = None
    message: Sentence = Field("", description="One sentence a responder can act on.")
    next: Sentence = Field("", description="What happens next, and when.")
    conditions: list[Condition] = Field(default_factory=list, max_length=16)
    resolved: Resolved | None = None
    weight: int | None = Field(None, ge=0, le=100, description="Wanted share of patched in percent.")
    observed_weight: Short | None = Field(None, description="What the proxies served, for example 24.8 %.")
    intention: int = Field(
        0, ge=0, description="Number of the present intention: it grows with every new weight and is stamped on the routes."
    )
    step: Short | None = Field(None, description="For example 3/4.")
    request_rate: Number | None = Field(
        None, description="Requests per second that both sides completed when the weight was last raised by evidence."
    )
    proven_weight: int | None = Field(None, ge=0, le=100, description="Highest weight the evidence allowed so far.")
    started_at: Moment | None = Field(None, description="The first write of a weight above 0.")
    recovered_at: Moment | None = Field(
        None, description="When patched was last given nearly all traffic: by evidence, or because it was passed over."
    )
    fix_reverted_at: Moment | None = Field(None, description="When stable ran the broken version again, after the end.")
    phase_started_at: Moment | None = None
    stage_started_at: Moment | None = None
    acknowledged_weight: int | None = Field(None, ge=0, le=100, description="The last weight all routes reported as applied.")
    acknowledged_at: Moment | None = Field(None, description="When acknowledgedWeight was first seen applied.")
    evidence_from: Moment | None = None
    excluded: list[Span] = Field(default_factory=list, max_length=20)
    baseline: Baseline | None = None
    verdict: Verdict | None = None
    decisions: list[DecisionRecord] = Field(default_factory=list, max_length=10)
    announced: int = Field(0, ge=0, description="Sequence of the last decision that became an event.")
    borrowed: Borrowed | None = None
    supersedes: Supersedes | None = Field(
        None, description="The older rollout of the same route that this one takes the place of."
    )
    superseded_by: SupersededBy | None = Field(
        None, description="The newer rollout that this one stands still for, or gave way to."
    )
    drift_told: Sentence | None = Field(
        None, description="The route, and its generation, of the last edit by a GitOps tool that was told of, as name/generation."
    )
    stable_lost: StableLost | None = None
    stable_lost_times: int = Field(0, ge=0, description="How often stable was lost; each time its return waits twice as long.")
    stopped_seconds: int = Field(0, ge=0, description="Past seconds in which the clocks stood still: paused or stable lost.")
    paused: bool = Field(False, description="A person paused it by a request, not by the manifest.")
    handled_requests: list[Short] = Field(
        default_factory=list, max_length=8, description="Requests before the last one: one that comes back is not done again."
    )
    last_handled_request: HandledRequest | None = Field(None, description="What a person last asked for, and the answer.")
    same_again: Short | None = Field(
        None, description="Hash of the pod spec that was rolled back before and that a person wants to try all the same."
    )
    follow_up: ReasonOf | None = Field(None, description="Why a person has to look at it afterwards, until that is acknowledged.")
    keep_pods: bool = Field(False, description="Patched's pods stay after the rollback whatever afterRollback says.")
    promotion: PromotionRecord | None = None
    why: Short | None = Field(None, description="Reason of the rollback.")
    held: Short | None = Field(None, description="Reason why the rollout is held; absent while it moves.")
    since: dict[str, Moment] = Field(
        default_factory=dict, max_length=16, description="Since when something is seen to be so, by its name."
    )
    bake_seconds: int = Field(0, ge=0, description="Seconds baked with fresh requests on both sides.")
    baked_until: Moment | None = Field(None, description="End of the last block that counted towards the bake.")
    clock_ahead: Moment | None = Field(None, description="The latest moment known before the clock was put back.")


def parse(raw: dict[str, Any] | None) -> Status:
    """The remembered status; one that somebody edited into nonsense raises ValueError (pydantic.ValidationError is one)."""
    status = Status.model_validate(raw or {})
    problem = _nonsense(status)
    if problem:
        raise ValueError(f"status: {problem}")
    return status


def _nonsense(status: Status) -> str | None:
    """What cannot be: a state that no sequence of looks leads to."""
    stage, phase = status.stage, status.phase
    if stage is None or phase is None:
        return None if stage is None and phase is None else "phase and stage must both be set"
    if phase not in PHASES_OF[stage]:
        return f"stage {stage} is none of phase {phase}"
    if stage in (Stage.CHECKING, Stage.DONE) or (stage, phase) == (Stage.GIVING_BACK, Phase.PENDING):
        return None
    given = ["borrowed"] if phase is not Phase.SUPERSEDED else []  # what it borrowed is its successor's to give back
    needed = ["baseline", "resolved", *given] + (["weight"] if stage is not Stage.SCALING else [])
    needed += ["started_at", "evidence_from"] if stage in (Stage.SHIFTING, Stage.RETURNING) else []
    missing = [name for name in needed if getattr(status, name) is None]
    if missing:
        return f"{', '.join(missing)} is missing in stage {stage}"
    if stage is Stage.RETURNING and status.weight not in RETURN_WEIGHTS:
        return f"a weight of {status.weight} in stage {stage}"
    return None


def dump(status: Status) -> dict[str, Any]:
    """JSON-ready, camelCase, without empty fields."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
