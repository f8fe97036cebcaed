"""Records expositions/contour.prom from real Envoys: `python -m tests.adapters.record_envoy`.

Two Envoys with clusters named as Contour names them (`alt_stat_name`) send known requests to a server of ours; what they say at
/stats/prometheus is kept line by line, as far as the preset reads it. One request of each cluster is under way meanwhile. The
label `instance` is put in as Prometheus would.
"""

import asyncio
import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

FILE = Path(__file__).parent / "expositions" / "contour.prom"
METRICS = tuple(f"envoy_cluster_upstream_rq_{name}{{" for name in ("xx", "total", "time_bucket", "time_count"))
SLOW_SECONDS = 0.3
# Envoy -> cluster -> (requests, 5xx, 4xx, over a tenth of a second)
SENT = {
    "envoy-0": {
        "shop_checkout_80": (980, 50, 30, 20),
        "shop_checkout-hotfix_80": (107, 2, 5, 4),
        "shop_checkout_8080": (77, 77, 0, 0),
    },
    "envoy-1": {"shop_checkout_80": (860, 40, 20, 10), "shop_checkout_8080": (77, 77, 0, 0)},
}


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _bootstrap(admin: int, listener: int, server: int, clusters: list[str]) -> dict[str, Any]:
    """Requests go to the cluster whose name is the first part of their path."""

    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    routes = [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": f"hashed/{name}", "timeout": "0s"}} for name in clusters]
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    backends = [
        {
            "name": f"hashed/{name}",
            "alt_stat_name": name,
            "load_assignment": {
                "cluster_name": f"hashed/{name}",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(server)}}]}],
            },
        }
        for name in clusters
    ]
    listeners = [{"name": "in", "address": address(listener), "filter_chains": [chain]}]
    return {"admin": {"address": address(admin)}, "static_resources": {"listeners": listeners, "clusters": backends}}


async def _answered(request: web.Request) -> web.Response:
    """/<cluster>/<code>/<seconds>"""
    await asyncio.sleep(float(request.match_info["seconds"]))
    return web.Response(status=int(request.match_info["code"]))


async def _text(session: aiohttp.ClientSession, url: str) -> str:
    """A page, as soon as it is there."""
    for _ in range(200):
        try:
            async with session.get(url) as answer:
                return await answer.text()
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise TimeoutError(url)


async def _send(session: aiohttp.ClientSession, base: str, cluster: str, sent: tuple[int, int, int, int]) -> None:
    """So many requests, some at once; the slow ones are good ones."""
    requests, failed, refused, slow = sent
    paths = ["503/0"] * failed + ["404/0"] * refused + [f"200/{SLOW_SECONDS}"] * slow
    paths += ["200/0"] * (requests - len(paths))
    room = asyncio.Semaphore(4)

    async def one(path: str) -> None:
        async with room, session.get(f"{base}/{cluster}/{path}") as answer:
            await answer.read()

    await asyncio.gather(*(one(path) for path in paths))


async def _undisturbed(name: str, server: int, folder: Path) -> list[str]:
    """A record in which only those are slow that are meant to be: a busy machine makes others slow too."""
    meant = sum(sent[0] - sent[3] for sent in SENT[name].values())
    for _ in range(20):
        lines = await _recorded(name, server, folder)
        if _sum(lines, 'le="100"}') == meant:
            return lines
    raise TimeoutError(f"{name} was never undisturbed")


async def _recorded(name: str, server: int, folder: Path) -> list[str]:
    """The lines of one Envoy."""
    admin, listener, clusters = _port(), _port(), SENT[name]
    (folder / name).write_text(json.dumps(_bootstrap(admin, listener, server, list(clusters))))
    program = str(Path(sys.executable).parent / "envoy")
    options = ("-c", str(folder / name), "--use-dynamic-base-id", "--concurrency", "1", "-l", "warn")
    envoy = await asyncio.create_subprocess_exec(program, *options)
    under_way = []
    try:
        async with aiohttp.ClientSession() as session:
            await _text(session, f"http://127.0.0.1:{admin}/ready")
            base = f"http://127.0.0.1:{listener}"
            await _text(session, base)
            for cluster, sent in clusters.items():
                await _send(session, base, cluster, sent)
                under_way.append(asyncio.create_task(_text(session, f"{base}/{cluster}/200/600")))
            total = sum(sent[0] + 1 for sent in clusters.values())
            while True:  # Envoy merges its histograms every five seconds
                text = await _text(session, f"http://127.0.0.1:{admin}/stats/prometheus")
                lines = [line for line in text.splitlines() if line.startswith(METRICS)]
                if _sum(lines, "rq_total{") == total and _sum(lines, "rq_time_count{") == total - len(clusters):
                    return [line.replace("{", f'{{instance="{name}",', 1) for line in lines]
                await asyncio.sleep(0.5)
    finally:
        for task in under_way:
            task.cancel()
        envoy.terminate()
        await envoy.wait()


def _sum(lines: list[str], part: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if part in line)


async def main() -> None:
    """Write the file anew."""
    app = web.Application()
    app.router.add_get("/{cluster}/{code}/{seconds}", _answered)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for name in SENT for line in await _undisturbed(name, runner.addresses[0][1], Path(folder))]
    await runner.cleanup()
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
