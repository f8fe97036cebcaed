"""One pod on the node: its container as a process, its probes, its restarts, its end, and the status it reports."""

import asyncio
import contextlib
import logging
import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from . import images
from .api import Api, ApiError
from .components import API, kubeconfig

log = logging.getLogger("node")

FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 1.0, 10.0
TICK_SECONDS = 0.1


class Pod:
    """Runs the first container of a pod."""

    def __init__(self, api: Api, item: dict[str, Any], address: str, home: Path) -> None:
        self.api, self.item, self.address, self.home = api, item, address, home
        meta = item["metadata"]
        self.namespace, self.name, self.uid = meta["namespace"], meta["name"], meta["uid"]
        self.container: dict[str, Any] = item["spec"]["containers"][0]
        self.ports = [port["containerPort"] for port in self.container.get("ports") or ()]
        self.process: asyncio.subprocess.Process | None = None
        self.restarts, self.ready, self.waiting = 0, False, "ContainerCreating"
        self.started_at = _now()
        self.ready_at = _now()
        self.ending = asyncio.Event()
        self.final: dict[str, Any] = item
        self.last_state: dict[str, Any] = {}

    # ---- life

    async def run(self) -> None:
        """Until the pod is deleted."""
        life = asyncio.create_task(self._live())
        life.add_done_callback(self._broken)
        await self.ending.wait()
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
        await self._end()

    def _broken(self, life: "asyncio.Task[None]") -> None:
        if not life.cancelled() and life.exception():
            log.error("pod %s cannot run: %r", self.name, life.exception())

    async def _live(self) -> None:
        program = images.program(self.container["image"])
        if program is None:
            await self._unpullable()
            return
        backoff = 0.0  # a kubelet restarts at once what crashed for the first time
        while True:
            await self._start(program)
            started = asyncio.Event()
            probes = [asyncio.create_task(self._probe_ready(started)), asyncio.create_task(self._probe_live(started))]
            assert self.process is not None
            try:
                code = await self.process.wait()
            finally:
                for probe in probes:
                    probe.cancel()
            self.restarts, self.ready, self.waiting = self.restarts + 1, False, "CrashLoopBackOff" if backoff else ""
            await self._report(ended=code)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS) or FIRST_BACKOFF_SECONDS

    async def _unpullable(self) -> None:
        self.waiting = "ErrImagePull"
        await self._report()
        await asyncio.sleep(1.0)
        self.waiting = "ImagePullBackOff"
        await self._report()
        await asyncio.Event().wait()

    async def _start(self, program: images.Program) -> None:
        own = {program.address_in: self.address} if program.address_in else {}
        env = {"PATH": os.environ.get("PATH", ""), **program.env, **own, **await self._environment()}
        logs = self.home / "logs"
        with (logs / f"{self.namespace}.{self.name}.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *program.argv,
                *(_expanded(str(part), env) for part in self.container.get("args") or ()),
                env=env,
                stdout=output,
                stderr=output,
                stdin=asyncio.subprocess.DEVNULL,
            )
        self.waiting, self.started_at = "", _now()
        self.ready = not {"startupProbe", "readinessProbe"} & self.container.keys()
        await self._report()

    async def _environment(self) -> dict[str, str]:
        env = {"HOSTNAME": self.name}
        for entry in self.container.get("env") or ():
            path = ((entry.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
            known = {"status.podIP": self.address, "metadata.name": self.name, "metadata.namespace": self.namespace}
            env[entry["name"]] = known.get(path, "") if path else _expanded(entry.get("value", ""), env)
        account = self.item["spec"].get("serviceAccountName", "default")
        if account != "default":
            env["KUBECONFIG"] = str(await self._credentials(account))
        return env

    async def _credentials(self, account: str) -> Path:
        """A kubeconfig with a token of the pod's ServiceAccount."""
        url = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        answer = await self.api.post(
            url, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        )
        file = self.home / "logs" / f"{self.namespace}.{self.name}.kubeconfig"
        server = (self.item["metadata"].get("annotations") or {}).get("embedded/api-server", API)
        file.write_text(kubeconfig(server, answer["status"]["token"]))
        return file

    # ---- probes

    async def _probe_ready(self, started: asyncio.Event) -> None:
        await started.wait()
        probe = self.container.get("readinessProbe")
        if probe is None:
            await self._found(ready=True)
            return
        failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        while True:
            good = await self._probe(probe)
            failures = 0 if good else failures + 1
            await self._found(ready=good or (self.ready and failures < probe.get("failureThreshold", 3)))
            # a container that is starting is asked more often than its period says
            await asyncio.sleep(probe.get("periodSeconds", 10) if self.ready else min(0.5, probe.get("periodSeconds", 10)))

    async def _found(self, *, ready: bool) -> None:
        if ready != self.ready:
            self.ready, self.ready_at = ready, _now()
            await self._report()

    async def _probe_live(self, started: asyncio.Event) -> None:
        """The startup probe until it is good, which the others wait for; from then on the liveness probe."""
        if probe := self.container.get("startupProbe"):
            await self._watch(probe, once=True)
        started.set()
        if probe := self.container.get("livenessProbe"):
            await self._watch(probe)

    async def _watch(self, probe: dict[str, Any], *, once: bool = False) -> None:
        """A container that fails it too often in a row is ended. `once`: until it is good."""
        failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        while True:
            good = await self._probe(probe)
            if good and once:
                return
            failures = 0 if good else failures + 1
            if failures >= probe.get("failureThreshold", 3):
                await self._stop(float(self.item["spec"].get("terminationGracePeriodSeconds", 30)))
            await asyncio.sleep(probe.get("periodSeconds", 10))

    async def _probe(self, probe: dict[str, Any]) -> bool:
        action = probe.get("httpGet") or probe.get("tcpSocket") or {}
        port = self._port(action.get("port", 0))
        try:
            async with asyncio.timeout(probe.get("timeoutSeconds", 1)):
                if "httpGet" not in probe:
                    _, writer = await asyncio.open_connection(self.address, port)
                    writer.close()
                    return True
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"http://{self.address}:{port}{action.get('path', '/')}") as answer,
                ):
                    return 200 <= answer.status < 400
        except (OSError, TimeoutError, aiohttp.ClientError):
            return False

    def _port(self, port: int | str) -> int:
        named = {entry.get("name"): entry["containerPort"] for entry in self.container.get("ports") or ()}
        return int(named.get(port, port) if isinstance(port, str) else port)

    # ---- the end

    def terminate(self, item: dict[str, Any]) -> None:
        """The API server says that the pod is to go."""
        self.final = item
        self.ending.set()

    def abandon(self) -> None:
        """The pod does not exist any more."""
        self._signal(signal.SIGKILL)
        self.ending.set()

    async def _end(self) -> None:
        """Its process, then the object."""
        await self._stop(float(self.final["metadata"].get("deletionGracePeriodSeconds", 30)))
        with contextlib.suppress(ApiError):
            await self.api.delete_now(f"/api/v1/namespaces/{self.namespace}/pods/{self.name}", self.uid)

    async def _stop(self, grace: float) -> None:
        """preStop, SIGTERM, the rest of the grace, SIGKILL."""
        if self.process is None or self.process.returncode is not None:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        pause = ((self.container.get("lifecycle") or {}).get("preStop") or {}).get("sleep", {}).get("seconds", 0)
        await asyncio.sleep(min(float(pause), grace))
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - loop.time())):
                await self.process.wait()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    # ---- status

    async def _report(self, ended: int | None = None) -> None:
        """Write the status as a kubelet does; a failure is repeated until it is taken or the pod is gone."""
        status = self._status(ended)
        while True:
            try:
                await self.api.patch(f"/api/v1/namespaces/{self.namespace}/pods/{self.name}/status", {"status": status})
                return
            except ApiError as error:
                log.info("status of %s not taken: %s", self.name, error)
                if error.status in (404, 409, 422):
                    return
                await asyncio.sleep(0.3)

    def _status(self, ended: int | None) -> dict[str, Any]:
        running = not self.waiting
        state = {"running": {"startedAt": self.started_at}} if running else {"waiting": {"reason": self.waiting}}
        container: dict[str, Any] = {
            "name": self.container["name"],
            "image": self.container["image"],
            "imageID": images.image_id(self.container["image"]),
            "ready": self.ready,
            "started": running,
            "restartCount": self.restarts,
            "state": state,
        }
        if ended is not None:
            # as a kubelet has it: 137 for SIGKILL, and what ended by itself is no error
            code, reason = 128 - ended if ended < 0 else ended, "Error" if ended else "Completed"
            self.last_state = {"terminated": {"exitCode": code, "finishedAt": _now(), "reason": reason}}
        if self.last_state:
            container["lastState"] = self.last_state
        ready = "True" if self.ready else "False"
        return {
            "phase": "Running" if running or self.restarts else "Pending",
            "hostIP": "10.244.254.1",
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self.started_at,
            "conditions": [
                {"type": kind, "status": value, "lastTransitionTime": self.ready_at}
                for kind, value in (
                    ("Initialized", "True"),
                    ("PodScheduled", "True"),
                    ("ContainersReady", ready),
                    ("Ready", ready),
                )
            ],
            "containerStatuses": [container],
        }


def _expanded(text: str, env: dict[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda match: env.get(match[1], match[0]), text)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
