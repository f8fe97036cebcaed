"""Blocks, counters and terms for tests of the core, with the defaults of a manifest. No tests here."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from hotfix.core.counting import Block, Count, Counter
from hotfix.core.evidence import Noise
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.terms import Terms

INTERVAL = 5.0
START = 1_700_000_000.0  # a multiple of every interval used here


def block(patched: tuple[int, int], stable: tuple[int, int], at: int = 0, pods: tuple[int, int] = (3, 6)) -> Block:
    """The at-th block; (requests, bad) of both sides."""
    start = START + at * INTERVAL
    return Block(start, start + INTERVAL, Count(*patched, pods[0]), Count(*stable, pods[1]))


def terms(**changes: Any) -> Terms:
    """The terms of a manifest with defaults at 5 s scrapes, at 5 %, long after the warm-up; `baseline_rate` and `sigma2` are
    those of failed requests."""
    values: dict[str, Any] = {
        "delta": 0.005,
        "alpha": 0.01,
        "beta": 0.05,
        "max_impact": 0.02,
        "ramp_weights": (1, 5, 25, 50),
        "baseline_rate": 0.001,
        "sigma2": 0.02,
        "late_blocks": 720,
        "interval_seconds": INTERVAL,
        "evidence_from": START,
        "warm_until": START,
        "weight": 5,
        "weight_since": START,
        "bake_from": None,
        "now": START + 3600,
    }
    values |= changes
    rate, sigma2 = values.pop("baseline_rate"), values.pop("sigma2")
    known = {"rates": ((Counter.BAD, rate),), "sigma2": sigma2 if isinstance(sigma2, tuple) else ((Counter.BAD, sigma2),)}
    return Terms(**{**known, **values})


def noise(sigma2: float = 0.0, warm_until: float = -math.inf) -> Noise:
    """Noise of failed requests."""
    return Noise(((Counter.BAD, sigma2),), warm_until)


def counter(name: str, values: Mapping[int, float] | Iterable[float]) -> Series:
    """Samples on the grid: values from START on, or by place on the grid (0 is START, negative places lie before it)."""
    places = values if isinstance(values, Mapping) else dict(enumerate(values))
    return Series(name, tuple((START + place * INTERVAL, value) for place, value in places.items()))


def side(requests: Iterable[Series], errors: Iterable[Series] = (), started: Iterable[Series] | None = None) -> SideSeries:
    """The counters of one side."""
    return SideSeries(requests=tuple(requests), errors=tuple(errors), started=None if started is None else tuple(started))


def view(patched: SideSeries, stable: SideSeries, blocks: int, **changes: Any) -> MetricsView:
    """Both sides over so many blocks from START."""
    values: dict[str, Any] = {"start": START, "end": START + blocks * INTERVAL, "interval_seconds": INTERVAL}
    return MetricsView(patched=patched, stable=stable, **{**values, **changes})
