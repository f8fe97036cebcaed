"""From which bucket of a histogram on a request is slow."""

from typing import Any

import pytest

from hotfix.core.latency import bound_of, quantile

from .world import a_spec

INF = ("+Inf", float("inf"), 1000.0)
BUCKETS = (("0.1", 0.1, 900.0), ("0.25", 0.25, 980.0), ("1.0", 1.0, 999.0), ("2.0", 2.0, 1000.0), INF)


def bound(threshold: str, buckets: Any, *, own: bool = False) -> str | None:
    return bound_of(a_spec(analysis={"latency": {"threshold": threshold}}), buckets, own=own)[0]


def test_auto_takes_the_smallest_bucket_of_twice_the_95th_percentile() -> None:
    assert quantile(BUCKETS[:-1], 1000) == pytest.approx(0.1 + 0.15 * 50 / 80)
    assert bound("Auto", BUCKETS) == "1.0"


@pytest.mark.parametrize(
    "buckets",
    [None, (), (INF,), (("0.1", 0.1, 10.0), ("+Inf", float("inf"), 1000.0)), (("0.1", 0.1, 20.0), ("+Inf", float("inf"), 20.0))],
    ids=["no histogram", "no buckets", "only +Inf", "p95 above all buckets", "too few requests"],
)
def test_auto_judges_nothing_where_the_histogram_tells_too_little(buckets: Any) -> None:
    assert bound("Auto", buckets) == ""


@pytest.mark.parametrize(("threshold", "label"), [("250ms", "0.25"), ("300ms", "1.0"), ("1500ms", "2.0"), ("3s", None)])
def test_a_given_threshold_is_judged_by_the_next_bucket(threshold: str, label: str | None) -> None:
    assert bound(threshold, BUCKETS) == label


def test_a_counter_of_ones_own_needs_no_bucket() -> None:
    assert bound("300ms", None, own=True) == ""


@pytest.mark.parametrize(("threshold", "text"), [("250ms", "250ms"), ("600ms", "1s")])
def test_the_bound_is_said_as_people_write_times(threshold: str, text: str) -> None:
    assert text in bound_of(a_spec(analysis={"latency": {"threshold": threshold}}), BUCKETS, own=False)[1]
