"""The CRD on a real API server: what it accepts, what it fills in, and what it says about each mistake."""

import copy
import json
import os
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
    name = f"manifests-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


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
            "clientErrors": "Guard",
            "latency": {"threshold": "Auto", "maxSlowRequestIncrease": "2%"},
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
