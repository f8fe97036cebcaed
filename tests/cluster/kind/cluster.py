"""`Kind`: start, images, addresses, stop, and what can be done because its nodes are containers of this machine."""

import base64
import contextlib
import functools
import http.client
import json
import os
import shutil
import signal as signals
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml

from tests.cluster import binaries, operator
from tests.cluster.components import GATEWAY
from tests.cluster.pods import InPods
from tests.cluster.provider import READY_SECONDS

from . import images

HERE = Path(__file__).parent
NEEDS_DOCKER = "make test-kind needs Docker (a daemon that `docker version` reaches): https://docs.docker.com/engine/install"
NEEDS_KIND = "and kind on the PATH: `go install sigs.k8s.io/kind@latest`, or https://kind.sigs.k8s.io/docs/user/quick-start"
ENDINGS = (signals.SIGINT, signals.SIGTERM, signals.SIGHUP)
LOGS = "/var/log/kubernetes"
# component -> pattern of its command line (in brackets what keeps the pattern from being found itself)
PATTERNS = {
    "prometheus": "[p]rometheus --config",
    "contour": "[c]ontour serve",
    "envoy": "[e]nvoy -c",
    "etcd": "[e]tcd --",
    "apiserver": "[k]ube-apiserver --",
    "kubelet": "bin/[k]ubelet ",
}
RULES = "/data/rules/deployed.json"
IN_PROMETHEUS = ("-n", "monitoring", "deployment/prometheus", "-c", "prometheus")
INSIDE = {"gateway inside": "envoy.projectcontour:80", "prometheus inside": "http://prometheus.monitoring:9090"}


