"""Router on Gateway API v1 HTTPRoutes: raw routes -> views, and the few writes, each at the version that was read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hotfix.adapters.kube import FIELD_MANAGER, Kube, Object, path
from hotfix.adapters.ownership import owner_of
from hotfix.core.observation import Ack, RoutesView, RouteView, RuleView
from hotfix.core.spec import HttpRoute
from hotfix.core.status import BorrowedRoute

from . import route_patch
from .route_patch import Services, positions, rules_of, weight_of

API_VERSION = "gateway.networking.k8s.io/v1"
SETTLE_SECONDS = 1.0  # Contour holds updates back for up to half a second


class GatewayApiRouter:
    """HTTPRoutes of the rollout's namespace."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def read(self, namespace: str, wanted: Sequence[HttpRoute] | None, services: Services, *, survey: bool) -> RoutesView:
        """The named routes, or with None the candidates naming stable. `survey`: also look for what by-passes the weights."""
        everything = await self._kube.list(_path(namespace)) if wanted is None or survey else None
        candidates: tuple[str, ...] | None = None
        missing: tuple[str, ...] = ()
        if wanted is None:
            naming = [route for route in everything or () if _names(route, services[0], namespace)]
            candidates = tuple(route["metadata"]["name"] for route in naming)
            routes = naming if len(naming) == 1 else []
        else:
            found = await asyncio.gather(*(self._kube.find(_path(namespace, entry.name)) for entry in wanted))
            routes = [route for route in found if route is not None]
            missing = tuple(f"HTTPRoute {entry.name}" for entry, route in zip(wanted, found, strict=True) if route is None)
        asked = {entry.name: entry for entry in wanted or ()}
        return RoutesView(
            routes=tuple(_view(route, services, asked.get(route["metadata"]["name"])) for route in routes),
            missing=missing,
            candidates=candidates,
            bypasses=await self._bypasses(namespace, everything or [], routes, services[0]) if survey else (),
            settle_seconds=SETTLE_SECONDS,
        )

    async def _bypasses(self, namespace: str, everything: list[Object], shifted: list[Object], service: str) -> tuple[str, ...]:
        """Other routes and Ingresses that send requests to stable's Service."""
        names = {route["metadata"]["name"] for route in shifted}
        others = [
            f"HTTPRoute {route['metadata']['name']}"
            for route in everything
            if route["metadata"]["name"] not in names and _names(route, service, namespace)
        ]
        ingresses = await self._kube.list(path("networking.k8s.io/v1", "ingresses", namespace))
        return tuple(others + [f"Ingress {item['metadata']['name']}" for item in ingresses if _ingress_names(item, service)])

    async def adopt(self, namespace: str, route: RouteView, rules: Sequence[int], services: Services) -> None:
        """Add patched's backend at weight 0 beside stable's."""
        await self._write(namespace, route, route_patch.adopt(route.raw, rules, services))

    async def apply(self, namespace: str, route: RouteView, rules: Sequence[int], services: Services, weight: int) -> None:
        """Patched gets `weight` percent in these rules, in one write."""
        await self._write(namespace, route, route_patch.weigh(route.raw, rules, services, weight))

    async def release(
        self, namespace: str, route: RouteView, original: BorrowedRoute, services: Services, *, keep_weights: bool
    ) -> None:
        """As it was before; then, in a second write, our ownership is dropped."""
        latest: Mapping[str, Any] = route.raw
        operations = [] if keep_weights else route_patch.release(route.raw, original, services)
        if operations:
            latest = await self._kube.json_patch(_path(namespace, route.name), operations)
        operations = route_patch.disown(latest, FIELD_MANAGER)
        if operations:
            await self._kube.json_patch(_path(namespace, route.name), operations)

    async def _write(self, namespace: str, route: RouteView, operations: list[route_patch.Operation]) -> None:
        if operations:
            await self._kube.json_patch(_path(namespace, route.name), operations)


def _path(namespace: str, name: str | None = None) -> str:
    return path(API_VERSION, "httproutes", namespace, name)


def _names(route: Mapping[str, Any], service: str, namespace: str) -> bool:
    return any(positions(rule, service, namespace) for rule in rules_of(route))


def _ingress_names(item: Mapping[str, Any], service: str) -> bool:
    spec = item.get("spec") or {}
    backends = [spec.get("defaultBackend")]
    backends += [
        entry.get("backend") for rule in spec.get("rules") or () for entry in (rule.get("http") or {}).get("paths") or ()
    ]
    return any(((backend or {}).get("service") or {}).get("name") == service for backend in backends)


