"""What an HTTPRoute says: pure functions from the raw route to the views of the core. No I/O, and nothing is decided here."""

from collections.abc import Mapping
from typing import Any

from hotfix.adapters.kube import FIELD_MANAGER
from hotfix.adapters.ownership import kustomized, owner_of
from hotfix.adapters.reading import outdated
from hotfix.core import moments
from hotfix.core.observation import Ack, RouteView, RuleView
from hotfix.core.spec import HttpRoute

from .route_patch import (
    LENT_UNTIL,
    MOST_BACKENDS,
    RECONCILE,
    STAMP,
    Services,
    kept_at,
    positions,
    rules_of,
    sides,
    weight_of,
    weights_of,
)

LONG_AGO = "1970-01-01T00:00:00Z"


def view_of(route: Mapping[str, Any], services: Services, asked: HttpRoute | None) -> RouteView:
    """One route as the core sees it; `asked` is what the manifest says about it."""
    meta = route["metadata"]
    annotations = meta.get("annotations") or {}
    ack, message = acknowledgement(route)
    managers = managers_of_rules(meta)
    parents = (route.get("status") or {}).get("parents") or ()
    return RouteView(
        name=meta["name"],
        version=meta["resourceVersion"],
        generation=int(meta["generation"]),
        ack=ack,
        ack_message=message,
        rules=rule_views(route, services),
        owner=owner_of(route),
        weight_manager=next((name for name in managers if name != FIELD_MANAGER), None),
        ours=FIELD_MANAGER in managers,
        controllers=tuple(sorted({entry["controllerName"] for entry in parents if entry.get("controllerName")})),
        stamp=annotations.get(STAMP),
        heeds_mark=kustomized(route),
        reconcile=annotations.get(RECONCILE),
        lent_until=lent_until(annotations),
        refusal=refusal(route, services, asked),
        outdated=outdated(meta),
        raw=route,
    )


def lent_until(annotations: Mapping[str, str]) -> str | None:
    """The end of the mark, in RFC 3339; one that somebody edited into something else has passed."""
    text = annotations.get(LENT_UNTIL)
    if text is None:
        return None
    try:
        moments.unix(text)
    except ValueError:
        return LONG_AGO
    return text


def names(route: Mapping[str, Any], service: str, namespace: str) -> bool:
    """Some rule of the route sends requests to the Service."""
    return any(positions(rule, service, namespace) for rule in rules_of(route))


def ingress_names(item: Mapping[str, Any], service: str) -> bool:
    """The Ingress sends requests to the Service."""
    spec = item.get("spec") or {}
    paths = [entry for rule in spec.get("rules") or () for entry in (rule.get("http") or {}).get("paths") or ()]
    backends = [spec.get("defaultBackend"), *(entry.get("backend") for entry in paths)]
    return any(((backend or {}).get("service") or {}).get("name") == service for backend in backends)


def rule_views(route: Mapping[str, Any], services: Services) -> tuple[RuleView, ...]:
    """The rules that name the Service of a side."""
    views = []
    for index, rule in enumerate(rules_of(route)):
        stable, patched = sides(rule, services, route["metadata"]["namespace"])
        kept = kept_at(rule, services, route["metadata"]["namespace"])
        if (stable, patched, kept) == (None, None, None):
            continue
        refs = rule["backendRefs"]
        views.append(
            RuleView(
                index=index,
                name=rule.get("name"),
                stable=weight_of(refs[stable]) if stable is not None else None,
                patched=weight_of(refs[patched]) if patched is not None else None,
                port=refs[stable].get("port") if stable is not None else None,
                others=tuple(weight for place, weight in enumerate(weights_of(rule)) if place not in (stable, patched, kept)),
                kept=weight_of(refs[kept]) if kept is not None else None,
            )
        )
    return tuple(views)


# ---- what cannot be shifted


