"""The world that a contract is tried in: each test that asks for `world` runs twice."""

import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotfix.adapters.kube import Kube
from tests.cluster import Cluster
from tests.e2e.shop import service

from .faults import Faults, MemoryFaults, proxied
from .worlds import ClusterWorld, FakeWorld, World

_numbers = itertools.count(1)


def fresh_namespace(stem: str = "contract") -> str:
    """A name that no other test has."""
    return f"{stem}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}-{next(_numbers)}"


@pytest.fixture(params=["memory", pytest.param("cluster", marks=pytest.mark.cluster)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An empty namespace, in memory and on the session's cluster."""
    if request.param == "memory":
        yield FakeWorld(fresh_namespace())
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    async with await Kube.login(kubeconfig=str(cluster.kubeconfig)) as kube:
        real = ClusterWorld(cluster, kube, fresh_namespace())
        yield real
        real.close()


@pytest.fixture
async def faults(world: World, tmp_path: Path) -> AsyncIterator[Faults]:
    """Another way into the same namespace, with trouble on it; there is a Service `checkout`."""
    world.apply(service("checkout"))
    if isinstance(world, ClusterWorld):
        async with proxied(world, tmp_path) as found:
            yield found
    else:
        assert isinstance(world, FakeWorld)
        yield MemoryFaults(world)
