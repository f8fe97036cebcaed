"""A version is moved on and nothing is left behind, in memory and on a real API server: a write under way comes too late."""

import pytest

from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.observation import DeploymentView, RouteView, ScalerView
from hotfix.core.spec import HttpRoute
from hotfix.errors import Conflict
from tests.e2e.shop import deployment, route, service

from .test_contract_workloads import hpa
from .worlds import World

KINDS = ("Deployment", "HorizontalPodAutoscaler", "HTTPRoute")


async def seen(world: World, kind: str) -> DeploymentView | ScalerView | RouteView:
    """It as it is now."""
    if kind == "HTTPRoute":
        view = await GatewayApiRouter(world.kube).read(
            world.namespace, [HttpRoute(name="web")], ("web", "web-hotfix"), survey=False
        )
        return view.routes[0]
    side = await KubeWorkloads(world.kube).read(world.namespace, "web", "web")
    found = side.deployment if kind == "Deployment" else side.scaler
    assert found is not None
    return found


async def outdate(world: World, target: DeploymentView | ScalerView | RouteView, mark: str | None = None) -> None:
    """What is asked of an adapter."""
    if isinstance(target, RouteView):
        await GatewayApiRouter(world.kube).outdate(world.namespace, target, mark)
    else:
        await KubeWorkloads(world.kube).outdate(world.namespace, target, mark)


def users(world: World, kind: str, name: str) -> dict[str, object]:
    """All of an object but what the API server and controllers say of it."""
    item = world.read(kind, name)
    owners = {entry["manager"] for entry in item["metadata"].get("managedFields", ()) if entry["manager"] == "hotfix-operator"}
    annotations = {name: value for name, value in (item["metadata"].get("annotations") or {}).items() if "hotfix" in name}
    return {"spec": item["spec"], "labels": item["metadata"].get("labels") or {}, "annotations": annotations, "owners": owners}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_version_is_moved_on_and_nothing_is_left_behind(world: World, kind: str) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1), service("web"), hpa("web"), route("web", f"{world.namespace}.local"))
    world.until(lambda: (world.read("Deployment", "web").get("status") or {}).get("readyReplicas") == 1, "its pod is ready")
    name = "web-hpa" if kind == "HorizontalPodAutoscaler" else "web"
    before, target = users(world, kind, name), await seen(world, kind)
    await outdate(world, target)
    assert users(world, kind, name) == before
    assert kind != "HTTPRoute" or "annotations" not in world.read(kind, name)["metadata"]
    assert world.read(kind, name)["metadata"]["resourceVersion"] != target.version
    await outdate(world, target)  # it has another version already: nothing to do, and no error
    assert users(world, kind, name) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_a_mark_stays_until_it_is_taken_away_whoever_changed_the_object_since(world: World, kind: str) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=0), service("web"), hpa("web"), route("web", f"{world.namespace}.local"))
    name = "web-hpa" if kind == "HorizontalPodAutoscaler" else "web"
    before, target = users(world, kind, name), await seen(world, kind)
    await outdate(world, target, "turn-1")
    marked = await seen(world, kind)
    assert (target.outdated, marked.outdated) == (None, "turn-1")
    assert marked.version != target.version
    await outdate(world, target)  # at a version that it has no more
    assert (await seen(world, kind)).outdated is None
    assert users(world, kind, name) == before


async def test_what_is_gone_needs_no_new_version(world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=0))
    target = await seen(world, "Deployment")
    world.delete("Deployment", "web")
    world.until(lambda: "web" not in world.names("Deployment"), "it is gone")
    await outdate(world, target)
    assert "web" not in world.names("Deployment"), "nor is it made anew"


async def test_a_write_that_was_under_way_is_refused(world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=0))
    target = await seen(world, "Deployment")
    assert isinstance(target, DeploymentView)
    await outdate(world, target)
    with pytest.raises(Conflict):
        await KubeWorkloads(world.kube).scale(world.namespace, target, 2)
    assert world.read("Deployment", "web")["spec"]["replicas"] == 0
