"""A real Prometheus on loopback that scrapes pages which a test writes: what is counted is known to the last request."""

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import binaries

POLL_SECONDS = 0.05


class Pages:
    """An HTTP server of text pages by path."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._open, self.waiting = threading.Event(), threading.Event()
        self._open.set()
        pages, opened, waiting = self.texts, self._open, self.waiting

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = pages.get(self.path)
                if not opened.is_set():
                    waiting.set()
                    opened.wait()
                self.send_response(404 if text is None else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Scrapes are no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def late(self) -> Iterator[None]:
        """Answers are begun and not given; `waiting` tells that there is one."""
        self.waiting.clear()
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class Prometheus:
    """One process; a context manager that leaves nothing running."""

    def __init__(self, folder: Path, pages: Pages, paths: list[str], *, scrape_seconds: int = 1) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._process = folder, None
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [
            {
                "job_name": path.strip("/"),
                "metrics_path": path,
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{pages.port}"]}],
            }
            for path in paths
        ]
        interval = f"{scrape_seconds}s"
        config = {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": jobs}
        (folder / "prometheus.yaml").write_text(json.dumps(config))

    _process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start it on its folder, with what was scraped before, and wait until it answers."""
        program = binaries.ensure(needed=["prometheus"]) / "prometheus"
        command = [
            str(program),
            f"--config.file={self._folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--storage.tsdb.no-lockfile",
            "--log.level=warn",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.until(self._answers, "Prometheus answers")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End it; what it scraped stays on disk."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """It neither scrapes nor answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def newest(self, query: str) -> float | None:
        """The present value of a query of one series; None without one."""
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except urllib.error.URLError:
            return None
        return float(result[0]["value"][1]) if result else None

    def until(self, question: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
        """Poll until it is so; TimeoutError otherwise."""
        end = time.monotonic() + seconds
        pause = threading.Event()
        while not question():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:g} s: {what}")
            pause.wait(POLL_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
