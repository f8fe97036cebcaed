"""One stored rollout, read again and again: by the commands that wait for something. Nothing is decided here."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.adapters.reading import Direct
from hotfix.adapters.store import ROLLOUTS
from hotfix.errors import NotFound, Unavailable
from hotfix.ports import Clock, Key, Stored

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Pace:
    """How time passes. `sleep` takes seconds."""

    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


REAL = Pace()


def missing(key: Key) -> NotFound:
    """The error for a rollout that is not there; it says how to list what there is."""
    listing = f"`kubectl get hfr -n {key.namespace}` lists them"
    return NotFound(f"There is no HotfixRollout {key.name} in namespace {key.namespace}; {listing}.")


async def existing(kube: Kube, key: Key) -> Stored:
    """The rollout as it is stored; NotFound when there is none."""
    stored = await _read(kube, key)
    if stored is None:
        raise missing(key)
    return stored


async def _read(kube: Kube, key: Key) -> Stored | None:
    """The object alone: a person may have no right to read its namespace."""
    return await Direct(kube).find(ROLLOUTS, key.namespace, key.name)


class Follower:
    """Reads one rollout until the time is over; `note` is told of an API server that does not answer."""

    def __init__(self, kube: Kube, key: Key, note: Callable[[str], None], pace: Pace) -> None:
        self.key = key
        self._kube, self._note, self._pace = kube, note, pace
        self._uid, self._until = "", float("inf")
        self._noted: set[str] = set()

    async def first(self, timeout_seconds: float | None = None) -> Stored:
        """The rollout now; from here on the time counts (None: no end). NotFound when there is none."""
        stored = await existing(self._kube, self.key)
        self._uid = stored.uid
        if timeout_seconds is not None:
            self._until = self._pace.clock.monotonic() + timeout_seconds
        return stored

    async def next(self) -> Stored | None:
        """The rollout a moment later, None when the time is over. NotFound when it was deleted (another may have its name)."""
        failed = False
        while (left := self._until - self._pace.clock.monotonic()) > 0:
            await self._pace.sleep(min(POLL_SECONDS, left))
            try:
                stored = await _read(self._kube, self.key)
            except Unavailable as error:
                self.unheard(error)
                failed = True
                continue
            if failed:
                self._noted.clear()
            if stored is None or stored.uid != self._uid:
                raise NotFound(f"HotfixRollout {self.key.name} is gone: it was deleted meanwhile.")
            return stored
        return None

    def unheard(self, error: Unavailable) -> None:
        """An API server that restarts is no reason to give up: it is noted once, until it answers again."""
        if str(error) not in self._noted:
            self._note(f"{error}; still trying.")
        self._noted.add(str(error))
