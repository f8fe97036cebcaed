"""What was asked: `.spec` of a HotfixRollout, frozen. Shapes, defaults and descriptions; rules in CEL are in core/cel.py.

The CRD is generated from these models (descriptions included), so a field that does nothing must not be here.
What only the cluster can tell (does the Service exist?) is no business of this module.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from .choices import (
    AfterRollback,
    ClientErrors,
    Control,
    OnDeadline,
    OnMetricsUnavailable,
    Preset,
    PromotionMode,
    ReplicaPolicy,
    Urgency,
)
from .fields import Duration, Image, Model, Moment, ObjectName, Query, ServiceName, Share, Text

__all__ = [
    "AUTO",
    "AfterRollback",
    "Analysis",
    "ClientErrors",
    "Control",
    "Fix",
    "HttpRoute",
    "Incident",
    "Latency",
    "Metrics",
    "OnDeadline",
    "OnMetricsUnavailable",
    "Patched",
    "Preset",
    "Promotion",
    "PromotionMode",
    "ReplicaPolicy",
    "Risk",
    "Spec",
    "Stable",
    "Traffic",
    "Urgency",
    "parse",
]
AUTO = "Auto"


class Stable(Model):
    """The Deployment that serves now and is broken."""

    deployment: ObjectName = Field(description="Name of the apps/v1 Deployment that serves now, in this namespace.")
    service: ServiceName | None = Field(
        None, description="Service of the stable pods. Default: the Service named like the Deployment."
    )
    image: Image | None = Field(
        None,
        description="The broken image (tag or digest) this hotfix replaces. When stable runs another one the rollout "
        "is refused (StableMoved), so that an old manifest replayed from git cannot touch a newer stable.",
    )


class Patched(Model):
    """The Deployment that carries the hotfix."""

    deployment: ObjectName = Field(description="Name of the apps/v1 Deployment that carries the hotfix, in this namespace.")
    service: ServiceName | None = Field(
        None, description="Service of the patched pods. Default: the Service named like the Deployment."
    )
    replicas: ReplicaPolicy = Field(
        ReplicaPolicy.MATCH,
        description="Match: patched is raised to stable's ready pods before the first step, unless an HPA or a GitOps "
        "manager owns its replicas. Own: replicas are left alone and the share waits for capacity.",
    )
    after_rollback: AfterRollback = Field(
        AfterRollback.SCALE_TO_ZERO,
        description="What becomes of the patched pods after a rollback: ScaleToZero (after the drain) or Keep.",
    )


class HttpRoute(Model):
    """A Gateway API HTTPRoute whose weights are shifted."""

    name: ObjectName = Field(description="Name of the HTTPRoute, in this namespace.")
    rules: list[Annotated[int, Field(ge=0, le=15)] | Annotated[str, StringConstraints(min_length=1, max_length=253)]] | None = (
        Field(
            None,
            min_length=1,
            max_length=16,
            description="Rules (by name or index from 0) to shift. Default: every rule that names stable's Service.",
        )
    )


class Traffic(Model):
    """Which routes are shifted, and how pods are drained."""

    http_routes: list[HttpRoute] | None = Field(
        None,
        min_length=1,
        max_length=8,
        description="HTTPRoutes to shift. Default: the one HTTPRoute of the namespace that names stable's Service.",
    )
    drain: Duration = Field("30s", description="How long pods are kept after their weight reached 0 at the proxies.")


class Metrics(Model):
    """Where requests and errors of both sides are counted."""

    preset: Preset | None = Field(
        None, description="A named set of queries. Default: told from the controller of the route's Gateway."
    )
    requests: Query | None = Field(
        None,
        description="PromQL for a counter of all requests, asked once per side, with $(namespace) $(deployment) "
        "$(service) $(port) $(pods). One series per process (label pod or instance); no rate() and no increase().",
    )
    errors: Query | None = Field(None, description="PromQL for a counter of failed requests, same rules as requests.")
    client_errors: Query | None = Field(
        None, description="PromQL for a counter of requests refused as the client's fault (4xx), same rules as requests."
    )
    slow: Query | None = Field(
        None, description="PromQL for a counter of requests slower than you accept, same rules as requests."
    )
    started: Query | None = Field(
        None,
        description="PromQL for a counter of requests that have begun, whether they have ended or not, same rules as requests. "
        "By it a patch that hangs is found within three scrapes in which ten requests began on it; without it, late.",
    )
    interval: Duration | None = Field(
        None, description="Scrape interval of these series. Default: the operator's --scrape-interval."
    )


class Risk(Model):
    """The stated error probabilities of the canary analysis."""

    false_rollback: Share = Field("1%", description="Risk of rolling back a patch that is not worse.")
    false_promotion: Share = Field(
        "5%", description="Risk of calling a patch not worse that is worse by maxErrorRateIncrease. At most 20%."
    )


class Latency(Model):
    """When a request is slow, and how many more of them patched may have."""

    threshold: Annotated[str, StringConstraints(min_length=1, max_length=32)] = Field(
        "Auto",
        description="A request that takes longer is slow, for example 500ms; then it is also proven before the bake that "
        "patched is not slower. Auto: where the metrics have a histogram, the smallest bucket of at least twice stable's "
        "95th percentile, for rolling back only.",
    )
    max_slow_request_increase: Share = Field(
        "2%", description="Percentage points over stable's share of slow requests: the smallest harm you care about."
    )


class Analysis(Model):
    """How patched is judged against the live stable."""

    max_error_rate_increase: Share = Field(
        "0.5%", description="Percentage points over stable's error rate: the smallest harm you care about."
    )
    max_user_impact: Share = Field(
        "2%",
        description="Bounds every raise: the worst rise of the whole service's error rate risked while undecided.",
    )
    client_errors: ClientErrors = Field(
        ClientErrors.GUARD,
        description="Guard: a share of 4xx answers that rises by more than 2 percentage points rolls back. Off: when the fix "
        "is a 403.",
    )
    latency: Latency = Field(default_factory=lambda: Latency.model_validate({}), description="Guards against slow answers.")
    risk: Risk = Field(default_factory=lambda: Risk.model_validate({}), description="The stated error probabilities.")
    deadline: Duration = Field("1h", description="Longest time to reach a decision while Analyzing; at most 24h.")
    on_deadline: OnDeadline = Field(
        OnDeadline.HOLD, description="What to do when the deadline passes undecided: Hold, Rollback or Promote."
    )
    metrics_grace: Duration = Field("3m", description="How long metrics may be unavailable before onMetricsUnavailable.")
    on_metrics_unavailable: OnMetricsUnavailable = Field(
        OnMetricsUnavailable.LAST_PROVEN,
        description="After metricsGrace: LastProven (back to the highest weight that was proven safe, or the start), "
        "Hold, or Rollback. The weight is never raised without metrics.",
    )
    ready_grace: Duration = Field("5m", description="Time for patched's pods to get ready; at most its progressDeadlineSeconds.")
    bake_time: Duration = Field("10m", description="Time at the highest share with a live control before promotion; at most 24h.")


class Fix(Model):
    """The errors this hotfix is for: promotion needs proof that they fell."""

    errors: Query = Field(
        description="PromQL for a counter of the errors that the hotfix is to take away, for example of one path or one code, "
        "same rules as metrics.requests."
    )
    min_reduction: Share = Field("50%", description="By how much they must have fallen, proven, before the bake.")
    expected_reduction: Share = Field(
        "80%", description="By how much they should fall; a patch that is proven to fall short is rolled back (NotFixed)."
    )
    required: bool = Field(
        True, description="False: promotion does not wait for the proof; falling short still rolls back until the promotion."
    )


class Promotion(Model):
    """What happens when the hotfix is proven."""

    mode: PromotionMode = Field(
        PromotionMode.AUTO,
        description="Auto: AwaitGit where stable is kept by a GitOps tool, Helm or another writer of its pod template, else "
        "PatchStable (status.resolved.promotion says which). "
        "PatchStable: stable's pod template becomes patched's and traffic returns to stable. "
        "AwaitGit: patched serves everything until git has given stable what was proven, then traffic returns to stable. "
        "KeepPatched: patched keeps all traffic and a person goes on from there.",
    )


class Incident(Model):
    """The incident this hotfix is for, shown wherever the rollout is shown."""

    reference: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None, description="Incident number, for example INC-4711."
    )
    reason: Text | None = Field(None, description="Why this hotfix ships, in a sentence.")
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2048)] | None = Field(
        None, description="Where to read on, http(s)."
    )
    severity: Annotated[str, StringConstraints(max_length=32)] | None = Field(None, description="For example SEV1.")
    detected_at: Moment | None = Field(None, description="When it was noticed (RFC 3339); the time to recovery counts from here.")


class Spec(Model):
    """What a HotfixRollout asks for."""

    stable: Stable = Field(description="The side that serves now and is broken. Immutable.")
    patched: Patched = Field(description="The side that carries the hotfix. Immutable.")
    traffic: Traffic = Field(default_factory=lambda: Traffic.model_validate({}), description="Routes and drain. Immutable.")
    metrics: Metrics = Field(
        default_factory=lambda: Metrics.model_validate({}), description="Where requests and errors are counted."
    )
    start_weight: Annotated[int, Field(ge=1, le=50)] | Annotated[str, StringConstraints(pattern="^Auto$")] = Field(
        "Auto", description="First weight of patched in percent: Auto, or 1 to 50."
    )
    steps: list[Annotated[int, Field(ge=1, le=50)]] = Field(
        default_factory=lambda: [1, 5, 25, 50],
        min_length=1,
        max_length=10,
        description="Weights of patched in percent, strictly increasing; steps are jumped when the evidence allows.",
    )
    analysis: Analysis = Field(
        default_factory=lambda: Analysis.model_validate({}), description="How patched is judged against stable."
    )
    fix: Fix | None = Field(None, description="The errors this hotfix is for. Without it only the absence of harm is proven.")
    promotion: Promotion = Field(
        default_factory=lambda: Promotion.model_validate({}), description="What happens when the hotfix is proven."
    )
    urgency: Urgency = Field(
        Urgency.STANDARD,
        description="Standard: traffic follows the evidence. Expedited: the largest step at once and a fifth of the bake. "
        "BreakGlass: the share of the bake at once, with every guard armed; needs incident.reference and incident.reason, and "
        "is to be acknowledged afterwards.",
    )
    control: Control = Field(
        Control.KEEP,
        description="Keep: stable keeps a few percent in the bake, against which patched is judged. None, for a vulnerability: "
        "once patched is proven not to be worse nothing stays on stable; from then on pods and an alarm about errors tell. Needs "
        "incident.reference.",
    )
    incident: Incident | None = Field(None, description="The incident this hotfix is for.")
    expires: Moment | None = Field(None, description="RFC 3339; not started after this moment (Expired).")
    paused: bool = Field(
        False,
        description="Freeze where it is; rollback rules stay armed. Before the start: a rehearsal that writes nothing.",
    )

    @property
    def stable_service(self) -> str:
        """Stable's Service: given, else named like the Deployment."""
        return self.stable.service or self.stable.deployment

    @property
    def patched_service(self) -> str:
        """Patched's Service: given, else named like the Deployment."""
        return self.patched.service or self.patched.deployment


def parse(raw: dict[str, Any]) -> Spec:
    """The frozen spec of a stored object; pydantic.ValidationError (a ValueError) names the field that is wrong."""
    return Spec.model_validate(raw)


def rescued(raw: Mapping[str, Any]) -> Spec:
    """What cannot be changed of a spec that cannot be read: the sides and the route. ValueError where these cannot be either."""
    return Spec.model_validate({name: raw[name] for name in ("stable", "patched", "traffic") if name in raw})
