"""One process from its start to its end: stand by, lead, stop in order. What it does while it leads is in the queue.

SIGTERM and SIGINT: take in nothing more, finish the looks under way, stop the watch, give up the lease, end with 0. A lost lease
ends the process with 1: everything of it is refused by then.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError

from hotfix.adapters.kube import Object
from hotfix.adapters.login import credentials
from hotfix.adapters.mirror import Mirror
from hotfix.adapters.store import KubeStore
from hotfix.adapters.webhook import LAST_WORDS_SECONDS, Webhook
from hotfix.errors import OutsideError
from hotfix.ports import Key
from hotfix.settings import Settings
from hotfix.telemetry import Telemetry

from .http import Endpoints
from .lease import Elector
from .overdue import Overdue, Routes
from .queue import LookQueue
from .reverts import Reverts, Templates
from .watch import Resync, Watch

log = logging.getLogger(__name__)
FAILURE = 1


@dataclass(kw_only=True)
class Serving:
    """`elector` is None where nobody else may be."""

    settings: Settings
    store: KubeStore
    mirror: Mirror
    queue: LookQueue[Key]
    telemetry: Telemetry
    elector: Elector | None
    routes: Routes
    now: Callable[[], float]
    webhook: Webhook | None
    templates: Callable[[str], Awaitable[Templates]]

    def __post_init__(self) -> None:
        self._stopping, self._listed, self._reached, self._leads = (asyncio.Event() for _ in range(4))
        self.telemetry.counts(lambda: self.mirror.watches, self._leads.is_set)

    async def run(self) -> int:
        """The exit code."""
        endpoints = Endpoints(self.telemetry.registry, ready=self._missing, lateness=self.queue.lateness_seconds)
        await endpoints.start(self.settings.http_address)
        beating = asyncio.create_task(endpoints.heartbeat(), name="heartbeat")
        self._on_signals()
        try:
            if not await self._stand_by():
                log.info("stopping: finishing the looks under way")
                return 0
            return await self._lead()
        finally:
            beating.cancel()
            await endpoints.stop()

    def _missing(self) -> str | None:
        """What keeps it from being ready."""
        if self._stopping.is_set():
            return "stopping"
        if self._leads.is_set():
            return None if self._listed.is_set() else "the rollouts are not listed yet"
        if self.elector and not self.elector.read_once:
            return "the Lease could not be read yet"
        return None if self._reached.is_set() else "the rollouts could not be listed yet"

    def _on_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)

    async def _stand_by(self) -> bool:
        """Until this process leads; False when it is told to stop before."""
        if self.elector is None:
            return True
        log.info("standing by for the lease")
        acquiring, stopping = asyncio.create_task(self.elector.acquire()), asyncio.create_task(self._stopping.wait())
        reaching = asyncio.create_task(self._reach())
        await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
        leads = acquiring.done() and not self._stopping.is_set()
        for task in (acquiring, stopping, reaching):
            task.cancel()
        if not leads:
            await asyncio.wait({acquiring})
            await self.elector.release()
        return leads

    async def _reach(self) -> None:
        """Until one list succeeds: a right that is missing is told by the probe, not after a fail-over."""
        while not self._reached.is_set():
            try:
                namespaces: list[str | None] = [*self.settings.namespace] or [None]
                for namespace in namespaces:
                    await self.store.reach(namespace)
                self._reached.set()
            except OutsideError as error:
                log.warning("the rollouts cannot be listed: %s", error)
                await asyncio.sleep(2.0)

    async def _listing(self) -> Mapping[Key, bool]:
        found: dict[Key, bool] = {}
        namespaces: list[str | None] = [*self.settings.namespace] or [None]
        for namespace in namespaces:
            found |= await self.store.keys(namespace)
        return found

    def _changed(self, key: Key, item: Object, deleted: bool) -> None:
        """The watch of all rollouts tells also what the mirror tells of namespaces with live ones, and what was written here."""
        if self.store.told(item, deleted=deleted):
            self.queue.add(key)

    async def _lead(self) -> int:
        """Everything that runs side by side, until a signal, or until one part fails or the lease is lost."""
        self._leads.set()
        watch = Watch(self._changed, credentials)
        reverts = Reverts(promoted=lambda: self.store.promoted, templates=self.templates, changed=self.queue.add)
        resync = Resync(
            listing=self._listing,
            known=self.telemetry.known,
            changed=self.queue.add,
            tidy=self.mirror.sweep,
            after=reverts.look,
        )
        # created before kopf: it cancels the tasks that began after it
        looking = _task(self.queue.run, "queue")
        namespaces: list[str | None] = [*self.settings.namespace] or [None]
        overdue = Overdue(routes=self.routes, listing=self._listing, namespaces=namespaces, now=self.now)
        parts = {
            looking,
            _task(overdue.run, "overdue"),
            _task(lambda: resync.run(self.settings.resync_seconds, self._listed), "resync"),
        }
        telling = {_task(self.webhook.run, "web hook")} if self.webhook else set()
        parts |= telling
        renewing = _task(self.elector.keep, "lease") if self.elector else None
        if renewing:
            parts.add(renewing)
        watching = _task(lambda: watch.run(self.settings.namespace, spawned=self._on_signals), "watch")
        waiting = _task(self._stopping.wait, "signal")
        ready = _task(watch.ready.wait, "ready")
        await asyncio.wait({ready, watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
        log.info("watching %s", ", ".join(self.settings.namespace) or "all namespaces")
        ended, _ = await asyncio.wait({waiting, watching, *parts}, return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in ended if task is not waiting]
        for task in failed:
            log.error("%s ended: %r", task.get_name(), task.exception())
        log.info("stopping: finishing the looks under way")
        asyncio.get_running_loop().set_exception_handler(_left_behind)
        self.queue.stop()
        await asyncio.gather(looking, return_exceptions=True)
        if self.elector and renewing:
            renewing.cancel()
            await self.elector.release()
        watch.stop.set()
        await asyncio.wait({watching}, timeout=5)
        for task in (*parts, watching, waiting, ready):
            task.cancel()
        if telling:  # its last words
            await asyncio.wait(telling, timeout=LAST_WORDS_SECONDS + 1)
        return FAILURE if failed else 0


def _left_behind(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """While it stops, kopf closes connections whose requests it waits for no longer: that these fail is no news."""
    if isinstance(context.get("exception"), ClientError):
        log.debug("a request was given up: %r", context["exception"])
    else:
        loop.default_exception_handler(context)


def _task(work: Callable[[], Awaitable[object]], name: str) -> "asyncio.Task[object]":
    async def run() -> object:
        return await work()

    return asyncio.create_task(run(), name=name)
