"""What runs inside the namespaces, as their first process: starts the components and the node, forwards, obeys the outside.

It ends when its standard input does: with it goes the PID namespace, so nothing is left behind however the outside died.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

from .api import Api
from .components import API_PORT, GATEWAY, GATEWAY_PORT, PROMETHEUS_PORT, RELAY_PORT, Component, components, write_configuration
from .node import Node

log = logging.getLogger("inside")
SERVES_SECONDS = 150.0  # until a component answers, on a machine where others have both processors
FORWARDED = {"api": API_PORT, "gateway": GATEWAY_PORT, "prometheus": PROMETHEUS_PORT}


class World:
    """All processes of one cluster."""

    def __init__(self, home: Path, binaries: Path, options: dict[str, Any]) -> None:
        self.home, self.binaries, self.options = home, binaries, options
        self.wanted: dict[str, Component] = {}
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.spawned = 0

    async def start(self, component: Component) -> None:
        """Start one component and wait until it serves."""
        self.wanted[component.name] = component
        with (self.home / "logs" / f"{component.name}.log").open("ab") as output:
            self.processes[component.name] = await asyncio.create_subprocess_exec(
                *component.argv, stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL, cwd=self.home
            )
        await self.until_ready(component)

    async def until_ready(self, component: Component) -> None:
        """Return when the component answers; raise when it has ended or does not answer for so long."""
        process = self.processes[component.name]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SERVES_SECONDS
        while component.ready and not await _answers(component.ready):
            if process.returncode is not None or loop.time() > deadline:
                raise RuntimeError(f"{component.name} does not serve (exit code {process.returncode}):\n{self.logs(component)}")
            await asyncio.sleep(0.1)

    def logs(self, component: Component) -> str:
        """The end of its log, after shorter ends of the others': it may wait for one of them."""
        others = [name for name in self.wanted if name != component.name]
        ends = {**dict.fromkeys(others, 300), component.name: 1000}
        files = {name: (self.home / "logs" / f"{name}.log").read_text(errors="replace") for name in ends}
        return "\n".join(f"--- {name}:\n{files[name][-length:]}" for name, length in ends.items())

    async def stop(self, name: str) -> None:
        """End one component."""
        process = self.processes[name]
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()

    async def command(self, request: dict[str, Any]) -> Any:
        """One order from outside: `do` names one of the methods below."""
        return await getattr(self, f"do_{request['do']}")(request)

    async def do_signal(self, request: dict[str, Any]) -> None:
        self.processes[request["name"]].send_signal(request["number"])

    async def do_stop(self, request: dict[str, Any]) -> None:
        await self.stop(request["name"])

    async def do_start(self, request: dict[str, Any]) -> None:
        await self.start(self.wanted[request["name"]])

    async def do_wait(self, request: dict[str, Any]) -> int:
        return await self.processes[request["name"]].wait()

    async def do_get(self, request: dict[str, Any]) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(request["url"]) as answer:
            return {"status": answer.status, "body": await answer.text()}

    async def do_get_quietly(self, request: dict[str, Any]) -> None:
        """A request whose answer does not matter, for example one that ends the process asked."""
        with contextlib.suppress(aiohttp.ClientError):
            await self.do_get(request)

    async def do_kill(self, request: dict[str, Any]) -> None:
        os.kill(int(request["pid"]), int(request["number"]))

    async def do_processes(self, request: dict[str, Any]) -> list[int]:
        return _processes(request["match"], request.get("environment", ""))

    async def do_relay(self, request: dict[str, Any]) -> None:
        """Delay what Contour tells Envoy from now on."""
        await self.stop("relay")
        late = components(self.home, self.binaries, relay_seconds=float(request["seconds"]))
        await self.start(next(component for component in late if component.name == "relay"))

    async def do_spawn(self, request: dict[str, Any]) -> dict[str, Any]:
        """A process of the caller's."""
        self.spawned += 1
        name = f"{request['name']}-{self.spawned}"
        file = self.home / "logs" / f"{name}.out"
        with file.open("wb") as output, file.with_suffix(".err").open("wb") as errors:
            env = {**os.environ, **request.get("env", {})}
            self.processes[name] = await asyncio.create_subprocess_exec(
                *request["argv"], stdout=output, stderr=errors, stdin=asyncio.subprocess.DEVNULL, env=env, cwd=request.get("cwd")
            )
        return {"name": name, "pid": self.processes[name].pid, "file": str(file)}


