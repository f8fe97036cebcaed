"""What the process is put together of: who writes is bound to the lease."""

import math

import pytest
from kubernetes.aio.client import Configuration

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.errors import Unavailable
from hotfix.runtime import app
from hotfix.settings import Settings


async def test_nothing_is_written_before_the_lease_is_held() -> None:
    writing, apart = Kube(Configuration(host="http://127.0.0.1:9")), Kube(Configuration(host="http://127.0.0.1:9"))
    elector = app._elector(Settings(), writing, apart, SystemClock())
    assert elector is not None
    assert not elector.holds()
    with pytest.raises(Unavailable, match="nothing is written"):
        await writing.json_patch("/api/v1/namespaces/shop/pods/one", [])
    assert apart.write_seconds() == math.inf, "the lease itself has to be written"


async def test_one_that_needs_no_lease_writes() -> None:
    writing = Kube(Configuration(host="http://127.0.0.1:9"))
    assert app._elector(Settings(leader_election=False), writing, writing, SystemClock()) is None
    assert writing.write_seconds() == math.inf
