"""Objects of the namespaces that have live rollouts, kept in memory by watches that begin with the first read and end when
nobody has read for a while.

There is no background loop and no timer: a read lists the collection when it is not known, when its watch has ended, or when
the watch has been silent for `MAX_AGE_SECONDS`. So an answer is as old as an event needs to arrive, and `MAX_AGE_SECONDS` at the
very worst; where the list fails, the read fails. Protocol: Kubernetes API concepts, "efficient detection of changes".
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hotfix.errors import NotFound, OutsideError

from .kube import Kube, Object
from .reading import Direct, Resource

log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 75.0  # the API server sends a bookmark about once a minute
IDLE_SECONDS = 120.0
WATCH_SECONDS = 600  # the server ends a watch after this long; the next read lists again

V = TypeVar("V")
Heard = Callable[[Resource[Any], str, str], None]  # resource, namespace, name


@dataclass(frozen=True, slots=True)
class _Entry(Generic[V]):
    version: int
    group: str | None
    view: V


@dataclass
class Collection(Generic[V]):
    """The objects of one resource in one namespace. Times are the clock's monotonic seconds."""

    resource: Resource[V]
    namespace: str
    entries: dict[str, _Entry[V]] = field(default_factory=dict)
    groups: dict[str, dict[str, V]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)  # deleted since the list, with the version of the deletion
    watching: "asyncio.Task[None] | None" = None
    confirmed_at: float = float("-inf")  # when the content was last known to be whole
    read_at: float = 0.0
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def fill(self, items: list[Object]) -> None:
        """Make the content that of a list."""
        self.entries, self.groups, self.gone = {}, {}, {}
        for item in items:
            self.put(item)

    def put(self, item: Object) -> bool:
        """An object as it is now; False when a newer version of it is known."""
        name, version = item["metadata"]["name"], int(item["metadata"]["resourceVersion"])
        known = self.entries.get(name)
        if (known is not None and known.version >= version) or self.gone.get(name, -1) >= version:
            return False
        self._set(name, _Entry(version, self.resource.group(item), self.resource.view(item)))
        return True

    def drop(self, item: Object) -> bool:
        """An object that was deleted, as its last event shows it; False when it exists anew already."""
        name, version = item["metadata"]["name"], int(item["metadata"]["resourceVersion"])
        known = self.entries.get(name)
        if known is not None and known.version > version:
            return False
        self.gone[name] = version
        self._leave_group(name, self.entries.pop(name, None))
        return True

    def _set(self, name: str, entry: _Entry[V]) -> None:
        self._leave_group(name, self.entries.get(name))
        self.entries[name] = entry
        if entry.group is not None:
            self.groups.setdefault(entry.group, {})[name] = entry.view

    def _leave_group(self, name: str, entry: _Entry[V] | None) -> None:
        if entry is None or entry.group is None:
            return
        members = self.groups[entry.group]
        members.pop(name, None)
        if not members:
            del self.groups[entry.group]

    @property
    def watched(self) -> bool:
        """The watch has not ended."""
        return self.watching is not None and not self.watching.done()


class Mirror:
    """A Reader. `heard` is called for every change that a watch tells; close it at the end."""

    def __init__(
        self,
        kube: Kube,
        monotonic: Callable[[], float],
        *,
        heard: Heard | None = None,
        max_age_seconds: float = MAX_AGE_SECONDS,
    ) -> None:
        self._kube, self._monotonic, self._heard, self._max_age_seconds = kube, monotonic, heard, max_age_seconds
        self._direct = Direct(kube)
        self._collections: dict[tuple[Resource[Any], str], Collection[Any]] = {}

    async def find(self, resource: Resource[V], namespace: str, name: str, *, fresh: bool = False) -> V | None:
        """One object; None when there is none, or when the cluster does not serve such objects."""
        if fresh:
            return await self._direct.find(resource, namespace, name)
        try:
            entry = (await self._fresh(resource, namespace)).entries.get(name)
        except NotFound:
            return None
        return entry.view if entry else None

    async def list(self, resource: Resource[V], namespace: str, group: str | None = None, *, fresh: bool = False) -> list[V]:
        """All objects of the namespace, or those of one group, by name."""
        if fresh:
            return await self._direct.list(resource, namespace, group)
        found = await self._fresh(resource, namespace)
        if group is not None:
            return [view for _, view in sorted(found.groups.get(group, {}).items(), key=lambda member: member[0])]
        return [entry.view for _, entry in sorted(found.entries.items(), key=lambda member: member[0])]

    def wrote(self, resource: Resource[V], namespace: str, item: Object) -> None:
        """What was answered to a write; the watch tells the same a little later."""
        found = self._collections.get((resource, namespace))
        if found is not None and found.watched:
            found.put(item)

    def knows(self, resource: Resource[V], namespace: str, name: str, version: str) -> bool:
        """This version of the object, or a newer one, is here, and its watch goes on."""
        found = self._collections.get((resource, namespace))
        entry = found.entries.get(name) if found is not None and found.watched else None
        return entry is not None and version.isdigit() and entry.version >= int(version)

    @property
    def watches(self) -> int:
        """How many there are."""
        return sum(found.watched for found in self._collections.values())

    async def sweep(self) -> None:
        """End the watches that nobody has read for a while."""
        now = self._monotonic()
        for place, found in list(self._collections.items()):
            if now - found.read_at > IDLE_SECONDS and not found.listing.locked():
                del self._collections[place]
                await _end(found)

    async def close(self) -> None:
        """End all watches."""
        collections, self._collections = self._collections, {}
        for found in collections.values():
            await _end(found)

    async def _fresh(self, resource: Resource[V], namespace: str) -> Collection[V]:
        """The collection, listed anew unless its watch is known to speak."""
        found: Collection[V] = self._collections.setdefault((resource, namespace), Collection(resource, namespace))
        found.read_at = self._monotonic()
        if self._stale(found):
            async with found.listing:  # whoever comes second finds it done
                if self._stale(found):
                    await self._list(found)
        return found

    def _stale(self, found: Collection[Any]) -> bool:
        return not found.watched or self._monotonic() - found.confirmed_at > self._max_age_seconds

    async def _list(self, found: Collection[Any]) -> None:
        began = self._monotonic()
        items, version = await self._kube.list_at(found.resource.path(found.namespace))
        await _end(found)
        found.fill(items)
        found.confirmed_at = began
        found.watching = asyncio.create_task(self._follow(found, version), name=f"watch {found.resource.plural}")

    async def _follow(self, found: Collection[Any], version: str) -> None:
        """Until the watch ends, for whatever reason: the next read lists again."""
        events = self._kube.watch(found.resource.path(found.namespace), version=version, seconds=WATCH_SECONDS)
        try:
            async for event in events:
                found.confirmed_at = self._monotonic()
                if event["type"] == "BOOKMARK":
                    continue
                item = event["object"]
                changed = found.drop(item) if event["type"] == "DELETED" else found.put(item)
                if changed and self._heard:
                    self._heard(found.resource, found.namespace, item["metadata"]["name"])
        except OutsideError as error:
            log.info("a watch ended: %s", error)
        except Exception:
            log.exception("a watch of %s ended", found.resource.path(found.namespace))


async def _end(found: Collection[Any]) -> None:
    watching, found.watching = found.watching, None
    if watching is None:
        return
    watching.cancel()
    await asyncio.wait({watching})
