"""The watch: kopf tells which HotfixRollout changed, and nothing more. The only module that imports kopf.

kopf's handlers with state (timers, daemons, change handlers) are not used: `on.event` writes nothing to the object, replays the
whole list at the start and after a gap, and only fills the queue.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import kopf

from hotfix.adapters.login import Credentials
from hotfix.errors import OutsideError
from hotfix.ports import Key

log = logging.getLogger(__name__)

GROUP, VERSION, PLURAL = "hotfix-operator.dev", "v1alpha1", "hotfixrollouts"
LOGIN_MINUTES = 10  # credentials are fetched anew after this long, so that a rotated token is picked up


class Watch:
    """Feeds `changed` with keys, their objects, and whether these are gone, until `stop` is set."""

    def __init__(
        self, changed: Callable[[Key, dict[str, Any], bool], None], credentials: Callable[[], Awaitable[Credentials]]
    ) -> None:
        self._changed = changed
        self._credentials = credentials
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def run(self, namespaces: Sequence[str], *, spawned: Callable[[], None]) -> None:
        """Watch until `stop`; raises when the watch ends by itself, because a restart is the cure.

        `spawned` is called when kopf has put its signal handlers in place, before a signal can reach one of them.
        """
        registry = kopf.OperatorRegistry()
        kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(self._event)
        kopf.on.login(registry=registry)(self._login)
        settings = kopf.OperatorSettings()
        settings.peering.standalone = True
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.networking.request_timeout = 30
        settings.networking.connect_timeout = 5
        settings.networking.error_backoffs = _Backoffs()
        settings.process.ultimate_exiting_timeout = None
        settings.persistence.diffbase_storage = _NothingKept()
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings,
            clusterwide=not namespaces,
            namespaces=list(namespaces),
            ready_flag=self.ready,
            stop_flag=self.stop,
            standalone=True,
            # kopf would name itself by the user's name, and a UID that is a number alone has none
            identity=cast(Any, "hotfix-operator"),
        )
        spawned()
        await kopf.run_tasks(tasks, ignored=others)
        if not self.stop.is_set():
            raise RuntimeError("the watch ended by itself")

    async def _event(self, namespace: str | None, name: str | None, event: kopf.RawEvent, **_: Any) -> None:
        if namespace and name:
            self._changed(Key(namespace, name), dict(event["object"]), event["type"] == "DELETED")

    async def _login(self, **_: Any) -> kopf.ConnectionInfo:
        found = await self._credentials()
        return kopf.ConnectionInfo(
            server=found.server,
            ca_path=found.ca_file,
            insecure=found.insecure,
            token=found.token,
            certificate_path=found.certificate_file,
            private_key_path=found.key_file,
            expiration=datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=LOGIN_MINUTES),
        )


class _NothingKept(kopf.DiffBaseStorage):
    """Nothing is compared with what an object was before, so that kopf need not copy all of it at each event."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nowhere."""


class _Backoffs:
    """Seconds between tries of kopf's own requests: growing to 10, without an end."""

    def __iter__(self) -> Any:
        wait = 0.1
        while True:
            yield wait
            wait = min(wait * 2, 10.0)


@dataclass(frozen=True, kw_only=True)
class Resync:
    """List everything now and then: what the watch missed is looked at, what is gone is noticed.

    `listing`: key -> whether there is something to do. `known`: the keys that something is remembered of. `tidy` is called before
    each list, `after` behind it.
    """

    listing: Callable[[], Awaitable[Mapping[Key, bool]]]
    known: Callable[[], Collection[Key]]
    changed: Callable[[Key], None]
    tidy: Callable[[], Awaitable[None]]
    after: Callable[[], Awaitable[None]]

    async def run(self, every_seconds: float, listed: asyncio.Event) -> None:
        """Without an end; `listed` is set after the first list."""
        while True:
            await self.tidy()
            try:
                found = await self.listing()
                for key in {*(key for key, unfinished in found.items() if unfinished), *(set(self.known()) - set(found))}:
                    self.changed(key)
                listed.set()
                await self.after()
                wait = every_seconds * (0.9 + 0.2 * random.random())
            except OutsideError as error:
                log.warning("the rollouts cannot be listed: %s", error)
                wait = min(5.0, every_seconds)
            await asyncio.sleep(wait)
