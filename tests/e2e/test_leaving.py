"""The operator goes in the middle of a rollout: `kubectl hotfix release` gives back what it borrowed, and nothing is stuck."""

import shlex

from tests.cluster import Provider
from tests.cluster.operator import Operator

from .shop import rollout, untouched
from .story import DELETED, GONE, Stories


def test_uninstalled_in_the_middle_everything_can_be_released(own_cluster: tuple[Provider, Operator]) -> None:
    cluster, operator = own_cluster
    shop = Stories(cluster, "leaving")
    shop.open()
    before = untouched(shop.read("httproute", "checkout"))
    with shop.story(GONE, rate=40):
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        operator.scale(0)
        kubectl, hotfix, *pasted = shlex.split(shop.status()["borrowed"]["undo"])
        assert (kubectl, hotfix) == ("kubectl", "hotfix")
        said = shop.hotfix(*pasted)
        assert "No operator takes it up; it is done from here." in said
        assert said.splitlines()[-1].startswith("Released: A person released the rollout")
        assert untouched(shop.read("httproute", "checkout")) == before
        assert shop.status()["phase"] == "RolledBack"
        shop.kubectl("delete", "hfr", "fix", "--timeout=10s")
        shop.ready("checkout-hotfix", 2)

    # and when it is back it releases by itself what a person asks for
    operator.scale(2)
    with shop.story(DELETED, rate=40):
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged again")
        assert "it is done from here" not in shop.hotfix("release", "fix")
        assert untouched(shop.read("httproute", "checkout")) == before
    shop.kubectl("delete", "namespace", shop.namespace, "--timeout=60s")
