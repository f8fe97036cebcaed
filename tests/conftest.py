"""What several test folders share: one embedded cluster per process of a run, started when the first test asks for it."""

import gc
import os
import warnings
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, binaries

# the cluster's forwarders leave sockets to the garbage collector, which would blame whichever test is running then
LEFT_SOCKETS = "ignore:unclosed:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on a cluster are not blamed for the cluster's sockets; all other warnings stay errors."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.filterwarnings(LEFT_SOCKETS))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """An embedded cluster; where one cannot run, a skip that says why, and a failure when CI=true."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "tests")
    try:
        started = Cluster.start(name)
    except binaries.Missing as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"the embedded cluster cannot run here: {missing}")
        pytest.skip(f"the embedded cluster cannot run here: {missing}")
    with started:
        yield started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
