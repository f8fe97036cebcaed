"""An operator that is killed at any moment and comes back: the same end, and nothing done before it has looked."""

import time

import pytest

from tests.cluster import Provider
from tests.cluster.operator import Operator

from . import audit
from .shop import rollout
from .story import Stories


def kill(shop: Stories, operator: Operator) -> tuple[float, int]:
    """SIGKILL to all replicas: when, and the weight that is stored then. Returns when they run again."""
    pids = set(operator.pids())
    operator.kill()
    moment, stored = time.time(), shop.status()["weight"]
    shop.cluster.until(lambda: operator.pids() and not pids & set(operator.pids()), "it is started again", seconds=60)
    return moment, stored


@pytest.mark.parametrize(
    ("patched", "stages", "end"),
    [
        ("sample:1.1", ("Shifting", "Baking", "AllToPatched", "PatchingStable", "Returning"), "Promoted"),
        ("sample:crash", ("Shifting", "WeightZero", "DrainingPatched"), "RolledBack"),
    ],
)
def test_an_operator_that_is_killed_again_and_again_comes_to_the_same_end(
    own_cluster: tuple[Provider, Operator], patched: str, stages: tuple[str, ...], end: str
) -> None:
    cluster, operator = own_cluster
    shop = Stories(cluster, "killed")
    shop.open(patched=patched)
    kills: list[tuple[float, int]] = []
    with shop.story(end):
        began = time.time()
        shop.apply(rollout(startWeight=10, traffic={"drain": "6s"}))
        for stage in stages:
            shop.until(lambda status, stage=stage: stage in (status.get("stage"), status.get("phase")), stage, seconds=180)
            weights = shop.weights()
            kills.append(kill(shop, operator))
            found = shop.weights()  # a write of the weight that was stored may have been under way
            as_stored = 100 * found.get("checkout-hotfix", 0) == kills[-1][1] * sum(found.values())
            assert found == weights or as_stored or stage not in (shop.status()["stage"], shop.status()["phase"])
    ends = [*(moment for moment, _ in kills[1:]), time.time()]
    for (moment, stored), until in zip(kills, ends, strict=True):
        assert audit.first_act_was_a_look(audit.requests(cluster, shop.namespace, moment, until), stored)
    written = audit.shares(audit.requests(cluster, shop.namespace, began))
    assert max(written) == (100 if end == "Promoted" else 10)
    if end == "RolledBack":
        assert set(audit.shares(audit.requests(cluster, shop.namespace, kills[1][0]))) <= {0}, "never again above 0"
    assert shop.image("checkout") == ("sample:1.1" if end == "Promoted" else "sample:1.0")
