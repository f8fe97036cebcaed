"""/livez, /readyz and /metrics. They tell about this process only, never about a rollout's outcome."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

HEARTBEAT_SECONDS = 1.0
DEAD_SECONDS = 30.0  # an event loop that did not turn for this long is stuck
LONGEST_LOOK_SECONDS = 120.0


class Endpoints:
    """Serves the three paths on one address."""

    def __init__(self, registry: CollectorRegistry, *, ready: Callable[[], str | None], lateness: Callable[[], float]) -> None:
        self._registry, self._ready, self._lateness = registry, ready, lateness
        self._beat = time.monotonic()
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> None:
        """Listen on HOST:PORT."""
        app = web.Application()
        app.add_routes([web.get("/livez", self._livez), web.get("/readyz", self._readyz), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host, _, port = address.rpartition(":")
        await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()

    async def heartbeat(self) -> None:
        """Note that the loop turns, for as long as it does."""
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        silent, longest = time.monotonic() - self._beat, self._lateness()
        if silent > DEAD_SECONDS:
            return web.Response(status=500, text=f"the event loop has not turned for {silent:.0f} s\n")
        if longest > LONGEST_LOOK_SECONDS:
            return web.Response(status=500, text=f"a look has been under way for {longest:.0f} s\n")
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        missing = self._ready()
        return web.Response(status=503, text=f"{missing}\n") if missing else web.Response(text="ok\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
