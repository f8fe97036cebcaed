"""The one imperative path: load, look, decide, save, act, return when to look again.

Nothing is decided here, and nothing is done before its intention was saved. A part of the world that does not answer is
None in the observation; only the store must answer, because without the remembered status nothing can be decided.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from .core import actions as act
from .core import invalid, looking, machine, spec, status
from .core.look import asked_rules
from .core.observation import CompanionView, MetricsView, Observation, RoutesView, SideView
from .core.reasons import Reason
from .errors import Conflict, OutsideError, Refused
from .ports import Announcer, Clock, Key, MetricsQuery, MetricsSource, RolloutStore, Router, Stored, Workloads
from .settings import ReconcileSettings

log = logging.getLogger(__name__)
T = TypeVar("T")


class Observer(Protocol):
    """Whoever wants to know what was decided (the operator's own metrics)."""

    def decided(self, key: Key, decision: machine.Decision) -> None:
        """Called after the status was saved."""
        ...

    def forgotten(self, key: Key) -> None:
        """The rollout is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside."""

    store: RolloutStore
    router: Router
    workloads: Workloads
    metrics: MetricsSource
    announcer: Announcer
    clock: Clock


class Reconciler:
    """Wires the ports to the core. Holds no state of a rollout."""

    def __init__(self, ports: Ports, settings: ReconcileSettings, observer: Observer) -> None:
        self._store, self._router, self._workloads = ports.store, ports.router, ports.workloads
        self._metrics, self._announcer, self._clock = ports.metrics, ports.announcer, ports.clock
        self._settings, self._observer = settings, observer

    async def reconcile(self, key: Key) -> float | None:
        """One look at one rollout; seconds until the next, None when only a change makes one worthwhile.

        Raises OutsideError when the store does not answer or a write failed: look again after a back-off.
        """
        stored = await self._store.load(key)
        if stored is None:
            self._observer.forgotten(key)
            return None
        try:
            asked = spec.parse(dict(stored.spec))
        except ValueError as error:
            return await self._refuse(stored, Reason.INVALID_SPEC, error)
        try:
            remembered = status.parse(dict(stored.status))
        except ValueError as error:
            return await self._refuse(stored, Reason.INVALID_STATUS, error)
        seen = await self._look(stored, asked, remembered)
        decision = machine.decide(asked, remembered, seen)
        stored = await self._save(stored, decision)
        self._observer.decided(key, decision)
        await self._act(stored, asked, decision)
        return decision.look_again_seconds

    async def _refuse(self, stored: Stored, reason: Reason, error: ValueError) -> float | None:
        """The manifest or the stored status cannot be read: say so, change nothing else."""
        refused = invalid.status_of(stored.status, reason, str(error), stored.generation, self._clock.now())
        if refused != dict(stored.status):
            await self._store.save_status(stored, refused)
        return 30.0

    # ---- look

    async def _look(self, stored: Stored, asked: spec.Spec, remembered: status.Status) -> Observation:
        now, namespace = self._clock.now(), stored.key.namespace
        services = (asked.stable_service, asked.patched_service)
        refusals: list[tuple[str, str]] = []
        if remembered.stage is status.Stage.DONE:
            return self._observation(stored, now, refusals)
        survey = remembered.stage in (None, status.Stage.CHECKING)
        stable, patched, routes, rivals, companions = await asyncio.gather(
            _seen(self._workloads.read(namespace, asked.stable.deployment, services[0]), refusals),
            _seen(self._workloads.read(namespace, asked.patched.deployment, services[1]), refusals),
            _seen(self._router.read(namespace, self._wanted_routes(asked, remembered), services, survey=survey), refusals),
            _seen(self._store.rivals(stored.key), refusals),
            self._companions(namespace, asked=survey),
        )
        metrics, why = await self._look_at_metrics(stored, asked, remembered, (stable, patched, routes), refusals)
        return self._observation(
            stored,
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

    async def _companions(self, namespace: str, *, asked: bool) -> tuple[CompanionView, ...] | None:
        return await _seen(self._workloads.companions(namespace), []) if asked else None

    def _observation(self, stored: Stored, now: float, refusals: list[tuple[str, str]], **seen: Any) -> Observation:
        return Observation(
            now=now,
            generation=stored.generation,
            deleting=stored.deleting,
            finalizer=stored.finalizer,
            scrape_interval_seconds=self._settings.scrape_interval_seconds,
            owner=stored.owner,
            refused=refusals[0] if refusals else None,
            announced=self._announcer.announced(stored.key),
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
            buckets=remembered.stage is status.Stage.ADOPTING and not asked.metrics.slow,
            timeout_seconds=self._settings.metrics_timeout_seconds,
        )
        try:
            return await self._metrics.collect(query), None
        except Refused as error:
            refusals.append((error.reason, str(error)))
            return None, str(error)
        except OutsideError as error:
            return None, str(error)

    # ---- save and act

    async def _save(self, stored: Stored, decision: machine.Decision) -> Stored:
        """Remember before acting; a Conflict drops this look. With something to do it is stored also when it is the same: that
        changes nothing, and fails when another operator stored something since it was read."""
        wanted = status.dump(decision.status)
        same = wanted == dict(stored.status)
        acts = any(not isinstance(action, act.Announce) for action in decision.actions)
        return stored if same and not acts else await self._store.save_status(stored, wanted)

    async def _act(self, stored: Stored, asked: spec.Spec, decision: machine.Decision) -> None:
        """Every action is tried, those of traffic first; one failure does not keep the others from being done."""
        failures: list[OutsideError] = []
        unfinished = False
        for action in decision.actions:
            try:
                if isinstance(action, act.SetFinalizer):
                    if unfinished and not action.present:
                        continue  # what is not given back yet must not be forgotten
                    changed = await self._store.set_finalizer(stored, present=action.present)
                    stored = changed or stored
                else:
                    await self._do(stored, asked, action)
            except OutsideError as error:
                log.warning("%s failed: %s", type(action).__name__, error, extra={"rollout": str(stored.key)})
                failures.append(error)
                unfinished = unfinished or not isinstance(action, act.Announce)
        if failures:
            raise failures[0]

    async def _do(self, stored: Stored, asked: spec.Spec, action: act.Action) -> None:
        namespace, services = stored.key.namespace, (asked.stable_service, asked.patched_service)
        match action:
            case act.AdoptRoute():
                await self._router.adopt(namespace, services, action)
            case act.SetWeights():
                await self._router.apply(namespace, services, action)
            case act.ReleaseRoute():
                await self._router.release(namespace, services, action)
            case act.Scale():
                await self._workloads.scale(namespace, action.deployment, action.replicas)
            case act.SetPodSpec():
                await self._workloads.set_pod_spec(namespace, action.deployment, action.pod_spec)
            case act.SetScalerFloor():
                await self._workloads.set_scaler_floor(namespace, action.scaler, action.min_replicas)
            case act.Announce():
                await self._announcer.announce(stored, action)


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


async def _seen(reading: Awaitable[T], refusals: list[tuple[str, str]]) -> T | None:
    """What was seen; None when there was no answer. An answer that will not change by itself is also noted."""
    try:
        return await reading
    except Conflict:
        return None
    except Refused as error:
        refusals.append((error.reason, str(error)))
        return None
    except OutsideError as error:
        log.info("could not see: %s", error)
        return None
