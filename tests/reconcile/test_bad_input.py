"""Whatever a Prometheus answers: a clear reason, the weight unchanged, no exception. The production source asks a server that
gives the shop's counters, made wrong in one way; the production reconciler looks.
"""

import math
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.prometheus import MOST_SERIES, Access, PrometheusSource
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import KubeStore
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.lookout import Ports
from hotfix.reconcile import Reconciler
from hotfix.settings import ReconcileSettings

from .shop import INTERVAL, Shop

Entry = dict[str, Any]
Wrong = Callable[
    [list[Entry], float], list[Entry]
]  # the entries of one side, unix seconds of the newest sample -> what is answered
PART = re.compile(r'"hotfix_part", "(\d+)"')
QUERY = re.compile(r'(envoy_cluster_upstream_\w+)\{envoy_cluster_name="shop_([\w-]+)_80"([^}]*)\}')


class Server:
    """A Prometheus that scraped an Envoy of the shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.wrong = shop, None

    wrong: Wrong | None

    async def handle(self, request: web.Request) -> web.Response:
        """A range query, or one at a moment (histograms: there is none)."""
        if "start" not in request.query:
            return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})
        start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
        numbers: list[str | None] = [*PART.findall(request.query["query"])] or [None]
        result = []
        for number, (metric, side, more) in zip(numbers, QUERY.findall(request.query["query"]), strict=True):
            entries = [entry for entry in self.entries(side, metric, more) if entry["values"]]
            for entry in entries:
                entry["values"] = [v for v in entry["values"] if start <= v[0] <= end and (v[0] - start) % step == 0]
            if self.wrong and entries:
                entries = self.wrong(entries, end)
            part = {} if number is None else {"hotfix_part": number}
            result += [{**entry, "metric": {**entry["metric"], **part}} for entry in entries if entry["values"]]
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def entries(self, side: str, metric: str, more: str) -> list[Entry]:
        """Requests of two classes, of which one fails; other counters are not there."""
        samples = self.shop.requests.samples[side]
        classes = {"2": [(t, n - bad) for t, n, bad in samples], "5": [(t, bad) for t, _, bad in samples]}
        if metric != "envoy_cluster_upstream_rq_xx" or '"4"' in more:
            return []
        asked = ["5"] if '"5"' in more else ["2", "5"]
        labels = {"instance": "envoy", "envoy_cluster_name": f"shop_{side}_80"}
        return [
            {"metric": {**labels, "envoy_response_code_class": name}, "values": [[t, f"{n:.0f}"] for t, n in classes[name]]}
            for name in asked
        ]


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, Server]]:
    """A shop whose operator asks the server."""
    shop = Shop()
    server, app = Server(shop), web.Application()
    for name in ("query_range", "query"):
        app.router.add_get(f"/api/v1/{name}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = PrometheusSource(Access(url=f"http://127.0.0.1:{runner.addresses[0][1]}"), shop.clock)
    ports = Ports(
        store=KubeStore(shop.kube),
        router=GatewayApiRouter(shop.kube),
        workloads=KubeWorkloads(shop.kube),
        metrics=source,
        announcer=KubeAnnouncer(shop.kube, instance="test", monotonic=shop.clock.monotonic),
        clock=shop.clock,
    )
    shop.reconciler = Reconciler(ports, ReconcileSettings(scrape_interval_seconds=INTERVAL, metrics_timeout_seconds=20.0), shop)
    yield shop, server
    source.close()
    await runner.cleanup()


def newest(value: str) -> Wrong:
    """The newest sample of each series has this value."""

    def wrong(entries: list[Entry], end: float) -> list[Entry]:
        return [{**e, "values": [[t, value if t == end else v] for t, v in e["values"]]} for e in entries]

    return wrong


def falling(entries: list[Entry], end: float) -> list[Entry]:
    """Requests that are under way, not those that were: a gauge."""
    return [{**e, "values": [[t, str(40 + (7 * (t // INTERVAL)) % 20)] for t, _ in e["values"]]} for e in entries]


def without_labels(entries: list[Entry], end: float) -> list[Entry]:
    return [{**e, "metric": {"job": "envoy"}} for e in entries[:1]]


def thousands(entries: list[Entry], end: float) -> list[Entry]:
    return [{"metric": {"instance": f"envoy-{n}"}, "values": entries[0]["values"][-1:]} for n in range(MOST_SERIES + 1)]


def backwards(entries: list[Entry], end: float) -> list[Entry]:
    return [{**e, "values": e["values"][::-1]} for e in entries]


def shared(entries: list[Entry], end: float) -> list[Entry]:
    """The selector of one side takes in the other's series too."""
    return [{**e, "metric": {**e["metric"], "envoy_cluster_name": "shop_all_80"}} for e in entries]


