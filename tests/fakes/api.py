"""An API server in memory: objects with versions, JSON Patch, status apart, finalizers, owners of fields. Answers as HTTP would.

What it does was compared with the real one by the contract suites in tests/adapters. Controllers are in controllers.py.
"""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import jsonpatch
import jsonpointer

from .changelog import Change, ChangeLog, Place
from .clock import FakeClock
from .copying import copied, frozen, given, thawed
from .defaults import completed, mistake
from .owning import rewritten
from .selecting import selects

Object = dict[str, Any]
PATCH_FAILED = (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, IndexError, KeyError)
# kind -> (apiVersion, plural); the status of these is written by itself
KINDS = {
    "Namespace": ("v1", "namespaces"),
    "Pod": ("v1", "pods"),
    "Service": ("v1", "services"),
    "Deployment": ("apps/v1", "deployments"),
    "EndpointSlice": ("discovery.k8s.io/v1", "endpointslices"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "HTTPRoute": ("gateway.networking.k8s.io/v1", "httproutes"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "PodMonitor": ("monitoring.coreos.com/v1", "podmonitors"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "Lease": ("coordination.k8s.io/v1", "leases"),
    "Event": ("events.k8s.io/v1", "events"),
    "HotfixRollout": ("hotfix-operator.dev/v1alpha1", "hotfixrollouts"),
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: Object
    headers: Mapping[str, str] = field(default_factory=dict)


def failure(status: int, reason: str, message: str) -> Answer:
    """A metav1.Status."""
    return Answer(status, {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status})


class FakeApi:
    """`handle` is the server; `apply`, `edit`, `read` and `delete` are what people and controllers do with it."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.objects: dict[Place, Object] = {}
        self.requests: list[tuple[str, str]] = []  # (method, path) of everything that came through `handle`
        self.changes = 0  # grows with everything that is stored or deleted
        self.log = ChangeLog()
        self._version = 1000
        self._frozen: dict[Place, bytes] = {}

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What came through `handle` and was not a read."""
        return [entry for entry in self.requests if entry[0] != "GET"]

    # ---- the server

    def handle(self, method: str, path: str, query: Mapping[str, str], body: Any, manager: str) -> Answer:
        """One request."""
        self.requests.append((method, path))
        where, subresource = place_of(path)
        if method == "GET":
            return self._get(where) if where.name else self._list(where, query)
        if method == "POST":
            return self._create(where, body, manager)
        if method == "PATCH":
            return self._patch(where, subresource, body, manager)
        return failure(405, "MethodNotAllowed", f"{method} is not known here")

    def _get(self, where: Place) -> Answer:
        found = self.objects.get(where)
        return Answer(200, self._copy(where)) if found else _not_found(where)

    def _list(self, where: Place, query: Mapping[str, str]) -> Answer:
        start, limit = int(query.get("continue") or 0), int(query.get("limit") or 10**9)
        selector = query.get("labelSelector", "")
        found = [
            place
            for place in self._places(where.version, where.plural, where.namespace)
            if not selector or selects(selector, self.objects[place]["metadata"].get("labels") or {})
        ]
        more = str(start + limit) if len(found) > start + limit else ""
        items = [self._copy(place) for place in found[start : start + limit]]
        for item in items:
            item.pop("apiVersion", None)
            item.pop("kind", None)
        return Answer(200, {"metadata": {"continue": more, "resourceVersion": str(self._version)}, "items": items})

    def _copy(self, where: Place) -> Object:
        """Of what is stored; many look at the same."""
        return thawed(self._frozen[where])

    def _apart(self, where: Place, answer: Answer) -> Answer:
        """An answer that may be changed."""
        kept = answer.body is self.objects.get(where)
        return replace(answer, body=self._copy(where) if kept else copied(answer.body))

    def _create(self, where: Place, body: Object, manager: str) -> Answer:
        where = Place(where.version, where.plural, where.namespace, body["metadata"]["name"])
        namespace = self.objects.get(Place("v1", "namespaces", "", where.namespace))
        if where in self.objects:
            return failure(409, "AlreadyExists", f'{where.plural} "{where.name}" already exists')
        if where.namespace and namespace is None:
            return failure(404, "NotFound", f'namespaces "{where.namespace}" not found')
        if namespace and "deletionTimestamp" in namespace["metadata"]:
            text = f"unable to create new content in namespace {where.namespace} because it is being terminated"
            return failure(403, "Forbidden", f'{where.plural} "{where.name}" is forbidden: {text}')
        item = completed(where.plural, copied(body))
        if wrong := mistake(where.plural, item):
            return failure(422, "Invalid", wrong)
        item["metadata"].update(uid=str(uuid.uuid4()), generation=1, creationTimestamp=self._now(), managedFields=[])
        if where.namespace:
            item["metadata"]["namespace"] = where.namespace
        if where.plural == "hotfixrollouts":
            item.pop("status", None)
        item["metadata"]["managedFields"] = rewritten([], {}, item, manager, subresource="")
        self._store(where, item)
        return Answer(201, copied(item))

    def _patch(self, where: Place, subresource: str, operations: Sequence[Object] | Object, manager: str) -> Answer:
        before = self.objects.get(where)
        if before is None:
            return _not_found(where)
        try:
            if isinstance(operations, Mapping):
                wanted = merged(copied(before), copied(dict(operations)))
            else:
                wanted = jsonpatch.apply_patch(copied(before), given(operations), in_place=True)
        except PATCH_FAILED:
            return failure(422, "Invalid", "the server rejected our request due to an error in our request")
        return self._apart(where, self._write(where, wanted, manager, subresource))

    def update(self, where: Place, wanted: Object, manager: str, subresource: str = "") -> Answer:
        """A whole object in the place of another."""
        return self._apart(where, self._write(where, copied(wanted), manager, subresource))

    def _write(self, where: Place, wanted: Object, manager: str, subresource: str = "") -> Answer:
        """What every write comes to: the version compared, the status apart, the generation, the owners of fields. `wanted` must
        be nobody else's, but for parts of what is stored; the answer's body is what is stored, which nobody may change."""
        before = self.objects[where]
        if wanted["metadata"].get("resourceVersion", "") not in ("", before["metadata"]["resourceVersion"]):
            text = "the object has been modified; please apply your changes to the latest version and try again"
            return failure(409, "Conflict", f'Operation cannot be fulfilled on {where.plural} "{where.name}": {text}')
        after = completed(where.plural, _permitted(before, wanted, subresource))
        new = set(after["metadata"].get("finalizers") or ()) - set(before["metadata"].get("finalizers") or ())
        if "deletionTimestamp" in before["metadata"] and new:
            return failure(422, "Invalid", "no new finalizers can be added if the object is being deleted")
        if wrong := mistake(where.plural, after):
            return failure(422, "Invalid", wrong)
        owners = before["metadata"]["managedFields"]
        set_to = wanted["metadata"].get("managedFields", owners)
        after["metadata"]["managedFields"] = rewritten(
            [] if set_to == [{}] else set_to or owners, before, after, manager, subresource=subresource
        )
        if after == before:
            return Answer(200, before)
        after["metadata"]["generation"] += after.get("spec") != before.get("spec")
        self._store(where, after)
        if "deletionTimestamp" in after["metadata"] and not after["metadata"].get("finalizers"):
            self._drop(where)
        return Answer(200, after)

    def _store(self, where: Place, item: Object) -> None:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        what = "MODIFIED" if where in self.objects else "ADDED"
        self.objects[where] = item
        self._frozen[where] = frozen(item)
        self.changes += 1
        self.log.add(Change(self._version, what, where, self._frozen[where]))

    def _drop(self, where: Place) -> None:
        self._version += 1
        item = self.objects.pop(where)
        self._frozen.pop(where, None)
        last = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self._version)}}
        self.changes += 1
        self.log.add(Change(self._version, "DELETED", where, frozen(last)))

    def watch(self, path: str, version: str) -> AsyncIterator[Object]:
        """Events of a collection after a version; the first one is an error where the version is too old."""
        where, _ = place_of(path)
        return self.log.events(where, int(version))

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # ---- people and controllers

    def apply(self, item: Object, manager: str = "kubectl") -> Object:
        """Create it, or make its metadata and spec what is given."""
        version, plural = KINDS[item["kind"]]
        where = Place(version, plural, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        before = self.objects.get(where)
        if before is None:
            return _good(self._create(where, item, manager))
        kept = {key: value for key, value in before["metadata"].items() if key not in ("labels", "annotations")}
        wanted = {**item, "metadata": {**item["metadata"], **kept}}
        return _good(self.update(where, {**wanted, **({"status": before["status"]} if "status" in before else {})}, manager))

    def edit(self, kind: str, namespace: str, name: str, operations: Sequence[Object], manager: str = "kubectl-edit") -> Object:
        """A JSON Patch by somebody."""
        return _good(self._patch(self.place(kind, namespace, name), "", operations, manager))

    def set_status(self, kind: str, namespace: str, name: str, status: Object, manager: str = "controller") -> None:
        """Write the status, as a controller does."""
        where = self.place(kind, namespace, name)
        _good(self._write(where, {**self.objects[where], "status": copied(status)}, manager, "status"))

    def read(self, kind: str, namespace: str, name: str) -> Object:
        """One object; KeyError when there is none."""
        return copied(self.objects[self.place(kind, namespace, name)])

    def peek(self, kind: str, namespace: str, name: str) -> Object:
        """One object, only to be looked at; KeyError when there is none."""
        return self.objects[self.place(kind, namespace, name)]

    def every(self, kind: str, namespace: str | None = None) -> Iterator[Object]:
        """All objects of a kind."""
        yield from map(copied, self.peek_every(kind, namespace))

    def peek_every(self, kind: str, namespace: str | None = None) -> Sequence[Object]:
        """All objects of a kind, only to be looked at."""
        return [self.objects[place] for place in self._places(*KINDS[kind], namespace or "")]

    def _places(self, version: str, plural: str, namespace: str) -> list[Place]:
        """Where the objects of a resource are, by namespace and name."""
        found = [
            place
            for place in self.objects
            if place.plural == plural and place.version == version and namespace in ("", place.namespace)
        ]
        return sorted(found, key=_by_name) if len(found) > 1 else found

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete it, or mark it where a finalizer holds it."""
        where = self.place(kind, namespace, name)
        item = self.objects[where]
        if item["metadata"].get("finalizers"):
            self._store(where, {**item, "metadata": {**item["metadata"], "deletionTimestamp": self._now()}})
        else:
            self._drop(where)

    def end_namespace(self, name: str) -> None:
        """Mark a namespace as being deleted, with everything in it that a finalizer holds."""
        where = self.place("Namespace", "", name)
        item = self.objects[where]
        self._store(where, {**item, "metadata": {**item["metadata"], "deletionTimestamp": self._now()}})
        for rollout in list(self.every("HotfixRollout", name)):
            self.delete("HotfixRollout", name, rollout["metadata"]["name"])

    @staticmethod
    def place(kind: str, namespace: str, name: str) -> Place:
        """Where an object of this kind is kept."""
        return Place(*KINDS[kind], namespace, name)


def place_of(path: str) -> tuple[Place, str]:
    """The place that a URL path means, with its subresource."""
    parts = path.strip("/").split("/")
    version, rest = (f"{parts[1]}/{parts[2]}", parts[3:]) if parts[0] == "apis" else (parts[1], parts[2:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    name, subresource = [*rest[1:], "", ""][:2]
    return Place(version, rest[0], namespace, name), subresource


def _permitted(before: Object, wanted: Object, subresource: str) -> Object:
    """What of a write may take effect: the status through its subresource and nothing else there, identity never."""
    kept, source = (before, wanted) if subresource else (wanted, before)
    after = {**kept, "metadata": dict(kept["metadata"])}
    after.pop("status", None)
    if "status" in source:
        after["status"] = source["status"]
    for key in ("uid", "name", "namespace", "generation", "creationTimestamp", "deletionTimestamp", "resourceVersion"):
        after["metadata"].pop(key, None)
        if key in before["metadata"]:
            after["metadata"][key] = before["metadata"][key]
    return after


def merged(item: Object, change: Mapping[str, Any]) -> Object:
    """RFC 7386."""
    for key, value in change.items():
        if value is None:
            item.pop(key, None)
        else:
            item[key] = merged(item.get(key) or {}, value) if isinstance(value, Mapping) else value
    return item


def _not_found(where: Place) -> Answer:
    return failure(404, "NotFound", f'{where.plural} "{where.name}" not found')


def _by_name(place: Place) -> tuple[str, str]:
    return place.namespace, place.name


def _good(answer: Answer) -> Object:
    if answer.status >= 300:
        raise ValueError(answer.body["message"])
    return answer.body
