"""What one look saw. `None` means "could not see": never good, never bad, never zero. An object that was looked for and is
not there is listed in `missing`. Views are neutral: nothing here knows a client library or a kind of router.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """One pod of a side."""

    name: str
    ready: bool
    crash_looping: bool = False
    restarts: int = 0
    image_ids: tuple[str, ...] = ()
    template: str | None = None  # pod-template-hash label: which ReplicaSet it came from
    trouble: str | None = None  # a waiting container's reason, for example ImagePullBackOff
    has_pre_stop: bool = False
    ready_since: float | None = None  # unix seconds; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerView:
    """The HPA of a Deployment."""

    name: str
    min_replicas: int
    max_replicas: int
    owner: str | None
    version: str
    outdated: str | None = None  # the mark of an Outdate


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentView:
    """One Deployment. `pod_spec` is `.spec.template.spec` as the API server stores it; `template` is its hash."""

    name: str
    uid: str
    version: str
    generation: int
    observed_generation: int
    replicas: int
    updated: int
    ready: int
    total: int  # pods of all ReplicaSets (.status.replicas)
    selector: Mapping[str, str]
    pod_labels: Mapping[str, str]
    pod_spec: Mapping[str, Any]
    template: str
    images: tuple[str, ...]
    owner: str | None  # "Flux Kustomization flux-system/shop", "Argo CD application shop", "Helm release shop"
    progress_deadline_seconds: int
    revision: str | None
    deleting: bool = False
    template_manager: str | None = None  # field manager that last wrote the pod template
    outdated: str | None = None  # the mark of an Outdate


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """The Service of a side and what stands behind it."""

    name: str
    selector: Mapping[str, str]
    ports: tuple[int, ...]
    session_affinity: bool
    grpc_ports: tuple[int, ...] = ()  # of these, the ones that say they speak gRPC
    ready_pods: tuple[str, ...]  # names of the pods that are ready addresses in the EndpointSlices


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """A metav1.LabelSelector; without any requirement it selects everything. `expressions`: (key, operator, values)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionView:
    """An object beside the Deployments that selects pods by their labels: for example a PodDisruptionBudget."""

    kind: str
    name: str
    selector: LabelSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """One side: its Deployment, Service, pods and HPA. A part that does not exist is None and named in `missing`."""

    deployment: DeploymentView | None
    service: ServiceView | None
    pods: tuple[PodView, ...] = ()
    scaler: ScalerView | None = None
    missing: tuple[str, ...] = ()  # for example ("Deployment checkout-hotfix",)

    @property
    def ready_endpoints(self) -> int:
        """Pods that the proxies may send requests to."""
        return len(self.service.ready_pods) if self.service else 0


class Ack(StrEnum):
    """What the route's controllers say about the present generation."""

    PENDING = "Pending"
    APPLIED = "Applied"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """The split of one rule, in the router's own integers. A side that the rule does not name is None."""

    index: int
    name: str | None
    stable: int | None
    patched: int | None
    port: int | None  # the Service port of the stable backend, if that is named
    others: tuple[int, ...] = ()  # weights of third backends, in their order
    kept: int | None = None  # while one rollout supersedes another: of the side that is not compared; it is none of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteView:
    """One route. `rules` are those that name stable's or patched's Service."""

    name: str
    version: str
    generation: int
    ack: Ack
    ack_message: str
    rules: tuple[RuleView, ...]
    owner: str | None  # GitOps manager, as in DeploymentView
    weight_manager: str | None  # field manager that owns the weights now
    ours: bool  # the weights are owned by this operator
    controllers: tuple[str, ...]  # controllerNames of the parents' Gateways
    stamp: str | None = None  # which intention it was last written for, see fencing.py
    heeds_mark: bool = False  # its GitOps tool leaves an object alone that is marked so
    reconcile: str | None = None  # the mark's value
    lent_until: str | None = None  # RFC 3339; set where the mark is ours
    refusal: str | None = None  # why this router cannot shift it, a sentence
    outdated: str | None = None  # the mark of an Outdate
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # for the adapter's writes only


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesView:
    """All routes of a rollout. `settle_seconds`: how long proxies take after the ack."""

    routes: tuple[RouteView, ...]
    missing: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None  # all routes naming stable's Service; None: not asked
    bypasses: tuple[str, ...] = ()  # Ingresses and further routes that name stable's Service
    settle_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """One cumulative counter of one process: samples are (unix seconds, value), ascending.

    `id` is `<process>|<all labels>`: a process may have several counters, for example one for each response code.
    """

    id: str
    samples: Sequence[tuple[float, float]]

    @property
    def process(self) -> str:
        """The pod or instance that counts."""
        return self.id.partition("|")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSeries:
    """The counters of one side; None where no such series is asked for.

    `started` grows when a request begins, `client_errors` with every 4xx answer, `target` with every error that the hotfix is
    for, `slow` with every request over the latency threshold.
    """

    requests: tuple[Series, ...]
    errors: tuple[Series, ...]
    started: tuple[Series, ...] | None = None
    client_errors: tuple[Series, ...] | None = None
    target: tuple[Series, ...] | None = None
    slow: tuple[Series, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsView:
    """Counters of both sides on a grid of `interval_seconds`, aligned to its multiples. What is judged lies in (start, end];
    the samples begin an hour before `start` (in that hour steps of up to 5 minutes do, with the last one at `start`): a series
    without a sample up to `start` is taken to have begun at 0. Ids are unique within requests, errors and started.

    `problem`: the queries answered, but with something that cannot be judged; (reason, sentence). `buckets`: stable's latency
    histogram of the last hour, ascending: (label le, bound in seconds, requests up to it); None where it was not asked for.
    """

    start: float
    end: float
    interval_seconds: float
    patched: SideSeries
    stable: SideSeries
    problem: tuple[str, str] | None = None
    buckets: tuple[tuple[str, float, float], ...] | None = None
    _answers: dict[Hashable, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def once(self, question: Hashable, answer: Callable[[], T]) -> T:
        """What `answer` gives, which depends on this view and the question alone: one look asks twice, and so do looks between
        two scrapes."""
        if question not in self._answers:
            self._answers[question] = answer()
        found: T = self._answers[question]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalView:
    """Another HotfixRollout of the namespace that is not finished, was rolled back, or is newer and was promoted."""

    name: str
    created: str
    phase: str | None
    stable: str
    routes: tuple[str, ...]
    template: str | None = None  # hash of the pod spec that it wanted to prove
    why: str | None = None  # it was rolled back
    uid: str = ""
    deleting: bool = False
    patched: str = ""  # Deployment
    service: str = ""  # of patched
    status: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # as stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look. `now` is in unix seconds."""

    now: float
    generation: int
    deleting: bool
    finalizer: bool
    scrape_interval_seconds: float = 15.0  # the operator's setting
    owner: str | None = None  # GitOps manager of the HotfixRollout itself
    stable: SideView | None = None
    patched: SideView | None = None
    routes: RoutesView | None = None
    metrics: MetricsView | None = None
    metrics_error: str | None = None  # why metrics is None, a sentence
    refused: tuple[str, str] | None = None  # an answer that will not change by itself: (reason, sentence)
    rivals: tuple[RivalView, ...] | None = None
    companions: tuple[CompanionView, ...] | None = None  # None: not asked
    announced: int | None = None  # sequence of the last decision that became an event; None: not known
    namespace_ending: bool = False
    request: str | None = None  # what a person asked for by annotation: verb:token
    name: str = ""
    namespace: str = ""
    uid: str = ""
    created: str = ""
