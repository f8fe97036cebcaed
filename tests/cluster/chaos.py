"""A proxy between the operator and the API server, or Prometheus, that makes trouble: run as a program inside the cluster's
namespaces.

Trouble is read from a file (`tell`), a list of {match, process, fault, times, status, seconds, body}: `match` is a regular
expression on "METHOD /path" (the method of a watch is WATCH), `process` who must have asked, the first entry that fits and is not
used up is taken. Faults: `refuse` (answer `status`, not done), `answer` (200 with `body` instead of what is asked), `slow` (done
after `seconds`), `lost` (done, and the connection is cut), `cut` (cut after the first part of the answer, for watches), `kill`
(done, and the process that asked is killed before the answer).
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from .components import unchecked

API_PORT, PROMETHEUS_PORT = 6444, 9091
HOP_BY_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}
LARGEST = 64 * 2**20


def tell(file: Path, *entries: dict[str, Any]) -> None:
    """From now on this happens; nothing without entries."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({"told": time.monotonic_ns(), "entries": entries}))
    partial.replace(file)


class Trouble:
    """What is in the file; entries are used up by their `times`, until the file is written anew."""

    def __init__(self, file: Path) -> None:
        self.file, self.text = file, ""
        self.entries: list[dict[str, Any]] = []

    def of(self, request: str, port: int) -> dict[str, Any]:
        """What shall happen to a request that comes from this port; empty when nothing shall."""
        text = self.file.read_text()
        if text != self.text:
            self.entries, self.text = json.loads(text)["entries"], text
        for entry in self.entries:
            asked = "process" not in entry or entry["process"] in owners(port)
            if asked and re.search(entry["match"], request) and entry.get("times", 1) > 0:
                entry["times"] = entry.get("times", 1) - 1
                return entry
        return {}


class Proxy:
    """Passes everything on to `target`."""

    def __init__(self, target: str, trouble: Trouble, log: Path) -> None:
        self.target, self.trouble, self.log = target, trouble, log
        self.unchecked = unchecked()
        self.session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        asked = f"{'WATCH' if request.query.get('watch') else request.method} {request.path}"
        port = _port(request)
        what, body = self.trouble.of(asked, port), await request.read()
        fault = what.get("fault")
        if fault:
            self._note(request=asked, fault=fault)
        if fault == "refuse":
            status = int(what.get("status", 503))
            headers = {"Retry-After": "1"} if status == 429 else {}
            return web.json_response(
                {"kind": "Status", "code": status, "message": "trouble", "reason": "Trouble"}, status=status, headers=headers
            )
        if fault == "answer":
            return web.json_response(what["body"])
        if fault == "slow":
            await asyncio.sleep(float(what.get("seconds", 2)))
        try:
            return await self._pass(request, body, fault, port)
        finally:
            if fault:
                self._note(request=asked, ended=fault)

    def _note(self, **what: str) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(what) + "\n")

    async def _pass(self, request: web.Request, body: bytes, fault: str | None, port: int) -> web.StreamResponse:
        assert self.session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self.session.request(
            request.method, self.target + request.path_qs, headers=headers, data=body or None, ssl=self.unchecked
        ) as answer:
            if fault in ("lost", "kill"):
                await answer.read()
                if fault == "kill":
                    _kill(port)
                return _cut(request)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            with contextlib.suppress(ConnectionResetError):  # who asked has given up meanwhile
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                    if fault == "cut":
                        return _cut(request)
                await response.write_eof()
            return response


def _cut(request: web.Request) -> web.Response:
    """The connection, at once; what is returned reaches nobody."""
    if request.transport is not None:  # who asked may have cut it first
        request.transport.abort()
    return web.Response(status=500)


def _kill(port: int) -> None:
    """End the process whose end of the connection has this port."""
    for pid in owners(port):
        os.kill(pid, signal.SIGKILL)


def _port(request: web.Request) -> int:
    """Of the other end."""
    assert request.transport is not None
    return int(request.transport.get_extra_info("peername")[1])


def owners(port: int) -> list[int]:
    """Processes that have a TCP socket bound to this local port (proc(5): /proc/net/tcp, /proc/PID/fd)."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and any(_link(entry) in inodes for entry in (folder / "fd").iterdir()):
                found.append(int(folder.name))
    return found


def _link(entry: Path) -> str:
    with contextlib.suppress(OSError):
        return str(entry.readlink())
    return ""


async def serve(port: int, target: str, trouble: Path, log: Path) -> None:
    """On this port, until it is ended."""
    proxy = Proxy(target, Trouble(trouble), log)
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/{anything:.*}", proxy.handle)
    unlimited = aiohttp.TCPConnector(limit=0)  # each watch holds a connection
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=unlimited, timeout=forever, auto_decompress=False) as proxy.session:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
