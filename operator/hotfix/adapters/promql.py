"""Query templates -> PromQL for one side. Values are names that Kubernetes accepted; anything else is refused here too."""

import re
from dataclasses import dataclass, replace

from hotfix.core.presets import PRESETS, Queries
from hotfix.errors import Refused
from hotfix.ports import MetricsQuery

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_BOUND = re.compile(r"[0-9.eE+-]{1,24}")
_VARIABLE = re.compile(r"\$\(([a-z]+)\)")
# a pod is <deployment>-<template hash>-<5 random>; Kubernetes cuts what comes before the random ones, and nothing else
_BEFORE_RANDOM, _RANDOM = 58, 5
_SHORTEST_HASH, _LONGEST_HASH = 6, 10  # one in 40,000 is shorter, and might be the end of another Deployment's name
# of hashes and of what is random: neither vowels nor 0, 1, 3, so that none of them is a word such as `hotfix`
_LETTER = "[bcdf-hj-np-tv-xz24-9]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What the variables of a template stand for on one side."""

    namespace: str
    deployment: str
    service: str
    port: int


def pods_pattern(deployment: str) -> str:
    """An anchored pattern for the names of a Deployment's pods, and of no other Deployment's. From 47 characters on the hash may
    be cut, with the dash after it; from 57 on there is none. Deployments whose names begin with the same 58 characters are told
    apart by nothing."""
    name = re.escape(deployment[:_BEFORE_RANDOM]).replace("\\-", "-")
    room = _BEFORE_RANDOM - len(deployment) - 1  # for the hash and the dash after it
    if room > _LONGEST_HASH + 1:
        return f"{name}-[a-z0-9]{{1,{_LONGEST_HASH}}}-[a-z0-9]{{{_RANDOM}}}"
    if room < 0:
        return f"{name}{_LETTER}{{{_RANDOM}}}"
    cut = f"{_LETTER}{{{room + _RANDOM}}}"
    if room <= _SHORTEST_HASH:
        return f"{name}-{cut}"
    return f"{name}-({_LETTER}{{{_SHORTEST_HASH},{room - 1}}}-{_LETTER}{{{_RANDOM}}}|{cut})"


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
