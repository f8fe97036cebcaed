"""Corners of the router that no API server shows on demand: no Gateway API, a write that is refused, a write that got lost."""

import pytest

from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.core.actions import AdoptRoute, ReleaseRoute, SetWeights
from hotfix.core.observation import RouteView
from hotfix.core.spec import HttpRoute
from hotfix.core.status import BorrowedRoute, BorrowedRule
from hotfix.errors import NotFound, Refused, Unavailable
from tests.e2e.shop import route

from .worlds import FakeWorld

SERVICES = ("checkout", "checkout-hotfix")
STAMP = "fix.8c1f2e7a.3"
ORIGINAL = BorrowedRoute(name="checkout", rules=[BorrowedRule(index=0, stable_weight=1)])


@pytest.fixture
def world() -> FakeWorld:
    found = FakeWorld("shop")
    found.apply(route("checkout", "checkout.local"))
    return found


async def look(world: FakeWorld) -> RouteView:
    view = await GatewayApiRouter(world.kube).read("shop", [HttpRoute(name="checkout")], SERVICES, survey=False)
    return view.routes[0]


async def adopt(router: GatewayApiRouter, view: RouteView) -> None:
    await router.adopt("shop", SERVICES, AdoptRoute(route=view, rules=(0,), stamp=STAMP))


async def release(router: GatewayApiRouter, view: RouteView) -> None:
    await router.release("shop", SERVICES, ReleaseRoute(route=view, original=ORIGINAL))


async def test_a_cluster_without_the_gateway_api_is_told_so(world: FakeWorld) -> None:
    def unknown(method: str, url: str) -> None:
        raise NotFound("the server could not find the requested resource")

    world.kube.before = unknown
    with pytest.raises(NotFound, match=r"does not serve HTTPRoutes .* install the Gateway API"):
        await GatewayApiRouter(world.kube).read("shop", None, SERVICES, survey=False)


async def test_what_the_api_server_finds_invalid_stays_refused_when_nobody_wrote_meanwhile(world: FakeWorld) -> None:
    extra = [{"name": f"s{number}", "port": 80, "weight": 1} for number in range(15)]
    full = world.read("HTTPRoute", "checkout")
    full["spec"]["rules"][0]["backendRefs"] += extra
    world.apply(full)
    view = await look(world)
    with pytest.raises(Refused, match="Too many") as caught:
        await adopt(GatewayApiRouter(world.kube), view)
    assert caught.value.reason == "InvalidRequest"


async def test_a_write_whose_answer_got_lost_is_seen_at_the_next_look(world: FakeWorld) -> None:
    router, fine = GatewayApiRouter(world.kube), world.kube.after

    def lost(method: str, url: str) -> None:
        if method == "PATCH":
            raise Unavailable("no answer")

    world.kube.after = lost
    with pytest.raises(Unavailable):
        await adopt(router, await look(world))
    world.kube.after = fine
    view = await look(world)
    assert (view.rules[0].patched, view.ours) == (0, True)
    writes = len(world.api.writes)
    await adopt(router, view)
    assert len(world.api.writes) == writes


@pytest.mark.parametrize("survives", [1, 2])
async def test_a_crash_between_the_two_writes_of_giving_back_is_mended_by_doing_it_again(world: FakeWorld, survives: int) -> None:
    router, fine = GatewayApiRouter(world.kube), world.kube.before
    before = world.read("HTTPRoute", "checkout")["spec"]
    assert "annotations" not in world.read("HTTPRoute", "checkout")["metadata"]
    await adopt(router, await look(world))
    change = SetWeights(route=await look(world), rules=(0,), weight=25, stamp=STAMP)
    await router.apply("shop", SERVICES, change)
    left = survives

    def crash(method: str, url: str) -> None:
        nonlocal left
        left -= method == "PATCH"
        if left < 0:
            raise Unavailable("crashed")

    view = await look(world)
    world.kube.before = crash
    if survives < 2:
        with pytest.raises(Unavailable):
            await release(router, view)
        world.kube.before = fine
        view = await look(world)
        assert view.ours, "so that the next look tries again"
    await release(router, view)
    assert world.read("HTTPRoute", "checkout")["spec"] == before
    assert not (await look(world)).ours
    assert "annotations" not in world.read("HTTPRoute", "checkout")["metadata"], "the stamp is gone too"
