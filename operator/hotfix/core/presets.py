"""Named sets of queries, as data: which counters a data plane exports for each side. Pure.

`$(namespace) $(deployment) $(service) $(port) $(pods)` are replaced per side; every query is of a counter, one series per
process. What a preset needs and cannot tell is described in docs/metrics.md, from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """PromQL for the counters of one side; None where the data plane does not count that.

    `started` grows when a request begins. `slow` are requests above the bucket `$(le)` of the histogram that `buckets` select,
    whose bounds count in `bucket_seconds`. `controllers`: controllerNames of the GatewayClasses whose data plane exports these.
    """

    requests: str
    errors: str
    started: str | None = None
    client_errors: str | None = None
    target: str | None = None
    slow: str | None = None
    buckets: tuple[str, ...] = ()
    bucket_seconds: float = 1.0
    controllers: tuple[str, ...] = ()
    needs: str = ""  # for people: what must be scraped, and how
    blind: str = ""  # for people: what these counters cannot tell


def _over(histogram: str, selector: str) -> str:
    """Requests above a bucket: the histogram's count less that bucket."""
    return f'{histogram}_count{{{selector}}} - ignoring(le) {histogram}_bucket{{{selector},le="$(le)"}}'


_ENVOY = 'envoy_cluster_name="$(namespace)_$(service)_$(port)"'
_CONTOUR = Queries(
    # Envoy counts its own 503 answers in rq_xx but not in rq_total: an error rate is rq_xx over rq_xx
    requests=f"envoy_cluster_upstream_rq_xx{{{_ENVOY}}}",
    errors=f'envoy_cluster_upstream_rq_xx{{{_ENVOY},envoy_response_code_class="5"}}',
    started=f"envoy_cluster_upstream_rq_total{{{_ENVOY}}}",
    client_errors=f'envoy_cluster_upstream_rq_xx{{{_ENVOY},envoy_response_code_class="4"}}',
    slow=_over("envoy_cluster_upstream_rq_time", _ENVOY),
    buckets=(f"envoy_cluster_upstream_rq_time_bucket{{{_ENVOY}}}",),
    bucket_seconds=0.001,
    controllers=("projectcontour.io/gateway-controller",),
    needs="Contour's Envoys, scraped at /stats/prometheus of port 8002, each with a pod or instance label.",
    blind="Nothing that a weight governs: Envoy counts its own errors to the side that would have served the request.",
)

# the source's report has the requests that no pod of the destination ever saw; gRPC calls are in it, to be seen and refused
_MESH = 'reporter="source",destination_service_namespace="$(namespace)",destination_service_name="$(service)"'
_ISTIO = Queries(
    requests=f"istio_requests_total{{{_MESH}}}",
    errors=f'istio_requests_total{{{_MESH},response_code=~"5.."}}',
    client_errors=f'istio_requests_total{{{_MESH},response_code=~"4.."}}',
    slow=_over("istio_request_duration_milliseconds", _MESH),
    buckets=(f"istio_request_duration_milliseconds_bucket{{{_MESH}}}",),
    bucket_seconds=0.001,
    controllers=("istio.io/gateway-controller",),
    needs="The proxies that send the requests (gateways, sidecars), scraped at /stats/prometheus of port 15090 or 15020.",
    blind="Requests of clients outside the mesh that by-pass its gateways; requests that have begun and not ended.",
)

_INBOUND = 'direction="inbound",namespace="$(namespace)",pod=~"$(pods)"'
_LINKERD = Queries(
    requests=f"response_total{{{_INBOUND}}}",
    errors=f'response_total{{{_INBOUND},status_code=~"5.."}}',
    started=f"request_total{{{_INBOUND}}}",
    client_errors=f'response_total{{{_INBOUND},status_code=~"4.."}}',
    slow=_over("response_latency_ms", _INBOUND),
    buckets=(f"response_latency_ms_bucket{{{_INBOUND}}}",),
    bucket_seconds=0.001,
    needs="The proxies of both sides' pods, scraped at /metrics of port 4191 with namespace and pod labels (Linkerd Viz does).",
    blind="Requests that no pod of the side took. Probes that pass the proxy are counted as requests.",
)

# services of the Gateway API provider have the protocol in their names, those of Ingresses and IngressRoutes do not
_TRAEFIK_SERVICE = 'service=~"$(namespace)-$(service)-(http-)?$(port)@kubernetes.*"'
_TRAEFIK = Queries(
    requests=f"traefik_service_requests_total{{{_TRAEFIK_SERVICE}}}",
    errors=f'traefik_service_requests_total{{{_TRAEFIK_SERVICE},code=~"5.."}}',
    client_errors=f'traefik_service_requests_total{{{_TRAEFIK_SERVICE},code=~"4.."}}',
    slow=_over("traefik_service_request_duration_seconds", _TRAEFIK_SERVICE),
    buckets=(f"traefik_service_request_duration_seconds_bucket{{{_TRAEFIK_SERVICE}}}",),
    controllers=("traefik.io/gateway-controller",),
    needs="Traefik's pods with metrics.prometheus.addServicesLabels (the default).",
    blind=(
        "Slow answers between the four default buckets (0.1, 0.3, 1.2 and 5 s), give more in metrics.prometheus.buckets; "
        "requests that have begun and not ended."
    ),
)


