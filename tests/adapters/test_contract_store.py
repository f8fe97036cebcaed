"""The checks of store_contract.py, in memory and on a real API server."""

from pathlib import Path

import pytest

from hotfix.adapters.kube import Kube
from hotfix.adapters.store import KubeStore
from hotfix.ports import Key
from tests.cluster import Cluster
from tests.cluster.cluster import ROOT
from tests.cluster.needed import started

from .conftest import fresh_namespace
from .faults import MemoryFaults, proxied
from .store_contract import CHECKS, FINALIZER, Check, rollout, trouble_on_the_way
from .worlds import ClusterWorld, FakeWorld


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_in_memory(check: Check) -> None:
    world = FakeWorld("shop")
    await check(KubeStore(world.kube), world)


async def test_trouble_on_the_way_in_memory() -> None:
    world = FakeWorld("shop")
    status, finalizers = await trouble_on_the_way(world, MemoryFaults(world))
    assert (status["phase"], finalizers) == ("Pending", [FINALIZER])


@pytest.mark.cluster
async def test_on_a_real_api_server(tmp_path: Path) -> None:
    with started("store") as cluster:
        cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "crds" / "hotfixrollout.yaml"))
        listed = ("get", "hotfixrollouts.hotfix-operator.dev", "-A")
        cluster.until(lambda: cluster.kubectl(*listed, check=False).returncode == 0, "the CRD is served", seconds=30)
        async with await Kube.login(kubeconfig=str(cluster.kubeconfig)) as kube:
            for check in CHECKS:
                await check(KubeStore(kube), ClusterWorld(cluster, kube, fresh_namespace("store")))
            await _an_ending_namespace_is_seen(cluster, kube)
            world = ClusterWorld(cluster, kube, fresh_namespace("trouble"))
            async with proxied(world, tmp_path) as faults:
                status, finalizers = await trouble_on_the_way(world, faults)
                assert (status["phase"], finalizers) == ("Pending", [FINALIZER])


async def _an_ending_namespace_is_seen(cluster: Cluster, kube: Kube) -> None:
    world = ClusterWorld(cluster, kube, fresh_namespace("ending"))
    store, key = KubeStore(kube), Key(world.namespace, "fix")
    world.apply(rollout())
    found = await store.load(key)
    assert found is not None
    await store.set_finalizer(found, present=True)
    world.close()
    world.until(lambda: "deletionTimestamp" in world.read("HotfixRollout", "fix")["metadata"], "the namespace takes it along")
    ending = await store.load(key)
    assert ending is not None
    assert ending.namespace_ending
    assert await store.set_finalizer(ending, present=False) is None
    assert await store.load(key) is None


async def test_an_ending_namespace_is_seen_in_memory() -> None:
    world = FakeWorld("shop")
    store, key = KubeStore(world.kube), Key("shop", "fix")
    world.apply(rollout())
    found = await store.load(key)
    assert found is not None
    await store.set_finalizer(found, present=True)
    world.api.end_namespace("shop")
    ending = await store.load(key)
    assert ending is not None
    assert ending.namespace_ending
    saved = await store.save_status(ending, {"phase": "RolledBack"})
    assert saved.namespace_ending, "what was seen once stays known"
    world.api.delete("Namespace", "", "shop")
    gone = await store.load(key)
    assert gone is not None
    assert gone.namespace_ending