def _processes(match: str, environment: str) -> list[int]:
    """Processes of this PID namespace whose command line, and environment, have these texts."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line, variables = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
            named = environment.encode() in variables.split(b"\0") or not environment
            if named and match in line.replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


async def _answers(ready: str) -> bool:
    """A URL answers 200, or HOST:PORT accepts."""
    try:
        async with asyncio.timeout(2):
            if not ready.startswith("http"):
                host, port = ready.split(":")
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return True
            context = ssl._create_unverified_context()  # noqa: S323 - the API server's certificate is its own
            async with aiohttp.ClientSession() as session, session.get(ready, ssl=context) as answer:
                return answer.status == 200
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def _forward(home: Path, name: str, port: int) -> None:
    """A Unix socket, reachable from outside, that leads to a port inside."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    await asyncio.start_unix_server(connected, home / f"{name}.sock")


async def _obey(world: World) -> None:
    """Orders on a Unix socket: a JSON line in, a JSON line out."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        try:
            answer = {"result": await world.command(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            answer = {"error": repr(error)}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()

    await asyncio.start_unix_server(connected, world.home / "control.sock")


def _network() -> None:
    """Every 10.244.x.y is this machine's, and reachable at once."""
    ip = next(path for path in ("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip") if Path(path).exists())
    subprocess.run([ip, "link", "set", "lo", "up"], check=True)
    subprocess.run([ip, "route", "add", "local", "10.244.0.0/16", "dev", "lo"], check=True)


async def _run(home: Path, binaries: Path, options: dict[str, Any]) -> None:
    world = World(home, binaries, options)
    write_configuration(home, scrape_seconds=options["scrape_seconds"])
    _bootstrap(home, binaries)
    for name, port in FORWARDED.items():
        await _forward(home, name, port)
    await _obey(world)
    everything = {component.name: component for component in components(home, binaries, relay_seconds=options["relay_seconds"])}
    await world.start(everything.pop("etcd"))
    await world.start(everything.pop("apiserver"))
    async with Api() as api:
        for name in ("controller-manager", "scheduler", "relay", "prometheus"):
            await world.start(everything.pop(name))
        await _install(home, binaries)
        node = Node(api, home)
        await node.register()
        following = asyncio.create_task(node.run())
        for component in everything.values():
            await world.start(component)
        print("ready", flush=True)
        closed = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait({closed, following}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()  # the node never ends by itself: say why it did


def _bootstrap(home: Path, binaries: Path) -> None:
    """Envoy's bootstrap, with the relay in front of Contour; the key of service account tokens."""
    key = subprocess.run([str(binaries / "hyperkube"), "keygen"], check=True, capture_output=True).stdout
    (home / "sa.key").write_bytes(key)
    addresses = ("--xds-address", "127.0.0.1", "--xds-port", str(RELAY_PORT))
    subprocess.run(
        [
            str(binaries / "contour"),
            "bootstrap",
            str(home / "envoy.json"),
            *addresses,
            "--admin-address",
            str(home / "admin.sock"),
        ],
        check=True,
        capture_output=True,
    )


async def _install(home: Path, binaries: Path) -> None:
    """CRDs, the Gateway and its class."""
    kubectl = [str(binaries / "kubectl"), f"--kubeconfig={home / 'inside.kubeconfig'}"]
    (home / "gateway.json").write_text(json.dumps(GATEWAY))
    steps = (
        [*kubectl, "apply", "--server-side", "-f", str(binaries / "crds")],
        [*kubectl, "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"],
        [*kubectl, "apply", "-f", str(home / "gateway.json")],
    )
    for step in steps:
        for left in range(20, -1, -1):
            process = await asyncio.create_subprocess_exec(*step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output, _ = await process.communicate()
            if not process.returncode:
                break
            if not left:
                raise RuntimeError(f"{' '.join(step[2:5])} failed:\n{output.decode()[-1500:]}")
            await asyncio.sleep(0.2)  # a CRD that was just made has no conditions yet, which kubectl takes for an error


def _leave_nothing(home: Path) -> None:
    """The outside is gone or wants an end: every process of this PID namespace ends, then the folder goes."""
    for pid in _processes("", ""):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)  # as the first process of the namespace it inherits them all
    if not os.environ.get("HOTFIX_KEEP_LOGS"):
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    _network()
    asyncio.run(_run(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
    _leave_nothing(Path(sys.argv[1]))  # not after a failure of ours: the outside reads the logs first
