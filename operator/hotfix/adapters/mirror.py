"""Objects of the namespaces that have live rollouts, kept in memory by watches that begin with the first read and end when
nobody has read for a while.

There is no background loop and no timer: a read lists the collection when it is not known, when its watch has ended, or when
the watch has been silent for `MAX_AGE_SECONDS`. So an answer is as old as an event needs to arrive, and `MAX_AGE_SECONDS` where a
watch fell silent; a watch lives for `WATCH_SECONDS` at most, whatever it says. What a write contradicts is asked for anew at the
next read. Where the list fails, the read fails. Protocol: Kubernetes API concepts, "efficient detection of changes".
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from hotfix.errors import NotFound, OutsideError, Refused, Unavailable

from .collection import Collection
from .kube import Kube, Object
from .reading import Direct, Resource

log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 75.0  # the API server sends a bookmark about once a minute
IDLE_SECONDS = 120.0
WATCH_SECONDS, WATCH_SPREAD = 300, 120  # the server ends a watch after this long; the next read lists again
FAILED_SECONDS = 1.0  # a list that failed is not tried again for this long: everybody who asks gets the same answer
SILENT_WATCHES = 3  # so many watches in a row that end without a word ...
UNWATCHED_SECONDS = 30.0  # ... are not followed by another for this long; reads are requests meanwhile
MOST_WATCHES = 2000  # each holds a connection; beyond them reads are requests

V = TypeVar("V")
Heard = Callable[[Resource[Any], str, str], None]  # resource, namespace, name


class Mirror:
    """A Reader. `heard` is called for every change that is learnt of, but for what this process wrote; close it at the end."""

    remembers = True

    def __init__(
        self,
        kube: Kube,
        monotonic: Callable[[], float],
        *,
        heard: Heard | None = None,
        max_age_seconds: float = MAX_AGE_SECONDS,
        most_watches: int = MOST_WATCHES,
    ) -> None:
        self._kube, self._monotonic, self._heard = kube, monotonic, heard
        self._max_age_seconds, self._most_watches = max_age_seconds, most_watches
        self._direct = Direct(kube)
        self._collections: dict[tuple[Resource[Any], str], Collection[Any]] = {}
        self._closed = False

    async def find(self, resource: Resource[V], namespace: str, name: str, *, fresh: bool = False) -> V | None:
        """One object; None when there is none, or when the cluster does not serve such objects."""
        if fresh:
            return await self._direct.find(resource, namespace, name)
        try:
            found = await self._fresh(resource, namespace)
            return await self._direct.find(resource, namespace, name) if found is None else found.find(name)
        except NotFound:
            return None

    async def list(
        self, resource: Resource[V], namespace: str, group: str | None = None, *, fresh: bool = False, where: str | None = None
    ) -> list[V]:
        """All objects of the namespace, or those of one group, by name."""
        found = None if fresh else await self._fresh(resource, namespace)
        return await self._direct.list(resource, namespace, group, where=where) if found is None else [*found.list(group)]

    def wrote(self, resource: Resource[V], namespace: str, item: Object) -> None:
        """What was answered to a write, or told by another way; the watch tells the same a little later."""
        found = self._collections.get((resource, namespace))
        if found is not None and found.watched:
            found.put(item)

    def doubt(self, resource: Resource[V], namespace: str, name: str) -> None:
        """What is remembered of this object was contradicted: the next read asks for it anew."""
        found = self._collections.get((resource, namespace))
        if found is not None:
            found.doubted.add(name)

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
            if now - found.read_at > IDLE_SECONDS and not found.listing:
                del self._collections[place]
                await found.end()

    async def close(self) -> None:
        """End all watches; who still reads asks the API server each time."""
        self._closed = True
        collections, self._collections = self._collections, {}
        for found in collections.values():
            await found.end()

    async def _fresh(self, resource: Resource[V], namespace: str) -> Collection[V] | None:
        """The collection, listed anew unless its watch is known to speak; None where it cannot be watched now."""
        place = (resource, namespace)
        if self._closed or (place not in self._collections and len(self._collections) >= self._most_watches):
            return None
        found: Collection[V] = self._collections.setdefault(place, Collection(resource, namespace))
        found.read_at = now = self._monotonic()
        if not found.watched and now < found.unwatched_until:
            return None
        if found.listing or self._stale(found):
            await self._listed(found)
        if found.doubted:
            await self._ask_anew(found)
        return found

    def _stale(self, found: Collection[Any]) -> bool:
        return not found.watched or self._monotonic() - found.confirmed_at > self._max_age_seconds

    async def _listed(self, found: Collection[Any]) -> None:
        """One list for all who ask meanwhile; they get its error too, and so do those who ask right after it."""
        if found.failed is not None and self._monotonic() < found.failed[0]:
            raise Unavailable(str(found.failed[1])) from found.failed[1]
        if found.listing is None:
            found.listing = asyncio.create_task(self._list(found), name=f"list {found.resource.plural}")
            found.listing.add_done_callback(found.listing_ended)
        await asyncio.shield(found.listing)

    async def _list(self, found: Collection[Any]) -> None:
        began = self._monotonic()
        try:
            items, version = await self._kube.list_at(found.resource.path(found.namespace))
        except Unavailable as error:
            wait = max(FAILED_SECONDS, error.retry_after_seconds or 0.0)
            found.failed = (self._monotonic() + wait, error)
            raise
        await found.end_watch()
        self._tell(found, found.fill(items, int(version)))
        found.failed, found.confirmed_at = None, began
        found.watching = asyncio.create_task(self._follow(found, version), name=f"watch {found.resource.plural}")

    async def _ask_anew(self, found: Collection[Any]) -> None:
        """What was doubted, one by one; all at once where single objects may not be read, which must not end every read."""
        for name in sorted(found.doubted):
            before = found.known(name)
            try:
                item = await self._kube.find(found.resource.path(found.namespace, name))
            except Refused as error:
                log.warning("objects are read by lists alone: %s", error)
                await self._listed(found)
                return
            # what the watch has told meanwhile is newer than the answer that there is none
            changed = found.put(item) if item is not None else found.known(name) is before and found.forget(name)
            found.doubted.discard(name)
            self._tell(found, [name] if changed else [])

    def _tell(self, found: Collection[Any], names: Sequence[str]) -> None:
        if self._heard:
            for name in names:
                self._heard(found.resource, found.namespace, name)

    async def _follow(self, found: Collection[Any], version: str) -> None:
        """Until the watch ends, for whatever reason: the next read lists again."""
        where = found.resource.path(found.namespace)
        seconds = WATCH_SECONDS + hash(where) % WATCH_SPREAD  # not all of them at once
        try:
            async with aclosing(self._kube.watch(where, version=version, seconds=seconds)) as events:
                async for event in events:
                    found.confirmed_at, found.silent_watches = self._monotonic(), 0
                    self._hear(found, event["type"], event["object"])
        except OutsideError as error:
            log.info("a watch ended: %s", error)
            found.silent_watches += SILENT_WATCHES if isinstance(error, Refused) else 1
        if found.silent_watches >= SILENT_WATCHES:
            log.warning("%s cannot be watched, so it is read at each look", where)
            found.unwatched_until, found.silent_watches = self._monotonic() + UNWATCHED_SECONDS, 0

    def _hear(self, found: Collection[Any], what: str, item: Object) -> None:
        if what == "BOOKMARK":
            return
        changed = found.drop(item) if what == "DELETED" else found.put(item)
        self._tell(found, [item["metadata"]["name"]] if changed else [])
