"""Router on Gateway API v1 HTTPRoutes: which routes are read, and the few writes, each at the version that was read."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hotfix.adapters.kube import FIELD_MANAGER, Kube, Object, path
from hotfix.adapters.reading import Direct, Reader, Resource, Writer
from hotfix.core import fencing, lending
from hotfix.core.actions import AdoptRoute, ReleaseRoute, SetWeights
from hotfix.core.observation import RoutesView, RouteView
from hotfix.core.spec import HttpRoute
from hotfix.errors import Conflict, NotFound, OutsideError, Refused
from hotfix.ports import Key

from . import route_patch, route_return
from .route_patch import Operation, Services
from .route_view import ingress_names, lent_until, names, view_of

log = logging.getLogger(__name__)
API_VERSION = "gateway.networking.k8s.io/v1"
DISOWN_TRIES = 5
SETTLE_SECONDS = 1.0  # Contour holds updates back for up to half a second


class GatewayApiRouter:
    """HTTPRoutes of the rollout's namespace."""

    def __init__(self, kube: Kube, reader: Reader | None = None) -> None:
        self._kube, self._reader = kube, Direct(kube) if reader is None else reader
        self._writer = Writer(kube, self._reader)

    async def read(
        self, namespace: str, wanted: Sequence[HttpRoute] | None, services: Services, *, survey: bool, fresh: bool = False
    ) -> RoutesView:
        """The named routes, or with None the candidates naming stable. `survey`: also look for what by-passes the weights.
        `fresh`: the named ones are asked for anew."""
        everything = await self._all(namespace) if wanted is None or survey else []
        candidates: tuple[str, ...] | None = None
        missing: tuple[str, ...] = ()
        if wanted is None:
            naming = [route for route in everything if names(route, services[0], namespace)]
            candidates = tuple(route["metadata"]["name"] for route in naming)
            # of several, only those that are shifted: one whose rollout forgot it must not be overlooked
            routes = naming if len(naming) == 1 else [route for route in naming if route_patch.is_stamped(route)]
        else:
            found = await asyncio.gather(*(self._reader.find(ROUTES, namespace, entry.name, fresh=fresh) for entry in wanted))
            routes = [route for route in found if route is not None]
            missing = tuple(f"HTTPRoute {entry.name}" for entry, route in zip(wanted, found, strict=True) if route is None)
        asked = {entry.name: entry for entry in wanted or ()}
        return RoutesView(
            routes=tuple(view_of(route, services, asked.get(route["metadata"]["name"])) for route in routes),
            missing=missing,
            candidates=candidates,
            bypasses=await self._bypasses(namespace, everything, routes, services[0]) if survey else (),
            settle_seconds=SETTLE_SECONDS,
        )

    async def _all(self, namespace: str) -> list[Object]:
        try:
            return await self._reader.list(ROUTES, namespace)
        except NotFound as error:
            text = f"The cluster does not serve HTTPRoutes ({API_VERSION}); install the Gateway API, version 1.0 or newer."
            raise NotFound(text) from error

    async def _bypasses(self, namespace: str, everything: list[Object], shifted: list[Object], service: str) -> tuple[str, ...]:
        """Other routes and Ingresses that send requests to stable's Service."""
        known = {route["metadata"]["name"] for route in shifted}
        others = [
            f"HTTPRoute {route['metadata']['name']}"
            for route in everything
            if route["metadata"]["name"] not in known and names(route, service, namespace)
        ]
        ingresses = await self._kube.list(path("networking.k8s.io/v1", "ingresses", namespace))
        return tuple(others + [f"Ingress {item['metadata']['name']}" for item in ingresses if ingress_names(item, service)])

    async def adopt(self, namespace: str, services: Services, change: AdoptRoute) -> None:
        """Add patched's backend at weight 0 beside stable's."""
        raw = change.route.raw
        named = route_patch.adopt(raw, services, change)
        await self._write(namespace, raw, named + route_patch.annotated(raw, route_patch.lent(change.stamp, change.lent_until)))

    async def apply(self, namespace: str, services: Services, change: SetWeights) -> None:
        """Patched gets its percent in these rules, in one write."""
        raw = change.route.raw
        was = route_return.was_of(raw, change.original, services)
        weighed = route_patch.weigh(raw, services, change, was) + route_patch.drop(raw, services, change)
        await self._write(namespace, raw, weighed + route_patch.annotated(raw, route_patch.lent(change.stamp, change.lent_until)))

    async def release(self, namespace: str, services: Services, change: ReleaseRoute) -> None:
        """As it was before (`keep_weights`: the split stays, third backends have their old weights); then, in a second write, our
        ownership is dropped. Where another rollout goes on there (`shared`), only patched is taken out, unless it keeps its
        weight."""
        raw, back = change.route.raw, route_return.keep if change.keep_weights else route_return.release
        if change.shared:
            stamp: dict[str, str | None] = {route_patch.STAMP: None} if change.unstamp else {}
            left = [] if change.keep_weights else route_return.leave(raw, change.original, services)
            await self._write(namespace, raw, left + route_patch.annotated(raw, stamp))
            return
        returned = back(raw, change.original, services)
        unmarked = route_patch.annotated(raw, route_patch.returned(raw, change.original.reconcile))
        latest = await self._write(namespace, raw, returned + unmarked)
        await self._write(namespace, latest, route_return.disown(latest, FIELD_MANAGER))

    async def outdate(self, namespace: str, route: RouteView, mark: str | None) -> None:
        """A new version of it, with nothing changed but the mark."""
        await self._writer.outdate(ROUTES, (namespace, route.name), route.version, mark)

    async def take_back(self, namespace: str | None, live: Callable[[Key], bool], now: float) -> list[str]:
        """Routes whose mark is overdue and whose rollout is not live any more lose mark, stamp and our ownership, so that git has
        them again; as namespace/name. One that changes meanwhile is left for the next time."""
        freed = []
        for raw in await self._kube.list(path(API_VERSION, "httproutes", namespace)):
            meta = raw["metadata"]
            annotations = meta.get("annotations") or {}
            of = fencing.rollout_of(annotations.get(route_patch.STAMP))
            held = of is not None and live(Key(meta["namespace"], of))
            if held or not lending.overdue(lent_until(annotations), now):
                continue
            try:
                latest = await self._write(meta["namespace"], raw, route_patch.annotated(raw, route_patch.returned(raw, None)))
                await self._disown(meta["namespace"], latest)
            except OutsideError as error:  # the next one may be free, and this one the next time
                log.info("HTTPRoute %s/%s is still marked: %s", meta["namespace"], meta["name"], error)
                continue
            freed.append(f"{meta['namespace']}/{meta['name']}")
        return freed

    async def _disown(self, namespace: str, raw: Mapping[str, Any]) -> None:
        """Our ownership of a route that is freed goes, also where somebody writes meanwhile: without its mark it would not be
        found again. One that a rollout has adopted meanwhile is left. Conflict where somebody always writes first."""
        for _ in range(DISOWN_TRIES):
            try:
                await self._write(namespace, raw, route_return.disown(raw, FIELD_MANAGER))
                return
            except Conflict as error:
                changed, latest = error, await self._kube.find(ROUTES.path(namespace, raw["metadata"]["name"]))
            if latest is None or route_patch.STAMP in (latest["metadata"].get("annotations") or {}):
                return
            raw = latest
        raise changed

    async def _write(self, namespace: str, raw: Mapping[str, Any], operations: list[Operation]) -> Mapping[str, Any]:
        """The route after the write; nothing is written where there is nothing to do.

        The API server checks the operations against the latest object before it compares the versions, so a stale view may be
        answered with 422 instead of 409: what that was is asked afterwards.
        """
        if not operations:
            return raw
        name = raw["metadata"]["name"]
        try:
            return await self._writer.patch(ROUTES, (namespace, name), route_patch.guarded(raw, operations))
        except NotFound:
            raise
        except Refused as error:
            latest = await self._kube.find(ROUTES.path(namespace, name))
            if latest is not None and latest["metadata"]["resourceVersion"] != raw["metadata"]["resourceVersion"]:
                raise Conflict(f"HTTPRoute {name} was changed by somebody else meanwhile") from error
            raise


def _whole(item: Object) -> Object:
    """As it is: what a write changes is told by all of it."""
    return item


ROUTES = Resource(API_VERSION, "httproutes", _whole)
