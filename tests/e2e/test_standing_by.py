"""Of two replicas one works: the other is ready to, and until then looks at nothing and holds nothing open."""

import contextlib
import json
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster import Provider
from tests.cluster.operator import NAMESPACE, USER, Operator

from . import audit
from .shop import rollout
from .story import DELETED, Stories

pytestmark = pytest.mark.needs("audit log")
LOOKS = "hotfix_look_seconds_count"
WATCHED = {"hotfixrollouts", "httproutes", "deployments", "services", "pods", "endpointslices", "horizontalpodautoscalers"}


def addresses(cluster: Provider) -> dict[str, str]:
    """Replica -> where it is asked; those that are on their way out, or have no address yet, are not."""
    pods = json.loads(cluster.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json").stdout)["items"]
    there = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("podIP")]
    return {pod["metadata"]["name"]: f"http://{pod['status']['podIP']}:8080" for pod in there}


def metrics(cluster: Provider, address: str) -> dict[str, float]:
    """What a replica tells of itself: name of a sample -> the sum of its series."""
    status, text = cluster.get(f"{address}/metrics")
    assert status == 200
    sums: dict[str, float] = {}
    for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
        sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def watches(shop: Stories) -> Counter[str]:
    """How often each kind is watched now, in this shop's namespace; rollouts in all namespaces."""
    entries = [entry for entry in shop.cluster.audit(USER) if entry["verb"] == "watch"]
    ended = {entry["auditID"] for entry in entries if entry["stage"] != "ResponseStarted"}
    begun = [entry for entry in entries if entry["stage"] == "ResponseStarted" and entry["auditID"] not in ended]
    every = [entry for entry in begun if entry["objectRef"].get("namespace") in (None, shop.namespace)]
    return Counter(f"{'' if entry['objectRef'].get('namespace') else 'all '}{audit.resource(entry)}" for entry in every)


def test_the_replica_that_does_not_lead_is_ready_and_idle_while_a_rollout_is_live(
    shop: Stories, cluster: Provider, operator: Operator
) -> None:
    shop.open()
    with shop.story(DELETED):
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        replicas = addresses(cluster)
        leads = replicas.pop(operator.leader())
        (waits,) = replicas.values()
        looks = metrics(cluster, leads)[LOOKS]
        cluster.until(lambda: metrics(cluster, leads)[LOOKS] >= looks + 5, "the leader looked five times more")
        works, idles = metrics(cluster, leads), metrics(cluster, waits)
        assert cluster.get(f"{waits}/readyz") == (200, "ok\n")
        assert (works["hotfix_leader"], idles["hotfix_leader"]) == (1, 0)
        assert (idles[LOOKS], idles["hotfix_decisions_total"], idles["hotfix_watches"]) == (0, 0, 0)
        assert [name for name in idles if name.startswith("hotfix_rollout_")] == [], "it knows of no rollout"
        assert works["hotfix_watches"] >= len(WATCHED)
        # the API server knows better who holds what open, but not which of the two: everything is there once
        once = Counter({"all hotfixrollouts", *WATCHED})
        with contextlib.suppress(TimeoutError):
            cluster.until(lambda: watches(shop) == once, "what has ended is known to have", seconds=20)
        assert watches(shop) == once
