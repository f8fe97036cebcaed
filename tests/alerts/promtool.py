"""Cases for promtool: series that a test writes, and what fires then. No tests here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .rules import alerts, groups, rule_file

STEP = "30s"


@dataclass(frozen=True, kw_only=True)
class Case:
    """`series` -> promtool's notation of its values every 30 s from 0; `firing`: time -> the label sets that fire then."""

    what: str
    alert: str
    series: Mapping[str, str]
    firing: Mapping[str, Sequence[Mapping[str, str]]]


def written(folder: Path, cases: Sequence[Case]) -> Path:
    """Cases as a file for `promtool test rules`, with the deployed rules beside it."""
    (folder / "rules.json").write_text(rule_file())
    whole = {
        "rule_files": ["rules.json"],
        "evaluation_interval": STEP,
        "group_eval_order": [group["name"] for group in groups()],
        "tests": [_test(case) for case in cases],
    }
    (folder / "cases.json").write_text(json.dumps(whole))
    return folder / "cases.json"


def _test(case: Case) -> dict[str, Any]:
    expected = [
        {
            "eval_time": time,
            "expr": f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}',
            "exp_samples": [{"labels": _labels(case.alert, labels), "value": 1} for labels in firing],
        }
        for time, firing in case.firing.items()
    ]
    return {
        "name": case.what,
        "interval": STEP,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": expected,
    }


def _labels(alert: str, labels: Mapping[str, str]) -> str:
    every = {"alertname": alert, "alertstate": "firing", **alerts()[alert]["labels"], **labels}
    return "ALERTS{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in every.items()) + "}"
