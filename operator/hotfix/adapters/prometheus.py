"""MetricsSource on prometheus-api-client. What the client lets through (partial answers, errors in a 200, HTML, a hang) is
caught in our session: an answer that is not whole is unavailable, never zero. Retries belong to the next look.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.presets import Queries
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Clock, MetricsQuery

from .promql import Side, queries_for, render

log = logging.getLogger(__name__)

HOUR_SECONDS = 3600.0
LATE_SECONDS = 60.0  # newer samples are asked for again: a scrape may arrive late
CHUNK_POINTS = 10_000
UNUSED_SECONDS = 600.0
CONNECT_SECONDS = 3.05
MOST_SERIES = 2_000

SERIES = ("requests", "errors", "started", "client_errors", "target", "slow")  # of SideSeries and of Queries alike

Buckets = tuple[tuple[str, float, float], ...]
Samples = dict[str, dict[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How Prometheus is reached. Files are read at each use."""

    url: str
    bearer_token_file: str | None = None
    ca_file: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # (name, file)
    workers: int = 8


class _Session(requests.Session):
    """Adds credentials and lets only whole, successful answers through."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access
        self.trust_env = False  # no proxy and no .netrc: the address is the operator's setting, nobody else's

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **self._headers()}
        if self._access.ca_file:
            kwargs["verify"] = self._access.ca_file
        kwargs["allow_redirects"] = False
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise Unavailable(f"Prometheus does not answer ({type(error).__name__})") from error
        _check(response)
        return response

    def _headers(self) -> dict[str, str]:
        files = [*self._access.headers]
        try:
            headers = {name: Path(file).read_text().strip() for name, file in files}
            if self._access.bearer_token_file:
                headers["Authorization"] = f"Bearer {Path(self._access.bearer_token_file).read_text().strip()}"
        except OSError as error:
            raise Unavailable(f"A file with credentials for Prometheus cannot be read: {error}") from error
        return headers


def _check(response: requests.Response) -> None:
    """Raise for everything but a whole, successful answer."""
    try:
        payload = response.json()
    except ValueError as error:
        raise Unavailable(f"Prometheus answered {response.status_code} with something that is not JSON") from error
    if not isinstance(payload, Mapping):
        raise Unavailable(f"Prometheus answered {response.status_code} with something that is not an object")
    problem = str(payload.get("error", ""))[:512]
    if payload.get("errorType") in ("bad_data", "execution") and response.status_code in (200, 400, 422):
        raise Refused(f"Prometheus refuses the query: {problem}", reason="InvalidQuery")
    if response.status_code != 200 or payload.get("status") != "success":
        raise Unavailable(f"Prometheus answered {response.status_code}: {problem or payload.get('status')}")
    if payload.get("warnings"):
        raise Unavailable(f"Prometheus gave a partial answer: {'; '.join(map(str, payload['warnings']))[:512]}")
    if not isinstance(payload.get("data"), Mapping) or not isinstance(payload["data"].get("result"), list):
        raise Unavailable("Prometheus answered without a result")


@dataclass(slots=True)
class _Held:
    """What is known of one query: samples of (begin, until] on its grid."""

    begin: float
    until: float
    used: float
    samples: Samples = field(default_factory=dict)


class PrometheusSource:
    """Range queries on the grid, held per query and extended at each look. One instance serves all rollouts."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._executor = ThreadPoolExecutor(access.workers, thread_name_prefix="prometheus")
        self._held: dict[tuple[str, float], _Held] = {}

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """Counters of both sides from an hour before `query.start` until `query.end`."""
        templates = queries_for(query)
        sides = (
            Side(
                namespace=query.namespace,
                deployment=query.patched_deployment,
                service=query.patched_service,
                port=query.patched_port,
            ),
            Side(
                namespace=query.namespace,
                deployment=query.stable_deployment,
                service=query.stable_service,
                port=query.stable_port,
            ),
        )
        asked = {name: text for name in SERIES if (text := getattr(templates, name))}
        texts = [render(template, side) for side in sides for template in asked.values()]
        self._forget_unused()
        try:
            async with asyncio.timeout(query.timeout_seconds):
                answers = await asyncio.gather(*(self._series(text, query) for text in texts))
                buckets = await self._buckets(templates, sides[1], query)
        except TimeoutError as error:
            raise Unavailable(f"Prometheus did not answer within {query.timeout_seconds:g} s") from error
        patched, stable = answers[: len(asked)], answers[len(asked) :]
        return MetricsView(
            start=query.start,
            end=query.end,
            interval_seconds=query.interval_seconds,
            patched=SideSeries(**dict(zip(asked, patched, strict=True))),
            stable=SideSeries(**dict(zip(asked, stable, strict=True))),
            problem=_unfit(texts, answers, same=texts[0] == texts[len(asked)]),
            buckets=buckets,
        )

    async def _buckets(self, templates: Queries, side: Side, query: MetricsQuery) -> Buckets | None:
        """The side's latency histogram of the last hour, without `+Inf` where the data plane does not count it."""
        if not templates.buckets:
            return None
        text = " or ".join(f"sum by (le) (increase({render(selector, side)}[1h]))" for selector in templates.buckets)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._executor, self._ask_now, text, query)
        return _histogram(result, templates.bucket_seconds)

    async def _series(self, text: str, query: MetricsQuery) -> tuple[Series, ...]:
        held = await self._extended(text, query)
        begin = query.start - HOUR_SECONDS
        series = []
        for name, samples in sorted(held.samples.items()):
            inside = tuple((time, samples[time]) for time in sorted(samples) if begin <= time <= query.end)
            if inside:
                series.append(Series(name, inside))
        return tuple(series)

    async def _extended(self, text: str, query: MetricsQuery) -> _Held:
        key, begin = (text, query.interval_seconds), query.start - HOUR_SECONDS
        held = self._held.get(key)
        if held is None or held.begin > begin or held.until < begin:
            held = _Held(begin, begin, self._clock.monotonic())
        since = max(begin, held.until - LATE_SECONDS)
        fresh: Samples = {}
        for first, last in _chunks(since, query.end, query.interval_seconds):
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._executor, self._ask, text, (first, last), query)
            for name, samples in _parsed(result).items():
                fresh.setdefault(name, {}).update(samples)
        merged = {name: {t: v for t, v in samples.items() if begin <= t < since} for name, samples in held.samples.items()}
        for name, samples in fresh.items():
            merged.setdefault(name, {}).update(samples)
        kept = {name: samples for name, samples in merged.items() if samples}
        extended = _Held(begin, max(query.end, since), self._clock.monotonic(), kept)
        self._held[key] = extended
        return extended

    def _ask_now(self, text: str, query: MetricsQuery) -> list[Any]:
        try:
            result: list[Any] = self._client(query).custom_query(text, params={"time": f"{query.end:.3f}"})
        except (PrometheusApiClientException, KeyError, ValueError, TypeError) as error:
            raise Unavailable(f"Prometheus gave an answer that cannot be read ({error})") from error
        return result

    def _client(self, query: MetricsQuery) -> PrometheusConnect:
        return PrometheusConnect(
            url=self._access.url,
            session=_Session(self._access),
            retry=Retry(total=0),
            timeout=(CONNECT_SECONDS, query.timeout_seconds),
        )

    def _ask(self, text: str, span: tuple[float, float], query: MetricsQuery) -> list[Any]:
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in span)
        try:
            result: list[Any] = self._client(query).custom_query_range(
                text, first, last, f"{query.interval_seconds:g}", params={"timeout": f"{query.timeout_seconds * 1000:.0f}ms"}
            )
        except (PrometheusApiClientException, KeyError, ValueError, TypeError) as error:
            raise Unavailable(f"Prometheus gave an answer that cannot be read ({error})") from error
        return result

    def _forget_unused(self) -> None:
        limit = self._clock.monotonic() - UNUSED_SECONDS
        for key in [key for key, held in self._held.items() if held.used < limit]:
            del self._held[key]

    def close(self) -> None:
        """End the threads; a query under way is left to its time-out."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _chunks(begin: float, end: float, interval: float) -> list[tuple[float, float]]:
    """(first, last) grid points of at most CHUNK_POINTS each that cover begin..end."""
    step = CHUNK_POINTS * interval
    chunks, first = [], begin
    while first <= end:
        chunks.append((first, min(end, first + step - interval)))
        first += step
    return chunks


def _parsed(result: list[Any]) -> Samples:
    """Result of a matrix -> samples by series; a value that is no finite number is left out."""
    if len(result) > MOST_SERIES:
        raise Refused(f"The query gives {len(result)} series; at most {MOST_SERIES} can be judged.", reason="InvalidQuery")
    parsed: Samples = {}
    try:
        for entry in result:
            labels = entry["metric"]
            process = labels.get("pod") or labels.get("instance") or ""
            rest = ",".join(f"{name}={labels[name]}" for name in sorted(labels))
            values = {float(time): float(value) for time, value in entry["values"]}
            parsed[f"{process}|{rest}"] = {t: v for t, v in values.items() if math.isfinite(v)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable("Prometheus gave an answer that is not a range of samples") from error
    return parsed


def _histogram(result: list[Any], bucket_seconds: float) -> Buckets:
    """An instant vector by `le` -> ascending buckets."""
    try:
        found = [(entry["metric"]["le"], float(entry["metric"]["le"]), float(entry["value"][1])) for entry in result]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unavailable("Prometheus gave an answer that is not a histogram") from error
    return tuple(sorted(((label, bound * bucket_seconds, count) for label, bound, count in found), key=lambda entry: entry[1]))


def _unfit(texts: list[str], answers: list[tuple[Series, ...]], *, same: bool) -> tuple[str, str] | None:
    """Why what was answered cannot be judged."""
    if same:
        return (
            "SidesIndistinct",
            "The query is the same for both sides; use $(service), $(deployment) or $(pods) in metrics.requests and .errors.",
        )
    for text, series in zip(texts, answers, strict=True):
        if any(not one.process for one in series):
            return (
                "CountersSummedOverProcesses",
                f"The series of {text!r} have neither a pod nor an instance label, so a restart cannot be told from a fall; "
                "ask for one series per process.",
            )
    return None
