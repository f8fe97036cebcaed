"""How a route is marked for Flux, and freed again, on HTTPRoutes in memory and on a real API server."""

from collections.abc import Callable
from typing import Any

import pytest

from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.routers.route_patch import LENT_UNTIL, RECONCILE, STAMP
from hotfix.core.actions import AdoptRoute, SetWeights
from hotfix.ports import Key
from tests.e2e.shop import route

from .test_contract_router import SERVICES, borrowed, give_back, managers, only, router, written
from .worlds import World

__all__ = ["router"]  # a fixture
UNTIL, LATER = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"
FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


def kept_by_flux(world: World, **annotations: str) -> None:
    made = route("checkout", f"{world.namespace}.local")
    made["metadata"] |= {"labels": FLUX, "annotations": annotations}
    world.apply(made)


def annotations(world: World) -> dict[str, Any]:
    found = world.read("HTTPRoute", "checkout")["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if "last-applied" not in key}


async def lend(router: GatewayApiRouter, world: World, until: str = UNTIL) -> None:
    await written(router, world, lambda view: router.adopt(world.namespace, SERVICES, _adopt(view, until)))


def _adopt(view: Any, until: str) -> AdoptRoute:
    return AdoptRoute(route=view, rules=(0,), stamp="fix.8c1f2e7a.1", lent_until=until)


async def test_a_mark_is_set_with_patched_put_off_and_taken_away_with_it(router: GatewayApiRouter, world: World) -> None:
    kept_by_flux(world, mine="kept")
    before = await only(router, world)
    assert (before.heeds_mark, before.reconcile, before.lent_until) == (True, None, None)
    await lend(router, world)
    view = await only(router, world)
    assert (view.reconcile, view.lent_until, view.stamp) == ("disabled", UNTIL, "fix.8c1f2e7a.1")
    again = {"rules": (), "weight": 0, "stamp": "fix.8c1f2e7a.1", "lent_until": LATER}
    view = await written(router, world, lambda seen: router.apply(world.namespace, SERVICES, SetWeights(route=seen, **again)))
    assert view.lent_until == LATER
    await give_back(router, world, borrowed(before))
    assert annotations(world) == {"mine": "kept"}
    assert "hotfix-operator" not in managers(world)


async def test_what_the_annotation_was_before_comes_back(router: GatewayApiRouter, world: World) -> None:
    kept_by_flux(world, **{RECONCILE: "enabled"})
    before = await only(router, world)
    await lend(router, world)
    await give_back(router, world, borrowed(before).model_copy(update={"reconcile": before.reconcile}))
    assert annotations(world) == {RECONCILE: "enabled"}


async def test_a_mark_of_somebody_else_stays(router: GatewayApiRouter, world: World) -> None:
    kept_by_flux(world, **{RECONCILE: "disabled"})
    before = await only(router, world)
    await give_back(router, world, borrowed(before))
    assert annotations(world) == {RECONCILE: "disabled"}


async def freed_by(router: GatewayApiRouter, world: World, live: Callable[[Key], bool], now: float) -> list[str]:
    """What is taken back, once the Gateway's controller does not write its word into the route's status first."""
    for _ in range(20):
        if found := await router.take_back(world.namespace, live, now):
            return found
    raise AssertionError("somebody always writes first")


@pytest.mark.parametrize(("live", "now", "freed"), [(False, 2e9, True), (True, 2e9, False), (False, 1.8e9, False)])
async def test_an_overdue_mark_of_a_rollout_that_is_gone_is_taken_away(
    router: GatewayApiRouter, world: World, live: bool, now: float, freed: bool
) -> None:
    kept_by_flux(world)
    await lend(router, world)
    asked: list[Key] = []

    def is_live(key: Key) -> bool:
        asked.append(key)
        return live

    found = await freed_by(router, world, is_live, now) if freed else await router.take_back(world.namespace, is_live, now)
    assert found == ([f"{world.namespace}/checkout"] if freed else [])
    assert asked[0] == Key(world.namespace, "fix")
    assert (RECONCILE in annotations(world), STAMP in annotations(world)) == (not freed, not freed)
    assert (LENT_UNTIL in annotations(world)) is not freed


async def test_a_mark_that_somebody_made_unreadable_is_overdue(router: GatewayApiRouter, world: World) -> None:
    kept_by_flux(world, **{RECONCILE: "disabled", LENT_UNTIL: "soon"})
    assert await freed_by(router, world, lambda key: True, 1.8e9) == [f"{world.namespace}/checkout"]


@pytest.mark.parametrize("adopted", [False, True])
async def test_a_route_that_somebody_writes_to_while_it_is_freed_is_not_left_half_free(
    router: GatewayApiRouter, world: World, adopted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_by_flux(world)
    await lend(router, world)
    write, stamp = router._write, {"op": "add", "path": "/metadata/annotations", "value": {STAMP: "second.8c1f2e7a.1"}}

    async def between(namespace: str, raw: Any, operations: list[Any]) -> Any:
        done = await write(namespace, raw, operations)
        monkeypatch.undo()
        meanwhile = stamp if adopted else {"op": "add", "path": "/metadata/labels/seen", "value": "yes"}
        world.edit("HTTPRoute", "checkout", meanwhile)
        return done

    monkeypatch.setattr(router, "_write", between)
    assert await freed_by(router, world, lambda key: False, 2e9) == [f"{world.namespace}/checkout"]
    assert LENT_UNTIL not in annotations(world)
    assert ("hotfix-operator" in managers(world)) is adopted, "the ownership of a newer rollout stays"
