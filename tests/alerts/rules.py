"""The rules and the dashboard of deploy/ as data, and the names that their PromQL uses. No tests here."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/alerts/prometheusrule.yaml"
RUNBOOKS = ROOT / "docs/runbooks.md"
DASHBOARD = ROOT / "deploy/dashboard/hotfix-rollouts.json"
GROUPING = re.compile(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)")
SPOKEN = {"and", "or", "unless", "by", "on", "bool", "offset", "group_left", "group_right"}


def groups() -> list[dict[str, Any]]:
    """The groups of the PrometheusRule."""
    return list(yaml.safe_load(RULES.read_text())["spec"]["groups"])


def alerts() -> dict[str, dict[str, Any]]:
    """Name -> alert."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def rule_file(replaced: Mapping[str, str] | None = None) -> str:
    """A rule file as Prometheus reads it, JSON being YAML; `replaced` texts are taken for others, each of which must occur."""
    text = json.dumps({"groups": groups()})
    for old, new in (replaced or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def looks() -> list[list[str]]:
    """The commands of the runbooks that only look, as argument lists, each once. Logs need a kubelet, doctor needs an address."""
    blocks = re.findall(r"^```sh\n(.*?)^```", RUNBOOKS.read_text(), re.MULTILINE | re.DOTALL)
    lines = [re.split(r"\s+[#|]", line)[0] for block in blocks for line in block.splitlines()]
    found = [shlex.split(line) for line in dict.fromkeys(lines)]
    assert all(command[0] == "kubectl" for command in found), found
    return [command for command in found if command[1] in ("get", "events") or command[1:3] == ["hotfix", "why"]]


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard that show something, with their place in `gridPos`."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel.get("targets")]


def filled(expression: str, **variables: str) -> str:
    """A panel's query as Grafana sends it; every variable must be given."""
    for name, value in {"__rate_interval": "1m", **variables}.items():
        expression = expression.replace(f"${name}", value)
    assert not re.search(r"\$(?!1\b)", expression), expression
    return expression


def metrics_in(expression: str) -> set[str]:
    """Names of the series that a PromQL expression selects: words that are no function, label, string or keyword."""
    bare = re.sub(r'"[^"]*"', "", expression)
    for noise in (r"\{[^}]*\}", r"\[[^\]]*\]", GROUPING.pattern):
        bare = re.sub(noise, " ", bare)
    words = re.findall(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", bare)
    return set(words) - SPOKEN
