"""Announcer on events.k8s.io/v1. The name of an Event is made of the rollout and the decision, so that saying it twice is one
Event; what was said is remembered for a bounded number of rollouts.

Traffic never waits for an Event: one that cannot be published is logged, and told at a later look. While Events of a namespace
get no answer, one of them is tried now and then, and the others are only kept in mind; elsewhere they are told as ever. A look
spends no more than a second and one answer on them.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hotfix.core import moments
from hotfix.core.actions import Announce
from hotfix.errors import OutsideError, Unavailable
from hotfix.ports import Key, Stored

from .kube import FIELD_MANAGER, AlreadyExists, Kube, path
from .store import API_VERSION

log = logging.getLogger(__name__)

EVENTS = "events.k8s.io/v1"
NOTE_BYTES = 1024  # the API's limit
TIMEOUT_SECONDS = 3.0
LOOK_SECONDS = 1.0  # spent on Events: after that no further one is tried in the same look
APART_SECONDS = 0.1  # those of one look follow each other at once
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
REMEMBERED = 20_000
UNTOLD = 50  # Events of one rollout; a status has fewer


class Outcome(Enum):
    """Of an Event that was to be told."""

    TOLD = auto()
    REFUSED = auto()  # and will be
    LATER = auto()


@dataclass(slots=True)
class Pause:
    """Of a namespace whose Events get no answer; seconds on the announcer's clock."""

    seconds: float
    not_before: float


@dataclass(slots=True)
class Memory:
    """Of one object: `said` up to here without a gap, `untold` ones, what was wanted `last`, and seconds `spent` in this look,
    `until` now. Numbers are sequences of its decisions."""

    uid: str
    said: int | None = None
    last: int = 0
    untold: dict[int, Announce] = field(default_factory=dict)
    spent: float = 0.0
    until: float = float("-inf")

    def begins(self, sequence: int) -> bool:
        """Whether a look begins with this one: each names what it wants in order."""
        begins = sequence <= self.last
        self.spent = 0.0 if begins else self.spent
        self.last = sequence
        return begins

    def keep(self, event: Announce) -> None:
        """Not told yet. Of too many the oldest are given up."""
        self.untold[event.sequence] = event
        if len(self.untold) > UNTOLD:
            del self.untold[min(self.untold)]

    def is_said(self, sequence: int) -> None:
        """A later Event must not hide one that could not be published."""
        self.untold.pop(sequence, None)
        if sequence < min(self.untold, default=sequence + 1):
            self.said = max(sequence, self.said or 0)

    def gone(self, sequence: int) -> list[Announce]:
        """The untold ones that no status wants any more where a look begins with this one."""
        return [self.untold[old] for old in sorted(self.untold) if old < sequence]


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
        self._pauses: dict[str, Pause] = {}

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Create the Event; one that exists already was published before. Raises nothing: see above."""
        memory = self._memory(stored, event.sequence)
        if memory.begins(event.sequence):
            for old in memory.gone(event.sequence):
                if await self._told(stored, old, memory) is Outcome.REFUSED:
                    memory.is_said(old.sequence)  # the later ones do not wait for it
        await self._told(stored, event, memory)

    def announced(self, stored: Stored) -> int | None:
        """Sequence of the last Event this process published for this object, with none before it left out."""
        memory = self._memories.get(stored.key)
        return memory.said if memory and memory.uid == stored.uid else None

    def _memory(self, stored: Stored, sequence: int) -> Memory:
        """Of this very object: it begins anew with one of the same name, and where the status counts from the beginning again."""
        memory = self._memories.pop(stored.key, None)
        if memory is None or memory.uid != stored.uid or sequence <= (memory.said or 0):
            memory = Memory(stored.uid)
        self._memories[stored.key] = memory
        while len(self._memories) > REMEMBERED:
            self._memories.popitem(last=False)
        return memory

    async def _told(self, stored: Stored, event: Announce, memory: Memory) -> Outcome:
        memory.keep(event)
        namespace, began = stored.key.namespace, self._monotonic()
        pause = self._pauses.get(namespace)
        if began - memory.until > APART_SECONDS:
            memory.spent = 0.0
        if memory.spent >= LOOK_SECONDS or (pause and began < pause.not_before):
            return Outcome.LATER
        if pause:  # the others of the namespace need not wait with this one
            pause.not_before = began + self._timeout_seconds + pause.seconds
        outcome, error = await self._published(stored, event)
        memory.until = self._monotonic()
        memory.spent += memory.until - began
        if outcome is Outcome.LATER:
            self._silent(namespace, pause, error)
        else:  # any answer, also a refusal, ends the pauses
            self._pauses.pop(namespace, None)
        if outcome is Outcome.TOLD:
            memory.is_said(event.sequence)
        else:
            log.warning("not announced yet: %s: %s", event.reason, error or "time-out", extra={"rollout": str(stored.key)})
        return outcome

    async def _published(self, stored: Stored, event: Announce) -> tuple[Outcome, Exception | None]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                with suppress(AlreadyExists):  # published already, by this process or an earlier one
                    await self._kube.create(path(EVENTS, "events", stored.key.namespace), self._body(stored, event))
        except (Unavailable, TimeoutError) as error:
            return Outcome.LATER, error
        except OutsideError as error:
            return Outcome.REFUSED, error
        return Outcome.TOLD, None

    def _silent(self, namespace: str, tried: Pause | None, error: Exception | None) -> None:
        """The pauses grow while there is no answer. Those that were under way beside another one say no more than that did."""
        if self._pauses.get(namespace) is not tried:
            return
        asked = (error.retry_after_seconds or 0.0) if isinstance(error, Unavailable) else 0.0
        seconds = min(max(2 * tried.seconds if tried else 0.0, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._pauses[namespace] = Pause(seconds, self._monotonic() + max(seconds, asked))

    def _body(self, stored: Stored, event: Announce) -> dict[str, Any]:
        key = stored.key
        return {
            "apiVersion": EVENTS,
            "kind": "Event",
            "metadata": {
                "namespace": key.namespace,
                "name": f"{key.name[:200].rstrip('-.')}.{stored.uid.replace('-', '')[-12:]}.{event.identity}",
            },
            "eventTime": moments.microseconds(moments.unix(event.time)),
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
