"""Looking: everything outside that one decision rests on, as an Observation. A part that does not answer is None in it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from .core import looking, retrying, reverted, spec, status, superseding
from .core.look import asked_rules
from .core.observation import CompanionView, MetricsView, Observation, RivalView, RoutesView, SideView
from .core.reasons import Reason
from .errors import Conflict, OutsideError, Refused
from .ports import Announcer, Clock, MetricsQuery, MetricsSource, RolloutStore, Router, Stored, Workloads
from .settings import ReconcileSettings

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside."""

    store: RolloutStore
    router: Router
    workloads: Workloads
    metrics: MetricsSource
    announcer: Announcer
    clock: Clock


class Lookout:
    """Asks the ports side by side."""

    def __init__(self, ports: Ports, settings: ReconcileSettings) -> None:
        self._store, self._router, self._workloads = ports.store, ports.router, ports.workloads
        self._metrics, self._announcer, self._clock = ports.metrics, ports.announcer, ports.clock
        self._settings = settings

    async def look(
        self, stored: Stored, asked: spec.Spec, remembered: status.Status, *, unreadable: str | None = None
    ) -> Observation:
        """`unreadable`: what is wrong with the manifest, where only a part of it could be read; then nothing is counted."""
        now, namespace = self._clock.now(), stored.key.namespace
        services = superseding.services_of(asked, remembered)
        refusals: list[tuple[str, str]] = [(Reason.INVALID_SPEC, unreadable)] if unreadable else []
        if remembered.stage is status.Stage.DONE and not stored.finalizer:
            return self._observation(stored, remembered, now, refusals, **await self._after_the_end(stored, asked, remembered))
        survey = remembered.stage in (None, status.Stage.CHECKING)
        pending = survey or remembered.stage in (status.Stage.SCALING, status.Stage.ADOPTING)
        stable, patched, routes, rivals, companions = await asyncio.gather(
            _seen(lambda: self._workloads.read(namespace, asked.stable.deployment, services[0]), refusals),
            _seen(lambda: self._workloads.read(namespace, asked.patched.deployment, services[1]), refusals),
            _seen(
                lambda: self._router.read(namespace, self._wanted_routes(asked, remembered), services, survey=survey), refusals
            ),
            self._rivals(stored, remembered, refusals, everybody=pending or stored.deleting),
            self._companions(namespace, asked=survey),
        )
        metrics, why = None, unreadable
        if unreadable is None:
            metrics, why = await self._look_at_metrics(stored, asked, remembered, (stable, patched, routes), refusals)
        return self._observation(
            stored,
            remembered,
            now,
            refusals,
            stable=stable,
            patched=patched,
            routes=routes,
            rivals=rivals,
            companions=companions,
            metrics=metrics,
            metrics_error=why,
        )

    async def _after_the_end(self, stored: Stored, asked: spec.Spec, remembered: status.Status) -> dict[str, SideView | None]:
        """Only what is asked about: whether stable still has the fix, whether patched was changed since it was rolled back."""
        seen: dict[str, SideView | None] = {}
        if reverted.watched(asked.stable.deployment, remembered):
            reading = partial(
                self._workloads.read, stored.key.namespace, asked.stable.deployment, asked.stable_service, fresh=True
            )
            seen["stable"] = await _seen(reading, [])
        if retrying.asked(stored.request, remembered):
            reading = partial(
                self._workloads.read, stored.key.namespace, asked.patched.deployment, asked.patched_service, fresh=True
            )
            seen["patched"] = await _seen(reading, [])
        return seen

    async def look_anew(self, stored: Stored, asked: spec.Spec, remembered: status.Status, seen: Observation) -> Observation:
        """The same look, with the route and what can serve as they are now: a version protects the object that is written, and
        nothing but this the others that the write rests on."""
        namespace, services = stored.key.namespace, superseding.services_of(asked, remembered)
        refusals: list[tuple[str, str]] = [seen.refused] if seen.refused else []
        stable, patched, routes, rivals = await asyncio.gather(
            _seen(lambda: self._workloads.read(namespace, asked.stable.deployment, services[0], fresh=True), refusals),
            _seen(lambda: self._workloads.read(namespace, asked.patched.deployment, services[1], fresh=True), refusals),
            _seen(
                lambda: self._router.read(namespace, self._wanted_routes(asked, remembered), services, survey=False, fresh=True),
                refusals,
            ),
            self._kin_anew(namespace, remembered, seen.rivals, refusals),
        )
        refused = refusals[0] if refusals else None
        return replace(seen, stable=stable, patched=patched, routes=routes, rivals=rivals, refused=refused)

    async def _kin_anew(
        self, namespace: str, remembered: status.Status, known: tuple[RivalView, ...] | None, refusals: list[tuple[str, str]]
    ) -> tuple[RivalView, ...] | None:
        """The other rollouts, with those as they are now that this one is bound to."""
        names = _kin(remembered)
        if known is None or not names:
            return known
        found = await _seen(lambda: self._store.named(namespace, names, fresh=True), refusals)
        return None if found is None else (*(rival for rival in known if rival.name not in names), *found)

    async def _rivals(
        self, stored: Stored, remembered: status.Status, refusals: list[tuple[str, str]], *, everybody: bool
    ) -> tuple[RivalView, ...] | None:
        """Who came first is settled when traffic moves; then only those are looked at that take its place, or whose place it
        takes: the others may be thousands."""
        if everybody:
            return await _seen(lambda: self._store.rivals(stored.key), refusals)
        names = _kin(remembered) | self._store.claimants(stored.key)
        return await _seen(lambda: self._store.named(stored.key.namespace, names), refusals) if names else ()

    async def _companions(self, namespace: str, *, asked: bool) -> tuple[CompanionView, ...] | None:
        return await _seen(lambda: self._workloads.companions(namespace), []) if asked else None

    def _announced(self, stored: Stored, remembered: status.Status) -> int | None:
        """The last of its decisions that was told; one that it has not made yet was that of a status that is lost."""
        told = self._announcer.announced(stored)
        made = remembered.decisions[-1].sequence if remembered.decisions else 0
        return told if told is not None and told <= made else None

    def _observation(
        self, stored: Stored, remembered: status.Status, now: float, refusals: list[tuple[str, str]], **seen: Any
    ) -> Observation:
        return Observation(
            now=now,
            generation=stored.generation,
            deleting=stored.deleting,
            finalizer=stored.finalizer,
            scrape_interval_seconds=self._settings.scrape_interval_seconds,
            owner=stored.owner,
            refused=refusals[0] if refusals else None,
            announced=self._announced(stored, remembered),
            namespace_ending=stored.namespace_ending,
            name=stored.key.name,
            namespace=stored.key.namespace,
            uid=stored.uid,
            request=stored.request,
            created=stored.created,
            **seen,
        )

    @staticmethod
    def _wanted_routes(asked: spec.Spec, remembered: status.Status) -> list[spec.HttpRoute] | None:
        """The routes of the manifest; once traffic is about to move, the ones that were inferred."""
        if asked.traffic.http_routes:
            return asked.traffic.http_routes
        if remembered.stage not in (None, status.Stage.CHECKING) and remembered.resolved:
            return [spec.HttpRoute(name=route.name) for route in remembered.resolved.routes]
        return None

    async def _look_at_metrics(
        self,
        stored: Stored,
        asked: spec.Spec,
        remembered: status.Status,
        views: tuple[SideView | None, SideView | None, RoutesView | None],
        refusals: list[tuple[str, str]],
    ) -> tuple[MetricsView | None, str | None]:
        span = looking.metrics_span(asked, remembered, self._clock.now(), self._settings.scrape_interval_seconds)
        if span is None:
            return None, None
        query = metrics_query(
            stored.key.namespace,
            asked,
            views,
            span,
            preset=remembered.resolved.preset if remembered.resolved else None,
            slow_bound=remembered.baseline.slow_bound if remembered.baseline else None,
            buckets=looking.learns(remembered) and not asked.metrics.slow,
            timeout_seconds=self._settings.metrics_timeout_seconds,
        )
        try:
            return await self._metrics.collect(query), None
        except Refused as error:
            refusals.append((error.reason, str(error)))
            return None, str(error)
        except OutsideError as error:
            return None, str(error)


