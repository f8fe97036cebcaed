"""The operator and its CRD are deleted in the middle of a rollout: in the order of the README, and the other way round."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster import Load, Provider
from tests.cluster.needed import started
from tests.cluster.operator import Operator
from tests.cluster.provider import ROOT

from .shop import ROLLOUTS, Shop, rollout, untouched

UNINSTALL = ("delete", "-k", str(ROOT / "deploy/base"))


@pytest.fixture
def bare() -> Iterator[Provider]:
    """A cluster of this story's own, without the operator: the story installs it, and takes its rights away under its feet."""
    with started("uninstalled") as cluster:
        cluster.without_operator()
        yield cluster


def under_way(shop: Shop) -> None:
    """Patched has 10 % and keeps them."""
    shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
    shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")


def crd(cluster: Provider) -> dict[str, str]:
    """Condition type -> reason of the CRD; nothing where it is gone."""
    text = cluster.kubectl("get", "crd", ROLLOUTS, "--ignore-not-found", "-o", "json").stdout
    return {entry["type"]: entry["reason"] for entry in json.loads(text)["status"]["conditions"]} if text else {}


def served_by_stable(shop: Shop, load: Load) -> None:
    """Who asks now is answered by stable, nobody was lost on the way, and patched's pods are left to their owner."""
    end = load.answers()[-1].sent
    shop.cluster.until(lambda: len(load.since(end)) > 20, "answers after the end")
    assert {answer.backend.rsplit("-", 2)[0] for answer in load.since(end)} == {"checkout"}
    assert load.lost() == []
    assert shop.replicas("checkout-hotfix") == 2


def test_a_rollout_can_be_released_before_everything_is_deleted_and_also_afterwards(bare: Provider) -> None:
    operator, shop = Operator.install(bare, scrape="2s"), Shop(bare, "uninstalled")
    shop.open()
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(40) as load:
        # in the right order: nothing hangs
        under_way(shop)
        shop.hotfix("release", "fix")
        assert untouched(shop.read("httproute", "checkout")) == before
        bare.kubectl(*UNINSTALL, "--timeout=60s")
        assert crd(bare) == {}
        served_by_stable(shop, load)

        # the other way round: the CRD waits for the finalizer, and nobody is left to take it off. The operator goes first: one
        # that lives a moment longer sees the deletion and begins the way back
        operator = Operator.install(bare, scrape="2s")
        under_way(shop)
        operator.scale(0)
        command = [*bare.kubectl_command, *UNINSTALL, "--timeout=120s"]
        with subprocess.Popen(command) as uninstalling:
            bare.until(lambda: crd(bare).get("Terminating") == "InstanceDeletionInProgress", "the CRD waits")
            assert shop.weights() == {"checkout": 90, "checkout-hotfix": 10}
            assert "it is done from here" in shop.hotfix("release", "fix")
            assert untouched(shop.read("httproute", "checkout")) == before
            assert uninstalling.wait(60) == 0
        assert crd(bare) == {}
        served_by_stable(shop, load)
    assert not bare.kubectl("get", "namespace", "hotfix-system", "--ignore-not-found", "-o", "name").stdout