def calls(entries: list[Entry], end: float) -> list[Entry]:
    return [{**e, "metric": {**e["metric"], "request_protocol": "grpc"}} for e in entries]


def strange(entries: list[Entry], end: float) -> list[Entry]:
    return [{**e, "values": 7} for e in entries]


BAD: dict[str, tuple[Wrong, str, str]] = {
    "no counters, they fall": (falling, "CountersUnfit", "fell from"),
    "NaN": (newest("NaN"), "CountersUnfit", "has the value nan"),
    "infinite": (newest("+Inf"), "CountersUnfit", "has the value inf"),
    "negative": (newest("-3"), "CountersUnfit", "has the value -3"),
    "more than can be counted": (newest("1e17"), "CountersUnfit", "has the value 1e+17"),
    "strings": (newest("many"), "MetricsUnavailable", "could not convert string to float: 'many'"),
    "no samples": (strange, "MetricsUnavailable", "not a range of samples"),
    "labels missing": (without_labels, "CountersUnfit", "neither a pod nor an instance label"),
    "thousands of series": (thousands, "InvalidQuery", f"gives {MOST_SERIES + 1} series; at most {MOST_SERIES}"),
    "time that goes backwards": (backwards, "MetricsUnavailable", "time goes backwards"),
    "both sides in one": (shared, "SidesIndistinct", "belong to both sides"),
    "gRPC": (calls, "MetricsBlindToGrpc", "counts gRPC calls"),
}


@pytest.mark.parametrize(("wrong", "reason", "words"), BAD.values(), ids=BAD.keys())
async def test_traffic_does_not_begin_to_move_and_the_reason_is_said(
    shop: tuple[Shop, Server], wrong: Wrong, reason: str, words: str
) -> None:
    it, server = shop
    it.requests.counts["checkout-hotfix"] = [40.0, 1.0]  # somebody tried it
    server.wrong = wrong
    await it.run(lambda shop: shop.status.get("held") == reason, seconds=60)
    end = it.clock.now() + 15
    await it.run(lambda shop: shop.clock.now() > end)
    assert it.status["held"] == reason
    assert words in it.status["message"]
    assert it.status["phase"] == "Pending"
    assert it.weights["checkout-hotfix"] == 0
    ready = next(condition for condition in it.status["conditions"] if condition["type"] == "Ready")
    assert (ready["status"], ready["message"]) == ("False", it.status["message"])
    if wrong not in (without_labels, shared, calls):  # those series stay in the past of the same queries
        server.wrong = None
        await it.run(lambda shop: shop.status["phase"] == "Analyzing", seconds=60)


LATER = {name: row for name, row in BAD.items() if name != "gRPC"}  # what a service speaks is asked once


@pytest.mark.parametrize(("wrong", "reason", "words"), LATER.values(), ids=LATER.keys())
async def test_a_weight_that_is_up_is_not_raised_and_the_reason_is_said(
    shop: tuple[Shop, Server], wrong: Wrong, reason: str, words: str
) -> None:
    it, server = shop
    reason = {"SidesIndistinct": "CountersUnfit"}.get(reason, reason)
    await it.run(lambda shop: shop.weights.get("checkout-hotfix", 0) > 0, seconds=60)
    server.wrong = wrong
    weights = it.weights
    await it.run(lambda shop: shop.status.get("held") == reason, seconds=60)
    assert words in it.status["message"]
    assert it.weights == weights
    assert it.status["phase"] == "Analyzing"


async def test_ten_to_the_fifteen_requests_are_counted_one_by_one(shop: tuple[Shop, Server]) -> None:
    it, _ = shop
    for name in it.requests.samples:
        it.requests.samples[name] = [(t, n + 1e15, bad + 1e13) for t, n, bad in it.requests.samples[name]]
        it.requests.counts[name] = [it.requests.counts[name][0] + 1e15, it.requests.counts[name][1] + 1e13]
    await it.run(lambda shop: shop.status.get("phase") == "Promoted", seconds=900)
    assert not math.isnan(float(it.status["baseline"]["rates"]["bad"]))
    assert float(it.status["baseline"]["rates"]["bad"]) == pytest.approx(0.05, rel=0.2)