def metrics_query(  # noqa: PLR0913 - each is one thing that a query depends on
    namespace: str,
    asked: spec.Spec,
    views: tuple[SideView | None, SideView | None, RoutesView | None],
    span: tuple[float, float, float],
    *,
    preset: str | None,
    slow_bound: str | None,
    buckets: bool,
    timeout_seconds: float,
) -> MetricsQuery:
    """What to ask Prometheus for. `views`: (stable, patched, routes) as far as they were seen; `span`: (start, end, interval)."""
    stable, patched, routes = views
    ports = [rule.port for route in (routes.routes if routes else ()) for rule in asked_rules(route, asked)]
    routed = next((port for port in ports if port is not None), None)
    return MetricsQuery(
        namespace=namespace,
        preset=preset,
        metrics=asked.metrics,
        fix=asked.fix.errors if asked.fix else None,
        client_errors=asked.analysis.client_errors is spec.ClientErrors.GUARD,
        slow_bound=slow_bound,
        buckets=buckets,
        stable_deployment=asked.stable.deployment,
        stable_service=asked.stable_service,
        stable_port=looking.port_of(stable, routed),
        patched_deployment=asked.patched.deployment,
        patched_service=asked.patched_service,
        patched_port=looking.port_of(patched, routed),
        start=span[0],
        end=span[1],
        interval_seconds=span[2],
        timeout_seconds=timeout_seconds,
    )


def _kin(remembered: status.Status) -> set[str]:
    """Names of the rollouts whose place it takes, and that takes its place."""
    return {one.name for one in (remembered.supersedes, remembered.superseded_by) if one}


async def _seen(reading: Callable[[], Awaitable[T]], refusals: list[tuple[str, str]]) -> T | None:
    """What was seen; None when there was no answer. An answer that will not change by itself is also noted."""
    try:
        return await reading()
    except Conflict:
        return None
    except Refused as error:
        refusals.append((error.reason, str(error)))
        return None
    except OutsideError as error:
        log.info("could not see: %s", error)
        return None
