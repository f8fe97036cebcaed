"""What a Lease does, in memory and on a real API server: taken once, renewed and given up at the version that was read."""

import pytest

from hotfix.adapters.leases import KubeLease, LeaseRecord
from hotfix.errors import Conflict

from .worlds import World


@pytest.fixture
def lease(world: World) -> KubeLease:
    return KubeLease(world.kube, world.namespace, "hotfix-operator")


def told(record: LeaseRecord | None) -> tuple[str, int, int]:
    assert record is not None
    return record.holder, record.seconds, record.transitions


async def test_a_lease_that_nobody_made_is_none_and_is_made_once(lease: KubeLease) -> None:
    assert await lease.read() is None
    assert told(await lease.write(None, "a", 15)) == ("a", 15, 0)
    with pytest.raises(Conflict):
        await lease.write(None, "b", 15)
    assert told(await lease.read()) == ("a", 15, 0)


async def test_it_is_renewed_and_taken_over_at_the_version_that_was_read(lease: KubeLease) -> None:
    first = await lease.write(None, "a", 15)
    renewed = await lease.write(first, "a", 15)
    assert renewed.version != first.version, "so that the others see that it lives"
    assert told(renewed) == ("a", 15, 0)
    with pytest.raises(Conflict):
        await lease.write(first, "b", 15)
    assert told(await lease.write(renewed, "b", 15)) == ("b", 15, 1)


async def test_given_up_it_has_no_holder(lease: KubeLease) -> None:
    held = await lease.write(None, "a", 15)
    assert told(await lease.write(held, "", 1)) == ("", 1, 0)
    assert told(await lease.write(await lease.read(), "b", 15)) == ("b", 15, 1)
