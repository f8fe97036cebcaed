"""Announcer on events.k8s.io/v1. The name of an Event is made of the rollout and the decision, so that saying it twice is one
Event; what was said is remembered for a bounded number of rollouts.
"""

from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hotfix.core.actions import Announce
from hotfix.errors import Conflict
from hotfix.ports import Key, Stored

from .kube import FIELD_MANAGER, Kube, path
from .store import API_VERSION

EVENTS = "events.k8s.io/v1"
NOTE_BYTES = 1000
REMEMBERED = 20_000


class KubeAnnouncer:
    """Publishes decisions as Events on the HotfixRollout."""

    def __init__(self, kube: Kube, *, instance: str) -> None:
        self._kube, self._instance = kube, instance
        self._said: OrderedDict[Key, int] = OrderedDict()

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Create the Event; one that exists already was published before."""
        with suppress(Conflict):  # published already, by this process or an earlier one
            await self._kube.create(path(EVENTS, "events", stored.key.namespace), self._body(stored, event))
        self._said[stored.key] = max(event.sequence, self._said.get(stored.key, 0))
        self._said.move_to_end(stored.key)
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)

    def announced(self, key: Key) -> int | None:
        """Sequence of the last Event this process published for the rollout."""
        return self._said.get(key)

    def _body(self, stored: Stored, event: Announce) -> dict[str, Any]:
        key = stored.key
        return {
            "apiVersion": EVENTS,
            "kind": "Event",
            "metadata": {
                "namespace": key.namespace,
                "name": f"{key.name[:200]}.{stored.uid.replace('-', '')[-12:]}.{event.sequence}",
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
