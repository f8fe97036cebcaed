"""MetricsSource: the counters of both sides as range queries on the grid, held per query and extended by what is new. Those of
one rollout are asked for together. How Prometheus is spoken to is in prometheus_http.py, what is held of a query in samples.py.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus

from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.presets import Queries
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Clock, MetricsQuery

from .prometheus_http import Access, Client, NotExecuted
from .promql import Side, queries_for, render
from .samples import COARSE_SECONDS, Fresh, Held, joined, of_values

HOUR_SECONDS = 3600.0
LATE_SECONDS = 60.0  # newer samples are asked for again: a scrape may arrive late
CHUNK_POINTS = 10_000
UNUSED_SECONDS = 600.0
MOST_SERIES = 2_000
MOST_CHARACTERS = 4_000  # of a query in a URL: proxies in front of Prometheus take 8,192 for a whole request line
PART = "hotfix_part"  # the label that tells the answers of one request apart

SERIES = ("requests", "errors", "started", "client_errors", "target", "slow")  # of SideSeries and of Queries alike

Buckets = tuple[tuple[str, float, float], ...]
Answers = list[tuple[Series, ...]]
Span = tuple[float, float, float]  # first, last, step: unix seconds, on the grid
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Last:
    """The last answer about a rollout, and when it was used, monotonic seconds."""

    query: MetricsQuery
    view: MetricsView
    used: float


class PrometheusSource:
    """One instance serves all rollouts."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._client = Client(access)
        self._executor = ThreadPoolExecutor(access.workers, thread_name_prefix="prometheus")
        self._held: dict[tuple[str, float], Held] = {}
        self._last: dict[tuple[str, str, str], _Last] = {}
        self._swept = clock.monotonic()

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """Counters of both sides from an hour before `query.start` until `query.end`. The same question once more gets the same
        answer: until its end moves on there is no new sample."""
        place, now = (query.namespace, query.stable_deployment, query.patched_deployment), self._clock.monotonic()
        last = self._last.get(place)
        if last is None or last.query != query or query.buckets:
            last = _Last(query, await self._asked(query), now)
        self._last[place] = _Last(last.query, last.view, now)
        self._forget_unused(now)
        return last.view

    async def _asked(self, query: MetricsQuery) -> MetricsView:
        templates = queries_for(query)
        patched_side = Side(
            namespace=query.namespace,
            deployment=query.patched_deployment,
            service=query.patched_service,
            port=query.patched_port,
        )
        stable_side = Side(
            namespace=query.namespace, deployment=query.stable_deployment, service=query.stable_service, port=query.stable_port
        )
        asked = {name: text for name in SERIES if (text := getattr(templates, name))}
        texts = [render(template, side) for side in (patched_side, stable_side) for template in asked.values()]
        try:
            async with asyncio.timeout(query.timeout_seconds):
                answers = await self._answers(texts, query)
                buckets = await self._buckets(templates, stable_side, query)
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
        result = await self._in_thread(lambda: self._client.at(text, query.end, query.timeout_seconds))
        return _histogram(result, templates.bucket_seconds)

    async def _answers(self, texts: list[str], query: MetricsQuery) -> Answers:
        """The series of each query."""
        begin = query.start - HOUR_SECONDS
        held = {text: self._held.get((text, query.interval_seconds)) for text in texts}
        nothing = Held.nothing(begin, query.start)
        known = {text: found if found and found.covers(begin, query.start) else nothing for text, found in held.items()}
        together: dict[float, list[str]] = {}
        for text, found in known.items():
            together.setdefault(max(begin, found.until - LATE_SECONDS), []).append(text)
        packs = [(since, pack) for since, alike in together.items() for pack in _packed(alike)]
        fresh = await asyncio.gather(*(self._fresh(pack, since, query) for since, pack in packs))
        for (since, pack), found_of in zip(packs, fresh, strict=True):
            for text in pack:
                key = (text, query.interval_seconds)
                self._held[key] = known[text].extended(begin, query.start, since, query.end, found_of[text])
        return [self._held[(text, query.interval_seconds)].series for text in texts]

    async def _fresh(self, texts: Sequence[str], since: float, query: MetricsQuery) -> dict[str, Fresh]:
        """What several queries give from a moment on, in one request; in one each, where it does not go together, so that the one
        that is wrong is named, and each loads less."""
        try:
            return await self._ask(texts, since, query)
        except (Refused, NotExecuted):
            if len(texts) == 1:
                raise
        answers = await asyncio.gather(*(self._ask([text], since, query) for text in texts))
        return {text: found for answer in answers for text, found in answer.items()}

    async def _ask(self, texts: Sequence[str], since: float, query: MetricsQuery) -> dict[str, Fresh]:
        text = texts[0] if len(texts) == 1 else " or ".join(_part(text, number) for number, text in enumerate(texts))
        fresh: dict[str, Fresh] = {name: {} for name in texts}
        for span in _spans(since, query):
            parts = await self._in_thread(lambda span=span: self._range(text, span, query))  # type: ignore[misc]
            for part, found in parts.items():
                known = fresh[texts[part]]
                for name, samples in found.items():
                    known[name] = joined(known.get(name), samples)
        return fresh

    def _range(self, text: str, span: Span, query: MetricsQuery) -> dict[int, Fresh]:
        return _parsed(self._client.range(text, span, query.timeout_seconds))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _forget_unused(self, now: float) -> None:
        if now - self._swept < UNUSED_SECONDS / 10:
            return
        self._swept, limit = now, now - UNUSED_SECONDS
        self._last = {place: last for place, last in self._last.items() if last.used >= limit}
        newest = max((last.query.end for last in self._last.values()), default=math.inf)
        self._held = {key: held for key, held in self._held.items() if held.until >= newest - UNUSED_SECONDS}

    def close(self) -> None:
        """End the threads; a query under way is left to its time-out."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _part(text: str, number: int) -> str:
    """A query whose series carry a number. On lines of its own, because it may end in a comment."""
    return f'label_replace((\n{text}\n), "{PART}", "{number}", "", "")'


def _packed(texts: Sequence[str]) -> list[list[str]]:
    """In as many packs as are needed so that none is too long for a URL."""
    packs: list[list[str]] = []
    room = 0
    for text in texts:
        length = len(quote_plus(_part(text, len(texts)))) + len("+or+")
        if length > room:
            packs.append([])
            room = MOST_CHARACTERS
        packs[-1].append(text)
        room -= length
    return packs


def _spans(since: float, query: MetricsQuery) -> list[Span]:
    """What covers since..end: up to the start in coarse steps, then on the grid, at most CHUNK_POINTS each."""
    spans: list[Span] = []
    interval, first = query.interval_seconds, since
    coarse = math.floor(COARSE_SECONDS / interval) * interval
    if since < query.start and coarse > interval:
        points = math.floor((query.start - since) / coarse)
        first = query.start - points * coarse
        spans.append((first, query.start, coarse))
        first = query.start + interval
    step = CHUNK_POINTS * interval
    while first <= query.end:
        spans.append((first, min(query.end, first + step - interval), interval))
        first += step
    return spans


def _parsed(result: list[Any]) -> dict[int, Fresh]:
    """Result of a matrix -> samples by series, by part."""
    found: dict[int, Fresh] = {}
    try:
        for entry in result:
            labels = entry["metric"]
            part = found.setdefault(int(labels.pop(PART, 0)), {})
            process = labels.get("pod") or labels.get("instance") or ""
            rest = ",".join(f"{name}={labels[name]}" for name in sorted(labels))
            part[f"{process}|{rest}"] = of_values(entry["values"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(f"Prometheus gave an answer that is not a range of samples ({error})") from error
    for part in found.values():
        if len(part) > MOST_SERIES:
            raise Refused(f"The query gives {len(part)} series; at most {MOST_SERIES} can be judged.", reason="InvalidQuery")
    return found


def _histogram(result: list[Any], bucket_seconds: float) -> Buckets:
    """An instant vector by `le` -> ascending buckets."""
    try:
        found = [(entry["metric"]["le"], float(entry["metric"]["le"]), float(entry["value"][1])) for entry in result]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unavailable("Prometheus gave an answer that is not a histogram") from error
    return tuple(sorted(((label, bound * bucket_seconds, count) for label, bound, count in found), key=lambda entry: entry[1]))


def _unfit(texts: list[str], answers: Answers, *, same: bool) -> tuple[str, str] | None:
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


__all__ = ["Access", "PrometheusSource"]
