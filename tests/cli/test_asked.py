"""`doctor` and `backtest` on a server that answers as Prometheus does: the questions are those of the operator."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from hotfix.adapters.prometheus import Access
from hotfix.cli import asking, backtest, doctor
from hotfix.core.judgement import Verdict
from hotfix.core.replay import Outcome
from hotfix.errors import Refused
from tests.core.world import World, a_spec

NOW, STEP = 1_800_000_000.0, 15.0
PART = re.compile(r'label_replace\(\(\n(.*?)\n\), "hotfix_part", "(\d+)"', re.DOTALL)
RATES = {"requests": 40.0, "errors": 0.4, "client_errors": 0.4, "started": 40.0, "slow": 1.2}  # a second


class Server:
    """Contour's counters of two Envoys, growing evenly. `slower`: patched's part of slow requests is so many times stable's."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.slower, self.bounds, self.moments = 1.0, set[str](), list[float]()
        self.buckets: list[tuple[str, float]] = [("100", 3000.0), ("250", 3980.0), ("500", 4000.0), ("+Inf", 4000.0)]

    async def ranges(self, request: web.Request) -> web.Response:
        """Counters of both sides."""
        start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
        times = [start + step * n for n in range(int((end - start) / step) + 1)]
        result = []
        for text, number in PART.findall(request.query["query"]):
            for envoy in ("envoy-0", "envoy-1"):
                labels = {"instance": envoy, **self.labels, "side": str("checkout-hotfix" in text), "hotfix_part": number}
                values = [[moment, f"{self.grown(text, moment):.0f}"] for moment in times]
                result.append({"metric": labels, "values": values})
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def grown(self, text: str, moment: float) -> float:
        """A counter that began a day ago."""
        if "rq_time" in text:
            self.bounds.add(re.findall(r'le="([^"]*)"', text)[0])
            kind = "slow"
        else:
            kind = (
                "errors" if '"5"' in text else "client_errors" if '"4"' in text else "started" if "total" in text else "requests"
            )
        more = self.slower if kind == "slow" and "checkout-hotfix" in text else 1.0
        return RATES[kind] * more * (moment - NOW + 86_400)

    async def buckets_at(self, request: web.Request) -> web.Response:
        """Stable's histogram of an hour."""
        self.moments.append(float(request.query["time"]))
        result = [{"metric": {"le": label}, "value": [NOW, str(count)]} for label, count in self.buckets]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Access]]:
    """A server, and how it is reached."""
    server, app = Server(), web.Application()
    app.router.add_get("/api/v1/query_range", server.ranges)
    app.router.add_get("/api/v1/query", server.buckets_at)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield server, Access(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


def subject(world: World | None = None, **more: Any) -> asking.Subject:
    asked = a_spec(**{"metrics": {"preset": "contour"}, **more})
    views = (world.stable.view(), world.patched.view(), world.routes()) if world else (None, None, None)
    return asking.Subject(namespace="shop", asked=asked, views=views)


async def windows_of(access: Access, it: asking.Subject) -> list[Any]:
    span = (NOW - 3600, NOW, STEP)
    return await backtest.run(access, it, span, same=False, every_seconds=1800.0, weight=50)


async def test_a_backtest_asks_for_slow_requests_as_a_rollout_would(server: tuple[Server, Access]) -> None:
    found = await windows_of(server[1], subject())
    assert {window.outcome for window in found} == {Outcome.PROVEN}
    assert server[0].bounds == {"500"}, "twice the 95th percentile, of the hour before the span"
    assert server[0].moments == [NOW - 3600]
    assert "slow" in str(backtest.data(found)).lower()


async def test_a_backtest_rolls_back_what_only_dawdles(server: tuple[Server, Access]) -> None:
    server[0].slower = 12.0
    found = await windows_of(server[1], subject())
    assert {(window.outcome, window.verdict) for window in found} == {(Outcome.ROLLED_BACK, Verdict.SLOW)}


async def test_a_backtest_takes_the_newest_histogram_where_there_was_none_before(server: tuple[Server, Access]) -> None:
    server[0].buckets = []
    found = await windows_of(server[1], subject())
    assert server[0].moments == [NOW - 3600, NOW]
    assert server[0].bounds == set(), "no histogram tells enough, so latency is not judged"
    assert {window.outcome for window in found} == {Outcome.PROVEN}
    with pytest.raises(Refused, match="no latency histogram"):
        await windows_of(server[1], subject(analysis={"latency": {"threshold": "2s"}}))


async def test_a_backtest_of_grpc_calls_or_of_one_set_of_series_is_refused(server: tuple[Server, Access]) -> None:
    server[0].labels = {"request_protocol": "grpc"}
    with pytest.raises(Refused, match="counts gRPC calls"):
        await windows_of(server[1], subject())


@pytest.mark.parametrize("label", ["request_protocol", "grpc_status"])
async def test_the_doctor_refuses_series_of_grpc_calls_under_a_preset(server: tuple[Server, Access], label: str) -> None:
    healthy = await doctor.examine(server[1], subject(), NOW, STEP)
    assert healthy.problems == ()
    server[0].labels = {label: "grpc"}
    report = await doctor.examine(server[1], subject(), NOW, STEP)
    assert len(report.problems) == 1
    assert "counts gRPC calls, and their errors are not in HTTP status codes" in report.problems[0]
    assert "40.00/s" in report.text or "80.00/s" in report.text


async def test_the_doctor_refuses_a_service_that_says_it_speaks_grpc(server: tuple[Server, Access]) -> None:
    world = World()
    world.stable.grpc = True
    report = await doctor.examine(server[1], subject(world), NOW, STEP)
    assert ["speaks gRPC on the routed port" in problem for problem in report.problems] == [True]


async def test_a_gateway_that_cannot_tell_the_sides_apart_is_refused_without_asking(server: tuple[Server, Access]) -> None:
    asked = subject(metrics={"preset": "envoy-gateway"})
    report = await doctor.examine(server[1], asked, NOW, STEP)
    assert ["counts all backends of a rule as one cluster" in problem for problem in report.problems] == [True]
    with pytest.raises(Refused, match=r"set metrics\.preset to http"):
        await windows_of(server[1], asked)
    assert server[0].moments == []
