"""The outside, as the operator sees it: Protocols of at most six methods. Fakes live in tests/, real ones in adapters/.

Every method raises only what errors.py names. Every write carries the version that was seen and raises Conflict when
somebody wrote first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .core.actions import AdoptRoute, Announce, ReleaseRoute, SetWeights
from .core.observation import CompanionView, DeploymentView, MetricsView, RivalView, RoutesView, RouteView, ScalerView, SideView
from .core.spec import HttpRoute, Metrics


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which rollout."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A HotfixRollout as the API server holds it. `as_rival`: what the others of its namespace see of it."""

    key: Key
    as_rival: RivalView
    uid: str
    version: str
    generation: int
    created: str
    deleting: bool
    finalizer: bool
    namespace_ending: bool = False
    owner: str | None = None
    request: str | None = None  # the request annotation: verb:token
    spec: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuery:
    """Counters of both sides in (start, end], unix seconds, on a grid of `interval_seconds`.

    `fix`: a query of the errors that the hotfix is for. `slow_bound`: the bucket (label le) above which a request is slow.
    `buckets`: also ask for stable's latency histogram.
    """

    namespace: str
    preset: str | None
    metrics: Metrics
    fix: str | None = None
    client_errors: bool = False
    slow_bound: str | None = None
    buckets: bool = False
    stable_deployment: str
    stable_service: str
    stable_port: int
    patched_deployment: str
    patched_service: str
    patched_port: int
    start: float
    end: float
    interval_seconds: float
    timeout_seconds: float


class Clock(Protocol):
    """Time for the outside; the core gets it as a number."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...


class RolloutStore(Protocol):
    """HotfixRollout objects."""

    async def load(self, key: Key) -> Stored | None:
        """The object as it is now; None when it is gone."""
        ...

    async def save_status(self, stored: Stored, status: Mapping[str, Any]) -> Stored:
        """Replace `.status` with `status` at the version of `stored` (absent fields are removed); returns the new object."""
        ...

    async def set_finalizer(self, stored: Stored, *, present: bool) -> Stored | None:
        """Add or remove our finalizer at the version of `stored`; None when the object is gone with it."""
        ...

    async def rivals(self, key: Key) -> tuple[RivalView, ...]:
        """The namespace's other rollouts that are unfinished, were rolled back, or are newer and were promoted."""
        ...

    async def named(self, namespace: str, names: Collection[str], *, fresh: bool = False) -> tuple[RivalView, ...]:
        """Those of these rollouts that exist. `fresh`: as they are now, not as they were told of last."""
        ...

    def claimants(self, key: Key) -> set[str]:
        """Names of newer rollouts that want to take the place of this one, as far as this process has seen."""
        ...


class Router(Protocol):
    """Routes that split requests between two Services. Weights are percent of the stable + patched sub-total."""

    async def read(
        self,
        namespace: str,
        wanted: Sequence[HttpRoute] | None,
        services: tuple[str, ...],
        *,
        survey: bool,
        fresh: bool = False,
    ) -> RoutesView:
        """The named routes, or with None the candidates naming stable; `services` is (stable, patched), and that of an older
        patch that is superseded. `survey`: look for what by-passes the weights too. `fresh`: as they are now, not as they were
        told of last."""
        ...

    async def adopt(self, namespace: str, services: tuple[str, ...], change: AdoptRoute) -> None:
        """Add patched's backend at weight 0 beside stable's in the rules; what is there already stays. With the stamp."""
        ...

    async def apply(self, namespace: str, services: tuple[str, ...], change: SetWeights) -> None:
        """Patched gets its weight in the rules, and the route the stamp: one write, none when it is so already."""
        ...

    async def release(self, namespace: str, services: tuple[str, ...], change: ReleaseRoute) -> None:
        """As it was before, later foreign edits kept; stamp and ownership dropped. `keep_weights`: the split stays, third
        backends get their old weights back."""
        ...

    async def outdate(self, namespace: str, route: RouteView, mark: str | None) -> None:
        """The route gets a new version, with nothing changed but the mark, which goes with None; one that has another version
        than the one seen has got it."""
        ...


class Workloads(Protocol):
    """Deployments, their pods, Services and HPAs."""

    async def read(self, namespace: str, deployment: str, service: str, *, fresh: bool = False) -> SideView:
        """One side; what does not exist is named in `missing`. `fresh`: as it is now, not as it was told of last."""
        ...

    async def companions(self, namespace: str) -> tuple[CompanionView, ...]:
        """What else selects pods there: NetworkPolicies, PodDisruptionBudgets, PodMonitors; kinds that the cluster does not
        serve, or that the operator may not list, are left out."""
        ...

    async def scale(self, namespace: str, deployment: DeploymentView, replicas: int) -> None:
        """Set replicas at the version seen."""
        ...

    async def set_pod_spec(self, namespace: str, deployment: DeploymentView, pod_spec: Mapping[str, Any]) -> None:
        """Replace `.spec.template.spec` at the version seen."""
        ...

    async def set_scaler_floor(self, namespace: str, scaler: ScalerView, min_replicas: int) -> None:
        """Set the HPA's minReplicas at the version seen."""
        ...

    async def outdate(self, namespace: str, target: DeploymentView | ScalerView, mark: str | None) -> None:
        """It gets a new version, with nothing changed but the mark, which goes with None; one that has another version than the
        one seen has got it."""
        ...


class MetricsSource(Protocol):
    """Counters of requests and errors."""

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """Raw counters of both sides; a partial, late or failed answer raises Unavailable, an invalid query Refused."""
        ...


class Announcer(Protocol):
    """Events people read."""

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Publish once: the same decision again is no error and no second event."""
        ...

    def announced(self, stored: Stored) -> int | None:
        """Sequence of the last event this process published for this very object; None when it did not."""
        ...


__all__ = [
    "Announcer",
    "Clock",
    "Key",
    "MetricsQuery",
    "MetricsSource",
    "RolloutStore",
    "Router",
    "Stored",
    "Workloads",
]