class Kind(InPods):
    """A control plane's node, and a worker."""

    lacks: ClassVar[dict[str, str]] = {
        "proxy before the API server": InPods.lacks["proxy before the API server"],
        "programs beside pods": InPods.lacks["programs beside pods"],
    }

    def __init__(self, home: Path, name: str, urls: dict[str, str]) -> None:
        super().__init__(home, home / "kubeconfig", {**urls, **INSIDE})
        self.name, self.nodes = name, (f"{name}-control-plane", f"{name}-worker")
        self.delayed = self.ruled = False
        self.before: set[str] = set()
        self.audited: list[dict[str, Any]] = []
        self.audited_bytes = 0

    @classmethod
    def start(cls, name: str, *, scrape_seconds: float = images.SCRAPE_SECONDS, log: Callable[[str], None] = print) -> Self:
        """Images, a cluster, and what stands beside the operator; some two minutes."""
        assert scrape_seconds == images.SCRAPE_SECONDS, "the image of its Prometheus has them"
        programs = binaries.ensure(log, images.BUILT)
        home, began = Path(tempfile.mkdtemp(prefix=f"hotfix-{name}-")), time.monotonic()
        cluster = cls(home, home.name.replace("_", "-").lower(), {})
        try:
            names = images.build(programs, log)
            log(f"images built in {time.monotonic() - began:.0f} s")
            cluster._create(log)
            cluster.provide(names)
            log(f"images loaded after {time.monotonic() - began:.0f} s")
            cluster._furnish()
        except BaseException:
            leave_alone()
            cluster.delete()
            raise
        log(f"cluster of kind up after {time.monotonic() - began:.0f} s")
        return cluster

    @classmethod
    def attach(cls, home: Path) -> Self:
        """One that another process of this machine holds."""
        told = json.loads((home / "cluster.json").read_text())
        return cls(home, told["name"], told["urls"])

    @classmethod
    def borrow(cls, home: Path, name: str, scrape_seconds: float) -> Self:
        """The one of that folder, for a test that nobody else runs beside: namespaces that it makes go when it stops."""
        assert scrape_seconds == images.SCRAPE_SECONDS, "its Prometheus is not set up anew for one story"
        if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
            raise RuntimeError("stories that need the cluster alone are told beside others: -m 'cluster and alone', without -n")
        cluster = cls.attach(home)
        cluster.before = cluster._namespaces()
        return cluster

    def provide(self, images: Sequence[str]) -> None:
        """Docker's, loaded into the nodes."""
        _run("kind", "load", "docker-image", *images, "--name", self.name)

    def _namespaces(self) -> set[str]:
        return set(self.kubectl("get", "namespaces", "-o", "name").stdout.split())

    def _create(self, log: Callable[[str], None]) -> None:
        ports = [_free_port() for _ in range(2)]
        self.urls |= dict(zip(("gateway", "prometheus"), (f"http://127.0.0.1:{port}" for port in ports), strict=True))
        (self.home / "logs").mkdir()
        shutil.copy(HERE / "audit-policy.yaml", self.home / "audit-policy.yaml")
        (self.home / "kind.yaml").write_text(yaml.safe_dump(_configuration(self.home, ports)))
        image = ["--image", os.environ["KIND_IMAGE"]] if os.environ.get("KIND_IMAGE") else []
        where = ["--config", str(self.home / "kind.yaml"), "--kubeconfig", str(self.kubeconfig), *image]
        _run("kind", "create", "cluster", "--name", self.name, *where, "--wait", "180s")
        (self.home / "cluster.json").write_text(json.dumps({"name": self.name, "urls": self.urls}))
        log(f"kind: Kubernetes {self.version}")

    @functools.cached_property
    def version(self) -> str:
        """Of Kubernetes."""
        return str(json.loads(self.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"])

    def _furnish(self) -> None:
        """Contour, Envoy, Prometheus; the worker is not the only node that shops may run on."""
        taint = "node-role.kubernetes.io/control-plane:NoSchedule-"
        self.kubectl("taint", "node", self.nodes[0], taint, check=False)
        self.kubectl("apply", "--server-side", "-f", str(self.programs / "crds"))
        established = ("wait", "--for=condition=Established", "crd", "--all")
        self.until(lambda: self.kubectl(*established, check=False).returncode == 0, "the CRDs are served")
        self.kubectl("apply", "-f", "-", stdin=json.dumps(GATEWAY))
        self.kubectl("apply", "-f", str(HERE / "stack.yaml"))
        for namespace, name in (("kube-system", "coredns"), ("projectcontour", "contour"), ("monitoring", "prometheus")):
            self.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, f"--timeout={READY_SECONDS}s")
        self.prepare()

    def delete(self) -> None:
        """The containers go, and our folder; also where somebody presses Ctrl-C once more meanwhile."""
        command = ["kind", "delete", "cluster", "--name", self.name]
        done = subprocess.run(command, check=False, capture_output=True, text=True, start_new_session=True)
        if done.returncode:
            print(f"the cluster is not deleted; try: {' '.join(command)}\n{done.stderr}", file=sys.stderr, flush=True)
        if os.environ.get("HOTFIX_KEEP_LOGS"):
            return
        shutil.rmtree(self.home, ignore_errors=True)

    def stop(self) -> None:
        """For who is attached: what was delayed is so no more; for who borrowed it: all is as before. Who made it deletes it."""
        if self.delayed:
            self.delay_routes(0)
        if self.before:
            self._awaken()
            self._leave_as_before()

    def _awaken(self) -> None:
        """A story that failed half way may have left something stopped."""
        going = "; ".join(f"pkill -CONT -f '{pattern}'" for pattern in PATTERNS.values())
        for node in self.nodes:
            self.on_node(node, "sh", "-c", f"{going}; systemctl start kubelet")
        for process in self.processes():
            self.kill(process, signals.SIGCONT)
        self.kubectl("wait", "--for=condition=Ready", "node", "--all", f"--timeout={READY_SECONDS}s")
        self.kubectl("uncordon", *self.nodes)
        self.start_component("prometheus")
        if self.ruled:
            self.kubectl("exec", *IN_PROMETHEUS, "--", "rm", "-f", RULES)
            self.signal("prometheus", signals.SIGHUP)

    def _leave_as_before(self) -> None:
        """The Deployment is made anew: what `kubectl set` owns in it would outlive the next apply, which is another manager's.
        Only then namespaces go, as finalizers are taken off by an operator alone."""
        ours = ("-n", operator.NAMESPACE, "--ignore-not-found", "--cascade=foreground", "--timeout=120s")
        self.kubectl("delete", "deployment", operator.NAME, operator.OTHER, *ours)
        operator.Operator.install(self, scrape="2s")
        made = self._namespaces() - self.before - {f"namespace/{operator.NAMESPACE}"}
        left = self.kubectl("delete", *made, "--timeout=120s", check=False).stderr if made else ""
        assert not self._namespaces() & made, f"not gone: {left}"

    # ---- what is done to nodes

    def on_node(self, node: str, *command: str, check: bool = True) -> str:
        """What a command on a node prints."""
        return _run("docker", "exec", node, *command, check=check)

    def stop_kubelet(self, node: str) -> None:
        """Its containers go on, and nobody looks after them."""
        self.on_node(node, "systemctl", "stop", "kubelet")

    def restart_kubelet(self, node: str) -> None:
        """One that forgot what it held in memory, tokens too."""
        self.on_node(node, "systemctl", "restart", "kubelet")

    def processes(self, pod: str = "") -> list[Any]:
        """The operator's processes: (node, pid there)."""
        whose = '$p $(tr "\\0" "\\n" </proc/$p/environ | grep ^HOSTNAME=)'
        told = f'for p in $(pgrep -f "m [h]otfix|[s]kewed.py"); do echo {whose}; done'
        found = []
        for node in self.nodes:
            lines = self.on_node(node, "sh", "-c", told, check=False).splitlines()
            found += [(node, line.split()[0]) for line in lines if f"HOSTNAME={pod}" in line]
        return found

    def kill(self, process: Any, number: int) -> None:
        """Send a signal to one of them."""
        node, pid = process
        self.on_node(node, "kill", f"-{int(number)}", pid, check=False)

    def signal(self, component: str, number: int) -> None:
        """Send a signal to a component."""
        self.on_node(self.nodes[0], "pkill", f"-{int(number)}", "-f", PATTERNS[component])

    def stop_component(self, component: str) -> None:
        """End a component; Prometheus alone, whose data stays on its node."""
        assert component == "prometheus"
        self.kubectl("scale", "deployment/prometheus", "-n", "monitoring", "--replicas=0")
        self.kubectl("delete", "pod", "-l", "app=prometheus", "-n", "monitoring", "--now")

    def start_component(self, component: str) -> None:
        """Start it again and wait until it serves."""
        assert component == "prometheus"
        self.kubectl("scale", "deployment/prometheus", "-n", "monitoring", "--replicas=1")
        self.kubectl("rollout", "status", "deployment/prometheus", "-n", "monitoring", f"--timeout={READY_SECONDS}s")

    def delay_routes(self, seconds: float) -> None:
        """From now on Envoy learns of route changes this much later. Envoy starts anew: nothing may be under way."""
        self.delayed = seconds > 0
        self.kubectl("set", "env", "deployment/contour", "-n", "projectcontour", "-c", "relay", f"DELAY_SECONDS={seconds:g}")
        self.kubectl("rollout", "status", "deployment/contour", "-n", "projectcontour", f"--timeout={READY_SECONDS}s")

    def set_rules(self, text: str) -> None:
        """Prometheus has these rules from now on."""
        self.ruled = True
        write = f"mkdir -p $(dirname {RULES}) && cat > {RULES}"
        self.kubectl("exec", "-i", *IN_PROMETHEUS, "--", "sh", "-c", write, stdin=text)
        self.signal("prometheus", signals.SIGHUP)

    def without_operator(self) -> None:
        """Take away an operator that is there."""
        self.kubectl("delete", "-k", str(HERE.parents[2] / "deploy/base"), "--ignore-not-found", "--timeout=90s")

    # ---- the API server

    def audit(self, user: str) -> list[dict[str, Any]]:
        """Requests of a user so far, from the API server's audit log."""
        # by the node: the file is root's alone; and only what came since it was read last
        new = self.on_node(self.nodes[0], "tail", "-c", f"+{self.audited_bytes + 1}", f"{LOGS}/audit.log", check=False)
        whole = new[: new.rfind("\n") + 1]
        self.audited_bytes += len(whole.encode())
        self.audited += [json.loads(line) for line in whole.split("\n")[:-1]]
        return [entry for entry in self.audited if entry["user"].get("username") == user]

    def raw(self, path: str) -> tuple[int, str]:
        """(status, body) of a path of the API server, asked with the certificate of the kubeconfig."""
        server, context = self._login
        with contextlib.closing(http.client.HTTPSConnection(server, timeout=10, context=context)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    @functools.cached_property
    def _login(self) -> tuple[str, ssl.SSLContext]:
        told = yaml.safe_load(self.kubeconfig.read_text())
        cluster, user = told["clusters"][0]["cluster"], told["users"][0]["user"]
        trusted = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=trusted)
        with tempfile.NamedTemporaryFile() as both:
            both.write(b"\n".join(base64.b64decode(user[f"client-{kind}-data"]) for kind in ("certificate", "key")))
            both.flush()
            context.load_cert_chain(both.name)
        return urllib.parse.urlsplit(cluster["server"]).netloc, context


def leave_alone() -> None:
    """Who wants this process to end waits until it has cleared away: the last thing that it does."""
    for ending in ENDINGS:
        signals.signal(ending, signals.SIG_IGN)


def missing(*, images_alone: bool = False) -> str:
    """What this machine lacks, and how to get it; empty when nothing. Images alone need no kind."""
    docker = shutil.which("docker") and subprocess.run(["docker", "version"], check=False, capture_output=True).returncode == 0
    return "" if docker and (images_alone or shutil.which("kind")) else f"{NEEDS_DOCKER}\n{NEEDS_KIND}"


def _configuration(home: Path, ports: list[int]) -> dict[str, Any]:
    """Of kind: two nodes, an audit log in our folder, and two ports of this host."""
    arguments = [
        {"name": "audit-policy-file", "value": "/etc/kubernetes/audit-policy.yaml"},
        {"name": "audit-log-path", "value": f"{LOGS}/audit.log"},
        {"name": "audit-log-maxsize", "value": "10000"},  # MB: one that is rotated would begin anew
    ]
    volumes = [
        {"name": "policy", "hostPath": arguments[0]["value"], "mountPath": arguments[0]["value"], "pathType": "File"},
        {"name": "audit", "hostPath": LOGS, "mountPath": LOGS, "pathType": "DirectoryOrCreate"},
    ]
    volumes[0]["readOnly"] = True
    older = {entry["name"]: entry["value"] for entry in arguments}
    patches: list[dict[str, Any]] = [
        {
            "apiVersion": f"kubeadm.k8s.io/{version}",
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": given, "extraVolumes": volumes},
        }
        for version, given in (("v1beta4", arguments), ("v1beta3", older))
    ]
    # stories kill one pod more often than waiting for its restart minutes would allow
    soon = {"crashLoopBackOff": {"maxContainerRestartPeriod": "10s"}, "featureGates": {"KubeletCrashLoopBackOffMax": True}}
    patches.append({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", **soon})
    plane = {
        "role": "control-plane",
        "kubeadmConfigPatches": [yaml.safe_dump(patch) for patch in patches],
        "extraMounts": [
            {"hostPath": str(home / "audit-policy.yaml"), "containerPath": arguments[0]["value"], "readOnly": True},
            {"hostPath": str(home / "logs"), "containerPath": LOGS},
        ],
        "extraPortMappings": [
            {"containerPort": inside, "hostPort": outside, "listenAddress": "127.0.0.1"}
            for inside, outside in zip((30080, 30090), ports, strict=True)
        ],
    }
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [plane, {"role": "worker"}]}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}: {(done.stderr + done.stdout)[-3000:]}")
    return done.stdout
