"""The source of metrics against a server that answers everything a Prometheus, or something in front of it, may answer."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.adapters.promql import Side, render
from hotfix.core.spec import Metrics
from hotfix.errors import Refused, Unavailable
from hotfix.ports import MetricsQuery
from tests.fakes.clock import FakeClock

NOW = 1_800_000_000.0
FORBIDDEN = (
    f"found duplicate series for the match group {{}} on the right hand-side of the operation: [{'x' * 999}];many-to-many "
    "matching not allowed: matching labels must be unique on one side",
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    "multiple matches for labels: grouping labels must ensure unique matches",
    "vector cannot contain metrics with the same labelset",
    "invalid destination label name in label_replace(): a-b",
    "invalid regular expression in label_replace(): (",
)
PASSING = (
    "query processing would load too many samples into memory in query execution",
    "expanding series: proxy Series(): rpc error: code = Unavailable desc = connection refused",
)
PART = re.compile(r'"hotfix_part", "(\d+)"')


class Server:
    """Answers range queries; `answer` decides how."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.body, self.delay = 200, "", 0.0
        self.most_parts = 100  # of one query; one with more loads too much
        self.series: list[dict[str, str]] = [{"instance": "proxy"}]

    async def handle(self, request: web.Request) -> web.Response:
        """One query."""
        self.asked.append(dict(request.query))
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.delay)
        if self.body:
            return web.Response(status=self.status, text=self.body)
        if len(PART.findall(request.query["query"])) > self.most_parts:
            return web.Response(status=422, text=failed(errorType="execution", error=PASSING[0]))
        start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
        times = [start + step * n for n in range(int((end - start) / step) + 1)]
        values = [[moment, str(moment - NOW)] for moment in times]
        parts = PART.findall(request.query["query"])  # what carries a number is told apart by it
        numbers = [{"hotfix_part": number} for number in parts] or [{}]
        result = [
            {"metric": {**labels, **number, "q": f"{number} {request.query['query']}"}, "values": values}
            for labels in self.series
            for number in numbers
        ]
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    """A server and its address."""
    server, app = Server(), web.Application()
    app.router.add_get("/api/v1/query_range", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def query(**more: Any) -> MetricsQuery:
    """Ten minutes of the contour preset."""
    base: dict[str, Any] = {
        "namespace": "shop",
        "preset": "contour",
        "metrics": Metrics(),
        "stable_deployment": "checkout",
        "stable_service": "checkout",
        "stable_port": 80,
        "patched_deployment": "checkout-hotfix",
        "patched_service": "checkout-hotfix",
        "patched_port": 80,
        "start": NOW - 600,
        "end": NOW,
        "interval_seconds": 15.0,
        "timeout_seconds": 20.0,
    }
    return MetricsQuery(**{**base, **more})


def source(url: str, **access: Any) -> PrometheusSource:
    """A source without a past."""
    return PrometheusSource(Access(url=url, **access), FakeClock())


def failed(**more: Any) -> str:
    """An error as Prometheus puts it."""
    return json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error", **more})


async def test_both_sides_are_asked_on_the_grid_an_hour_back(server: tuple[Server, str]) -> None:
    view = await source(server[1]).collect(query())
    assert {series.process for series in (*view.stable.requests, *view.patched.requests)} == {"proxy"}
    samples = view.stable.requests[0].samples
    assert samples[0][0] <= NOW - 600 - 3500
    assert samples[-1][0] == NOW
    assert all(moment % 15 == 0 for moment, _ in samples)
    assert [moment for moment, _ in samples if moment > NOW - 600] == [NOW - 585 + 15 * n for n in range(40)]
    assert all(b - a <= 300 for (a, _), (b, _) in itertools.pairwise(samples))
    assert 'shop_checkout_80"' in server[0].asked[-1]["query"] or 'shop_checkout_80"' in server[0].asked[0]["query"]


async def test_a_later_look_asks_only_for_what_is_new(server: tuple[Server, str]) -> None:
    held = source(server[1])
    first = await held.collect(query())
    asked = len(server[0].asked)
    later = await held.collect(query(end=NOW + 15))
    assert all(float(entry["start"]) >= NOW - 61 for entry in server[0].asked[asked:])
    assert later.stable.requests[0].samples[: len(first.stable.requests[0].samples)] == first.stable.requests[0].samples


async def test_long_spans_are_asked_for_in_pieces(server: tuple[Server, str]) -> None:
    await source(server[1]).collect(query(start=NOW - 86400, interval_seconds=5.0))
    spans = [(float(e["end"]) - float(e["start"])) / 5 for e in server[0].asked]
    assert max(spans) <= 10_000
    assert len(spans) == 3


async def test_the_counters_of_a_rollout_are_asked_for_together_and_the_same_question_once(server: tuple[Server, str]) -> None:
    held = source(server[1])
    first = await held.collect(query())
    assert len(server[0].asked) == 2  # coarse up to the start, and on the grid from there
    assert await held.collect(query()) is first
    assert len(server[0].asked) == 2
    assert first.patched.requests[0].id != first.stable.requests[0].id
    await held.collect(query(end=NOW + 15))
    assert len(server[0].asked) == 3


async def test_long_queries_are_asked_for_in_requests_that_fit_into_a_url(server: tuple[Server, str]) -> None:
    long = "x" * 1500
    own = Metrics(requests=f'a{{s="$(service)",x="{long}"}}', errors=f'b{{s="$(service)",x="{long}"}}')
    await source(server[1]).collect(query(metrics=own, preset="Custom"))
    assert len({entry["query"] for entry in server[0].asked}) == 2


async def test_a_query_that_cannot_be_right_is_named_although_it_was_asked_with_others(server: tuple[Server, str]) -> None:
    server[0].status, server[0].body = 400, failed()
    with pytest.raises(Refused, match="parse error"):
        await source(server[1]).collect(query())
    assert any("label_replace" not in entry["query"] for entry in server[0].asked)


async def test_queries_that_are_too_much_together_are_asked_for_one_by_one(server: tuple[Server, str]) -> None:
    server[0].most_parts = 1
    view = await source(server[1]).collect(query())
    assert view.patched.requests
    assert view.stable.errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, json.dumps({"status": "success", "warnings": ["partial"], "data": {"result": []}}), Unavailable, "partial"),
        (200, json.dumps({"status": "error", "errorType": "internal", "error": "boom"}), Unavailable, "boom"),
        (200, json.dumps({"status": "success", "data": None}), Unavailable, "without a result"),
        (200, json.dumps({"status": "success", "data": {"result": [{"metric": 1}]}}), Unavailable, "range of samples"),
        (200, "<html>login</html>", Unavailable, "not JSON"),
        (200, "[]", Unavailable, "not an object"),
        (302, "", Unavailable, "302"),
        (200, json.dumps({"status": "success", "isPartial": True, "data": {"result": []}}), Unavailable, "partial"),
        (400, failed(), Refused, "parse error"),
        *((422, failed(errorType="execution", error=text), Refused, "Correct it") for text in FORBIDDEN),
        *((422, failed(errorType="execution", error=text), Unavailable, text[:20]) for text in PASSING),
        (503, failed(errorType="execution", error=FORBIDDEN[0]), Unavailable, "duplicate series"),
        (500, failed(errorType="internal"), Unavailable, "500"),
        (503, "busy", Unavailable, "503"),
        (401, json.dumps({"status": "error"}), Unavailable, "401"),
    ],
)
async def test_what_is_not_a_whole_answer_is_never_zero(
    server: tuple[Server, str], status: int, body: str, kind: type[Exception], words: str
) -> None:
    server[0].status, server[0].body = status, body or " "
    with pytest.raises(kind, match=words):
        await source(server[1]).collect(query())


