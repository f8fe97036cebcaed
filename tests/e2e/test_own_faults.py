"""Stories that stop or delay parts of the cluster; each has a cluster of its own."""

import contextlib
import signal
import time

from tests.cluster import Provider
from tests.cluster.operator import Operator

from . import audit
from .shop import deployment, rollout, route, service
from .story import Stories
from .test_killed import kill


def test_a_prometheus_that_goes_away_holds_and_it_goes_on_when_it_is_back(own_cluster: tuple[Provider, Operator]) -> None:
    cluster, operator = own_cluster
    shop = Stories(cluster, "prometheus")
    shop.open()
    with shop.story("Promoted") as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        cluster.stop_component("prometheus")
        shop.held("MetricsUnavailable", seconds=120)
        weight = shop.weights()
        seen = len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 400, "20 s of requests", seconds=60)
        assert shop.weights() == weight
        # the operator killed while it is blind: its first act is a look, never a raise
        killed, stored = kill(shop, operator)
        operator.wait_ready()
        assert shop.weights() == weight
        cluster.start_component("prometheus")
        shop.phase("Baking", seconds=180)
        assert audit.first_act_was_a_look(audit.requests(cluster, shop.namespace, killed), stored)
        # a hang in the bake: never promoted by the clock
        cluster.signal("prometheus", signal.SIGSTOP)
        baked = shop.held("MetricsUnavailable", seconds=120)["bakeSeconds"]
        seen = len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 600, "30 s of requests", seconds=60)
        assert shop.status()["phase"] == "Baking"
        assert shop.status()["bakeSeconds"] <= baked + 4
        cluster.signal("prometheus", signal.SIGCONT)


def test_a_prometheus_that_hangs_under_a_crashing_patch_never_raises_it(own_cluster: tuple[Provider, Operator]) -> None:
    cluster, _ = own_cluster
    policies = {"rollback": {"onMetricsUnavailable": "Rollback"}, "default": {}}
    shops = {policy: Stories(cluster, policy) for policy in policies}
    for shop in shops.values():
        shop.open(patched="sample:crash")
    with contextlib.ExitStack() as stories:
        loads = {policy: stories.enter_context(shop.story("RolledBack")) for policy, shop in shops.items()}
        began = time.time()
        for policy, shop in shops.items():
            shop.apply(rollout(startWeight=5, analysis={"metricsGrace": "20s", **policies[policy]}))
        for shop in shops.values():
            shop.until(lambda status: status.get("startedAt"), "the start")
        cluster.signal("prometheus", signal.SIGSTOP)
        status = shops["rollback"].phase("RolledBack", seconds=120)
        assert status["why"] == "BlindTooLong"
        blind = shops["default"].held("MetricsUnavailable")
        assert (blind["phase"], blind["weight"]) == ("Analyzing", 5)
        seen = len(loads["default"].answers())
        cluster.until(lambda: len(loads["default"].answers()) > seen + 400, "20 s more of requests", seconds=60)
        assert shops["default"].held("MetricsUnavailable")["weight"] == 5
        cluster.signal("prometheus", signal.SIGCONT)
        assert shops["default"].phase("RolledBack")["why"] == "PatchedWorse"
    for shop in shops.values():
        assert set(audit.shares(audit.requests(cluster, shop.namespace, began))) == {5, 0}


def test_pods_that_die_at_once_behind_late_proxies_lose_nothing(own_cluster: tuple[Provider, Operator]) -> None:
    cluster, _ = own_cluster
    cluster.delay_routes(0.5)
    shop = Stories(cluster, "late")
    abrupt = {"env": {"ABRUPT": "1"}, "pre_stop": 0}
    shop.apply(deployment("checkout", "sample:1.0", **abrupt), service("checkout"), route("checkout", shop.host))
    shop.apply(deployment("checkout-hotfix", "sample:1.1", **abrupt), service("checkout-hotfix"))
    shop.ready("checkout", 2)
    with shop.story("Promoted", rate=50):
        shop.apply(rollout())
    with shop.story("RolledBack", rate=50):
        shop.kubectl("delete", "hfr", "fix")
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:crash")
        shop.kubectl("scale", "deployment/checkout-hotfix", "--replicas=2")
        shop.apply(rollout())
    assert shop.image("checkout") == "sample:1.1", "what was promoted before stays"
