"""A running Prometheus, asked for what fires and for what the panels of the dashboard show. No tests here."""

import json
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from .rules import filled

Line = list[tuple[float, float]]  # unix seconds, value


@dataclass(frozen=True)
class Shown:
    """What a panel shows from `begin` to `end` (unix seconds), a point every `step` seconds: legend -> line, which is one point
    where it is the present value. `empty`: queries without an answer."""

    panel: dict[str, Any]
    begin: float
    end: float
    step: float
    lines: dict[str, Line] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)


def _get(url: str, path: str, **parameters: object) -> Any:
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        return json.load(answer)["data"]


def firing(url: str) -> list[dict[str, Any]]:
    """Every alert that fires now, with its labels and annotations."""
    return [alert for alert in _get(url, "alerts")["alerts"] if alert["state"] == "firing"]


def shown(url: str, panel: dict[str, Any], *, seconds: float, step_seconds: float) -> Shown:
    """What a panel shows for the last `seconds`."""
    now = time.time()
    found = Shown(panel, now - seconds, now, step_seconds)
    for target in panel["targets"]:
        query = filled(target["expr"], datasource="", rollout=".*")
        if target["instant"]:
            result = _get(url, "query", query=query, time=now)["result"]
            lines = [(entry["metric"], [entry["value"]]) for entry in result]
        else:
            result = _get(url, "query_range", query=query, start=found.begin, end=now, step=step_seconds)["result"]
            lines = [(entry["metric"], entry["values"]) for entry in result]
        if not lines:
            found.empty.append(query)
        for metric, values in lines:
            found.lines[legend(target["legendFormat"], metric)] = [(float(at), float(value)) for at, value in values]
    return found


def legend(pattern: str, metric: dict[str, str]) -> str:
    """Grafana's `{{label}}` filled in; a label that is not there is empty."""
    for name in ("namespace", "name", "phase", "reason", "error", "instance"):
        pattern = pattern.replace("{{" + name + "}}", metric.get(name, ""))
    assert "{{" not in pattern, pattern
    return pattern.strip()
