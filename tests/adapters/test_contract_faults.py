"""What the connection says of every kind of trouble, and what the server holds then: in memory and on a real API server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.kube import Kube, path
from hotfix.adapters.login import configuration
from hotfix.adapters.mirror import Mirror
from hotfix.adapters.workloads import SERVICES
from hotfix.errors import Conflict, Refused, Unavailable
from tests.cluster import Cluster
from tests.cluster.components import kubeconfig
from tests.e2e.shop import route, service

from .faults import Faults, until
from .worlds import ClusterWorld, FakeWorld, World

LABEL = {"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}


def url(world: World, name: str = "checkout") -> str:
    return path("v1", "services", world.namespace, name)


def at_version(world: World, operation: dict[str, Any] = LABEL) -> list[dict[str, Any]]:
    """The operation, for the object as it is now."""
    version = world.read("Service", "checkout")["metadata"]["resourceVersion"]
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}, operation]


def labels(world: World) -> dict[str, str] | None:
    found: dict[str, str] | None = world.read("Service", "checkout")["metadata"].get("labels")
    return found


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_answer_that_passes_is_unavailable_and_nothing_was_done(world: World, faults: Faults, status: int) -> None:
    faults.next("PATCH", "refuse", status)
    with pytest.raises(Unavailable) as found:
        await faults.kube.json_patch(url(world), at_version(world))
    assert found.value.retry_after_seconds == (1.0 if status == 429 else None)
    assert labels(world) is None
    await faults.kube.json_patch(url(world), at_version(world))
    assert labels(world) == {"seen": "yes"}


async def test_forbidden_is_refused_and_nothing_was_done(world: World, faults: Faults) -> None:
    faults.next("PATCH", "refuse", 403)
    with pytest.raises(Refused) as found:
        await faults.kube.json_patch(url(world), at_version(world))
    assert found.value.reason == "Forbidden"
    assert labels(world) is None


async def test_what_is_invalid_is_refused_and_nothing_was_done(world: World, faults: Faults) -> None:
    world.apply(route("checkout", "invalid.local"))
    where = path("gateway.networking.k8s.io/v1", "httproutes", world.namespace, "checkout")
    before = world.read("HTTPRoute", "checkout")["spec"]
    with pytest.raises(Refused) as found:
        await faults.kube.json_patch(where, [{"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 1_000_001}])
    assert found.value.reason == "InvalidRequest"
    assert world.read("HTTPRoute", "checkout")["spec"] == before


async def test_an_answer_that_is_lost_is_unavailable_though_it_was_done(world: World, faults: Faults) -> None:
    operations = at_version(world)
    faults.next("PATCH", "lost")
    with pytest.raises(Unavailable):
        await faults.kube.json_patch(url(world), operations)
    assert labels(world) == {"seen": "yes"}
    with pytest.raises(Conflict):  # so that nothing is done twice
        await faults.kube.json_patch(url(world), operations)


async def test_a_read_that_is_lost_is_unavailable_and_never_nothing(world: World, faults: Faults) -> None:
    faults.next("GET", "lost")
    with pytest.raises(Unavailable):
        await faults.kube.find(url(world))
    faults.next("GET", "lost")
    with pytest.raises(Unavailable):
        await faults.kube.list(path("v1", "services", world.namespace))
    faults.none()
    assert await faults.kube.find(url(world)) is not None


async def test_a_write_that_comes_late_changes_nothing_that_was_changed_meanwhile(world: World, faults: Faults) -> None:
    operations = at_version(world)
    faults.next("PATCH", "late")
    late = asyncio.create_task(faults.kube.json_patch(url(world), operations))
    await faults.under_way()
    await asyncio.to_thread(world.edit, "Service", "checkout", {**LABEL, "value": {"by": "a-person"}})
    await faults.let_go()
    with pytest.raises((Conflict, Unavailable)):  # by who still listens, and who gave up
        await late
    assert labels(world) == {"by": "a-person"}


async def test_a_write_that_comes_late_is_done_where_nobody_wrote(world: World, faults: Faults) -> None:
    faults.next("PATCH", "late")
    late = asyncio.create_task(faults.kube.json_patch(url(world), at_version(world)))
    await faults.under_way()
    await faults.let_go()
    await asyncio.gather(late, return_exceptions=True)
    assert labels(world) == {"seen": "yes"}


async def test_a_watch_from_too_old_a_version_is_unavailable(world: World, faults: Faults) -> None:
    if isinstance(world, FakeWorld):
        world.api.log.compact()
    routes = path("gateway.networking.k8s.io/v1", "httproutes", world.namespace)
    events = faults.kube.watch(routes, version="1", seconds=10)
    with pytest.raises(Unavailable, match="too old"):
        await anext(events)


async def test_what_changes_while_a_watch_breaks_off_is_told_all_the_same(world: World, faults: Faults) -> None:
    mirror = Mirror(faults.kube, asyncio.get_running_loop().time)
    try:
        faults.next("WATCH", "cut")
        assert len(await mirror.list(SERVICES, world.namespace)) == 1
        await asyncio.sleep(0)
        await asyncio.to_thread(world.apply, service("other"))
        await asyncio.to_thread(world.apply, service("third"))

        async def all_three() -> bool:
            return len(await mirror.list(SERVICES, world.namespace)) == 3

        await until(all_three, "all three are seen")
    finally:
        await mirror.close()


@pytest.mark.cluster
async def test_a_right_that_is_missing_is_named(cluster: Cluster, tmp_path: Path) -> None:
    async with await Kube.login(kubeconfig=str(cluster.kubeconfig)) as admin:
        world = ClusterWorld(cluster, admin, "without-rights")
    world.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}, service("checkout"))
    token = cluster.kubectl("create", "token", "nobody", "-n", world.namespace).stdout.strip()
    login = tmp_path / "kubeconfig"
    login.write_text(kubeconfig(f"https://127.0.0.1:{cluster.forwarders['api'].port}", token))
    async with Kube(await configuration(kubeconfig=str(login))) as kube:
        with pytest.raises(Refused, match=r"lacks a right: services .*cannot patch resource") as found:
            await kube.json_patch(url(world), at_version(world))
    assert found.value.reason == "Forbidden"
    assert labels(world) is None
    world.close()
