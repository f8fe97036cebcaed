"""Named sets of queries, as data: which counters a data plane exports for each side. Pure.

`$(namespace) $(deployment) $(service) $(port) $(pods)` are replaced per side; every query is of a counter, one series per
process. `started` counts requests when they begin, where the data plane tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """PromQL for the counters of one side."""

    requests: str
    errors: str
    started: str | None = None
    client_errors: str | None = None
    target: str | None = None
    slow: str | None = None  # requests above the bucket `$(le)`
    buckets: str | None = None  # the selector of the histogram's buckets
    bucket_seconds: float = 1.0  # what the bounds of the buckets count in
    controllers: tuple[str, ...] = ()  # controllerNames of the GatewayClasses whose data plane exports these


_ENVOY_CLUSTER = 'envoy_cluster_name="$(namespace)_$(service)_$(port)"'

PRESETS: dict[str, Queries] = {
    # Envoy counts its own 503 answers in rq_xx but not in rq_total: an error rate is rq_xx over rq_xx.
    "contour": Queries(
        requests=f"envoy_cluster_upstream_rq_xx{{{_ENVOY_CLUSTER}}}",
        errors=f'envoy_cluster_upstream_rq_xx{{{_ENVOY_CLUSTER},envoy_response_code_class="5"}}',
        started=f"envoy_cluster_upstream_rq_total{{{_ENVOY_CLUSTER}}}",
        client_errors=f'envoy_cluster_upstream_rq_xx{{{_ENVOY_CLUSTER},envoy_response_code_class="4"}}',
        slow=(
            f"envoy_cluster_upstream_rq_time_count{{{_ENVOY_CLUSTER}}} - ignoring(le) "
            f'envoy_cluster_upstream_rq_time_bucket{{{_ENVOY_CLUSTER},le="$(le)"}}'
        ),
        buckets=f"envoy_cluster_upstream_rq_time_bucket{{{_ENVOY_CLUSTER}}}",
        bucket_seconds=0.001,
        controllers=("projectcontour.io/gateway-controller",),
    ),
    "http": Queries(
        requests='http_requests_total{namespace="$(namespace)",pod=~"$(pods)"}',
        errors='http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code=~"5.."}',
        client_errors='http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code=~"4.."}',
        slow=(
            'http_request_duration_seconds_count{namespace="$(namespace)",pod=~"$(pods)"} - ignoring(le) '
            'http_request_duration_seconds_bucket{namespace="$(namespace)",pod=~"$(pods)",le="$(le)"}'
        ),
        buckets='http_request_duration_seconds_bucket{namespace="$(namespace)",pod=~"$(pods)"}',
    ),
}


def preset_for(controllers: Sequence[str]) -> str | None:
    """The preset whose data plane all these controllers run; None when there is none or they differ."""
    names = {next((name for name, queries in PRESETS.items() if c in queries.controllers), None) for c in controllers}
    return names.pop() if len(names) == 1 else None
