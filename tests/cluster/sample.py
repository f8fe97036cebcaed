"""The sample app: one HTTP server whose behaviour is set by knobs in its environment (images.py has sets of them).

ERRORS   percent of requests answered with 500           SLOW      percent of requests that take SLOW_MS more
HANG     seconds before any answer                        EXIT      end at start with this code
UNREADY  1: /ready answers 503                            ABRUPT    1: end at SIGTERM at once, dropping connections
ERRORS_ON  path prefix the errors are limited to          IMAGE     shown in the answer
REFUSED  percent of requests answered with 403            BALLAST_MB  memory that it takes at start
/control?errors=100&hang=0&unready=1&exit=3 changes knobs while it runs. Counters by code are at /metrics. Needs only the
standard library; header and body leave in one write.
"""

import asyncio
import bisect
import itertools
import os
import random
import signal
import sys
import time
from urllib.parse import parse_qsl, urlsplit

KNOBS = ("errors", "refused", "slow", "slow_ms", "hang", "unready")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class App:
    """State of one process."""

    def __init__(self, env: dict[str, str]) -> None:
        self.knobs = {name: float(env.get(name.upper(), "0") or 0) for name in KNOBS}
        self.errors_on = env.get("ERRORS_ON", "/")
        self.image, self.pod = env.get("IMAGE", "?"), env.get("POD_NAME") or env.get("HOSTNAME", "?")
        self.counts: dict[str, int] = {}
        self.times = [0] * (len(BUCKETS) + 1)
        self.started = 0
        self.draining = False

    async def answer(self, target: str) -> tuple[int, str]:
        """Status and body for a request path."""
        path = urlsplit(target).path
        if path == "/ready":
            return (503, "not ready\n") if self.knobs["unready"] else (200, "ok\n")
        if path == "/metrics":
            lines = ["# TYPE http_requests_total counter"]
            lines += [f'http_requests_total{{code="{code}"}} {count}' for code, count in sorted(self.counts.items())]
            lines += ["# TYPE http_requests_started_total counter", f"http_requests_started_total {self.started}"]
            return 200, "\n".join([*lines, *self.histogram()]) + "\n"
        if path == "/control":
            return self.control(target)
        return await self.work(path)

    def control(self, target: str) -> tuple[int, str]:
        """Change knobs."""
        for name, value in parse_qsl(urlsplit(target).query):
            if name == "exit":
                os._exit(int(value))
            if name not in self.knobs:
                return 400, f"no such knob: {name}\n"
            self.knobs[name] = float(value)
        return 200, "ok\n"

    async def work(self, path: str) -> tuple[int, str]:
        """An ordinary request."""
        self.started += 1
        began = time.monotonic()
        if self.knobs["hang"]:
            await asyncio.sleep(self.knobs["hang"])
        if random.random() * 100 < self.knobs["slow"]:
            await asyncio.sleep(self.knobs["slow_ms"] / 1000)
        bad = path.startswith(self.errors_on) and random.random() * 100 < self.knobs["errors"]
        code = 500 if bad else 403 if random.random() * 100 < self.knobs["refused"] else 200
        self.times[bisect.bisect_left(BUCKETS, time.monotonic() - began)] += 1
        self.counts[str(code)] = self.counts.get(str(code), 0) + 1
        return code, f"{self.image} {self.pod}\n"

    def histogram(self) -> list[str]:
        """How long answers took, as a classic histogram without its sum."""
        name, total = "http_request_duration_seconds", list(itertools.accumulate(self.times))
        bounds = [f"{bound:g}" for bound in BUCKETS] + ["+Inf"]
        buckets = [f'{name}_bucket{{le="{bound}"}} {count}' for bound, count in zip(bounds, total, strict=True)]
        return [f"# TYPE {name} histogram", *buckets, f"{name}_count {total[-1]}"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                code, body = await self.answer(target)
                close = "Connection: close\r\n" if self.draining else ""
                names = f"X-Backend: {self.pod}\r\nX-Image: {self.image}\r\nContent-Type: text/plain; version=0.0.4\r\n"
                text = f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n{names}{close}\r\n{body}"
                writer.write(text.encode())
                await writer.drain()
                if self.draining:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client went away
        finally:
            writer.close()


async def main() -> None:
    """Serve until SIGTERM; then finish what is under way, unless ABRUPT."""
    env = dict(os.environ)
    if env.get("EXIT"):
        print("configured to fail at start", flush=True)
        sys.exit(int(env["EXIT"]))
    ballast = b"x" * (int(env.get("BALLAST_MB", "0")) << 20)
    app, stop = App(env), asyncio.Event()
    server = await asyncio.start_server(app.serve, env.get("POD_IP", "127.0.0.1"), int(env.get("PORT", "8080")))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, (lambda: os._exit(0)) if env.get("ABRUPT") else stop.set)
    await stop.wait()
    app.draining = True
    server.close()
    await asyncio.sleep(0.3)
    del ballast


asyncio.run(main())
