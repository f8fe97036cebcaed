"""Told on kind alone, where nodes can be stopped and drained: nothing here is collected elsewhere."""

from collections.abc import Iterator

import pytest

from tests.cluster import chosen
from tests.cluster.kind import Kind
from tests.cluster.kind.images import SCRAPE_SECONDS
from tests.cluster.operator import Operator
from tests.e2e.story import Stories

# what is left out so is told at the end of the run, by tests/conftest.py
collect_ignore_glob = [] if chosen.NAME == "kind" else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They need the cluster alone when they take its operator or its nodes away."""
    for item in items:
        if "/tests/kind/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
            if "kind" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.alone)


@pytest.fixture
def kind() -> Iterator[Kind]:
    """The cluster for one story, with the operator as it is shipped."""
    with Kind.borrow(chosen.FOLDER, "kind", SCRAPE_SECONDS) as cluster:
        Operator.install(cluster, scrape=f"{SCRAPE_SECONDS}s")
        yield cluster


@pytest.fixture
def shop(cluster: Kind, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """A namespace beside others."""
    shop = Stories(cluster, request.node.name.removeprefix("test_"))
    yield shop
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
