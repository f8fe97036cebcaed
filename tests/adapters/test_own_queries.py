"""Queries of one's own instead of a preset's: each asks for what its field says, and nothing is added to them."""

from hotfix.adapters.promql import queries_for
from hotfix.core.spec import Metrics
from hotfix.ports import MetricsQuery


def query(**own: str) -> MetricsQuery:
    return MetricsQuery(
        namespace="shop",
        preset="Custom",
        metrics=Metrics.model_validate(own),
        fix=None,
        client_errors=True,
        slow_bound=None,
        buckets=False,
        stable_deployment="checkout",
        stable_service="checkout",
        stable_port=80,
        patched_deployment="checkout-hotfix",
        patched_service="checkout-hotfix",
        patched_port=80,
        start=0.0,
        end=5.0,
        interval_seconds=5.0,
        timeout_seconds=1.0,
    )


def test_every_query_of_ones_own_is_asked_under_its_name() -> None:
    own = {"requests": "a", "errors": "b", "clientErrors": "c", "slow": "d", "started": "e"}
    found = queries_for(query(**own))
    assert (found.requests, found.errors, found.client_errors, found.slow, found.started) == tuple("abcde")


def test_what_one_does_not_ask_for_is_not_counted() -> None:
    found = queries_for(query(requests="a", errors="b"))
    assert (found.client_errors, found.slow, found.started) == (None, None, None)
