"""Announcer on events.k8s.io/v1. The name of an Event is made of the rollout and the decision, so that saying it twice is one
Event; what was said is remembered for a bounded number of rollouts.

Traffic never waits for an Event: one that cannot be published is logged, and told at a later look. While the API server gives no
answer to Events, one of all rollouts is tried now and then, and the others are only kept in mind.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hotfix.core.actions import Announce
from hotfix.errors import OutsideError, Unavailable
from hotfix.ports import Key, Stored

from .kube import FIELD_MANAGER, AlreadyExists, Kube, path
from .store import API_VERSION

log = logging.getLogger(__name__)

EVENTS = "events.k8s.io/v1"
NOTE_BYTES = 1024  # the API's limit
TIMEOUT_SECONDS = 3.0
SLOW_SECONDS = 1.0  # an answer that takes longer is the last that is waited for in a look
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
REMEMBERED = 20_000
UNTOLD = 50  # Events of one rollout; a status has fewer


@dataclass(slots=True)
class Memory:
    """Of one rollout: `said` up to here without a gap, `untold` ones, and what was wanted `last`; sequences of its decisions."""

    uid: str
    said: int | None = None
    last: int = 0
    untold: dict[int, Announce] = field(default_factory=dict)

    def is_said(self, sequence: int) -> None:
        """A later Event must not hide one that could not be published."""
        self.untold.pop(sequence, None)
        if sequence < min(self.untold, default=sequence + 1):
            self.said = max(sequence, self.said or 0)

    def gone(self, sequence: int) -> list[Announce]:
        """The untold ones that no status wants any more, where a look begins with this one: each names what it wants in order."""
        begins = sequence <= self.last
        return [self.untold[old] for old in sorted(self.untold) if old < sequence] if begins else []


class KubeAnnouncer:
    """Publishes decisions as Events on the HotfixRollout. `monotonic`: seconds that never go backwards."""

    def __init__(
        self,
        kube: Kube,
        *,
        instance: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube, self._instance, self._timeout_seconds, self._monotonic = kube, instance, timeout_seconds, monotonic
        self._memories: OrderedDict[Key, Memory] = OrderedDict()
        self._pause = 0.0  # seconds; 0 while there are answers
        self._not_before = float("-inf")

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Create the Event; one that exists already was published before. Raises nothing: see above."""
        memory = self._memory(stored, event.sequence)
        for old in memory.gone(event.sequence):
            if not await self._told(stored, old, memory) and not self._waits():
                memory.is_said(old.sequence)  # it is refused, and will be: the later ones do not wait for it
        memory.last = event.sequence
        await self._told(stored, event, memory)

    def announced(self, key: Key) -> int | None:
        """Sequence of the last Event this process published for the rollout, with none before it left out."""
        memory = self._memories.get(key)
        return memory.said if memory else None

    def _memory(self, stored: Stored, sequence: int) -> Memory:
        """Of this very object: it begins anew with one of the same name, and where the status counts from the beginning again."""
        memory = self._memories.pop(stored.key, None)
        if memory is None or memory.uid != stored.uid or sequence <= (memory.said or 0):
            memory = Memory(stored.uid)
        self._memories[stored.key] = memory
        while len(self._memories) > REMEMBERED:
            self._memories.popitem(last=False)
        return memory

    async def _told(self, stored: Stored, event: Announce, memory: Memory) -> bool:
        memory.untold[event.sequence] = event
        if len(memory.untold) > UNTOLD:
            del memory.untold[min(memory.untold)]
        if self._waits():
            return False
        began, tries = self._monotonic(), self._pause > 0
        if tries:  # the others need not wait with this one
            self._not_before = began + self._timeout_seconds + self._pause
        try:
            async with asyncio.timeout(self._timeout_seconds):
                with suppress(AlreadyExists):  # published already, by this process or an earlier one
                    await self._kube.create(path(EVENTS, "events", stored.key.namespace), self._body(stored, event))
        except (OutsideError, TimeoutError) as error:
            self._failed(error, tries)
            log.warning("not announced yet: %s: %s", event.reason, error or "time-out", extra={"rollout": str(stored.key)})
            return False
        self._answered(self._monotonic() - began)
        memory.is_said(event.sequence)
        return True

    def _waits(self) -> bool:
        """Nothing is tried now."""
        return self._monotonic() < self._not_before

    def _answered(self, seconds: float = 0.0) -> None:
        """Any answer, also a refusal, ends the pauses; one that took so many seconds is followed by as many without a try."""
        self._pause = 0.0
        self._not_before = self._monotonic() + seconds if seconds > SLOW_SECONDS else float("-inf")

    def _failed(self, error: OutsideError | TimeoutError, tries: bool) -> None:
        """The pauses grow while there is no answer."""
        if not isinstance(error, Unavailable | TimeoutError):
            self._answered()
        elif tries or not self._pause:  # those that were under way beside the first one say no more than that did
            asked = (error.retry_after_seconds or 0.0) if isinstance(error, Unavailable) else 0.0
            self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            self._not_before = self._monotonic() + max(self._pause, asked)

    def _body(self, stored: Stored, event: Announce) -> dict[str, Any]:
        key = stored.key
        return {
            "apiVersion": EVENTS,
            "kind": "Event",
            "metadata": {
                "namespace": key.namespace,
                "name": f"{key.name[:200].rstrip('-.')}.{stored.uid.replace('-', '')[-12:]}.{event.sequence}",
            },
            "eventTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": f"hotfix-operator.dev/{FIELD_MANAGER}",
            "reportingInstance": self._instance[:128],
            "action": event.action[:128],
            "reason": event.reason[:128],
            "type": event.type,
            "note": event.message.encode()[:NOTE_BYTES].decode(errors="ignore"),
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": "HotfixRollout",
                "namespace": key.namespace,
                "name": key.name,
                "uid": stored.uid,
            },
        }
