"""Query templates -> PromQL for one side. Values are names that Kubernetes accepted; anything else is refused here too."""

import re
from dataclasses import dataclass

from hotfix.core.presets import PRESETS, Queries
from hotfix.core.spec import Metrics
from hotfix.errors import Refused

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
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


def queries_for(metrics: Metrics, preset: str | None) -> Queries:
    """The templates of a rollout: its own, else those of the preset."""
    if metrics.requests and metrics.errors:
        return Queries(requests=metrics.requests, errors=metrics.errors)
    if preset not in PRESETS:
        raise Refused(f"No metrics preset is called {preset!r}.", reason="MetricsUnknown")
    return PRESETS[preset]


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
