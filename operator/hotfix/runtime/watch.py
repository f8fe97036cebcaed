"""The watch: kopf tells which HotfixRollout changed, and nothing more. The only module that imports kopf.

kopf's handlers with state (timers, daemons, change handlers) are not used: `on.event` writes nothing to the object, replays the
whole list at the start and after a gap, and only fills the queue.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from hotfix.adapters.kube import Credentials
from hotfix.errors import OutsideError
from hotfix.ports import Key

log = logging.getLogger(__name__)

GROUP, VERSION, PLURAL = "hotfix-operator.dev", "v1alpha1", "hotfixrollouts"
LOGIN_MINUTES = 10  # credentials are fetched anew after this long, so that a rotated token is picked up


class Watch:
    """Feeds `changed` with keys until `stop` is set."""

    def __init__(self, changed: Callable[[Key], None], credentials: Callable[[], Awaitable[Credentials]]) -> None:
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
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings,
            clusterwide=not namespaces,
            namespaces=list(namespaces),
            ready_flag=self.ready,
            stop_flag=self.stop,
            standalone=True,
        )
        spawned()
        await kopf.run_tasks(tasks, ignored=others)
        if not self.stop.is_set():
            raise RuntimeError("the watch ended by itself")

    async def _event(self, namespace: str | None, name: str | None, **_: Any) -> None:
        if namespace and name:
            self._changed(Key(namespace, name))

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


class _Backoffs:
    """Seconds between tries of kopf's own requests: growing to 10, without an end."""

    def __iter__(self) -> Any:
        wait = 0.1
        while True:
            yield wait
            wait = min(wait * 2, 10.0)


async def resync(
    every_seconds: float,
    listing: Callable[[], Awaitable[list[Key]]],
    changed: Callable[[Key], None],
    listed: asyncio.Event,
) -> None:
    """List everything now and then: what the watch missed is looked at, what is gone is noticed. `listed` after the first."""
    while True:
        try:
            for key in await listing():
                changed(key)
            listed.set()
            wait = every_seconds * (0.9 + 0.2 * random.random())
        except OutsideError as error:
            log.warning("the rollouts cannot be listed: %s", error)
            wait = min(5.0, every_seconds)
        await asyncio.sleep(wait)
