"""The alerts of deploy/: each is explained, asks for what the operator tells, and fires when it should and at no other time."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from hotfix.telemetry import Telemetry
from tests.cluster import binaries

from .cases import CASES
from .promtool import written
from .rules import RULES, RUNBOOKS, alerts, groups, metrics_in, panels

RECORDED = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}
PARTS = ("What it means", "Look", "Do", "Never")


def told() -> set[str]:
    """Names of all series that the operator exposes."""
    found = set()
    for metric in Telemetry().registry.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
        found |= {metric.name + ending for ending in endings}
    return found


def run(name: str, *arguments: str) -> str:
    """What one of the cluster's programs prints; it must end well."""
    try:
        program = binaries.ensure(needed=[name]) / name
    except binaries.Missing as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{name} cannot be built here: {error}")
        pytest.skip(f"{name} cannot be built here: {error}")
    answer = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def section(alert: str) -> str:
    """What the runbooks say of an alert."""
    found = re.search(rf"^## {alert}\n(.*?)(?=^## |\Z)", RUNBOOKS.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"docs/runbooks.md has no section {alert}"
    return found.group(1)


def test_every_alert_that_was_promised_is_there() -> None:
    assert set(alerts()) == {
        "HotfixRolloutHeld",
        "HotfixRolloutRolledBack",
        "HotfixStableLost",
        "HotfixTrafficContested",
        "HotfixWaitingForPerson",
        "HotfixFixReverted",
        "HotfixOperatorAbsent",
    }


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_what_to_type_and_where_to_read_on(name: str) -> None:
    alert = alerts()[name]
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert "Type: kubectl " in notes["description"]
    assert all("{{ $labels." + label + " }}" in notes["summary"] for label in ("name", "namespace"))
    assert notes["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
    parts = re.findall(r"^\*\*(.+?)\*\*", section(name), re.MULTILINE)
    assert parts == list(PARTS)
    assert "kubectl" in section(name)


@pytest.mark.parametrize(
    ("reason", "ways"),
    [
        ("`DeletionHeld` in phase `AwaitingGit`", ("kubectl hotfix handover", "kubectl hotfix rollback", "`release`")),
        ("`PromotionFailed`, `DeletionHeld`", ("kubectl hotfix promote",)),
        ("`InvalidStatus`", ("HotfixRolloutHeld",)),
    ],
)
def test_what_only_a_person_can_end_has_a_row_with_every_way_out(reason: str, ways: tuple[str, ...]) -> None:
    (row,) = [line for line in section("HotfixWaitingForPerson").splitlines() if line.startswith(f"| {reason}")]
    assert [way for way in ways if way not in row] == []
    assert "kubectl edit hfr NAME -n NAMESPACE --subresource=status" in section("HotfixRolloutHeld")


def test_the_runbooks_have_no_section_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^## (Hotfix\w+)$", RUNBOOKS.read_text(), re.MULTILINE)) == set(alerts())


def test_rules_and_panels_ask_only_for_series_that_the_operator_tells() -> None:
    rules = [rule["expr"] for group in groups() for rule in group["rules"]]
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert len(queries) >= 8
    assert {name for text in [*rules, *queries] for name in metrics_in(text)} - RECORDED - told() == set()
    assert {name for text in queries for name in metrics_in(text)} <= told(), "the dashboard works without the rules"


def test_the_names_in_an_expression_are_found_wherever_they_stand() -> None:
    text = 'max by (a, b) (rate(one_total{c="three"}[5m])) and on () (two unless lab:el == 1) or sum(four offset 5m) > 2'
    assert metrics_in(text) == {"one_total", "two", "lab:el", "four"}


def test_each_alert_is_tried_when_it_should_fire_and_when_it_should_not() -> None:
    for name in alerts():
        mine = [case for case in CASES if case.alert == name]
        assert any(any(case.firing.values()) for case in mine), name
        assert any(not any(case.firing.values()) for case in mine), name


@pytest.mark.cluster
def test_the_overlay_that_is_explained_sets_the_address_of_the_runbooks_and_what_finds_the_rules(tmp_path: Path) -> None:
    text = (RULES.parent / "kustomization.yaml").read_text()
    overlay = yaml.safe_load("\n".join(line[4:] for line in re.findall(r"^#   .*$", text, re.MULTILINE)))
    overlay["components"] = [os.path.relpath(RULES.parent, tmp_path)]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    (rule,) = yaml.safe_load_all(run("kubectl", "kustomize", str(tmp_path)))
    told = [
        alert["annotations"]["runbook_url"] for group in rule["spec"]["groups"] for alert in group["rules"] if "alert" in alert
    ]
    assert told == [f"https://git.example/hotfix-operator/docs/runbooks.md#{name.lower()}" for name in alerts()]
    assert rule["metadata"]["labels"]["release"] == "monitoring"
    assert rule["metadata"]["namespace"] == "hotfix-system"


@pytest.mark.cluster
@pytest.mark.parametrize("name", sorted(alerts()))
def test_promtool_sees_it_fire_when_it_should_and_at_no_other_time(name: str, tmp_path: Path) -> None:
    cases = [case for case in CASES if case.alert == name]
    told = [bool(alerts_then) for case in cases for alerts_then in case.firing.values()]
    assert True in told, "it is never seen firing"
    assert False in told, "it is never seen silent"
    run("promtool", "test", "rules", str(written(tmp_path, cases)))
