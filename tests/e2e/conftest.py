"""What end-to-end stories start from."""

from collections.abc import Iterator

import pytest

from tests.cluster import Provider
from tests.cluster.needed import started
from tests.cluster.operator import Operator

from .story import Stories


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every story needs the cluster."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
            if {"own_cluster", "around", "hook", "bare", "flux"} & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.alone)
                item.add_marker(pytest.mark.needs("own operator"))


@pytest.fixture
def shop(cluster: Provider, operator: Operator, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """A namespace of this story's own; it goes with the story."""
    shop = Stories(cluster, request.node.name.removeprefix("test_"))
    yield shop
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@pytest.fixture
def own_cluster() -> Iterator[tuple[Provider, Operator]]:
    """A cluster of this story's own, for what stops or delays parts of it. What the operator did in it was within its rights."""
    with started("own") as cluster:
        operator = Operator.install(cluster, scrape="2s")
        yield cluster, operator
        used = operator.used()
        assert used, "the audit log tells what it did"
        assert used <= operator.granted()
        assert operator.refused() == []
        assert operator.strayed() == set()
