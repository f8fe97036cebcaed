"""Shared by the tests that ask a real API server about HotfixRollouts."""

import copy
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster import Cluster

Send = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of its own for each process that tests."""
    name = f"manifests-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def send(cluster: Cluster, namespace: str) -> Send:
    """`kubectl create` or `replace` of a manifest with strict validation; what became of it, as JSON. Once more, as a user would,
    where the operator has written its status between the two requests of a `replace`."""

    def sent(verb: str, manifest: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
        placed = copy.deepcopy(manifest)
        placed["metadata"]["namespace"] = namespace
        command = (verb, "--validate=strict", "-o=json", *more, "-f", "-")
        done = cluster.kubectl(*command, stdin=json.dumps(placed), check=False)
        if "(Conflict)" in done.stderr:
            done = cluster.kubectl(*command, stdin=json.dumps(placed), check=False)
        return done

    return sent
