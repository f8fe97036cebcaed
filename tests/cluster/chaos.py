"""A proxy between the operator and the API server that makes trouble: run as a program inside the cluster's namespaces.

Trouble is read from a file, a JSON list of {match, fault, times, status, seconds}: `match` is a regular expression on
"METHOD /path", the first entry that fits and is not used up is taken. Faults: `refuse` (answer `status`, not done), `slow` (done
after `seconds`), `lost` (done, and the connection is cut), `kill` (done, and the process that asked is killed before the answer).
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

PORT = 6444
HOP_BY_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}
LARGEST = 64 * 2**20


class Trouble:
    """What is in the file; entries are used up by their `times`, until the file is written anew."""

    def __init__(self, file: Path) -> None:
        self.file, self.version = file, 0
        self.entries: list[dict[str, Any]] = []

    def of(self, request: str) -> dict[str, Any]:
        """What shall happen to a request; empty when nothing shall."""
        with contextlib.suppress(OSError, ValueError):
            version = self.file.stat().st_mtime_ns
            if version != self.version:
                self.entries, self.version = json.loads(self.file.read_text()), version
        for entry in self.entries:
            if re.search(entry["match"], request) and entry.get("times", 1) > 0:
                entry["times"] = entry.get("times", 1) - 1
                return entry
        return {}


class Proxy:
    """Passes everything on to `target`."""

    def __init__(self, target: str, trouble: Trouble, log: Path) -> None:
        self.target, self.trouble, self.log = target, trouble, log
        self.session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        what = self.trouble.of(f"{request.method} {request.path}")
        fault = what.get("fault")
        if fault:
            with self.log.open("a") as log:
                log.write(json.dumps({"request": f"{request.method} {request.path}", "fault": fault}) + "\n")
        if fault == "refuse":
            status = int(what.get("status", 503))
            headers = {"Retry-After": "1"} if status == 429 else {}
            return web.json_response(
                {"kind": "Status", "code": status, "message": "trouble", "reason": "Trouble"}, status=status, headers=headers
            )
        if fault == "slow":
            await asyncio.sleep(float(what.get("seconds", 2)))
        return await self._pass(request, fault)

    async def _pass(self, request: web.Request, fault: str | None) -> web.StreamResponse:
        assert self.session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self.session.request(
            request.method, self.target + request.path_qs, headers=headers, data=await request.read(), ssl=_unchecked()
        ) as answer:
            if fault in ("lost", "kill"):
                await answer.read()
                if fault == "kill":
                    _kill(request)
                assert request.transport is not None
                request.transport.abort()
                return web.Response(status=500)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def _unchecked() -> ssl.SSLContext:
    """The API server's certificate is its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _kill(request: web.Request) -> None:
    """End the process at the other end of the connection."""
    assert request.transport is not None
    port = request.transport.get_extra_info("peername")[1]
    for pid in owners(port):
        os.kill(pid, signal.SIGKILL)


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


async def serve(target: str, trouble: Path, log: Path) -> None:
    """Until it is ended."""
    proxy = Proxy(target, Trouble(trouble), log)
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/{anything:.*}", proxy.handle)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False) as proxy.session:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", PORT).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
