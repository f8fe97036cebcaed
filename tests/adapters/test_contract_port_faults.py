"""What every port's reads and writes make of trouble on the way, in memory and on a real API server: an answer that is not there
is never nothing, what was refused was not done, and what was done without an answer is not done twice.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hotfix.adapters.kube import Kube
from hotfix.adapters.leases import KubeLease
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.actions import AdoptRoute, ReleaseRoute, SetWeights
from hotfix.core.observation import DeploymentView, RouteView, ScalerView
from hotfix.core.spec import HttpRoute
from hotfix.core.status import BorrowedRoute, BorrowedRule
from hotfix.errors import Conflict, Refused, Unavailable
from tests.e2e.shop import autoscaler, deployment, route, service

from .faults import Faults
from .worlds import FakeWorld, World

SERVICES = ("checkout", "checkout-hotfix")
ORIGINAL = BorrowedRoute(
    name="checkout", rules=[BorrowedRule(index=0, name=None, stable_weight=1, patched_weight=None, others=[])]
)
REFUSALS = [(403, Refused), (429, Unavailable), (500, Unavailable), (503, Unavailable)]
Act = Callable[[Kube], Awaitable[Any]]  # on a connection


async def _deployment(world: World) -> DeploymentView:
    """One that no controller has anything to do for."""
    item = deployment("checkout", "sample:1.0", replicas=0)
    item["spec"]["paused"] = True
    world.apply(item)
    world.until(lambda: world.read("Deployment", "checkout").get("status", {}).get("observedGeneration"), "it was looked at")
    view = (await KubeWorkloads(world.kube).read(world.namespace, "checkout", "checkout")).deployment
    assert view is not None
    return view


async def _scaler(world: World) -> ScalerView:
    await _deployment(world)
    world.apply(autoscaler("checkout"))
    if not isinstance(world, FakeWorld):  # where somebody works on it
        world.until(
            lambda: (world.read("HorizontalPodAutoscaler", "checkout").get("status") or {}).get("conditions"), "looked at"
        )
    view = (await KubeWorkloads(world.kube).read(world.namespace, "checkout", "checkout")).scaler
    assert view is not None
    return view


async def _route(world: World, *, adopted: bool) -> RouteView:
    """One of a Gateway that is not there, so that nobody writes a status."""
    item = route("checkout", f"{world.namespace}.local")
    item["spec"]["parentRefs"] = [{"name": "nobody"}]
    world.apply(item, service("checkout-hotfix"))
    router = GatewayApiRouter(world.kube)

    async def look() -> RouteView:
        return (await router.read(world.namespace, [HttpRoute(name="checkout")], SERVICES, survey=False)).routes[0]

    if adopted:
        await router.adopt(world.namespace, SERVICES, AdoptRoute(route=await look(), rules=(0,), stamp="fix.1.1"))
    return await look()


async def replicas(world: World) -> Act:
    view = await _deployment(world)
    return lambda kube: KubeWorkloads(kube).scale(world.namespace, view, 2)


async def pod_spec(world: World) -> Act:
    view = await _deployment(world)
    wanted = {**view.pod_spec, "terminationGracePeriodSeconds": 7}
    return lambda kube: KubeWorkloads(kube).set_pod_spec(world.namespace, view, wanted)


async def floor(world: World) -> Act:
    view = await _scaler(world)
    return lambda kube: KubeWorkloads(kube).set_scaler_floor(world.namespace, view, 3)


async def backend(world: World) -> Act:
    view = await _route(world, adopted=False)
    change = AdoptRoute(route=view, rules=(0,), stamp="fix.1.1")
    return lambda kube: GatewayApiRouter(kube).adopt(world.namespace, SERVICES, change)


async def weights(world: World) -> Act:
    change = SetWeights(route=await _route(world, adopted=True), rules=(0,), weight=20, stamp="fix.1.2")
    return lambda kube: GatewayApiRouter(kube).apply(world.namespace, SERVICES, change)


async def given_back(world: World) -> Act:
    change = ReleaseRoute(route=await _route(world, adopted=True), original=ORIGINAL, keep_weights=False)
    return lambda kube: GatewayApiRouter(kube).release(world.namespace, SERVICES, change)


async def lease(world: World) -> Act:
    seen = await KubeLease(world.kube, world.namespace, "checkout").write(None, "a", 15)
    return lambda kube: KubeLease(kube, world.namespace, "checkout").write(seen, "b", 15)


WRITES: dict[str, tuple[str, Callable[[World], Awaitable[Act]]]] = {
    "replicas": ("Deployment", replicas),
    "pod spec": ("Deployment", pod_spec),
    "floor": ("HorizontalPodAutoscaler", floor),
    "backend": ("HTTPRoute", backend),
    "weights": ("HTTPRoute", weights),
    "given back": ("HTTPRoute", given_back),
    "lease": ("Lease", lease),
}


@pytest.fixture(params=WRITES)
async def write(request: pytest.FixtureRequest, world: World, faults: Faults) -> tuple[Act, Callable[[], Any]]:
    """A write that was decided on, and how to look at what it is to change."""
    kind, prepared = WRITES[request.param]
    return await prepared(world), lambda: world.read(kind, "checkout")["spec"]


@pytest.mark.parametrize(("status", "error"), REFUSALS)
async def test_a_write_that_is_refused_was_not_done(
    faults: Faults, write: tuple[Act, Callable[[], Any]], status: int, error: type[Exception]
) -> None:
    act, seen = write
    before = seen()
    faults.next("PATCH", "refuse", status)
    with pytest.raises(error):
        await act(faults.kube)
    assert seen() == before
    await act(faults.kube)
    assert seen() != before


async def test_a_write_whose_answer_is_lost_is_unavailable_and_is_not_done_twice(
    faults: Faults, write: tuple[Act, Callable[[], Any]]
) -> None:
    act, seen = write
    before = seen()
    faults.next("PATCH", "lost")
    with pytest.raises(Unavailable):
        await act(faults.kube)
    done = seen()
    assert done != before
    with pytest.raises(Conflict):
        await act(faults.kube)
    assert seen() == done


async def test_a_write_that_is_slow_is_done(faults: Faults, write: tuple[Act, Callable[[], Any]]) -> None:
    act, seen = write
    before = seen()
    faults.next("PATCH", "slow")
    await act(faults.kube)
    assert seen() != before


async def _side(world: World) -> Act:
    await _deployment(world)
    return lambda kube: KubeWorkloads(kube).read(world.namespace, "checkout", "checkout")


async def _routes(world: World) -> Act:
    await _route(world, adopted=True)
    return lambda kube: GatewayApiRouter(kube).read(world.namespace, None, SERVICES, survey=True)


async def _held(world: World) -> Act:
    await lease(world)
    return lambda kube: KubeLease(kube, world.namespace, "checkout").read()


@pytest.fixture(params=[_side, _routes, _held], ids=["side", "routes", "lease"])
async def read(request: pytest.FixtureRequest, world: World, faults: Faults) -> Act:
    found: Act = await request.param(world)
    return found


@pytest.mark.parametrize(("status", "error"), REFUSALS)
async def test_a_read_that_is_refused_in_part_is_none_at_all(
    faults: Faults, read: Act, status: int, error: type[Exception]
) -> None:
    faults.next("GET", "refuse", status)
    with pytest.raises(error):
        await read(faults.kube)


async def test_a_read_that_is_lost_in_part_is_none_at_all_and_a_slow_one_is_whole(
    faults: Faults, read: Act, world: World
) -> None:
    faults.next("GET", "lost")
    with pytest.raises(Unavailable):
        await read(faults.kube)
    faults.next("GET", "slow")
    assert await read(faults.kube) == await read(world.kube)
