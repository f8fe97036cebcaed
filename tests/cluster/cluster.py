"""`Cluster`: one embedded cluster as seen from outside: start, addresses, kubectl, load, the operator, stop.

The namespaces' first process (inside.py) holds everything; it ends when the pipe to it closes, however this process dies.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from . import binaries
from .components import ADMIN_TOKEN, GATEWAY_PORT, PROMETHEUS_URL, kubeconfig, unchecked
from .forward import Forwarder
from .images import program
from .load import PATIENCE_SECONDS, Load
from .provider import ROOT, Provider

START_SECONDS = 360.0


@dataclass
class Running:
    """A process started inside the cluster's namespaces."""

    cluster: "Cluster"
    name: str
    pid: int  # inside the PID namespace
    file: Path

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.cluster.order(do="signal", name=self.name, number=number)

    def stop(self) -> None:
        """End it at once."""
        self.cluster.order(do="stop", name=self.name)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return int(self.cluster.order(do="wait", name=self.name))


class Cluster(Provider):
    """The embedded one; use as a context manager: `with Cluster.start(...) as cluster`."""

    def __init__(self, home: Path, programs: Path, log: Callable[[str], None]) -> None:
        self.home, self.programs, self.log = home, programs, log
        self.forwarders: dict[str, Forwarder] = {}
        self.process: subprocess.Popen[str] | None = None
        self.kubeconfig = home / "kubeconfig"
        self.internal_prometheus_url = PROMETHEUS_URL

    @classmethod
    def start(
        cls,
        name: str = "cluster",
        *,
        scrape_seconds: float = 5.0,
        relay_seconds: float = 0.0,
        log: Callable[[str], None] = print,
    ) -> Self:
        """Build or find the programs, then start everything in namespaces of its own; about ten seconds."""
        programs = binaries.ensure(log)
        home = Path(tempfile.mkdtemp(prefix=f"hotfix-{name}-"))
        (home / "logs").mkdir()
        cluster = cls(home, programs, log)
        try:
            cluster._begin({"scrape_seconds": scrape_seconds, "relay_seconds": relay_seconds})
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def attach(cls, home: Path) -> Self:
        """A cluster that another process of this machine holds; stopping it here only ends our own forwarders."""
        cluster = cls(home, binaries.cache_folder(), print)
        cluster.kubeconfig = home / f"kubeconfig-{os.getpid()}"
        cluster._connect()
        return cluster

    @classmethod
    def borrow(cls, home: Path, name: str, scrape_seconds: float) -> Self:
        """A new one, as it takes seconds; `home` is not used."""
        return cls.start(name, scrape_seconds=scrape_seconds)

    def provide(self, images: Sequence[str]) -> None:
        """The node has them all: which program each is, images.py says."""
        unknown = [name for name in images if program(name) is None]
        if unknown:
            raise RuntimeError(f"the embedded node has no image {', '.join(unknown)}")

    def _connect(self) -> None:
        for name in ("api", "gateway", "prometheus"):
            self.forwarders[name] = Forwarder(self.home / f"{name}.sock")
        self.kubeconfig.write_text(kubeconfig(f"https://127.0.0.1:{self.forwarders['api'].port}", ADMIN_TOKEN))

    def _begin(self, options: dict[str, Any]) -> None:
        started = time.monotonic()
        errors = (self.home / "logs" / "inside.log").open("w")
        self.process = subprocess.Popen(
            [*_unshare(), sys.executable, "-m", "tests.cluster.inside", str(self.home), str(self.programs), json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C goes to us; the pipe then ends it in order
        )
        errors.close()
        assert self.process.stdout is not None
        answer: list[str] = []
        reader = threading.Thread(target=lambda: answer.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(START_SECONDS)
        if not answer or answer[0].strip() != "ready":
            raise RuntimeError(f"the cluster did not start:\n{(self.home / 'logs' / 'inside.log').read_text()[-6000:]}")
        self._connect()
        self.log(f"cluster up in {time.monotonic() - started:.0f} s")

    def stop(self) -> None:
        """End everything and leave nothing."""
        for forwarder in self.forwarders.values():
            forwarder.close()
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.process is None:
            return
        if os.environ.get("HOTFIX_KEEP_LOGS"):
            self.log(f"logs are kept in {self.home}")
            return
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- addresses

    @property
    def gateway_url(self) -> str:
        """The gateway, from this host."""
        return f"http://127.0.0.1:{self.forwarders['gateway'].port}"

    @property
    def prometheus_url(self) -> str:
        """Prometheus, from this host."""
        return f"http://127.0.0.1:{self.forwarders['prometheus'].port}"

    # ---- orders

    def order(self, **request: Any) -> Any:
        """One order to the inside; RuntimeError with its reason when it fails."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(150)
            connection.connect(str(self.home / "control.sock"))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as reader:
                answer = json.loads(reader.readline())
        if "error" in answer:
            raise RuntimeError(f"{request}: {answer['error']}")
        return answer["result"]

    def spawn(self, argv: list[str], *, name: str = "process", env: dict[str, str] | None = None) -> Running:
        """A process inside the namespaces; its standard output is in `file`."""
        answer = self.order(do="spawn", argv=argv, name=name, env=env or {}, cwd=str(ROOT))
        return Running(self, answer["name"], answer["pid"], Path(answer["file"]))

    def signal(self, component: str, number: int) -> None:
        """Send a signal to a component: etcd, apiserver, contour, envoy, prometheus ..."""
        self.order(do="signal", name=component, number=number)

    def stop_component(self, component: str) -> None:
        """End a component."""
        self.order(do="stop", name=component)

    def start_component(self, component: str) -> None:
        """Start it again and wait until it serves."""
        self.order(do="start", name=component)

    def delay_routes(self, seconds: float) -> None:
        """From now on Envoy learns of route changes this much later."""
        self.order(do="relay", seconds=seconds)

    def get(self, url: str) -> tuple[int, str]:
        """(status, body) of a GET from inside."""
        answer = self.order(do="get", url=url)
        return answer["status"], answer["body"]

    def get_quietly(self, url: str) -> None:
        """A GET from inside whose answer does not matter, for example one that ends the process asked."""
        self.order(do="get_quietly", url=url)

    def processes(self, pod: str = "") -> list[Any]:
        """The operator's processes, or those of one pod of it; what they are is for `kill`."""
        found = self.order(do="processes", match="-m hotfix", environment=f"HOSTNAME={pod}" if pod else "")
        return [int(pid) for pid in found]

    def kill(self, process: Any, number: int) -> None:
        """Send a signal to one of them."""
        self.order(do="kill", pid=process, number=int(number))

    def set_rules(self, text: str) -> None:
        """Prometheus has these rules from now on."""
        (self.home / "rules" / "deployed.json").write_text(text)
        self.signal("prometheus", signal.SIGHUP)

    def without_operator(self) -> None:
        """There is none unless a test installed it."""

    def operator_log(self) -> str:
        """Everything that the operator's pods wrote so far."""
        files = sorted((self.home / "logs").glob("hotfix-system.*.log"))
        return "".join(file.read_text(errors="replace") for file in files)

    def raw(self, path: str) -> tuple[int, str]:
        """(status, body) of a path of the API server."""
        port = self.forwarders["api"].port
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=unchecked())) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    # ---- load

    @contextlib.contextmanager
    def load(self, host: str, *, rate: float, seconds: float = 1200, timeout_seconds: float = PATIENCE_SECONDS) -> Iterator[Load]:
        """Requests at a fixed rate to a host name of the gateway, from inside, while the block runs."""
        program = str(Path(__file__).parent / "load.py")
        argv = [
            sys.executable,
            "-I",
            "-S",
            program,
            host,
            "127.0.0.1",
            str(GATEWAY_PORT),
            str(rate),
            str(seconds),
            str(timeout_seconds),
        ]
        running = self.spawn(argv, name="load")
        try:
            yield Load(running.file)
        finally:
            running.stop()

    # ---- audit

    def audit(self, user: str) -> list[dict[str, Any]]:
        """Requests of a user so far, from the API server's audit log: verb, objectRef, user, responseStatus ..."""
        file = self.home / "audit.log"
        entries = (json.loads(line) for line in file.read_text().split("\n")[:-1]) if file.exists() else ()
        return [entry for entry in entries if entry["user"].get("username") == user]

    def component_log(self, name: str) -> str:
        """What a component wrote so far."""
        return (self.home / "logs" / f"{re.sub('[^a-z-]', '', name)}.log").read_text(errors="replace")


def _unshare() -> list[str]:
    """A network, PID and mount namespace of our own; as an ordinary user in a user namespace too."""
    command = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--user", "--map-root-user"]
