"""What is wrong with counters that were answered, before anything rests on them: ordered checks, each named by it. Pure.

What must be right of the cluster is in preflight.py; what is counted, in counting.py.
"""

from collections.abc import Callable

from .countable import Problem
from .counting import Counter, counted, series_of
from .observation import MetricsView, Series, SideSeries
from .reasons import Reason, named

GRPC_LABELS = ("grpc_status", "grpc_code", "grpc_response_status", "rpc_grpc_status_code")

Check = Callable[[MetricsView], Problem | None]


def sides_indistinct(view: MetricsView) -> Problem | None:
    """A counter belongs to both sides: what one side does would be held against the other."""
    for name, stable, patched in _pairs(view.stable, view.patched):
        shared = {one.id for one in stable} & {one.id for one in patched}
        if shared:
            return Problem(
                Reason.SIDES_INDISTINCT,
                f"{len(shared)} {name} series belong to both sides, for example {min(shared)}; the sides cannot be told apart. "
                "Select by $(service), $(deployment) or $(pods) in the queries.",
            )
    return None


def _pairs(stable: SideSeries, patched: SideSeries) -> list[tuple[str, tuple[Series, ...], tuple[Series, ...]]]:
    further = [(counter.replace("_", " "), series_of(stable, counter), series_of(patched, counter)) for counter in Counter]
    return [("request", stable.requests, patched.requests), *((name, one or (), two or ()) for name, one, two in further)]


def blind_to_grpc(view: MetricsView) -> Problem | None:
    """Requests are counted that are gRPC calls: their failures are not in HTTP status codes."""
    found = next((one.id for one in (*view.stable.requests, *view.patched.requests) if _is_grpc(one)), None)
    if found is None:
        return None
    return Problem(
        Reason.METRICS_BLIND_TO_GRPC,
        f"{found} counts gRPC calls, and their errors are not in HTTP status codes; give metrics.requests and metrics.errors "
        "by the gRPC status, or with the HTTP requests alone where no gRPC is routed.",
    )


def _is_grpc(series: Series) -> bool:
    labels = dict(label.partition("=")[::2] for label in series.id.partition("|")[2].split(","))
    return labels.get("request_protocol") == "grpc" or any(labels.get(name) for name in GRPC_LABELS)


def not_counters(view: MetricsView) -> Problem | None:
    """They fell, or have values that no counter has."""
    problem = counted(view).problem
    return Problem(Reason.COUNTERS_UNFIT, problem[1]) if problem else None


CHECKS: tuple[Check, ...] = (sides_indistinct, blind_to_grpc, not_counters)


def problems(view: MetricsView, *, own_queries: bool) -> list[Problem]:
    """Everything wrong with these counters, in the order in which it should be put right. `own_queries`: not those of a
    preset, so that they may well count gRPC calls by their status."""
    if view.problem:
        return [Problem(named(view.problem[0], Reason.COUNTERS_UNFIT), view.problem[1])]
    return [problem for check in CHECKS if not (own_queries and check is blind_to_grpc) and (problem := check(view))]


def stopped(metrics: MetricsView, seconds: float) -> bool:
    """The samples of a side that had some have stopped for so long before the end of the view."""
    newest = map(_newest_sample, (metrics.patched, metrics.stable))
    return any(moment is not None and moment < metrics.end - seconds for moment in newest)


def _newest_sample(side: SideSeries) -> float | None:
    """Unix seconds of the newest sample of a side's requests; None where there is none."""
    return max((series.samples[-1][0] for series in side.requests if series.samples), default=None)