async def test_a_server_that_hangs_or_is_not_there_is_unavailable(server: tuple[Server, str]) -> None:
    server[0].delay = 3.0
    with pytest.raises(Unavailable, match="answer"):
        await source(server[1]).collect(query(timeout_seconds=0.3))
    with pytest.raises(Unavailable, match="does not answer"):
        await source("http://127.0.0.1:1").collect(query())


async def test_credentials_are_read_at_each_use(server: tuple[Server, str], tmp_path: Path) -> None:
    token, tenant = tmp_path / "token", tmp_path / "tenant"
    token.write_text("one\n")
    tenant.write_text("shop")
    held = source(server[1], bearer_token_file=str(token), headers=(("X-Scope-OrgID", str(tenant)),))
    await held.collect(query())
    token.write_text("two")
    await held.collect(query(end=NOW + 15))
    assert server[0].headers[0]["Authorization"] == "Bearer one"
    assert server[0].headers[-1]["Authorization"] == "Bearer two"
    assert server[0].headers[-1]["X-Scope-OrgID"] == "shop"
    token.unlink()
    with pytest.raises(Unavailable, match="credentials"):
        await held.collect(query(end=NOW + 30))


async def test_series_without_a_process_and_queries_that_are_the_same_for_both_sides_are_said(server: tuple[Server, str]) -> None:
    server[0].series = [{"job": "x"}]
    view = await source(server[1]).collect(query())
    assert view.problem is not None
    assert view.problem[0] == "CountersSummedOverProcesses"
    same = Metrics(requests="a", errors="b")
    view = await source(server[1]).collect(query(metrics=same, preset="Custom"))
    assert view.problem is not None
    assert view.problem[0] == "SidesIndistinct"


async def test_an_unknown_preset_is_refused(server: tuple[Server, str]) -> None:
    with pytest.raises(Refused, match="preset"):
        await source(server[1]).collect(query(preset="none"))


def test_only_names_get_into_a_query_and_only_known_variables() -> None:
    side = Side(namespace="shop", deployment="checkout", service="checkout", port=80)
    assert render('x{n="$(namespace)",s="$(service)_$(port)"}', side) == 'x{n="shop",s="checkout_80"}'
    with pytest.raises(Refused, match="known are"):
        render("$(secret)", side)
    with pytest.raises(Refused, match="no name"):
        render("$(service)", Side(namespace="shop", deployment="d", service='x"}', port=80))
