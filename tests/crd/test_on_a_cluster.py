"""The CRD on a real API server: what it accepts, what it fills in, and what it says about each mistake."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster

from .manifests import BAD, Bad, full, shortest

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[2]
ROLLOUTS = "hotfixrollouts.hotfix-operator.dev"
Create = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(ROOT / "crds/hotfixrollout.yaml")
    )
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{ROLLOUTS}", "--timeout=20s")
    cluster.kubectl("create", "namespace", "manifests")
    yield "manifests"
    cluster.kubectl("delete", "namespace", "manifests", "--wait=false")


@pytest.fixture
def create(cluster: Cluster, namespace: str) -> Create:
    """kubectl create, with strict validation."""

    def created(manifest: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
        placed = copy.deepcopy(manifest)
        placed["metadata"]["namespace"] = namespace
        return cluster.kubectl("create", "--validate=strict", "-o=json", *more, "-f", "-", stdin=json.dumps(placed), check=False)

    return created


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_mistake_is_refused_with_what_can_be_done(create: Create, bad: Bad) -> None:
    answer = create(bad.manifest(), "--dry-run=server")
    assert answer.returncode != 0
    assert bad.says in answer.stderr


def test_the_six_line_manifest_is_accepted_and_shows_every_default(create: Create) -> None:
    answer = create(shortest())
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["spec"] == {
        "stable": {"deployment": "checkout", "image": "registry.example/checkout:1.4.1"},
        "patched": {"deployment": "checkout-hotfix", "replicas": "Match", "afterRollback": "ScaleToZero"},
        "traffic": {"drain": "30s"},
        "metrics": {},
        "startWeight": "Auto",
        "steps": [1, 5, 25, 50],
        "analysis": {
            "maxErrorRateIncrease": "0.5%",
            "maxUserImpact": "2%",
            "risk": {"falseRollback": "1%", "falsePromotion": "5%"},
            "deadline": "1h",
            "onDeadline": "Hold",
            "metricsGrace": "3m",
            "onMetricsUnavailable": "LastProven",
            "readyGrace": "5m",
            "bakeTime": "10m",
        },
        "promotion": {"mode": "PatchStable"},
        "paused": False,
    }


def test_every_field_is_stored_as_written(create: Create) -> None:
    answer = create(full())
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["spec"] == full()["spec"]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "deploy/samples").glob("*.yaml")))
def test_a_sample_is_accepted(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", str(ROOT / "deploy/samples" / name))


IMMUTABLE = (
    ("/spec/stable/deployment", "another", "spec.stable is immutable; delete this HotfixRollout and create another one"),
    ("/spec/stable/service", "another", "spec.stable is immutable"),
    ("/spec/patched/replicas", "Own", "spec.patched is immutable"),
    ("/spec/traffic/drain", "1s", "spec.traffic is immutable"),
)


def test_what_is_immutable_says_so(cluster: Cluster, namespace: str, create: Create) -> None:
    manifest = shortest()
    manifest["metadata"]["name"] = "fixed"
    assert create(manifest).returncode == 0
    for path, value, says in IMMUTABLE:
        operations = json.dumps([{"op": "add", "path": path, "value": value}])
        answer = cluster.kubectl("patch", ROLLOUTS, "fixed", "-n", namespace, "--type=json", "-p", operations, check=False)
        assert says in answer.stderr, path


def test_what_may_change_later_can_be_changed(cluster: Cluster, namespace: str, create: Create) -> None:
    manifest = shortest()
    manifest["metadata"]["name"] = "mutable"
    assert create(manifest).returncode == 0
    change = {"spec": {"paused": True, "steps": [10], "analysis": {"deadline": "2h"}, "promotion": {"mode": "KeepPatched"}}}
    cluster.kubectl("patch", ROLLOUTS, "mutable", "-n", namespace, "--type=merge", "-p", json.dumps(change))
    assert cluster.read(ROLLOUTS, "mutable", namespace)["spec"]["steps"] == [10]


def test_the_phase_can_be_selected_and_the_columns_are_shown(cluster: Cluster, namespace: str, create: Create) -> None:
    manifest = shortest()
    manifest["metadata"]["name"] = "shown"
    manifest["spec"]["incident"] = {"reference": "INC-4711"}
    assert create(manifest).returncode == 0
    status = {"phase": "Baking", "weight": 50, "next": "promote in ~4 m", "verdict": {"state": "NotWorse"}}
    cluster.kubectl(
        "patch", ROLLOUTS, "shown", "-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    listed = cluster.kubectl("get", "hfr", "-n", namespace, "--field-selector=status.phase=Baking").stdout.splitlines()
    assert listed[0].split() == ["NAME", "PHASE", "WEIGHT", "VERDICT", "NEXT", "INCIDENT", "AGE"]
    assert len(listed) == 2
    for cell in ("shown", "Baking", "50", "NotWorse", "promote in ~4 m", "INC-4711"):
        assert cell in listed[1]


def test_a_category_of_its_own_keeps_it_out_of_all(cluster: Cluster, namespace: str) -> None:
    assert ROLLOUTS in cluster.kubectl("api-resources", "--categories=hotfix", "-o=name").stdout.split()
    assert ROLLOUTS not in cluster.kubectl("api-resources", "--categories=all", "-o=name").stdout.split()
