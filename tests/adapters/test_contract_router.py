"""What every Router does, on HTTPRoutes in memory and on a real API server with a real Gateway."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.core.actions import AdoptRoute, ReleaseRoute, SetWeights
from hotfix.core.observation import Ack, RoutesView, RouteView
from hotfix.core.spec import HttpRoute
from hotfix.core.status import BorrowedRoute, BorrowedRule
from hotfix.errors import Conflict, NotFound, Refused
from hotfix.ports import Router
from tests.e2e.shop import route, service

from .worlds import World

SERVICES = ("checkout", "checkout-hotfix")
OURS = "hotfix-operator"


def backend(name: str, weight: int | None = None) -> dict[str, Any]:
    return {"name": name, "port": 80} | ({} if weight is None else {"weight": weight})


def rule(*backends: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"backendRefs": list(backends), **more}


@pytest.fixture
def router(world: World) -> Router:
    world.apply(service("checkout"), service("checkout-hotfix"), service("other"))
    return GatewayApiRouter(world.kube)


def borrowed(view: RouteView) -> BorrowedRoute:
    """What is remembered of a route before it is touched."""
    rules = [
        BorrowedRule(index=r.index, name=r.name, stable_weight=r.stable, patched_weight=r.patched, others=list(r.others))
        for r in view.rules
    ]
    return BorrowedRoute(name=view.name, rules=rules)


async def look(router: Router, world: World, *names: str, survey: bool = False) -> RoutesView:
    wanted = [HttpRoute(name=name) for name in names or ("checkout",)]
    return await router.read(world.namespace, wanted, SERVICES, survey=survey)


async def only(router: Router, world: World) -> RouteView:
    return (await look(router, world)).routes[0]


async def written(router: Router, world: World, write: Callable[[RouteView], Awaitable[None]]) -> RouteView:
    """Write what was looked at; anew after a Conflict (the Gateway's controller writes its word into the route's status)."""
    for _ in range(20):
        try:
            await write(await only(router, world))
        except Conflict:
            continue
        return await only(router, world)
    raise AssertionError("somebody always writes first")


async def adopt(router: Router, world: World, view: RouteView, rules: tuple[int, ...] = (0,), stamp: str = "fix.1.1") -> None:
    await router.adopt(world.namespace, SERVICES, AdoptRoute(route=view, rules=rules, stamp=stamp))


async def weigh(
    router: Router, world: World, view: RouteView, weight: int, *, rules: tuple[int, ...] = (0,), stamp: str = "fix.1.1"
) -> None:
    await router.apply(world.namespace, SERVICES, SetWeights(route=view, rules=rules, weight=weight, stamp=stamp))


async def release(router: Router, world: World, view: RouteView, original: BorrowedRoute, *, keep_weights: bool = False) -> None:
    await router.release(world.namespace, SERVICES, ReleaseRoute(route=view, original=original, keep_weights=keep_weights))


async def shift(router: Router, world: World, weight: int, rules: tuple[int, ...] = (0,)) -> RouteView:
    """Adopt where needed, weigh, and look."""
    await written(router, world, lambda view: adopt(router, world, view, rules))
    return await written(router, world, lambda view: weigh(router, world, view, weight, rules=rules))


async def give_back(router: Router, world: World, original: BorrowedRoute, *, keep_weights: bool = False) -> None:
    await written(router, world, lambda view: release(router, world, view, original, keep_weights=keep_weights))


def weights(world: World, place: int = 0) -> dict[str, int]:
    refs = world.read("HTTPRoute", "checkout")["spec"]["rules"][place]["backendRefs"]
    return {ref["name"]: ref["weight"] for ref in refs}


def managers(world: World) -> set[str]:
    return {entry["manager"] for entry in world.read("HTTPRoute", "checkout")["metadata"].get("managedFields") or ()}


def given(world: World, *rules: dict[str, Any], name: str = "checkout") -> None:
    world.apply(route(name, f"{world.namespace}.local", *rules))


async def test_a_route_that_does_not_exist_is_named(router: Router, world: World) -> None:
    given(world)
    view = await look(router, world, "checkout", "none")
    assert view.missing == ("HTTPRoute none",)
    assert [found.name for found in view.routes] == ["checkout"]


async def test_without_a_name_the_only_route_that_names_stable_is_read(router: Router, world: World) -> None:
    given(world)
    given(world, rule(backend("other")), name="unrelated")
    view = await router.read(world.namespace, None, SERVICES, survey=False)
    assert (view.candidates, [found.name for found in view.routes]) == (("checkout",), ["checkout"])
    given(world, name="second")
    view = await router.read(world.namespace, None, SERVICES, survey=False)
    assert (view.candidates, view.routes) == (("checkout", "second"), ())
    route_seen = (await look(router, world)).routes[0]
    await router.adopt(world.namespace, SERVICES, AdoptRoute(route=route_seen, rules=(0,), stamp="fix.8c1f2e7a.1"))
    view = await router.read(world.namespace, None, SERVICES, survey=False)
    assert (view.candidates, [found.stamp for found in view.routes]) == (("checkout", "second"), ["fix.8c1f2e7a.1"])


async def test_what_by_passes_the_weights_is_listed(router: Router, world: World) -> None:
    given(world)
    given(world, name="second")
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "checkout", "port": {"number": 80}}}}]
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "old"}}
    world.apply({**ingress, "spec": {"rules": [{"http": {"paths": paths}}]}})
    assert (await look(router, world, survey=True)).bypasses == ("HTTPRoute second", "Ingress old")
    assert (await look(router, world, survey=False)).bypasses == ()


async def test_the_word_of_the_controllers_is_that_on_the_present_generation(router: Router, world: World) -> None:
    given(world)
    acks: list[Ack] = []

    async def ack() -> Ack:
        return (await only(router, world)).ack

    world.until(lambda: "parents" in world.read("HTTPRoute", "checkout").get("status", {}), "the route is reported on")
    view = await only(router, world)
    acks.append(view.ack)
    assert view.controllers == ("projectcontour.io/gateway-controller",)
    await shift(router, world, 10)
    world.until(lambda: _reported(world), "the new generation is reported on")
    acks.append(await ack())
    assert acks == [Ack.APPLIED, Ack.APPLIED]


def _reported(world: World) -> bool:
    found = world.read("HTTPRoute", "checkout")
    conditions = [c for parent in found["status"]["parents"] for c in parent["conditions"]]
    return all(c["observedGeneration"] == found["metadata"]["generation"] for c in conditions)


async def test_a_parent_that_nobody_reports_on_is_awaited(router: Router, world: World) -> None:
    item = route("checkout", "nobody.local")
    item["spec"]["parentRefs"].append({"name": "nobody"})
    world.apply(item)
    if hasattr(world, "controllers"):  # in memory; on a cluster there is no such Gateway
        world.controllers.deaf.add("checkout")
    view = await only(router, world)
    assert view.ack is Ack.PENDING
    assert "no controller reports on parent" in view.ack_message


@pytest.mark.parametrize(
    "rules",
    [
        (rule(backend("checkout")),),
        (rule(backend("checkout", 7)),),
        (rule(backend("checkout"), backend("other", 3)),),
        (rule(backend("other", 20), backend("checkout", 10)), rule(backend("checkout", 1_000_000))),
        (rule(backend("checkout", 100), backend("checkout-hotfix", 0)),),
        (
            rule(backend("checkout"), matches=[{"path": {"type": "PathPrefix", "value": "/a"}}]),
            rule(backend("other")),
            rule(backend("checkout"), matches=[{"path": {"type": "Exact", "value": "/b"}}]),
        ),
    ],
    ids=["weight left out", "weight", "third backend", "two rules", "prepared", "three rules"],
)
async def test_given_back_a_route_is_what_it_was_byte_for_byte(router: Router, world: World, rules: Any) -> None:
    given(world, *rules)
    before, view = world.read("HTTPRoute", "checkout"), await only(router, world)
    places = tuple(found.index for found in view.rules)
    original = borrowed(view)
    for weight in (1, 37, 100, 0):
        shifted = await shift(router, world, weight, places)
        assert shifted.ours
        for found in shifted.rules:
            assert found.patched is not None
            assert abs(100 * found.patched / (found.stable + found.patched) - weight) < 0.5
    await give_back(router, world, original)
    after = world.read("HTTPRoute", "checkout")
    assert json.dumps(after["spec"]) == json.dumps(before["spec"])
    assert OURS not in managers(world)
    assert not (await only(router, world)).ours
    for field in ("labels", "annotations", "finalizers"):
        assert after["metadata"].get(field) == before["metadata"].get(field)


async def test_giving_back_twice_is_giving_back_once(router: Router, world: World) -> None:
    given(world)
    original = borrowed(await only(router, world))
    await shift(router, world, 25)
    await give_back(router, world, original)
    version = world.read("HTTPRoute", "checkout")["spec"]
    await give_back(router, world, original)
    assert world.read("HTTPRoute", "checkout")["spec"] == version


async def test_the_same_weight_again_is_no_write(router: Router, world: World) -> None:
    given(world)
    await shift(router, world, 25)
    generation = world.read("HTTPRoute", "checkout")["metadata"]["generation"]
    await shift(router, world, 25)
    assert world.read("HTTPRoute", "checkout")["metadata"]["generation"] == generation


async def test_a_new_weight_is_one_write(router: Router, world: World) -> None:
    given(world, rule(backend("checkout")), rule(backend("checkout"), backend("other", 5)))
    view = await shift(router, world, 5, (0, 1))
    latest = await shift(router, world, 0, (0, 1))
    assert latest.generation == view.generation + 1
    assert [found.patched for found in latest.rules] == [0, 0]


async def test_third_backends_keep_their_share(router: Router, world: World) -> None:
    given(world, rule(backend("checkout", 3), backend("other", 1)))
    await shift(router, world, 10)
    assert weights(world) == {"checkout": 270, "other": 100, "checkout-hotfix": 30}


async def test_a_stale_view_never_overwrites(router: Router, world: World) -> None:
    given(world)
    stale = await shift(router, world, 5)
    world.edit("HTTPRoute", "checkout", {"op": "add", "path": "/spec/hostnames/-", "value": f"more.{world.namespace}.local"})
    for write in (
        weigh(router, world, stale, 50),
        release(router, world, stale, borrowed(stale), keep_weights=True),
    ):
        with pytest.raises(Conflict):
            await write
    assert (await only(router, world)).rules == stale.rules


async def test_a_view_of_backends_that_are_gone_is_a_conflict_too(router: Router, world: World) -> None:
    given(world)
    stale = await shift(router, world, 5)
    given(world, rule(backend("other")))
    with pytest.raises(Conflict):
        await weigh(router, world, stale, 50)
    assert weights(world) == {"other": 1}


async def test_a_route_that_is_deleted_meanwhile_is_not_made_anew(router: Router, world: World) -> None:
    given(world)
    view = await only(router, world)
    world.delete("HTTPRoute", "checkout")
    world.until(lambda: "checkout" not in world.names("HTTPRoute"), "the route is gone")
    with pytest.raises(NotFound):
        await adopt(router, world, view)
    assert (await look(router, world)).missing == ("HTTPRoute checkout",)


async def test_who_changed_the_weights_last_is_seen(router: Router, world: World) -> None:
    given(world)
    assert ((await only(router, world)).ours, (await only(router, world)).weight_manager) == (False, "kubectl")
    view = await shift(router, world, 5)
    assert (view.ours, view.weight_manager) == (True, None)
    world.edit("HTTPRoute", "checkout", {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77})
    view = await only(router, world)
    assert (view.ours, view.weight_manager) == (False, "kubectl-edit")


async def test_edits_of_other_fields_survive_the_way_back(router: Router, world: World) -> None:
    given(world)
    original = borrowed(await only(router, world))
    await shift(router, world, 25)
    world.edit(
        "HTTPRoute",
        "checkout",
        {"op": "add", "path": "/metadata/labels", "value": {"team": "payments"}},
        {"op": "add", "path": "/spec/rules/0/timeouts", "value": {"request": "5s"}},
        {"op": "add", "path": "/spec/rules/0/backendRefs/-", "value": backend("other", 50)},
    )
    await give_back(router, world, original)
    found = world.read("HTTPRoute", "checkout")
    assert found["metadata"]["labels"] == {"team": "payments"}
    assert found["spec"]["rules"][0]["timeouts"] == {"request": "5s"}
    assert weights(world) == {"checkout": 100, "other": 50}, "the share that was given to the third backend"


async def test_rules_that_moved_are_found_again(router: Router, world: World) -> None:
    given(world, rule(backend("checkout", 9)), rule(backend("checkout", 4)))
    original = borrowed(await only(router, world))
    await shift(router, world, 25, (0, 1))
    first, second = world.read("HTTPRoute", "checkout")["spec"]["rules"]
    moved = [rule(backend("other", 8)), second, first]
    world.edit("HTTPRoute", "checkout", {"op": "replace", "path": "/spec/rules", "value": moved})
    await give_back(router, world, original)
    assert [weights(world, place) for place in range(3)] == [{"other": 8}, {"checkout": 4}, {"checkout": 9}]


async def test_what_git_put_back_already_is_left_alone(router: Router, world: World) -> None:
    given(world)
    original = borrowed(await only(router, world))
    await shift(router, world, 25)
    given(world)
    view = await written(router, world, lambda view: weigh(router, world, view, 0))
    assert (view.rules[0].patched, view.ours) == (None, False)
    await give_back(router, world, original)
    assert weights(world) == {"checkout": 1}
    with pytest.raises(Refused, match="does not name both"):
        await weigh(router, world, view, 50)


async def test_kept_weights_stay_and_the_ownership_goes(router: Router, world: World) -> None:
    given(world, rule(backend("checkout", 2), backend("other", 1)))
    original = borrowed(await only(router, world))
    await shift(router, world, 5)
    await shift(router, world, 100)
    await give_back(router, world, original, keep_weights=True)
    assert weights(world) == {"checkout": 0, "other": 1, "checkout-hotfix": 2}
    assert OURS not in managers(world)


async def test_other_fields_of_a_backend_and_of_a_rule_survive(router: Router, world: World) -> None:
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-side", "value": "stable"}]}}
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "other", "port": 80}}}
    given(world, rule({**backend("checkout"), "filters": [header]}, filters=[mirror]))
    before = world.read("HTTPRoute", "checkout")["spec"]
    original = borrowed(await only(router, world))
    await shift(router, world, 25)
    found = world.read("HTTPRoute", "checkout")["spec"]["rules"][0]
    assert found["filters"] == before["rules"][0]["filters"]
    assert [ref["filters"] for ref in found["backendRefs"]] == [before["rules"][0]["backendRefs"][0]["filters"]] * 2
    await give_back(router, world, original)
    assert world.read("HTTPRoute", "checkout")["spec"] == before


async def test_a_stamp_alone_is_a_write_and_goes_when_the_route_is_given_back(router: Router, world: World) -> None:
    given(world)
    original = borrowed(await only(router, world))
    first = await shift(router, world, 5)
    assert first.stamp == "fix.1.1"
    second = await written(router, world, lambda view: weigh(router, world, view, 5, rules=(), stamp="fix.1.2"))
    assert (second.stamp, second.rules) == ("fix.1.2", first.rules)
    with pytest.raises(Conflict):
        await weigh(router, world, first, 50, stamp="fix.1.1")
    await give_back(router, world, original)
    assert (await only(router, world)).stamp is None
    assert "annotations" not in world.read("HTTPRoute", "checkout")["metadata"]


async def test_other_annotations_stay_when_the_stamp_goes(router: Router, world: World) -> None:
    given(world)
    original = borrowed(await only(router, world))
    world.edit("HTTPRoute", "checkout", {"op": "add", "path": "/metadata/annotations", "value": {"team": "payments"}})
    await shift(router, world, 5)
    await give_back(router, world, original)
    assert world.read("HTTPRoute", "checkout")["metadata"]["annotations"] == {"team": "payments"}
