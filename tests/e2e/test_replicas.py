"""Two operators, one leads: when it ends, is killed, or sleeps past its lease, the other one goes on, and never both write."""

import signal

from tests.cluster import Provider
from tests.cluster.operator import Operator

from .shop import rollout
from .story import GONE, Stories


def paused(shop: Stories, value: bool) -> None:
    """Ask for it, and wait until an operator has decided on it."""
    shop.edit(paused=value)
    shop.until(lambda status: (status.get("held") == "Paused") is value, f"paused {value} was seen", seconds=60)


def test_the_other_replica_goes_on_when_the_leader_ends_is_killed_or_sleeps(own_cluster: tuple[Provider, Operator]) -> None:
    cluster, operator = own_cluster
    shop = Stories(cluster, "replicas")
    shop.open()
    cluster.until(lambda: len(operator.pids()) == 2, "two replicas run")
    with shop.story(GONE, rate=40):
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")

        first, leader = operator.holder(), operator.leader()
        shop.cluster.kubectl("delete", "pod", leader, "-n", "hotfix-system", "--wait=false")
        second = operator.another(first)
        paused(shop, True)

        cluster.kill(operator.pid(), signal.SIGKILL)
        paused(shop, False)
        third = operator.another(second)
        shop.phase("Baking", seconds=180)

        pid = operator.pid()
        cluster.kill(pid, signal.SIGSTOP)
        shop.kubectl("delete", "hfr", "fix", "--wait=false")
        cluster.until(lambda: shop.weights().get("checkout-hotfix", 0) == 0, "the other one took traffic away", seconds=60)
        operator.another(third)
        cluster.kill(pid, signal.SIGCONT)
        cluster.until(lambda: pid not in operator.pids(), "the one that slept ends", seconds=120)
        cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout is gone", seconds=60)
    stamps = operator.stamps(shop.namespace)
    assert len(stamps) > 4
    assert stamps == sorted(stamps), "no older intention was ever written over a newer one"