def _nginx(name: str, more: str = "") -> str:
    """ingress-nginx names a canary's backend in `canary`, and the main one in `service` with an empty `canary`."""
    main = f'{name}{{namespace="$(namespace)",service="$(service)",canary=""{more}}}'
    return f'({main} or {name}{{canary="$(namespace)-$(service)-$(port)"{more}}})'


_NGINX_TIME = "nginx_ingress_controller_request_duration_seconds"
_NGINX_BOUND = ',le="$(le)"'
_NGINX = Queries(
    requests=_nginx("nginx_ingress_controller_requests"),
    errors=_nginx("nginx_ingress_controller_requests", ',status=~"5.."'),
    client_errors=_nginx("nginx_ingress_controller_requests", ',status=~"4.."'),
    slow=f"{_nginx(_NGINX_TIME + '_count')} - ignoring(le) {_nginx(_NGINX_TIME + '_bucket', _NGINX_BOUND)}",
    buckets=(_NGINX_TIME + '_bucket{namespace="$(namespace)",service="$(service)",canary=""}',),
    needs="The controller's pods with --enable-metrics, scraped with honorLabels so that `namespace` is the Ingress's.",
    blind=(
        "Retries: an attempt on the other side is counted to the side that was chosen first; requests that have begun and not "
        "ended."
    ),
)

_PODS = 'namespace="$(namespace)",pod=~"$(pods)"'
_PLAIN, _OTEL = f"http_requests_total{{{_PODS}}}", "http_server_request_duration_seconds"


def _unless_plain(query: str) -> str:
    """OpenTelemetry's counters, for pods that have no http_requests_total: no request is counted twice."""
    return f"({query} unless on (namespace, pod) {_PLAIN})"


def _of_code(codes: str) -> str:
    found = [f'http_requests_total{{{_PODS},{label}=~"{codes}"}}' for label in ("code", "status")]
    otel = f'{_OTEL}_count{{{_PODS},http_response_status_code=~"{codes}"}}'
    return " or ".join([*found, _unless_plain(otel)])


_OTEL_DONE = f"sum by (namespace, pod) ({_OTEL}_count{{{_PODS}}})"
_OTEL_ACTIVE = f"sum by (namespace, pod) (http_server_active_requests{{{_PODS}}})"
_HTTP = Queries(
    requests=f"{_PLAIN} or {_unless_plain(_OTEL + '_count{' + _PODS + '}')}",
    errors=_of_code("5.."),
    started=f"http_requests_started_total{{{_PODS}}} or ({_OTEL_DONE} + {_OTEL_ACTIVE})",
    client_errors=_of_code("4.."),
    slow=(
        f"{_over('http_request_duration_seconds', _PODS)} or "
        f"(({_over(_OTEL, _PODS)}) unless on (namespace, pod) http_request_duration_seconds_count{{{_PODS}}})"
    ),
    buckets=(f"http_request_duration_seconds_bucket{{{_PODS}}}", f"{_OTEL}_bucket{{{_PODS}}}"),
    needs=(
        "The application's own counters with namespace and pod labels: http_requests_total with a label code or status, or "
        "OpenTelemetry's http.server.request.duration. Optional: a histogram http_request_duration_seconds."
    ),
    blind="Requests that never reach a pod: connections refused, and time-outs of the proxies in front.",
)

PRESETS: dict[str, Queries] = {
    "contour": _CONTOUR,
    "istio": _ISTIO,
    "linkerd": _LINKERD,
    "traefik": _TRAEFIK,
    "nginx": _NGINX,
    "http": _HTTP,
}

# data planes whose counters cannot tell the sides apart: controllerName -> what to do
INDISTINCT = {
    "gateway.envoyproxy.io/gatewayclass-controller": (
        "Envoy Gateway counts all backends of a rule as one cluster; set metrics.preset to http, istio or linkerd, or give "
        "metrics.requests and metrics.errors"
    ),
}
# and the words by which somebody may ask for them all the same: metrics.preset -> controllerName
INDISTINCT_PRESETS = {"envoy-gateway": "gateway.envoyproxy.io/gatewayclass-controller"}


def preset_for(controllers: Sequence[str]) -> str | None:
    """The preset whose data plane all these controllers run; None when there is none or they differ."""
    names = {next((name for name, queries in PRESETS.items() if c in queries.controllers), None) for c in controllers}
    return names.pop() if len(names) == 1 else None
