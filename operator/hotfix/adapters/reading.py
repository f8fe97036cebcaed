"""How objects are read: a resource, the view of it that is kept, and by what it is looked up. `Direct` asks the API server each
time; mirror.py answers from memory. Writes go to the API server whichever is used, by a
`Writer`, at the version that was read.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from hotfix.errors import Conflict, NotFound, OutsideError

from .kube import FIELD_MANAGER, Kube, Object, Patch, path

log = logging.getLogger(__name__)

OUTDATED = "hotfix-operator.dev/outdated"

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


def outdated(meta: Mapping[str, Any]) -> str | None:
    """The mark on an object whose version was moved on."""
    found: str | None = (meta.get("labels") or {}).get(OUTDATED)
    return found


def _by_name(item: Object) -> str | None:
    name: str = item["metadata"]["name"]
    return name


@dataclass(frozen=True)
class Resource(Generic[V_co]):
    """A resource of the API. `view`: what of an object is kept; it is made once for each version of the object and must not be
    changed. `group`: the word that a list is asked for, None for objects that no list shall hold."""

    version: str
    plural: str
    view: Callable[[Object], V_co]
    group: Callable[[Object], str | None] = _by_name
    selector: str | None = None  # what a label selector for a group begins with, where a label is what makes the group

    def path(self, namespace: str, name: str | None = None) -> str:
        """The URL path of the collection in a namespace, or of one object."""
        return path(self.version, self.plural, namespace, name)


class Reader(Protocol):
    """Raises what Kube raises. With `fresh`, what is true now is asked for instead of what is remembered. `remembers`: most
    answers come from memory, at once."""

    remembers: bool

    async def find(self, resource: Resource[V], namespace: str, name: str, *, fresh: bool = False) -> V | None:
        """One object; None when there is none."""
        ...

    async def list(
        self, resource: Resource[V], namespace: str, group: str | None = None, *, fresh: bool = False, where: str | None = None
    ) -> list[V]:
        """All objects of the namespace, or those of one group, by name; NotFound when the cluster does not serve them. `where`: a
        label selector that the whole group fits, so that less has to be answered."""
        ...

    def wrote(self, resource: Resource[V], namespace: str, item: Object) -> None:
        """What the API server answered to a write of ours, so that the next look sees it."""
        ...

    def doubt(self, resource: Resource[V], namespace: str, name: str) -> None:
        """Something contradicts what is remembered of this object."""
        ...

    def knows(self, resource: Resource[V], namespace: str, name: str, version: str) -> bool:
        """This version of the object, or a newer one, is known, and newer ones will be told."""
        ...


class Direct:
    """Every read is a request."""

    remembers = False

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def find(self, resource: Resource[V], namespace: str, name: str, *, fresh: bool = False) -> V | None:
        """One GET."""
        try:
            return resource.view(await self._kube.get(resource.path(namespace, name)))
        except NotFound:
            return None

    async def list(
        self, resource: Resource[V], namespace: str, group: str | None = None, *, fresh: bool = False, where: str | None = None
    ) -> list[V]:
        """One LIST, of the group where labels make it, else of the whole collection."""
        selector = where if group is None or resource.selector is None else resource.selector + group
        items = await self._kube.list(resource.path(namespace), **({"labelSelector": selector} if selector else {}))
        return [resource.view(item) for item in items if group is None or resource.group(item) == group]

    def wrote(self, resource: Resource[V], namespace: str, item: Object) -> None:
        """Nothing is remembered."""

    def doubt(self, resource: Resource[V], namespace: str, name: str) -> None:
        """Nothing is remembered."""

    def knows(self, resource: Resource[V], namespace: str, name: str, version: str) -> bool:
        """Nothing is remembered."""
        return False


class Writer:
    """Patches objects that a Reader reads."""

    def __init__(self, kube: Kube, reader: Reader) -> None:
        self._kube, self._reader = kube, reader

    async def patch(
        self, resource: Resource[V], place: tuple[str, str], operations: Patch, *, subresource: str | None = None
    ) -> Object:
        """A JSON Patch of the object at (namespace, name), and what it is afterwards, which is remembered. One that does not
        come through as asked says that what was remembered may be old."""
        namespace, name = place
        url = resource.path(namespace, name) + (f"/{subresource}" if subresource else "")
        try:
            item = await self._kube.json_patch(url, operations)
        except OutsideError:
            self._reader.doubt(resource, namespace, name)
            raise
        self._reader.wrote(resource, namespace, item)
        return item

    async def outdate(self, resource: Resource[V], place: tuple[str, str], version: str, mark: str | None) -> None:
        """A new version of the object, with nothing changed: a label comes and, with None, goes again. One that has changed since
        has a new one. No annotation: the Deployment controller copies these into ReplicaSets, where they stay."""
        try:
            try:
                await self._label(resource, place, {"resourceVersion": version, "labels": {OUTDATED: mark or version}})
            except Conflict as error:
                log.debug("%s has changed by itself: %s", place, error)
                self._reader.doubt(resource, *place)
            if mark is None:
                await self._label(resource, place, {"labels": {OUTDATED: None}})
        except NotFound:
            self._reader.doubt(resource, *place)

    async def _label(self, resource: Resource[V], place: tuple[str, str], meta: Object) -> None:
        item = await self._kube.merge_patch(resource.path(*place), {"metadata": meta}, FIELD_MANAGER)
        self._reader.wrote(resource, place[0], item)
