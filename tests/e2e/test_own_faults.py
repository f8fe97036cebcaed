"""Stories that stop or delay parts of the cluster; each has a cluster of its own."""

import signal

from tests.cluster import Cluster
from tests.cluster.operator import Operator

from .shop import Shop, deployment, rollout, route, service, untouched


def test_a_prometheus_that_goes_away_holds_and_it_goes_on_when_it_is_back(own_cluster: tuple[Cluster, Operator]) -> None:
    cluster, operator = own_cluster
    shop = Shop(cluster, "prometheus")
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        cluster.stop_component("prometheus")
        shop.held("MetricsUnavailable", seconds=30)
        weight = shop.weights()
        seen = len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 400, "20 s of requests", seconds=60)
        assert shop.weights() == weight
        # the operator killed while it is blind: its first act is a look, never a raise
        operator.kill()
        cluster.until(operator.pids, "it is started again", seconds=30)
        operator.wait_ready()
        assert shop.weights() == weight
        cluster.start_component("prometheus")
        shop.phase("Baking", seconds=180)
        # a hang in the bake: never promoted by the clock
        cluster.signal("prometheus", signal.SIGSTOP)
        shop.held("MetricsUnavailable", seconds=30)
        baked = shop.status()["bakeSeconds"]
        seen = len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 600, "30 s of requests", seconds=60)
        assert shop.status()["phase"] == "Baking"
        assert shop.status()["bakeSeconds"] <= baked + 4
        cluster.signal("prometheus", signal.SIGCONT)
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    assert operator.used() <= operator.granted()
    assert operator.refused() == []


def test_a_prometheus_that_hangs_under_a_crashing_patch_never_raises_it(
    own_cluster: tuple[Cluster, Operator],
) -> None:
    cluster, _ = own_cluster
    shop = Shop(cluster, "hangs")
    shop.open(patched="sample:crash")
    with shop.load() as load:
        shop.apply(rollout(startWeight=5, analysis={"metricsGrace": "30s", "onMetricsUnavailable": "Rollback"}))
        shop.until(lambda status: status.get("startedAt"), "the start")
        cluster.signal("prometheus", signal.SIGSTOP)
        status = shop.phase("RolledBack", seconds=120)
        assert status["why"] in ("BlindTooLong", "PatchedWorse")
        assert all(d["what"] in ("weight 5", "weight 0") for d in status["decisions"] if d["what"].startswith("weight"))
        assert load.lost() == []
        cluster.signal("prometheus", signal.SIGCONT)


def test_pods_that_die_at_once_behind_late_proxies_lose_nothing(own_cluster: tuple[Cluster, Operator]) -> None:
    cluster, _ = own_cluster
    cluster.delay_routes(0.5)
    shop = Shop(cluster, "late")
    abrupt = {"env": {"ABRUPT": "1"}, "pre_stop": 0}
    shop.apply(deployment("checkout", "sample:1.0", **abrupt), service("checkout"), route("checkout", shop.host))
    shop.apply(deployment("checkout-hotfix", "sample:1.1", **abrupt), service("checkout-hotfix"))
    shop.ready("checkout", 2)
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(50) as load:
        shop.apply(rollout())
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
        assert untouched(shop.read("httproute", "checkout")) == before
        shop.kubectl("delete", "hfr", "fix")
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:crash")
        shop.kubectl("scale", "deployment/checkout-hotfix", "--replicas=2")
        shop.apply(rollout())
        shop.phase("RolledBack", seconds=180)
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before


def test_an_operator_that_is_killed_again_and_again_comes_to_the_same_end(own_cluster: tuple[Cluster, Operator]) -> None:
    cluster, operator = own_cluster
    shop = Shop(cluster, "killed")
    shop.open()
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load() as load:
        shop.apply(rollout())
        for stage in ("Shifting", "AllToPatched", "PatchingStable", "Returning"):
            shop.until(lambda status, stage=stage: status.get("stage") == stage, stage, seconds=180)
            weights = shop.weights()
            pids = operator.pids()
            operator.kill()
            cluster.until(lambda pids=pids: operator.pids() and operator.pids() != pids, "it is started again", seconds=60)
            assert shop.weights() == weights or shop.status()["stage"] != stage
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before
    assert shop.image("checkout") == "sample:1.1"