def refusal(route: Mapping[str, Any], services: Services, asked: HttpRoute | None) -> str | None:
    """Why the route cannot be shifted, a sentence that says what to do; None when it can."""
    namespace, rules = route["metadata"]["namespace"], rules_of(route)
    if "deletionTimestamp" in route["metadata"]:
        return "it is being deleted."
    if not names(route, services[0], namespace):
        return f"no rule of it names Service {services[0]}{_elsewhere(route, services[0])}; correct its backendRefs or {NAMED}."
    wanted = asked.rules if asked else None
    known = {rule.get("name") for rule in rules} | set(range(len(rules)))
    unknown = next((entry for entry in wanted or () if entry not in known), None)
    if unknown is not None:
        return f"it has no rule {unknown!r}; correct {NAMED}."
    shifted = [(i, rule) for i, rule in enumerate(rules) if wanted is None or i in wanted or rule.get("name") in wanted]
    found = (_unfit(index, rule, services, namespace, named=wanted is not None) for index, rule in shifted)
    return next((why for why in found if why), None)


NAMED = "traffic.httpRoutes"


def _elsewhere(route: Mapping[str, Any], service: str) -> str:
    """A hint at a backend of that name which is not a Service of this namespace."""
    refs = [ref for rule in rules_of(route) for ref in rule.get("backendRefs") or () if ref.get("name") == service]
    kinds = {f"{ref.get('kind', 'Service')} of namespace {ref['namespace']}" for ref in refs if ref.get("namespace")}
    kinds |= {str(ref["kind"]) for ref in refs if ref.get("kind", "Service") != "Service"}
    return f" of this namespace (only a {', '.join(sorted(kinds))})" if kinds else ""


def _unfit(index: int, rule: Mapping[str, Any], services: Services, namespace: str, *, named: bool) -> str | None:
    """Why a rule cannot be shifted; None for one that can. One that does not name stable must not be `named` in the manifest."""
    stable, patched = (positions(rule, service, namespace) for service in services[:2])
    if not stable:
        return f"rule {index} does not name Service {services[0]}; correct its backendRefs or {NAMED}." if named else None
    if len(stable) > 1 or len(patched) > 1:
        return f"rule {index} names the same Service twice; name it once."
    if not patched and len(rule["backendRefs"]) >= MOST_BACKENDS:
        return f"rule {index} has {MOST_BACKENDS} backends already; there is no room for patched. Take one out."
    return None


# ---- what the controllers say


def acknowledgement(route: Mapping[str, Any]) -> tuple[Ack, str]:
    """What the controllers of all parents say about the present generation (Gateway API: Accepted and ResolvedRefs)."""
    generation, namespace = int(route["metadata"]["generation"]), route["metadata"]["namespace"]
    entries = (route.get("status") or {}).get("parents") or []
    parents = (route.get("spec") or {}).get("parentRefs") or []
    waiting = "no parent is named" if not parents else ""
    for ref in parents:
        mine = [entry for entry in entries if _identity(entry.get("parentRef") or {}, namespace) == _identity(ref, namespace)]
        if not mine:
            waiting = waiting or f"no controller reports on parent {ref.get('name')}"
        for entry in mine:
            state, text = _reported(entry, generation)
            if state is Ack.REJECTED:
                return state, text
            waiting = waiting or text
    return (Ack.PENDING, waiting) if waiting else (Ack.APPLIED, "")


def _reported(entry: Mapping[str, Any], generation: int) -> tuple[Ack, str]:
    conditions = {condition["type"]: condition for condition in entry.get("conditions") or ()}
    waiting = ""
    for kind in ("Accepted", "ResolvedRefs"):
        condition = conditions.get(kind)
        if condition is None or int(condition.get("observedGeneration") or 0) < generation:
            waiting = waiting or f"{kind} is not reported for generation {generation} yet"
        elif condition["status"] != "True":
            return Ack.REJECTED, f"{kind} is {condition['status']}: {condition.get('message') or condition.get('reason')}"
    return (Ack.PENDING, waiting) if waiting else (Ack.APPLIED, "")


def _identity(ref: Mapping[str, Any], namespace: str) -> tuple[str, ...]:
    """What tells one parent from another."""
    defaults = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace}
    return tuple(
        str(ref.get(key, defaults.get(key, ""))) for key in ("group", "kind", "namespace", "name", "sectionName", "port")
    )


def managers_of_rules(meta: Mapping[str, Any]) -> list[str]:
    """Field managers that own spec.rules."""
    entries = meta.get("managedFields") or ()
    return [entry.get("manager", "") for entry in entries if "f:rules" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})]
