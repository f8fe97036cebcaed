"""What the commands that ask Prometheus share: which rollout, which Prometheus, and one collection through the operator's own
adapters. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core import latency, spec
from hotfix.core.countable import preset_name
from hotfix.core.look import Look
from hotfix.core.observation import MetricsView, Observation, RoutesView, SideView
from hotfix.core.status import Status
from hotfix.errors import Refused
from hotfix.lookout import metrics_query
from hotfix.ports import Key

from .crd import KIND
from .following import existing

TIMEOUT_SECONDS = 30.0
Views = tuple[SideView | None, SideView | None, RoutesView | None]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A rollout as it is asked for, and what the cluster has of it; views are None where no cluster was asked."""

    namespace: str
    asked: spec.Spec
    views: Views = (None, None, None)

    @property
    def look(self) -> Look:
        """As preflight sees it."""
        stable, patched, routes = self.views
        seen = Observation(
            now=0, generation=1, deleting=False, finalizer=False, stable=stable, patched=patched, routes=routes, rivals=()
        )
        return Look(self.asked, Status(), seen)

    @property
    def preset(self) -> str | None:
        """Custom, the preset given, or the one that fits the route."""
        return preset_name(self.look)


async def from_cluster(kube: Kube, namespace: str, name: str) -> Subject:
    """A stored rollout."""
    stored = await existing(kube, Key(namespace, name))
    return await with_views(kube, Subject(namespace=namespace, asked=parsed(dict(stored.spec), name)))


async def with_views(kube: Kube, subject: Subject) -> Subject:
    """The same with what the cluster has of it."""
    asked, services = subject.asked, (subject.asked.stable_service, subject.asked.patched_service)
    workloads, router = KubeWorkloads(kube), GatewayApiRouter(kube)
    stable = await workloads.read(subject.namespace, asked.stable.deployment, services[0])
    patched = await workloads.read(subject.namespace, asked.patched.deployment, services[1])
    routes = await router.read(subject.namespace, asked.traffic.http_routes, services, survey=False)
    return Subject(namespace=subject.namespace, asked=asked, views=(stable, patched, routes))


def from_file(file: str, namespace: str | None) -> Subject:
    """The one HotfixRollout of a manifest file."""
    try:
        documents = [item for item in yaml.safe_load_all(Path(file).read_text()) if isinstance(item, dict)]
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read as manifests: {error}") from error
    found = [item for item in documents if item.get("kind") == KIND]
    if len(found) != 1:
        raise Refused(f"{file} has {len(found)} objects of kind {KIND}; give a file with one.")
    meta = found[0].get("metadata") or {}
    return Subject(namespace=namespace or meta.get("namespace") or "default", asked=parsed(found[0].get("spec") or {}, file))


def parsed(raw: dict[str, Any], where: str) -> spec.Spec:
    """The spec; Refused with the field that is wrong."""
    try:
        return spec.parse(raw)
    except (ValidationError, ValueError) as error:
        raise Refused(f"{where}: {error}") from error


async def collect(
    access: Access, subject: Subject, span: tuple[float, float, float], *, slow_bound: str | None = None, buckets: bool = False
) -> MetricsView:
    """What Prometheus has of both sides in `span` (start, end, interval)."""
    source = PrometheusSource(access, SystemClock())
    query = metrics_query(
        subject.namespace,
        subject.asked,
        subject.views,
        span,
        preset=subject.preset,
        slow_bound=slow_bound,
        buckets=buckets,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    try:
        return await source.collect(query)
    finally:
        source.close()


async def slow_bound(access: Access, subject: Subject, moment: float, interval_seconds: float) -> tuple[str | None, str]:
    """From which bucket on a request is slow, as a rollout that began at that moment (unix seconds) would have it, and why."""
    if subject.asked.metrics.slow:
        return latency.bound_of(subject.asked, None, own=True)
    seen = await collect(access, subject, (moment, moment, interval_seconds), buckets=True)
    return latency.bound_of(subject.asked, seen.buckets, own=False)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)]
    return "\n".join(lines) + "\n"
