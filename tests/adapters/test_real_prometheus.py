"""What is counted through a real Prometheus gives the evidence of the pure function on the same counts, to 1e-9: across births,
deaths and restarts of processes, gaps of Prometheus, and restarts of the operator.
"""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.core import questions
from hotfix.core.counting import Block, Count, count, paired
from hotfix.core.judging import judge
from hotfix.core.spec import Metrics
from hotfix.core.terms import Terms
from hotfix.ports import MetricsQuery
from tests.cluster.scraped import Pages, Prometheus
from tests.core.made import terms

PATH = "/shop"
SIDES = ("checkout", "checkout-hotfix")
Growth = dict[str, dict[str, tuple[int, int]]]  # side -> pod -> (requests, bad)


@dataclass
class Shop:
    """Pods whose counters a test moves."""

    pages: Pages
    counters: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    step: int = 0

    def grow(self, growth: Growth, *, gone: tuple[str, ...] = (), restarted: tuple[str, ...] = ()) -> None:
        """One step: these pods count so much more; some are gone before it, some began again from zero."""
        self.counters = {key: value for key, value in self.counters.items() if key[1] not in gone}
        for key in self.counters:
            if key[1] in restarted:
                self.counters[key] = [0, 0]
        for side, pods in growth.items():
            for pod, (requests, bad) in pods.items():
                counter = self.counters.setdefault((side, pod), [0, 0])
                counter[0] += requests
                counter[1] += bad
        self.step += 1
        self.pages.texts[PATH] = self.text()

    def text(self) -> str:
        """The page: all pods together, so that one scrape sees one step."""
        lines = [f"step {self.step}"]
        for (side, pod), (requests, bad) in self.counters.items():
            labels = f'namespace="shop",pod="{side}-6d4f9c7b8d-{pod * 5}"'
            lines += [f'http_requests_total{{{labels},code="200"}} {requests - bad}']
            lines += [f'http_requests_total{{{labels},code="500"}} {bad}']
        return "\n".join(lines) + "\n"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Shop, Prometheus]]:
    """Pods and the Prometheus that scrapes them."""
    pages = Pages()
    found = Shop(pages)
    found.grow({side: dict.fromkeys("abcde"[:0], (0, 0)) for side in SIDES})
    with Prometheus(tmp_path / "prometheus", pages, [PATH]) as prometheus:
        yield found, prometheus
    pages.close()


def scraped(shop: Shop, prometheus: Prometheus) -> None:
    """Wait until the present step was scraped, and the grid has moved on past it."""
    prometheus.until(lambda: prometheus.newest("step") == shop.step, f"step {shop.step} is scraped")
    edge = math.ceil(time.time())
    prometheus.until(lambda: time.time() > edge, "the next edge of the grid")


async def view_of(prometheus: Prometheus, source: PrometheusSource, began: float):  # type: ignore[no-untyped-def]
    query = MetricsQuery(
        namespace="shop",
        preset="http",
        metrics=Metrics(),
        stable_deployment="checkout",
        stable_service="checkout",
        stable_port=80,
        patched_deployment="checkout-hotfix",
        patched_service="checkout-hotfix",
        patched_port=80,
        start=began,
        end=float(math.floor(time.time())),
        interval_seconds=1.0,
        timeout_seconds=10.0,
    )
    return await source.collect(query)


def asked(began: float) -> Terms:
    """The terms of the analysis: warm-up over."""
    return terms(
        interval_seconds=1.0, evidence_from=began, warm_until=began, weight_since=began, now=time.time(), baseline_rate=0.02
    )


def total(growths: list[Growth], side: str) -> Count:
    """Several steps of one side as one block."""
    pods = {pod for growth in growths for pod, (requests, _) in growth.get(side, {}).items() if requests}
    sums = [sum(entry[column] for growth in growths for entry in growth.get(side, {}).values()) for column in (0, 1)]
    return Count(sums[0], sums[1], len(pods), 0)


def pure(growths: list[list[Growth]], began: float) -> list[Block]:
    """The same counts without any Prometheus: one block for each scrape."""
    return [
        Block(began + n, began + n + 1, total(steps, "checkout-hotfix"), total(steps, "checkout"))
        for n, steps in enumerate(growths)
    ]


