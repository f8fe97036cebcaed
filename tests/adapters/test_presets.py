"""Every preset against a real Prometheus that scraped what its data plane is documented to expose: two sides, several processes,
other services beside them.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.core import fitness
from hotfix.core.observation import MetricsView, Series
from hotfix.core.presets import INDISTINCT, INDISTINCT_PRESETS, PRESETS, preset_for
from hotfix.core.reasons import Reason
from hotfix.core.spec import Metrics, Preset
from hotfix.ports import MetricsQuery
from tests.cluster.scraped import Pages, Prometheus

EXPOSITIONS = Path(__file__).parent / "expositions"
# requests, 5xx, 4xx, over a tenth of a second; by process
STABLE, PATCHED = ((980, 50, 30, 20), (860, 40, 20, 10)), ((107, 2, 5, 4),)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped every exposition."""
    pages = Pages()
    pages.texts.update({f"/{file.stem}": file.read_text() for file in EXPOSITIONS.glob("*.prom")})
    yield from _started(tmp_path_factory.mktemp("prometheus"), pages)


def _started(folder: Path, pages: Pages) -> Iterator[Prometheus]:
    with Prometheus(folder, pages, sorted(pages.texts)) as found:
        scraped = f"count(up == 1) == {len(pages.texts)}"
        found.until(lambda: found.newest(scraped) is not None, "everything was scraped")
        yield found
    pages.close()


async def collected(prometheus: Prometheus, preset: str, namespace: str, *, name: str = "checkout", **more: Any) -> MetricsView:
    """What the production source makes of it. `name`: of stable's Deployment and Service."""
    source = PrometheusSource(Access(url=prometheus.url), SystemClock())
    end = math.ceil(time.time())
    prometheus.until(lambda: time.time() > end, "the end of the span")
    query = MetricsQuery(
        namespace=namespace,
        preset=preset,
        metrics=Metrics(),
        client_errors=True,
        stable_deployment=name,
        stable_service=name,
        stable_port=80,
        patched_deployment=f"{name}-hotfix",
        patched_service=f"{name}-hotfix",
        patched_port=80,
        start=end - 5.0,
        end=float(end),
        interval_seconds=1.0,
        timeout_seconds=5.0,
        **more,
    )
    try:
        return await source.collect(query)
    finally:
        source.close()


def by_process(series: tuple[Series, ...] | None) -> list[float]:
    """The newest value of each process, largest first."""
    assert series is not None
    found: dict[str, float] = {}
    for one in series:
        found[one.process] = found.get(one.process, 0.0) + one.samples[-1][1]
    return sorted(found.values(), reverse=True)


SETS = [(name, name, "shop", "0.1" if name in ("traefik", "nginx", "http") else "100") for name in PRESETS]


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("exposition", "preset", "namespace", "bound"),
    [*SETS, ("opentelemetry", "http", "otel", "0.1")],
    ids=str,
)
async def test_both_sides_are_counted_apart_and_by_process(
    prometheus: Prometheus, exposition: str, preset: str, namespace: str, bound: str
) -> None:
    assert (EXPOSITIONS / f"{exposition}.prom").exists()
    view = await collected(prometheus, preset, namespace, slow_bound=bound, buckets=True)
    assert view.problem is None
    for side, processes in ((view.stable, STABLE), (view.patched, PATCHED)):
        for column, series in enumerate((side.requests, side.errors, side.client_errors, side.slow)):
            assert by_process(series) == sorted((float(p[column]) for p in processes), reverse=True), (column, series)
        if PRESETS[preset].started:
            expected = sorted((p[0] + 1.0 for p in processes), reverse=True)
            assert by_process(side.started) == expected


@pytest.mark.cluster
@pytest.mark.parametrize("preset", PRESETS)
async def test_the_histogram_of_stable_is_read_in_seconds(prometheus: Prometheus, preset: str) -> None:
    prometheus.until(lambda: (prometheus.newest("min(count_over_time(up[1m]))") or 0) >= 2, "two scrapes of each page")
    view = await collected(prometheus, preset, "shop", buckets=True)
    assert view.buckets is not None
    assert any(bound == pytest.approx(0.1) for _, bound, _ in view.buckets)
    assert view.buckets[-1][1] == math.inf


@pytest.mark.cluster
@pytest.mark.parametrize("preset", ["istio", "linkerd"])
async def test_grpc_calls_are_seen_in_what_a_mesh_counts_and_refused(prometheus: Prometheus, preset: str) -> None:
    view = await collected(prometheus, preset, "shop", name="payments")
    assert [problem.reason for problem in fitness.problems(view, own_queries=False)] == [Reason.METRICS_BLIND_TO_GRPC]
    assert fitness.problems(view, own_queries=True) == []
    assert fitness.problems(await collected(prometheus, preset, "shop"), own_queries=False) == []


def test_every_word_for_a_preset_is_one_or_is_refused_with_advice() -> None:
    assert {preset.value for preset in Preset} == PRESETS.keys() | INDISTINCT_PRESETS.keys()
    assert set(INDISTINCT_PRESETS.values()) <= INDISTINCT.keys()


def test_a_controller_has_one_preset_or_advice() -> None:
    known = [controller for queries in PRESETS.values() for controller in queries.controllers]
    assert len(known) == len(set(known))
    assert all(preset_for([controller]) for controller in known)
    assert not any(preset_for([controller]) for controller in INDISTINCT)
