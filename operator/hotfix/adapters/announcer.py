"""Announcer on events.k8s.io/v1. The name of an Event is made of the rollout and the decision, so that saying it twice is one
Event; what was said is remembered for a bounded number of rollouts.

Traffic never waits for an Event: one that cannot be published is logged, and wanted again at the next look.
"""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hotfix.core.actions import Announce
from hotfix.errors import OutsideError
from hotfix.ports import Key, Stored

from .kube import FIELD_MANAGER, AlreadyExists, Kube, path
from .store import API_VERSION

log = logging.getLogger(__name__)

EVENTS = "events.k8s.io/v1"
NOTE_BYTES = 1024  # the API's limit
TIMEOUT_SECONDS = 3.0
REMEMBERED = 20_000


class KubeAnnouncer:
    """Publishes decisions as Events on the HotfixRollout."""

    def __init__(self, kube: Kube, *, instance: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._kube, self._instance, self._timeout_seconds = kube, instance, timeout_seconds
        self._said: OrderedDict[Key, tuple[int | None, int | None]] = OrderedDict()  # (said, missed)

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Create the Event; one that exists already was published before. Raises nothing: see above."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                with suppress(AlreadyExists):  # published already, by this process or an earlier one
                    await self._kube.create(path(EVENTS, "events", stored.key.namespace), self._body(stored, event))
        except (OutsideError, TimeoutError) as error:
            log.warning("not announced yet: %s: %s", event.reason, error or "time-out", extra={"rollout": str(stored.key)})
            self._remember(stored.key, event.sequence, published=False)
        else:
            self._remember(stored.key, event.sequence, published=True)

    def _remember(self, key: Key, sequence: int, *, published: bool) -> None:
        """What was said up to here without a gap: a later Event must not hide one that could not be published."""
        said, missed = self._said.pop(key, (None, None))
        if not published:
            missed = min(sequence, missed or sequence)
        elif missed is None or sequence <= missed:
            said, missed = max(sequence, said or 0), None
        self._said[key] = said, missed
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)

    def announced(self, key: Key) -> int | None:
        """Sequence of the last Event this process published for the rollout, with none before it left out."""
        return self._said.get(key, (None, None))[0]

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
