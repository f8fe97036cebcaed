"""What may be done to the outside: frozen descriptions of writes, each with the version it was decided on. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import moments
from .observation import DeploymentView, RouteView, ScalerView
from .status import BorrowedRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFinalizer:
    """Hold (`present`) or release the object."""

    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRoute:
    """Add patched's backend at weight 0 to the rules (indexes) that do not name it; in those of `restores` also the one of the
    older patch. `lent_until`: the GitOps tool of the route is to leave it alone until then."""

    route: RouteView
    rules: tuple[int, ...]
    stamp: str
    restores: tuple[int, ...] = ()
    lent_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeights:
    """Give patched `weight` percent of the stable + patched sub-total in the rules (indexes), none where only the `stamp` is to
    change. `takes_over`: what the patch of an older rollout has is a part of what is split. `restores`: rules in which the side
    that is not compared gets `kept_percent` of what all sides have. `drops`: rules out of which the older patch is taken, having
    none any more. `original`: how the route was, for what the sub-total is beside third backends. `lent_until` as in AdoptRoute.
    One write."""

    route: RouteView
    rules: tuple[int, ...]
    weight: int
    stamp: str
    takes_over: bool = False
    restores: tuple[int, ...] = ()
    kept_percent: int = 0
    drops: tuple[int, ...] = ()
    original: BorrowedRoute | None = None
    lent_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRoute:
    """Original weights back (unless `keep_weights`), injected backends, stamp and mark out; then our ownership dropped. `shared`:
    another rollout goes on there, and only what is this one's own is taken out (with `keep_weights` nothing is); the
    stamp where `unstamp` says so."""

    route: RouteView
    original: BorrowedRoute
    keep_weights: bool = False
    shared: bool = False
    unstamp: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Set a Deployment's replicas."""

    deployment: DeploymentView
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPodSpec:
    """Promote: make the Deployment's `.spec.template.spec` equal to what was proven."""

    deployment: DeploymentView
    pod_spec: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScalerFloor:
    """Set an HPA's minReplicas."""

    scaler: ScalerView
    min_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdate:
    """Move an object's version on: a write to it that is still under way comes too late. `mark`: by what it is known that this
    was done; None takes a mark away, or leaves none."""

    target: DeploymentView | ScalerView | RouteView
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Publish decision `sequence` as an Event; the same decision is published once. `time`: when it was made, RFC 3339."""

    sequence: int
    time: str
    reason: str
    message: str
    type: str  # Normal or Warning
    action: str
    phase: str | None = None  # the phase that began with it

    @property
    def identity(self) -> str:
        """Of this decision among all of its object: the numbers begin anew where the status was lost, its times do not."""
        return f"{max(0, round(1000 * moments.unix(self.time))):x}.{self.sequence}"


Action = SetFinalizer | AdoptRoute | SetWeights | ReleaseRoute | Scale | SetPodSpec | SetScalerFloor | Outdate | Announce