USUAL: Growth = {"checkout": {"a": (400, 9), "b": (380, 7)}, "checkout-hotfix": {"k": (60, 1), "m": (55, 0)}}
STORY: list[tuple[Growth, tuple[str, ...], tuple[str, ...]]] = [
    (USUAL, (), ()),
    (USUAL, (), ()),
    ({**USUAL, "checkout-hotfix": {**USUAL["checkout-hotfix"], "n": (20, 4)}}, (), ()),  # a pod is born with its first errors
    (USUAL, (), ("k",)),  # k restarts
    ({"checkout": USUAL["checkout"]}, (), ()),  # patched has no requests: carried over
    (USUAL, ("m",), ()),  # m is gone, and another m of the same name counts from zero
    ({**USUAL, "checkout": {"a": (410, 12), "c": (300, 3)}}, ("b",), ()),  # b dies, c is born
]


@pytest.mark.cluster
async def test_evidence_is_that_of_the_pure_function_whatever_happens_to_processes_prometheus_or_operator(
    shop: tuple[Shop, Prometheus],
) -> None:
    pods, prometheus = shop
    pods.grow({"checkout": {"a": (5000, 100), "b": (5000, 90)}})  # stable's past
    scraped(pods, prometheus)
    began = float(math.ceil(time.time()))
    prometheus.until(lambda: time.time() > began, "the start of the analysis")
    source = PrometheusSource(Access(url=prometheus.url), SystemClock())
    scrapes: list[list[Growth]] = []
    for growth, gone, restarted in STORY:
        pods.grow(growth, gone=gone, restarted=restarted)
        scraped(pods, prometheus)
        scrapes.append([growth])
        await view_of(prometheus, source, began)  # each look extends what is held
    with prometheus.hanging():  # two steps pass unseen: they come as one
        pods.grow(USUAL)
        pods.grow(USUAL)
    scraped(pods, prometheus)
    scrapes.append([USUAL, USUAL])
    prometheus.stop()
    pods.grow(USUAL)
    prometheus.start()
    scraped(pods, prometheus)
    scrapes.append([USUAL])
    held = judge(asked(began), count(await view_of(prometheus, source, began)).blocks)
    questions._remembered.clear()
    restarted_source = PrometheusSource(Access(url=prometheus.url), SystemClock())
    view = await view_of(prometheus, restarted_source, began)
    anew = judge(asked(began), count(view).blocks)
    pairs = list(paired(pure(scrapes, began)))
    assert count(view).problem is None
    grown = [(b.patched.requests, b.patched.bad, b.stable.requests, b.stable.bad) for b in paired(count(view).blocks)]
    assert grown == [(b.patched.requests, b.patched.bad, b.stable.requests, b.stable.bad) for b in pairs]
    questions._remembered.clear()
    expected = judge(asked(began), pure(scrapes, began))
    for found in (held, anew):
        assert found.counted == expected.counted
        for name in ("worse", "not_worse"):
            one, two = getattr(found.findings, name), getattr(expected.findings, name)
            assert one.log_now == pytest.approx(two.log_now, abs=1e-9)
            assert one.log_max == pytest.approx(two.log_max, abs=1e-9)
    source.close()
    restarted_source.close()


@pytest.mark.cluster
async def test_two_replicas_that_disagree_never_give_counts_that_nobody_made(tmp_path: Path) -> None:
    """A balancer in front of two replicas answers now from one, now from the other: their samples are of different moments."""
    pages = Pages()
    pods = Shop(pages)
    pods.grow({"checkout": {"a": (1000, 20)}, "checkout-hotfix": {"k": (100, 2)}})
    replicas = [Prometheus(tmp_path / name, pages, [PATH]) for name in ("one", "two")]
    with replicas[0], replicas[1]:
        for one in replicas:
            scraped(pods, one)
        began = float(math.ceil(time.time()))
        replicas[0].until(lambda: time.time() > began, "the start")
        made = [0, 0]
        turn = itertools.cycle(replicas)
        clock = SystemClock()
        source = PrometheusSource(Access(url=replicas[0].url), clock)
        for _ in range(6):
            pods.grow({"checkout": {"a": (200, 4)}, "checkout-hotfix": {"k": (20, 1)}})
            made[0] += 200
            made[1] += 20
            scraped(pods, next(turn))  # the other one may be a step behind
            source._access = Access(url=next(turn).url)
            view = await view_of(replicas[0], source, began)
            counted = count(view)
            stable, patched = (sum(getattr(b, side).requests for b in counted.blocks) for side in ("stable", "patched"))
            assert counted.problem is not None or (stable <= made[0] and patched <= made[1])
        assert view.stable.requests
        source.close()
    pages.close()
