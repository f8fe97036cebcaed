"""Query templates -> PromQL for one side. Values are names that Kubernetes accepted; anything else is refused here too."""

import re
from dataclasses import dataclass, replace

from hotfix.core.presets import PRESETS, Queries
from hotfix.errors import Refused
from hotfix.ports import MetricsQuery

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_BOUND = re.compile(r"[0-9.eE+-]{1,24}")
_VARIABLE = re.compile(r"\$\(([a-z]+)\)")
# a pod is <deployment>-<template hash>-<5 random>; Kubernetes cuts the generateName prefix so that 63 characters suffice
_PREFIX_LENGTH = 58 - 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What the variables of a template stand for on one side."""

    namespace: str
    deployment: str
    service: str
    port: int


def pods_pattern(deployment: str) -> str:
    """An anchored pattern for the names of a Deployment's pods, and of no other Deployment's."""
    if len(deployment) <= _PREFIX_LENGTH:
        return f"{re.escape(deployment).replace(chr(92) + '-', '-')}-[a-z0-9]{{1,10}}-[a-z0-9]{{5}}"
    return f"{re.escape(deployment[:58]).replace(chr(92) + '-', '-')}[-a-z0-9]{{0,5}}"


def queries_for(query: MetricsQuery) -> Queries:
    """The templates of a rollout, its own, else those of the preset; without what is not asked for."""
    own = query.metrics
    if own.requests and own.errors:
        found = Queries(
            requests=own.requests, errors=own.errors, started=own.started, client_errors=own.client_errors, slow=own.slow
        )
    elif query.preset in PRESETS:
        found = PRESETS[query.preset]
    else:
        raise Refused(f"No metrics preset is called {query.preset!r}.", reason="MetricsUnknown")
    bound = query.slow_bound if query.slow_bound and _BOUND.fullmatch(query.slow_bound) else None
    preset_slow = found.slow.replace("$(le)", bound) if found.slow and bound else None
    return replace(
        found,
        client_errors=found.client_errors if query.client_errors else None,
        target=query.fix,
        slow=own.slow or preset_slow,
        buckets=found.buckets if query.buckets else (),
    )


def render(template: str, side: Side) -> str:
    """The template with the variables of a side put in."""
    values = {
        "namespace": side.namespace,
        "deployment": side.deployment,
        "service": side.service,
        "port": str(side.port),
    }
    for name, value in values.items():
        if not _NAME.fullmatch(value):
            raise Refused(f"{value!r} is no name that can stand for $({name}) in a query.", reason="InvalidQuery")
    # inside a PromQL string a backslash is written twice
    values["pods"] = pods_pattern(side.deployment).replace("\\", "\\\\")

    def put(match: re.Match[str]) -> str:
        if match[1] not in values:
            known = ", ".join(f"$({name})" for name in values)
            raise Refused(f"{match[0]} is not known in a query; known are {known}.", reason="InvalidQuery")
        return values[match[1]]

    return _VARIABLE.sub(put, template)
