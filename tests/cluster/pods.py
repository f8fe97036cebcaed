"""A cluster that is there already, named by KUBECONFIG: what the stories need of it is done from pods, and through kubectl.

It must have the operator, the images that `python -m tests.cluster.kind images` builds, Contour with its Gateway, and
Prometheus. Where the two are, from here and from pods, is told by environment variables.
"""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from . import binaries
from .images import SAMPLES
from .load import PATIENCE_SECONDS, Load
from .provider import READY_SECONDS, Provider

TOOLS, NAMESPACE = "tools", "hotfix-load"
ASK = """import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), end="")
"""
# what a story asks for -> the variable that tells it
TOLD = {
    "gateway": "HOTFIX_TEST_GATEWAY_URL",
    "prometheus": "HOTFIX_TEST_PROMETHEUS_URL",
    "gateway inside": "HOTFIX_TEST_GATEWAY_INSIDE",
    "prometheus inside": "HOTFIX_TEST_PROMETHEUS_INSIDE",
}
LOAD_IMAGE = "hotfix-test/load:1"
STARTING = ("Pending", "Running", "ContainerCreating", "ErrImagePull")  # that one is tried once more
BRING = "build them with `python -m tests.cluster.kind images`, and load or push them where the cluster finds them"
CANNOT = "a story asks for what this provider says it lacks: mark it with what it needs"
NOT_OURS = "what is the user's is not restarted, signalled or set up otherwise"
HOME_OF_LOAD = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
_numbers = itertools.count(1)


