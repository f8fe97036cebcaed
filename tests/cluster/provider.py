"""`Provider`: a cluster as the stories see it, whoever made it: embedded (cluster.py), by kind, or a user's (pods.py).

What a provider cannot do it says itself, in `lacks`: need -> a sentence. A story names its needs (`pytest.mark.needs`).
"""

import contextlib
import json
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml

from .load import PATIENCE_SECONDS, Load

ROOT = Path(__file__).parents[2]
READY_SECONDS = 300  # until pods are ready, on a machine that is busy
# what a story may need -> what that is
NEEDS = {
    "audit log": "the requests that the operator made, from the API server",
    "processes": "processes of pods are signalled",
    "components": "Prometheus is stopped, or its rules are set",
    "late routes": "what Contour tells Envoy arrives late",
    "own operator": "the operator is taken away, or set up otherwise, while nobody else needs it",
    "proxy before the API server": "the operator's requests go through a proxy that makes trouble",
    "programs beside pods": "a program runs where the operator reaches it, and both read the same files",
}


class Provider(ABC):
    """Use as a context manager. Its addresses are those seen from this host; `internal_prometheus_url` is seen by pods."""

    lacks: ClassVar[dict[str, str]] = {}
    home: Path
    programs: Path
    kubeconfig: Path
    internal_prometheus_url: str

    @classmethod
    @abstractmethod
    def start(cls, name: str, *, scrape_seconds: float = 2.0) -> Self:
        """One with the images that stories name, a gateway and Prometheus; who starts it also installs the operator."""

    @classmethod
    @abstractmethod
    def attach(cls, home: Path) -> Self:
        """One that another process of this machine holds, by its folder."""

    @classmethod
    @abstractmethod
    def borrow(cls, home: Path, name: str, scrape_seconds: float) -> Self:
        """One that nobody else uses until it is stopped: a new one, or the one of that folder."""

    @abstractmethod
    def provide(self, images: Sequence[str]) -> None:
        """Have images on its nodes; RuntimeError that names those that cannot be had."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def stop(self) -> None:
        """End what was started."""

    @property
    @abstractmethod
    def gateway_url(self) -> str:
        """The gateway, from this host."""

    @property
    @abstractmethod
    def prometheus_url(self) -> str:
        """Prometheus, from this host."""

    @abstractmethod
    def get(self, url: str) -> tuple[int, str]:
        """(status, body) of a GET from inside."""

    @abstractmethod
    def get_quietly(self, url: str) -> None:
        """A GET from inside whose answer does not matter, for example one that ends the process asked."""

    @abstractmethod
    def load(
        self, host: str, *, rate: float, seconds: float = 1200, timeout_seconds: float = PATIENCE_SECONDS
    ) -> contextlib.AbstractContextManager[Load]:
        """Requests at a fixed rate to a host name of the gateway, from inside, while the block runs."""

    @abstractmethod
    def audit(self, user: str) -> list[dict[str, Any]]:
        """Requests of a user so far, from the API server's audit log: verb, objectRef, user, responseStatus ..."""

    @abstractmethod
    def processes(self, pod: str = "") -> list[Any]:
        """The operator's processes, or those of one pod of it; what they are is for `kill`."""

    @abstractmethod
    def kill(self, process: Any, number: int) -> None:
        """Send a signal to one of them."""

    @abstractmethod
    def signal(self, component: str, number: int) -> None:
        """Send a signal to a component: prometheus, contour, envoy, etcd, apiserver ..."""

    @abstractmethod
    def stop_component(self, component: str) -> None:
        """End a component."""

    @abstractmethod
    def start_component(self, component: str) -> None:
        """Start it again and wait until it serves."""

    @abstractmethod
    def delay_routes(self, seconds: float) -> None:
        """From now on Envoy learns of route changes this much later."""

    @abstractmethod
    def set_rules(self, text: str) -> None:
        """Prometheus has these rules from now on."""

    @abstractmethod
    def operator_log(self) -> str:
        """Everything that the operator's pods wrote so far."""

    @abstractmethod
    def without_operator(self) -> None:
        """Take away an operator that is there."""

    # ---- kubectl

    @property
    def kubectl_command(self) -> list[str]:
        """The cluster's kubectl, with who asks."""
        return [str(self.programs / "kubectl"), f"--kubeconfig={self.kubeconfig}"]

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the cluster's kubectl; raises with what it printed when it fails."""
        command = [*self.kubectl_command, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=READY_SECONDS + 30)
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def read(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """One object."""
        return dict(json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json").stdout))

    def apply(self, *items: dict[str, Any], manager: str = "kubectl") -> None:
        """Server-side apply of objects, with strict validation."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})
        self.kubectl("apply", "--server-side", f"--field-manager={manager}", "--validate=strict", "-f", "-", stdin=body)

    def raw(self, path: str) -> tuple[int, str]:
        """(status, body) of a path of the API server."""
        done = self.kubectl("get", "--raw", path, check=False)
        return (500, done.stderr) if done.returncode else (200, done.stdout)

    def deploy(self, overlay: str, settings: dict[str, str], annotations: dict[str, str]) -> None:
        """`kubectl apply -k` of an overlay on one of deploy/, for environment and annotations of the operator's pods."""
        env = [{"name": name, "value": value} for name, value in settings.items()]
        pod = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "operator", "env": env}]}}
        patch = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "hotfix-operator"},
            "spec": {"template": pod},
        }
        with tempfile.TemporaryDirectory() as folder:
            base = relpath(ROOT / overlay, Path(folder).resolve())
            made = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [base],
                "patches": [{"target": {"kind": "Deployment", "name": "hotfix-operator"}, "patch": yaml.safe_dump(patch)}],
            }
            (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(made))
            self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-k", folder)

    def until(self, question: Callable[[], Any], what: str, *, seconds: float = 60.0) -> Any:
        """The first true answer, asked ten times a second; TimeoutError with the last one after `seconds`."""
        deadline, pause, last = time.monotonic() + seconds, threading.Event(), None
        while time.monotonic() < deadline:
            last = question()
            if last:
                return last
            pause.wait(0.1)
        raise TimeoutError(f"not within {seconds:g} s: {what}; last seen: {last!r}")
