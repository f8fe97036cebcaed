"""Trouble on the way to an API server: made in memory, or by a proxy in front of a real one. The same words for both."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from hotfix.adapters.kube import Kube
from hotfix.adapters.login import configuration
from tests.cluster import chaos
from tests.cluster.components import ADMIN_TOKEN, kubeconfig
from tests.simulation.connection import Trouble, TroubledKube

from .worlds import ClusterWorld, FakeWorld

TIMEOUT_SECONDS = 1.5
REASONS = {403: "Forbidden", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


class Faults(Protocol):
    """`kube` is the way that is disturbed."""

    kube: Kube

    def next(self, method: str, fault: str, status: int = 0) -> None:
        """What happens to the next request of this method: `refuse` with a status, `lost` (done without an answer), `slow`
        (answered before the client gives up), `late` (done when `let_go` is awaited), `cut` (a watch breaks off)."""
        ...

    def none(self) -> None:
        """From now on all is well."""
        ...

    async def under_way(self) -> None:
        """Returns when what is late has been sent."""
        ...

    async def let_go(self) -> None:
        """What is late is done now; returns when it is."""
        ...


class MemoryFaults:
    """By the connection that the simulation uses."""

    def __init__(self, world: FakeWorld) -> None:
        self.pending: dict[str, Trouble] = {}
        self.kube = TroubledKube(world.api, lambda method, _: self.pending.pop(method, Trouble.NONE), lambda *_: None)

    def next(self, method: str, fault: str, status: int = 0) -> None:
        words = {
            "refuse": Trouble.REFUSED,
            "late": Trouble.HANGS,
            "slow": Trouble.NONE,
            **dict.fromkeys(("lost", "cut"), Trouble.LOST),
        }
        self.pending[method] = words[fault]
        self.kube.refusals = iter([(status, REASONS[status])] if fault == "refuse" else [])

    def none(self) -> None:
        self.pending.clear()

    async def under_way(self) -> None:
        async def sent() -> bool:
            return bool(self.kube.hanging)

        await until(sent, "it was sent")

    async def let_go(self) -> None:
        self.kube.wake()
        await asyncio.sleep(0)


class ProxyFaults:
    """By a proxy. Late is later than the client waits, so that it hears of nothing; slow is sooner."""

    LATE_SECONDS, SLOW_SECONDS = 2 * TIMEOUT_SECONDS, TIMEOUT_SECONDS / 3

    def __init__(self, kube: Kube, file: Path, log: Path) -> None:
        self.kube, self.file, self.log = kube, file, log

    def next(self, method: str, fault: str, status: int = 0) -> None:
        word = "slow" if fault == "late" else fault
        # a read on a connection that was kept is tried once more, beside others
        times = 40 if (method, fault) == ("GET", "lost") else 1
        seconds = self.SLOW_SECONDS if fault == "slow" else self.LATE_SECONDS
        entry = {"match": f"{method} ", "fault": word, "times": times, "status": status, "seconds": seconds}
        chaos.tell(self.file, entry)

    def none(self) -> None:
        chaos.tell(self.file)

    async def under_way(self) -> None:
        await self._noted("fault")

    async def let_go(self) -> None:
        await self._noted("ended")

    async def _noted(self, what: str) -> None:
        async def noted() -> bool:
            return self.log.exists() and f'"{what}"' in self.log.read_text()

        await until(noted, f"the proxy wrote: {what}")


async def until(question: Callable[[], Awaitable[bool]], what: str) -> None:
    """Others go on until it is so."""
    for _ in range(400):
        if await question():
            return
        await asyncio.sleep(0.025)
    raise AssertionError(f"never: {what}")


@asynccontextmanager
async def proxied(world: ClusterWorld, folder: Path) -> AsyncIterator[ProxyFaults]:
    """A proxy of this test's own before the cluster's API server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file, log, login = folder / "trouble.json", folder / "trouble.log", folder / "kubeconfig"
    chaos.tell(file)
    login.write_text(kubeconfig(f"http://127.0.0.1:{port}", ADMIN_TOKEN))
    target = f"https://127.0.0.1:{world.cluster.forwarders['api'].port}"
    serving = asyncio.create_task(chaos.serve(port, target, file, log))

    async def listens() -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    try:
        await until(listens, "the proxy listens")
        async with Kube(await configuration(kubeconfig=str(login)), timeout_seconds=TIMEOUT_SECONDS) as kube:
            yield ProxyFaults(kube, file, log)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
