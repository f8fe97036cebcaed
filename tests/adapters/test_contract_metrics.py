"""What a source of metrics does, in memory and with a real Prometheus: what was served between two moments is counted, no more
and no less, and no answer is an error.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.core.counting import count
from hotfix.core.observation import MetricsView
from hotfix.core.spec import Metrics
from hotfix.errors import Unavailable
from hotfix.ports import MetricsQuery, MetricsSource
from tests.cluster.scraped import Pages, Prometheus
from tests.fakes.api import FakeApi
from tests.fakes.clock import FakeClock
from tests.reconcile.shop import INTERVAL, Requests

from .test_real_prometheus import PATH, Shop, scraped

STABLE, PATCHED = "checkout", "checkout-hotfix"


class Counted(Protocol):
    """Two Services, and who counts their requests."""

    interval: float

    @property
    def source(self) -> MetricsSource:
        """What is tried."""
        ...

    def serve(self, service: str, requests: int, bad: int) -> None:
        """So many more, of which some fail."""
        ...

    def scrape(self) -> float:
        """Let it be counted; the moment up to which it is, unix seconds."""
        ...

    def hush(self) -> None:
        """It answers no more."""
        ...


class InMemory:
    """As simulations have it."""

    interval = INTERVAL

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source = Requests(FakeApi(self.clock), ())

    def serve(self, service: str, requests: int, bad: int) -> None:
        found = self.source.counts.setdefault(service, [0.0, 0.0])
        self.source.samples.setdefault(service, [])
        found[0] += requests
        found[1] += bad

    def scrape(self) -> float:
        edge = (self.clock.now() // INTERVAL + 1) * INTERVAL
        self.clock.advance(edge - self.clock.now())
        self.source.scrape(edge)
        return edge

    def hush(self) -> None:
        self.source.silent = True


class Scraped:
    """A Prometheus that scrapes once a second."""

    interval = 1.0

    def __init__(self, shop: Shop, prometheus: Prometheus) -> None:
        self.source = PrometheusSource(Access(url=prometheus.url), SystemClock())
        self._shop, self._prometheus = shop, prometheus

    def serve(self, service: str, requests: int, bad: int) -> None:
        self._shop.grow({service: {"a": (requests - bad, bad, 0, 0, 0)}})

    def scrape(self) -> float:
        return scraped(self._shop, self._prometheus)

    def hush(self) -> None:
        self._prometheus.stop()


@pytest.fixture(params=["memory", pytest.param("prometheus", marks=pytest.mark.cluster)])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counted]:
    """Nothing was served yet."""
    if request.param == "memory":
        yield InMemory()
        return
    pages = Pages()
    shop = Shop(pages)
    shop.grow({})
    with Prometheus(tmp_path / "prometheus", pages, [PATH]) as prometheus:
        real = Scraped(shop, prometheus)
        yield real
        real.source.close()
    pages.close()


async def view(counted: Counted, start: float, end: float) -> MetricsView:
    query = MetricsQuery(
        namespace="shop",
        preset="http",
        metrics=Metrics(),
        fix=None,
        client_errors=False,
        slow_bound=None,
        stable_deployment=STABLE,
        stable_service=STABLE,
        stable_port=80,
        patched_deployment=PATCHED,
        patched_service=PATCHED,
        patched_port=80,
        start=start,
        end=end,
        interval_seconds=counted.interval,
        timeout_seconds=10.0,
    )
    return await counted.source.collect(query)


def totals(found: MetricsView) -> dict[str, tuple[int, int]]:
    """Requests and bad ones of each side, of all blocks."""
    blocks = count(found).blocks
    return {
        name: (sum(getattr(block, side).requests for block in blocks), sum(getattr(block, side).bad for block in blocks))
        for name, side in ((STABLE, "stable"), (PATCHED, "patched"))
    }


async def test_what_was_served_since_is_counted_and_the_past_is_not(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    counted.serve(STABLE, 100, 5)
    counted.serve(PATCHED, 10, 1)  # its first: it began at 0
    end = counted.scrape()
    found = await view(counted, start, end)
    assert totals(found) == {STABLE: (100, 5), PATCHED: (10, 1)}
    assert (found.start, found.end, found.interval_seconds, found.problem) == (start, end, counted.interval, None)


async def test_what_came_after_the_end_is_not_told_yet(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    counted.serve(STABLE, 100, 5)
    end = counted.scrape()
    counted.serve(STABLE, 1000, 1000)
    later = counted.scrape()
    found = await view(counted, start, end)
    assert totals(found)[STABLE] == (100, 5)
    assert all(moment <= end for one in found.stable.requests for moment, _ in one.samples)
    assert totals(await view(counted, start, later))[STABLE] == (1100, 1005)


async def test_samples_ascend_on_the_grid_and_begin_before_the_start(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    for _ in range(3):
        counted.serve(STABLE, 10, 1)
        end = counted.scrape()
    found = await view(counted, start, end)
    assert found.stable.requests
    assert len({one.id for one in found.stable.requests}) == len(found.stable.requests)
    for one in (*found.stable.requests, *found.stable.errors):
        moments = [moment for moment, _ in one.samples]
        assert moments == sorted(set(moments))
        assert moments[0] <= start
        assert all(moment % counted.interval == 0 for moment in moments)


async def test_a_service_that_nobody_counts_has_no_series(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    found = await view(counted, start, counted.scrape())
    assert (found.patched.requests, found.patched.errors, found.problem) == ((), (), None)
    assert found.stable.requests


async def test_what_was_not_asked_for_is_none(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    found = await view(counted, start, counted.scrape())
    assert (found.stable.target, found.stable.client_errors, found.stable.slow, found.buckets) == (None, None, None, None)


async def test_no_answer_is_an_error_and_no_view(counted: Counted) -> None:
    counted.serve(STABLE, 900, 70)
    start = counted.scrape()
    end = counted.scrape()
    await view(counted, start, end)
    counted.hush()
    with pytest.raises(Unavailable):
        await view(counted, start, end + counted.interval)
