"""The objects of one resource in one namespace, as views, each at its newest known version. What fills it is in mirror.py."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .kube import Object
from .reading import Resource

log = logging.getLogger(__name__)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """One object. `group`: the word by which it is listed."""

    version: int
    group: str | None
    view: V


@dataclass
class Collection(Generic[V]):
    """Times are the clock's monotonic seconds."""

    resource: Resource[V]
    namespace: str
    entries: dict[str, Entry[V]] = field(default_factory=dict)
    groups: dict[str, dict[str, V]] = field(default_factory=dict)
    unreadable: dict[str, Exception] = field(default_factory=dict)  # objects of which no view can be made, and why
    gone: dict[str, int] = field(default_factory=dict)  # deleted since the list, with the version of the deletion
    doubted: set[str] = field(default_factory=set)  # names whose entries a write has contradicted
    listing: "asyncio.Task[None] | None" = None
    watching: "asyncio.Task[None] | None" = None
    failed: tuple[float, Exception] | None = None  # the last list: until when it is not repeated, and why it failed
    silent_watches: int = 0  # in a row that ended without a word
    unwatched_until: float = float("-inf")
    confirmed_at: float = float("-inf")  # when the content was last known to be whole
    read_at: float = 0.0

    def find(self, name: str) -> V | None:
        """One object; None when there is none. Raises what its view raised: what cannot be read is not taken for absent."""
        if name in self.unreadable:
            raise self.unreadable[name]
        entry = self.entries.get(name)
        return entry.view if entry else None

    def list(self, group: str | None) -> Sequence[V]:
        """All objects, or those of one group, by name. Raises where one cannot be read: nobody knows of which group it is."""
        for problem in self.unreadable.values():
            raise problem
        if group is not None:
            return [view for _, view in sorted(self.groups.get(group, {}).items(), key=lambda member: member[0])]
        return [entry.view for _, entry in sorted(self.entries.items(), key=lambda member: member[0])]

    def fill(self, items: Sequence[Object], version: int) -> Sequence[str]:
        """Make the content that of a list at a version, but for what is known to have happened since; the names of what is new,
        changed or gone."""
        before = {name: entry.version for name, entry in self.entries.items()}
        self.gone = {name: deleted for name, deleted in self.gone.items() if deleted > version}
        listed = {item["metadata"]["name"] for item in items}
        self.unreadable.clear()
        for name in [name for name, known in before.items() if name not in listed and known <= version]:
            self.forget(name)
        for item in items:
            self.put(item)
        self.doubted.clear()
        after = {name: entry.version for name, entry in self.entries.items()}
        return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))

    def put(self, item: Object) -> bool:
        """An object as it is now; False when a newer version of it is known."""
        name, version = item["metadata"]["name"], int(item["metadata"]["resourceVersion"])
        known = self.entries.get(name)
        if (known is not None and known.version >= version) or self.gone.get(name, -1) >= version:
            return False
        try:
            entry = Entry(version, self.resource.group(item), self.resource.view(item))
        except Exception as error:
            # a defect shown by one object must not end the watch of all others
            log.exception("%s cannot be read", self.resource.path(self.namespace, name))
            self.forget(name)
            self.unreadable[name] = error
            return True
        self.forget(name)
        self.entries[name] = entry
        if entry.group is not None:
            self.groups.setdefault(entry.group, {})[name] = entry.view
        return True

    def drop(self, item: Object) -> bool:
        """An object that was deleted, as its last event shows it; False when it exists anew already."""
        name, version = item["metadata"]["name"], int(item["metadata"]["resourceVersion"])
        known = self.entries.get(name)
        if known is not None and known.version > version:
            return False
        self.gone[name] = version
        self.forget(name)
        return True

    def forget(self, name: str) -> bool:
        """An object that is not there; False when it was not known."""
        unreadable, entry = self.unreadable.pop(name, None), self.entries.pop(name, None)
        if entry is not None and entry.group is not None:
            members = self.groups[entry.group]
            members.pop(name)
            if not members:
                del self.groups[entry.group]
        return entry is not None or unreadable is not None

    def known(self, name: str) -> Entry[V] | Exception | None:
        """What is held of an object, or why it cannot be read; another one after each change."""
        return self.unreadable.get(name) or self.entries.get(name)

    @property
    def watched(self) -> bool:
        """The watch has not ended."""
        return self.watching is not None and not self.watching.done()

    def listing_ended(self, task: "asyncio.Task[None]") -> None:
        """Nobody need have waited for it to the end."""
        self.listing = None
        if not task.cancelled():
            task.exception()

    async def end_watch(self) -> None:
        """Cancel the watch."""
        watching, self.watching = self.watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait({watching})

    async def end(self) -> None:
        """Cancel what is under way."""
        if self.listing is not None:
            self.listing.cancel()
            await asyncio.wait({self.listing})
        await self.end_watch()
