"""The CRD on a real API server: what it accepts, what it fills in, and what it says about each mistake."""

import json

import pytest

from .conftest import Send
from .manifests import BAD, Bad, full, shortest

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_mistake_is_refused_with_what_can_be_done(send: Send, bad: Bad) -> None:
    answer = send("create", bad.manifest(), "--dry-run=server")
    assert answer.returncode != 0
    assert bad.says in answer.stderr


def test_the_six_line_manifest_is_accepted_and_shows_every_default(send: Send) -> None:
    answer = send("create", shortest())
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
        "promotion": {"mode": "Auto"},
        "urgency": "Standard",
        "control": "Keep",
        "paused": False,
    }


def test_every_field_is_stored_as_written(send: Send) -> None:
    answer = send("create", full())
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["spec"] == full()["spec"]
