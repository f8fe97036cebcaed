"""One operator of a simulation: the production Reconciler and its adapters, a connection that has troubles, a clock that may be
wrong, and the schedule of its looks. More than one of them may believe that it leads.
"""

import asyncio
import random
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.mirror import Mirror
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import KubeStore
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.machine import Decision
from hotfix.core.observation import MetricsView
from hotfix.core.reasons import Reason
from hotfix.errors import OutsideError, Unavailable
from hotfix.lookout import Ports
from hotfix.ports import Key, MetricsQuery
from hotfix.reconcile import Reconciler
from hotfix.settings import ReconcileSettings
from tests.fakes.clock import FakeClock
from tests.reconcile.shop import INTERVAL, KEY, Requests

from .connection import Crash, TroubledKube

BACKOFF_SECONDS = 1.0
TICKS = 400  # turns of the event loop after which a look that has not ended waits for something
LOOKS_AT: ContextVar[Key] = ContextVar("LOOKS_AT", default=KEY)  # the rollout that a request is made for


class SkewedClock:
    """The Clock port: the world's time, and something more."""

    def __init__(self, world: FakeClock) -> None:
        self.world, self.skew = world, 0.0

    def now(self) -> float:
        """Unix seconds."""
        return self.world.now() + self.skew

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self.world.monotonic()


class Metrics:
    """The MetricsSource port: the world's counters, unless Prometheus is silent."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """What Prometheus answers."""
        if self.requests.silent:
            raise Unavailable("Prometheus does not answer")
        return await self.requests.collect(query)


class Operator:
    """`look` runs a look as far as it gets; `due` is the world's time of the next one of each rollout."""

    def __init__(
        self,
        number: int,
        kube: TroubledKube,
        requests: Requests,
        clock: FakeClock,
        note: Callable[[str], None],
        *,
        max_age_seconds: float,
        keys: tuple[Key, ...] = (KEY,),
    ) -> None:
        self.number, self.kube, self.requests = number, kube, requests
        self.clock = SkewedClock(clock)
        self.note = note
        self.due = dict.fromkeys(keys, clock.now())
        self.crashes = 0
        self.tasks: dict[Key, asyncio.Task[float | None]] = {}
        self.max_age_seconds = max_age_seconds
        self._start()

    def _start(self) -> None:
        """A new process: nothing is remembered but what is stored."""
        self.mirror = Mirror(self.kube, self.clock.monotonic, max_age_seconds=self.max_age_seconds)
        ports = Ports(
            store=KubeStore(self.kube, self.mirror),
            router=GatewayApiRouter(self.kube, self.mirror),
            workloads=KubeWorkloads(self.kube, self.mirror),
            metrics=Metrics(self.requests),
            announcer=KubeAnnouncer(self.kube, instance=f"operator-{self.number}", monotonic=self.clock.monotonic),
            clock=self.clock,
        )
        settings = ReconcileSettings(scrape_interval_seconds=INTERVAL, metrics_timeout_seconds=2.0)
        self.reconciler = Reconciler(ports, settings, self)

    def decided(self, key: Key, decision: Decision) -> None:
        """Observer: a status was saved."""

    def refused(self, key: Key, reason: Reason, since: float) -> None:
        """Observer: what is stored cannot be read."""

    def forgotten(self, key: Key) -> None:
        """Observer: the rollout is gone."""

    @property
    def hangs(self) -> bool:
        """A look is under way and waits for an answer."""
        return bool(self.tasks)

    async def look(self, key: Key) -> None:
        """Begin a look, or go on with the one that hung; returns when it has ended or hangs."""
        if key not in self.tasks:
            LOOKS_AT.set(key)
            self.tasks[key] = asyncio.create_task(self.reconciler.reconcile(key))
        task = self.tasks[key]
        for _ in range(TICKS):
            if task.done():
                break
            await asyncio.sleep(0)
        if not task.done():
            if not self.kube.hanging:
                raise AssertionError("a look waits for something that is not simulated")
            return
        del self.tasks[key]
        self.due[key] = self.clock.world.now() + await self._after(task)

    async def wake(self) -> None:
        """What hangs goes on."""
        self.kube.wake()
        for key in list(self.tasks):
            if key in self.tasks:  # else the process has died meanwhile
                await self.look(key)

    def sleeps(self, seconds: float) -> None:
        """Nobody looks for so long."""
        self.due = {key: due + seconds for key, due in self.due.items()}

    async def close(self) -> None:
        """The process is gone: so are its looks and its watches."""
        tasks, self.tasks = set(self.tasks.values()), {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.mirror.close()

    async def _after(self, task: "asyncio.Task[float | None]") -> float:
        """Seconds until the next look."""
        try:
            wait = task.result()
        except Crash:
            self.note(f"operator {self.number} died and starts anew")
            self.crashes += 1
            await self.close()
            self._start()
            return 1.0
        except OutsideError as error:
            self.note(f"operator {self.number}: {error}"[:160])
            return BACKOFF_SECONDS
        return INTERVAL if wait is None else max(0.1, wait)


def drawn(lots: random.Random, chances: dict[Any, float], otherwise: Any) -> Any:
    """One of them by its chance."""
    point = lots.random()
    for what, chance in chances.items():
        point -= chance
        if point < 0:
            return what
    return otherwise
