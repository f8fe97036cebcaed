"""Stands in for the Gateway's controller, its data plane and Prometheus, in the cluster's network: `plane PORT LATENCY_SECONDS`.

It reports every route as accepted at its present generation, counts requests by the weights that routes have, and answers the
queries of the contour preset after a fixed time. GET /crash?shop=NAMESPACE/NAME&... makes every request to patched fail from then
on; GET /figures tells how many queries were asked.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.cluster.api import Api, ApiError

from .objects import accepted
from .traffic import PAST_SECONDS, PROXIES, Counter, Labels, Traffic, series

ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
CLUSTER = r'(?P<metric>\w+)\{envoy_cluster_name="(?P<cluster>[^"]+)"(?:,envoy_response_code_class="(?P<code>\d)")?'
SELECTOR = re.compile(CLUSTER)
PART = re.compile(r'label_replace\(\s*(?P<query>.*?)\s*,\s*"(?P<label>\w+)",\s*"(?P<value>[^"]*)",\s*"",\s*""\)', re.DOTALL)
BUCKETS = {"5": 0.1, "10": 0.4, "25": 0.8, "50": 0.9, "100": 0.97, "250": 0.995, "500": 0.999, "+Inf": 1.0}


class Plane:
    """All shops by namespace/name."""

    def __init__(self, api: Api, latency_seconds: float) -> None:
        self.api, self.latency_seconds = api, latency_seconds
        self.shops: dict[str, Traffic] = {}
        self.began = time.time() - PAST_SECONDS
        self.queries = 0
        self.working: set[asyncio.Task[None]] = set()
        self.places = asyncio.Semaphore(32)

    # ---- routes

    async def follow(self) -> None:
        """Acknowledge routes for ever."""
        while True:
            listed = await self.api.get(ROUTES)
            for item in listed["items"]:
                self.seen(item)
            version = listed["metadata"]["resourceVersion"]
            async for event in self.api.watch(f"{ROUTES}?watch=1&resourceVersion={version}&timeoutSeconds=3000"):
                if event["type"] in ("ADDED", "MODIFIED"):
                    self.seen(event["object"])

    def seen(self, item: dict[str, Any]) -> None:
        """A route as it is now."""
        meta = item["metadata"]
        generation = meta["generation"]
        parents = (item.get("status") or {}).get("parents") or ()
        if not any(parent["conditions"][0].get("observedGeneration") == generation for parent in parents):
            task = asyncio.create_task(self.acknowledge(meta["namespace"], meta["name"], generation))
            self.working.add(task)
            task.add_done_callback(self.working.discard)
        weights = {ref["name"]: ref.get("weight", 1) for ref in item["spec"]["rules"][0]["backendRefs"]}
        patched = weights.get(f"{meta['name']}-hotfix", 0)
        shop = self.shops.setdefault(f"{meta['namespace']}/{meta['name']}", Traffic(self.began))
        shop.split(time.time(), patched / (sum(weights.values()) or 1))

    async def acknowledge(self, namespace: str, name: str, generation: int) -> None:
        """As Gateway controllers do."""
        path = ROUTES.replace("/httproutes", f"/namespaces/{namespace}/httproutes/{name}/status")
        try:
            async with self.places:
                await self.api.patch(path, accepted(generation))
        except ApiError as error:
            print(f"{namespace}/{name} cannot be acknowledged: {error}", file=sys.stderr)

    # ---- queries

    def found(self, query: str) -> Iterator[tuple[Labels, Counter]]:
        """The series of a query."""
        parts = list(PART.finditer(query))
        if parts:
            for part in parts:
                for labels, counter in self.found(part["query"]):
                    yield {**labels, part["label"]: part["value"]}, counter
            return
        selector = SELECTOR.search(query)
        if selector is None:
            return
        namespace, service, _ = selector["cluster"].split("_")
        name = service.removesuffix("-hotfix")
        shop = self.shops.get(f"{namespace}/{name}")
        metric = "envoy_cluster_upstream_rq_time_slow" if " - ignoring(le) " in query else selector["metric"]
        for labels, counter in series(shop, "stable" if service == name else "patched", metric, selector["code"]) if shop else ():
            yield {**labels, "envoy_cluster_name": selector["cluster"]}, counter

    async def range(self, request: web.Request) -> web.Response:
        """/api/v1/query_range"""
        due = asyncio.get_running_loop().time() + self.latency_seconds
        self.queries += 1
        start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
        times = [start + step * number for number in range(int((end - start) / step + 0.001) + 1)]
        result = [
            {"metric": labels, "values": [[moment, str(int(counter(moment) / len(PROXIES)))] for moment in times]}
            for labels, counter in self.found(request.query["query"])
        ]
        return await self.answer("matrix", result, due)

    async def instant(self, request: web.Request) -> web.Response:
        """/api/v1/query: the latency histogram."""
        due, moment = asyncio.get_running_loop().time() + self.latency_seconds, float(request.query["time"])
        self.queries += 1
        result = [{"metric": {"le": bound}, "value": [moment, f"{share * 72000:.0f}"]} for bound, share in BUCKETS.items()]
        return await self.answer("vector", result, due)

    async def answer(self, kind: str, result: list[dict[str, Any]], due: float) -> web.Response:
        """When its time has come."""
        body = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        return web.Response(text=body, content_type="application/json")

    # ---- orders

    async def crash(self, request: web.Request) -> web.Response:
        """These patches fail everything from now on."""
        moment = time.time()
        for name in request.query.getall("shop"):
            self.shops[name].crashed = moment
        return web.json_response({"at": moment})

    async def figures(self, _: web.Request) -> web.Response:
        """What was asked so far."""
        return web.json_response({"queries": self.queries, "shops": len(self.shops)})


async def main(port: int, latency_seconds: float) -> None:
    """For ever."""
    async with Api() as api:
        plane = Plane(api, latency_seconds)
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/v1/query_range", plane.range),
                web.get("/api/v1/query", plane.instant),
                web.get("/crash", plane.crash),
                web.get("/figures", plane.figures),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await plane.follow()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