class InPods(Provider):
    """Load comes from a pod, and what is asked from inside is asked by another one."""

    lacks: ClassVar[dict[str, str]] = {
        "audit log": "the API server's audit log is its owner's",
        "processes": "processes are signalled on nodes, to which a kubeconfig is no way",
        "components": NOT_OURS,
        "late routes": NOT_OURS,
        "own operator": NOT_OURS,
        "proxy before the API server": "pods reach the API server by the address that their kubelet tells them",
        "programs beside pods": "nothing runs in the cluster but pods, and they share no folder with this machine",
    }

    def __init__(self, home: Path, kubeconfig: Path, urls: dict[str, str]) -> None:
        self.home, self.kubeconfig, self.urls = home, kubeconfig, urls
        self.programs = binaries.cache_folder()
        self.furnished = False  # by this process, which also clears it away
        self.internal_prometheus_url = urls["prometheus inside"]

    @classmethod
    def start(cls, name: str, *, scrape_seconds: float = 2.0) -> Self:
        """The user's: it is there already, and is asked for its images."""
        binaries.ensure(print, ("kubectl",))
        cluster = cls.attach(Path(tempfile.mkdtemp(prefix=f"hotfix-{name}-")))
        cluster.furnished = True
        try:
            cluster.apply(HOME_OF_LOAD)
            cluster.provide([LOAD_IMAGE, *(f"sample:{tag}" for tag in SAMPLES)])
            cluster.prepare()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def attach(cls, home: Path) -> Self:
        """The user's, as the environment has it."""
        untold = [name for name in ("KUBECONFIG", *TOLD.values()) if not os.environ.get(name)]
        if untold:
            raise RuntimeError(f"a cluster of your own is told by environment variables, see CONTRIBUTING.md; not set: {untold}")
        return cls(home, Path(os.environ["KUBECONFIG"]), {what: os.environ[name] for what, name in TOLD.items()})

    def prepare(self) -> None:
        """A namespace for load, with the pod that asks."""
        self.apply(HOME_OF_LOAD, pod(TOOLS, ["-c", "import signal; signal.pause()"]))
        self.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", f"pod/{TOOLS}", f"--timeout={READY_SECONDS}s")

    @classmethod
    def borrow(cls, home: Path, name: str, scrape_seconds: float) -> Self:
        """Nobody has a user's cluster for himself."""
        raise RuntimeError(CANNOT)

    def provide(self, images: Sequence[str]) -> None:
        """Who has the cluster brings them: a pod of each is tried."""
        pods = {f"image-{number}": pod(f"image-{number}", ["-c", ""], image) for number, image in enumerate(images)}
        self.apply(*pods.values())
        try:
            ended = self.until(lambda: self._ended(list(pods)), "every image was tried", seconds=READY_SECONDS)
        finally:
            self.kubectl("delete", "pod", "-n", NAMESPACE, "--now", *pods)
        missing = [image for name, image in zip(pods, images, strict=True) if ended[name] != "Succeeded"]
        if missing:
            raise RuntimeError(f"pods do not start from {', '.join(missing)}: {BRING}")

    def _ended(self, names: list[str]) -> dict[str, str] | None:
        """Pod -> Succeeded, Failed, or why it waits; None while one of them may still start."""
        told = json.loads(self.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json").stdout)["items"]
        states = {item["metadata"]["name"]: _state(item) for item in told if item["metadata"]["name"] in names}
        return None if any(state in STARTING for state in states.values()) or len(states) < len(names) else states

    def stop(self) -> None:
        """It is as it was: who started takes away what load came from, and the folder."""
        if self.furnished:
            self.kubectl("delete", "namespace", NAMESPACE, f"--timeout={READY_SECONDS}s", check=False)
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def gateway_url(self) -> str:
        """The gateway, from this host."""
        return self.urls["gateway"]

    @property
    def prometheus_url(self) -> str:
        """Prometheus, from this host."""
        return self.urls["prometheus"]

    def get(self, url: str) -> tuple[int, str]:
        """(status, body) of a GET from inside."""
        said = self.kubectl("exec", "-n", NAMESPACE, TOOLS, "--", "python3", "-c", ASK, url).stdout
        status, _, body = said.partition(" ")
        return int(status), body

    def get_quietly(self, url: str) -> None:
        """A GET from inside whose answer does not matter, for example one that ends the process asked."""
        self.kubectl("exec", "-n", NAMESPACE, TOOLS, "--", "python3", "-c", ASK, url, check=False)

    @contextlib.contextmanager
    def load(self, host: str, *, rate: float, seconds: float = 1200, timeout_seconds: float = PATIENCE_SECONDS) -> Iterator[Load]:
        """Requests at a fixed rate to a host name of the gateway, from a pod, while the block runs; its log is followed."""
        name = f"load-{os.getpid()}-{next(_numbers)}"
        place, _, port = self.urls["gateway inside"].rpartition(":")
        self.apply(pod(name, ["/load.py", host, place, port, str(rate), str(seconds), str(timeout_seconds)]))
        try:
            self.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", f"pod/{name}", f"--timeout={READY_SECONDS}s")
            file = self.home / f"{name}.out"
            with file.open("wb") as output, self._following(name, output):
                yield Load(file)
        finally:
            self.kubectl("delete", "pod", name, "-n", NAMESPACE, "--now", "--wait=false")

    @contextlib.contextmanager
    def _following(self, name: str, output: Any) -> Iterator[None]:
        """The log of a pod is written on; where the connection breaks, from where it broke."""
        ended, running = threading.Event(), []
        command = [*self.kubectl_command, "logs", "-f", "-n", NAMESPACE, name]

        def follow() -> None:
            while not ended.is_set():
                written = Path(output.name).read_bytes().count(b"\n")
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                    running.append(process)
                    if ended.is_set():  # who ends it may have looked before it was there
                        process.kill()
                    for number, line in enumerate(process.stdout or ()):
                        if number >= written and line.endswith(b"\n"):
                            output.write(line)
                            output.flush()
                ended.wait(0.5)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            for process in running:
                process.kill()
            thread.join()

    def operator_log(self) -> str:
        """What the operator's pods that are there wrote so far."""
        which = ("-n", "hotfix-system", "-l", "app.kubernetes.io/name=hotfix-operator")
        return self.kubectl("logs", *which, "--tail=-1", "--prefix", check=False).stdout

    # ---- what needs more than a kubeconfig

    def _cannot(self, *_: object) -> Any:
        raise RuntimeError(CANNOT)

    audit = processes = kill = signal = stop_component = start_component = delay_routes = set_rules = without_operator = _cannot


def _state(item: dict[str, Any]) -> str:
    """Its phase, or why its container waits."""
    waiting = [entry["state"].get("waiting", {}).get("reason") for entry in item["status"].get("containerStatuses", [])]
    return next((why for why in waiting if why), item["status"].get("phase", "Pending"))


def pod(name: str, arguments: list[str], image: str = LOAD_IMAGE) -> dict[str, Any]:
    """Python with arguments, by default the load generator's; beside the gateway and not beside the shops."""
    container = {
        "name": "load",
        "image": image,
        "command": ["python3", "-u"],
        "args": arguments,
        "resources": {"requests": {"cpu": "50m"}},  # without a request it gets next to none while others are busy
    }
    spec = {
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "affinity": json.loads(PREFER_CONTROL_PLANE),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


PREFER_CONTROL_PLANE = """{"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference":
{"matchExpressions": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}}]}}"""