def _view(route: Mapping[str, Any], services: Services, asked: HttpRoute | None) -> RouteView:
    meta = route["metadata"]
    ack, message = acknowledgement(route)
    managers = _managers_of_rules(meta)
    return RouteView(
        name=meta["name"],
        version=meta["resourceVersion"],
        generation=int(meta["generation"]),
        ack=ack,
        ack_message=message,
        rules=_rules(route, services),
        owner=owner_of(route),
        weight_manager=next((name for name in managers if name != FIELD_MANAGER), None),
        ours=FIELD_MANAGER in managers,
        controllers=tuple(
            sorted({entry.get("controllerName", "") for entry in (route.get("status") or {}).get("parents") or ()})
        ),
        refusal=_refusal(route, services, asked),
        raw=route,
    )


def _rules(route: Mapping[str, Any], services: Services) -> tuple[RuleView, ...]:
    """The rules that name a side."""
    namespace, views = route["metadata"]["namespace"], []
    for index, rule in enumerate(rules_of(route)):
        stable, patched = (positions(rule, service, namespace) for service in services)
        if not stable:
            continue
        refs = rule["backendRefs"]
        others = [weight_of(ref) for place, ref in enumerate(refs) if place not in (stable[0], patched[0] if patched else None)]
        views.append(
            RuleView(
                index=index,
                name=rule.get("name"),
                stable=weight_of(refs[stable[0]]),
                patched=weight_of(refs[patched[0]]) if patched else None,
                port=refs[stable[0]].get("port"),
                others=tuple(others),
            )
        )
    return tuple(views)


def _refusal(route: Mapping[str, Any], services: Services, asked: HttpRoute | None) -> str | None:
    """Why the route cannot be shifted."""
    namespace, rules = route["metadata"]["namespace"], rules_of(route)
    if "deletionTimestamp" in route["metadata"]:
        return "it is being deleted."
    if not _names(route, services[0], namespace):
        return f"no rule of it names Service {services[0]}; correct its backendRefs or traffic.httpRoutes."
    names = {rule.get("name") for rule in rules}
    for entry in (asked.rules if asked else None) or ():
        known = entry < len(rules) if isinstance(entry, int) else entry in names
        if not known:
            return f"it has no rule {entry!r}; correct traffic.httpRoutes."
    for index, rule in enumerate(rules):
        stable, patched = (positions(rule, service, namespace) for service in services)
        if len(stable) > 1 or len(patched) > 1:
            return f"rule {index} names the same Service twice; name it once."
        if stable and not patched and len(rule["backendRefs"]) >= route_patch.MOST_BACKENDS:
            return f"rule {index} has {route_patch.MOST_BACKENDS} backends already; there is no room for patched."
    return None


def acknowledgement(route: Mapping[str, Any]) -> tuple[Ack, str]:
    """What the controllers of all parents say about the present generation (Gateway API: Accepted and ResolvedRefs)."""
    generation, namespace = int(route["metadata"]["generation"]), route["metadata"]["namespace"]
    entries = (route.get("status") or {}).get("parents") or []
    parents = (route.get("spec") or {}).get("parentRefs") or []
    waiting = "no parent is named" if not parents else ""
    for ref in parents:
        mine = [entry for entry in entries if _identity(entry.get("parentRef") or {}, namespace) == _identity(ref, namespace)]
        if not mine:
            waiting = f"no controller reports on parent {ref.get('name')}"
        for entry in mine:
            state, text = _reported(entry, generation)
            if state is Ack.REJECTED:
                return state, text
            waiting = waiting or text
    return (Ack.PENDING, waiting) if waiting else (Ack.APPLIED, "")


def _reported(entry: Mapping[str, Any], generation: int) -> tuple[Ack, str]:
    conditions = {condition["type"]: condition for condition in entry.get("conditions") or ()}
    for kind in ("Accepted", "ResolvedRefs"):
        condition = conditions.get(kind)
        if condition is None or int(condition.get("observedGeneration") or 0) < generation:
            return Ack.PENDING, f"{kind} is not reported for generation {generation} yet"
        if condition["status"] != "True":
            return Ack.REJECTED, f"{kind} is {condition['status']}: {condition.get('message') or condition.get('reason')}"
    return Ack.APPLIED, ""


def _identity(ref: Mapping[str, Any], namespace: str) -> tuple[str, str, str, str, str, str]:
    return (
        ref.get("group", "gateway.networking.k8s.io"),
        ref.get("kind", "Gateway"),
        ref.get("namespace", namespace),
        ref.get("name", ""),
        ref.get("sectionName", ""),
        str(ref.get("port", "")),
    )


def _managers_of_rules(meta: Mapping[str, Any]) -> list[str]:
    """Field managers that own spec.rules."""
    return [
        entry.get("manager", "")
        for entry in meta.get("managedFields") or ()
        if "f:rules" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]


__all__ = ["GatewayApiRouter", "acknowledgement"]
