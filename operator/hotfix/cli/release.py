"""`kubectl hotfix release`: traffic back to stable, the route given back, no finalizer left; also when no operator runs any more.

It asks for it on the object. Where no operator takes that up, the same looks that an operator makes are made from here, with the
caller's rights; versions and stamps keep the two from disturbing each other.
"""

import asyncio
from collections.abc import Callable

from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import KubeStore
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.machine import Decision
from hotfix.core.observation import MetricsView
from hotfix.core.reasons import Reason
from hotfix.core.status import Stage
from hotfix.core.verbs import RequestResult
from hotfix.errors import Conflict, Refused, Unavailable
from hotfix.lookout import Ports
from hotfix.ports import Key, MetricsQuery, Stored
from hotfix.reconcile import Reconciler
from hotfix.settings import ReconcileSettings

from .following import existing
from .requesting import MANAGER, Request

OPERATOR_SECONDS = 10.0  # an operator that runs has looked by then
SILENT_SECONDS = 30.0  # one that has taken it up has changed something by then, unless a drain is longer; two do no harm
UNAVAILABLE_SECONDS = 2.0
POLL_SECONDS = 0.5
LOOK_SECONDS = 2.0  # at most, between two looks of its own: somebody waits for it
SETTINGS = ReconcileSettings(scrape_interval_seconds=15.0, metrics_timeout_seconds=1.0)


class _Unasked:
    """A way back needs no counts."""

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """Never."""
        raise Unavailable("Prometheus is not asked for a release.")


class _Unheard:
    """Nobody but the caller wants to know."""

    def decided(self, key: Key, decision: Decision) -> None:
        """The caller reads the status."""

    def refused(self, key: Key, reason: Reason, since: float) -> None:
        """The caller reads that too."""

    def forgotten(self, key: Key) -> None:
        """The caller sees that it is gone."""


class Release:
    """One release. `say` is called with every new sentence."""

    def __init__(self, kube: Kube, key: Key, say: Callable[[str], None]) -> None:
        self._store, self._key, self._say, self._clock = KubeStore(kube), key, say, SystemClock()
        self._kube, self._request = kube, Request(kube, "release")
        self._said = self._version = ""
        self._began = self._changed = 0.0  # when it was first asked for, and when its object changed last; monotonic seconds
        self._alone = False
        ports = Ports(
            store=self._store,
            router=GatewayApiRouter(kube),
            workloads=KubeWorkloads(kube),
            metrics=_Unasked(),
            announcer=KubeAnnouncer(kube, instance=MANAGER, monotonic=self._clock.monotonic),
            clock=self._clock,
        )
        self._reconciler = Reconciler(ports, SETTINGS, _Unheard())

    async def run(self, timeout_seconds: float) -> str:
        """Ask, follow or do it, and say how it ended. Refused with the reason when it will not be done, Unavailable when it has
        not ended in time."""
        await existing(self._kube, self._key)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._until_it_ended()
        except TimeoutError as error:
            raise Unavailable(f"Not released within {timeout_seconds:.0f} s; {self._said or 'nothing was said'}") from error

    async def _until_it_ended(self) -> str:
        self._began = self._changed = self._clock.monotonic()
        while True:
            try:
                stored = await self._store.load(self._key)
                if stored is None or _ended(stored):
                    return self._said or "It is over."
                wait = await self._followed(stored)
            except Unavailable as error:
                self._say(str(error))
                wait = UNAVAILABLE_SECONDS
            await asyncio.sleep(wait)

    async def _followed(self, stored: Stored) -> float:
        """Ask for it, and do it where nobody else does; seconds until the next time."""
        now = self._clock.monotonic()
        if stored.version != self._version:
            self._version, self._changed = stored.version, now
        self._tell(stored)
        taken_up = self._taken_up(stored)
        if not taken_up:
            await self._request.keep(stored)
        silent = now - self._changed > SILENT_SECONDS if taken_up else now - self._began > OPERATOR_SECONDS
        if silent and not self._alone:
            self._say(f"No operator {'goes on with it' if taken_up else 'takes it up'}; it is done from here.")
            self._alone = True
        return await self._look() if self._alone else POLL_SECONDS

    async def _look(self) -> float:
        """One look as an operator makes it; seconds until the next."""
        try:
            return min(await self._reconciler.reconcile(self._key) or POLL_SECONDS, LOOK_SECONDS)
        except Conflict:
            return 0.1
        except Unavailable as error:
            self._say(str(error))
            return UNAVAILABLE_SECONDS

    def _taken_up(self, stored: Stored) -> bool:
        """Somebody is at it. Refused where the answer is that it will not be done."""
        if _done(stored):
            return False  # the end is written and the finalizer is left, whatever was answered: who wrote it may be gone
        answer = self._request.answer(stored)
        if answer and answer.get("result") == RequestResult.REFUSED.value:
            raise Refused(str(answer.get("message") or "It was refused, without a reason."))
        return answer is not None or stored.status.get("why") == Reason.RELEASED.value

    def _tell(self, stored: Stored) -> None:
        sentence = str(stored.status.get("message") or "")
        if sentence and sentence != self._said:
            self._say(sentence)
            self._said = sentence


def _done(stored: Stored) -> bool:
    return bool(stored.status.get("stage") == Stage.DONE.value)


def _ended(stored: Stored) -> bool:
    return _done(stored) and not stored.finalizer
