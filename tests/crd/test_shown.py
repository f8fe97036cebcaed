"""How kubectl shows HotfixRollouts: columns, short name, category, and the one field that can be selected by."""

import json
from typing import Any

import pytest

from hotfix.core import status
from hotfix.core.status import Phase
from tests.cluster import Cluster
from tests.core.world import World, ready_world

from .conftest import Send
from .manifests import shortest

pytestmark = pytest.mark.cluster
WIDE = ["STEP", "PATCHED IMAGE", "STABLE ERRORS", "PATCHED ERRORS", "MESSAGE"]
NARROW = ["NAME", "PHASE", "WEIGHT", "VERDICT", "NEXT", "INCIDENT", "AGE"]


def rolled_back() -> World:
    world = ready_world().phase(Phase.ANALYZING)
    world.patched.errors = 1.0
    return world.phase(Phase.ROLLED_BACK)


@pytest.fixture(scope="session")
def ended(cluster: Cluster, namespace: str, send: Send) -> dict[str, dict[str, Any]]:
    """Two rollouts with the statuses of whole stories. Both have ended: an operator that runs leaves such an object as it is."""
    kept = {}
    for name, world in (("shown-good", ready_world().phase(Phase.PROMOTED)), ("shown-bad", rolled_back())):
        manifest = {**shortest(), "metadata": {"name": name}}
        manifest["spec"]["incident"] = {"reference": f"INC-{name}"}
        answer = send("create", manifest)
        assert answer.returncode == 0, answer.stderr
        kept[name] = status.dump(world.remembered)
        body = json.dumps({"status": kept[name]})
        cluster.kubectl("patch", "hfr", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", body)
    return kept


def table(text: str) -> list[dict[str, str]]:
    """kubectl's table: a column begins where its heading does, and headings are two or more blanks apart."""
    heading, *lines = text.rstrip("\n").split("\n")
    names = [name for name in heading.split("  ") if name.strip()]
    begins = [heading.index(name) for name in names]
    ends = [*begins[1:], None]
    return [
        {name.strip(): line[begin:end].strip() for name, begin, end in zip(names, begins, ends, strict=True)} for line in lines
    ]


def test_columns_show_what_the_status_says(cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]]) -> None:
    for name, kept in ended.items():
        (row,) = table(cluster.kubectl("get", "hfr", name, "-n", namespace, "-o", "wide").stdout)
        assert list(row) == NARROW + WIDE
        age = row.pop("AGE")
        assert age.endswith("s"), age
        assert row == {
            "NAME": name,
            "PHASE": kept["phase"],
            "WEIGHT": str(kept["weight"]),
            "VERDICT": kept["verdict"]["state"],
            "NEXT": kept["next"],
            "INCIDENT": f"INC-{name}",
            "STEP": kept["step"],
            "PATCHED IMAGE": "v2",
            "STABLE ERRORS": kept["verdict"]["stable"],
            "PATCHED ERRORS": kept["verdict"]["patched"],
            "MESSAGE": kept["message"],
        }


def test_without_wide_a_line_fits_a_terminal(cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]]) -> None:
    rows = table(cluster.kubectl("get", "hfr", *ended, "-n", namespace).stdout)
    assert [list(row) for row in rows] == [NARROW, NARROW]


@pytest.mark.parametrize("called", ["hfr", "hotfix", "hotfixrollout", "hotfixrollouts", "hotfixrollouts.hotfix-operator.dev"])
def test_it_answers_to_each_of_its_names(cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]], called: str) -> None:
    found = cluster.kubectl("get", called, "-n", namespace, "-o", "name").stdout.split()
    assert {f"hotfixrollout.hotfix-operator.dev/{name}" for name in ended} <= set(found)


def test_all_does_not_mean_it_so_that_nobody_deletes_a_live_one_by_accident(
    cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]]
) -> None:
    found = cluster.kubectl("get", "all", "-n", namespace, "-o", "name").stdout
    assert [name for name in ended if name in found] == []


def test_phases_can_be_selected_by_and_nothing_else(cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]]) -> None:
    def selected(selector: str, check: bool = True) -> Any:
        return cluster.kubectl("get", "hfr", "-n", namespace, f"--field-selector={selector}", "-o=name", check=check)

    def names(selector: str) -> set[str]:
        return {line.rpartition("/")[2] for line in selected(selector).stdout.split()} & ended.keys()

    assert names("status.phase=Promoted") == {"shown-good"}
    assert names("status.phase=RolledBack") == {"shown-bad"}
    assert names("status.phase!=Promoted") == {"shown-bad"}
    assert names("status.phase=Analyzing") == set()
    assert "field label not supported: spec.paused" in selected("spec.paused=true", check=False).stderr


def test_to_have_ended_and_to_have_succeeded_are_two_questions_of_kubectl_wait(
    cluster: Cluster, namespace: str, ended: dict[str, dict[str, Any]]
) -> None:
    """As README.md says it: Completed is True after a rollback too."""

    def waited(name: str, condition: str) -> int:
        return cluster.kubectl(
            "wait", f"--for=condition={condition}", "--timeout=0", f"hfr/{name}", "-n", namespace, check=False
        ).returncode

    answers = {name: (waited(name, "Completed"), waited(name, "Succeeded")) for name in ended}
    assert answers == {"shown-good": (0, 0), "shown-bad": (0, 1)}
