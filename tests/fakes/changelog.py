"""What changed in the API server in memory, in its order, for those who watch."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from .copying import thawed

KEPT = 5000  # a watch from before that is answered with 410, as after a compaction


@dataclass(frozen=True, order=True)
class Place:
    """Where an object is kept."""

    version: str
    plural: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """One event. `kept` is the object after it, or as it was last, to be thawed."""

    version: int
    what: str
    where: Place
    kept: bytes


class ChangeLog:
    """The newest changes; `cut` ends all watches, as a server that goes away does."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=KEPT)
        self._waiting: dict[asyncio.Event, None] = {}  # in the order in which they came, so that a seed tells the same story
        self._cuts = 0
        self._forgotten = 0  # changes up to this version are not kept any more

    def __getstate__(self) -> dict[str, Any]:
        """A copy of the server knows no watches, and no changes that somebody could go on from."""
        forgotten = self._changes[-1].version if self._changes else self._forgotten
        return {"_changes": deque(maxlen=KEPT), "_waiting": {}, "_cuts": 0, "_forgotten": forgotten}

    def add(self, change: Change) -> None:
        """Tell everybody."""
        if len(self._changes) == KEPT:
            self._forgotten = self._changes[0].version
        self._changes.append(change)
        self._wake()

    def cut(self) -> None:
        """End all watches."""
        self._cuts += 1
        self._wake()

    def compact(self) -> None:
        """Forget everything up to now: a watch from before it is too old."""
        if self._changes:
            self._forgotten = self._changes[-1].version
        self._changes.clear()
        self.cut()

    async def events(self, where: Place, version: int) -> AsyncIterator[dict[str, Any]]:
        """The changes of a collection after a version, without an end unless it is cut."""
        cuts, wake = self._cuts, asyncio.Event()
        self._waiting[wake] = None
        try:
            while cuts == self._cuts:
                if version < self._forgotten:
                    text = f"too old resource version: {version} ({self._forgotten})"
                    yield {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": text}}
                    return
                wake.clear()
                for change in self._after(version):
                    version = change.version
                    if _holds(where, change.where):
                        yield {"type": change.what, "object": thawed(change.kept)}
                await wake.wait()
        finally:
            self._waiting.pop(wake, None)

    def _after(self, version: int) -> list[Change]:
        found: list[Change] = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            found.append(change)
        return found[::-1]

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()


def _holds(collection: Place, place: Place) -> bool:
    same = (collection.version, collection.plural) == (place.version, place.plural)
    return same and collection.namespace in ("", place.namespace)
