"""What Workloads does, on an API server in memory and on a real one with real controllers and pods."""

import copy
from typing import Any

import pytest

from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.observation import DeploymentView, LabelSelector, ScalerView, SideView
from hotfix.errors import Conflict, NotFound
from hotfix.ports import Workloads
from tests.e2e.shop import deployment, service

from .worlds import FakeWorld, World


@pytest.fixture
def workloads(world: World) -> Workloads:
    return KubeWorkloads(world.kube)


async def look(workloads: Workloads, world: World, name: str = "web") -> SideView:
    return await workloads.read(world.namespace, name, name)


def seen(view: SideView) -> DeploymentView:
    assert view.deployment is not None
    return view.deployment


def scaler(view: SideView) -> ScalerView:
    assert view.scaler is not None
    return view.scaler


def hpa(target: str, **spec: Any) -> dict[str, Any]:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    body = {"scaleTargetRef": ref, "maxReplicas": 5, **spec}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"{target}-hpa"},
        "spec": body,
    }


def ready(world: World, name: str, count: int) -> None:
    def is_so() -> bool:
        status = world.read("Deployment", name).get("status") or {}
        return (status.get("readyReplicas") or 0, status.get("replicas") or 0) == (count, count)

    world.until(is_so, f"{name} has {count} pods, all ready")


async def test_what_does_not_exist_is_named(workloads: Workloads, world: World) -> None:
    view = await look(workloads, world)
    assert (view.deployment, view.service, view.pods, view.scaler) == (None, None, (), None)
    assert view.missing == ("Deployment web", "Service web")
    world.apply(service("web"))
    view = await look(workloads, world)
    assert view.missing == ("Deployment web",)
    assert view.service is not None
    assert (view.service.ports, view.service.selector, view.ready_endpoints) == ((80,), {"app": "web"}, 0)


async def test_ports_that_speak_grpc_are_known(workloads: Workloads, world: World) -> None:
    ports = [
        {"name": "http", "port": 80},
        {"name": "grpc-api", "port": 81},
        {"name": "other", "port": 82, "appProtocol": "grpc"},
        {"name": "grpcish", "port": 83},
    ]
    world.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}})
    view = await look(workloads, world)
    assert view.service is not None
    assert (view.service.ports, view.service.grpc_ports) == ((80, 81, 82, 83), (81, 82))


async def test_what_else_selects_pods_is_seen(workloads: Workloads, world: World) -> None:
    picky = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}
    world.apply(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": {"selector": picky}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "everything"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
    )
    found = await workloads.companions(world.namespace)
    assert [(item.kind, item.name) for item in found] == [("NetworkPolicy", "everything"), ("PodDisruptionBudget", "web")]
    assert found[0].selector == LabelSelector()
    assert found[1].selector == LabelSelector(labels={"app": "web"}, expressions=(("tier", "In", ("web",)),))


async def test_a_side_is_seen_whole(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=2), service("web"), hpa("web", minReplicas=1))
    world.apply(deployment("web-hotfix", "sample:1.1", replicas=1), service("web-hotfix"))
    ready(world, "web", 2)
    ready(world, "web-hotfix", 1)
    world.until(lambda: len(_addresses(world)) == 2, "both are addresses of the Service")
    view = await look(workloads, world)
    found = seen(view)
    assert (found.replicas, found.ready, found.updated, found.total) == (2, 2, 2, 2)
    assert (found.images, found.selector, found.pod_labels) == (("sample:1.0",), {"app": "web"}, {"app": "web"})
    assert (found.observed_generation, found.owner, found.deleting) == (found.generation, None, False)
    assert found.progress_deadline_seconds == 600
    assert len(view.pods) == 2
    assert all(pod.ready and not pod.crash_looping and pod.restarts == 0 and pod.trouble is None for pod in view.pods)
    assert len({pod.template for pod in view.pods}) == len({pod.image_ids for pod in view.pods}) == 1
    assert view.service is not None
    assert set(view.service.ready_pods) == {pod.name for pod in view.pods}
    assert (scaler(view).min_replicas, scaler(view).max_replicas, scaler(view).owner) == (1, 5, None)
    assert (await look(workloads, world, "web-hotfix")).scaler is None


def _addresses(world: World, name: str = "web") -> list[str]:
    slices = [world.read("EndpointSlice", item) for item in world.names("EndpointSlice") if item.startswith(f"{name}-")]
    mine = [s for s in slices if s["metadata"]["labels"]["kubernetes.io/service-name"] == name]
    endpoints = [endpoint for s in mine for endpoint in s.get("endpoints") or ()]
    return [endpoint["targetRef"]["name"] for endpoint in endpoints if endpoint["conditions"]["ready"]]


async def test_pods_of_others_that_the_selector_matches_are_not_ours(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1))
    container = {"name": "app", "image": "sample:1.0"}
    stray = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stray", "labels": {"app": "web", "pod-template-hash": "abc"}, "ownerReferences": []},
        "spec": {"containers": [container]},
    }
    if isinstance(world, FakeWorld):
        stray["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-two-abc"}]
    world.apply(stray)
    ready(world, "web", 1)
    assert [pod.name for pod in (await look(workloads, world)).pods if pod.name == "stray"] == []


async def test_pods_are_found_by_every_kind_of_selector(workloads: Workloads, world: World) -> None:
    item = deployment("web", "sample:1.0", replicas=1)
    item["spec"]["selector"] = {
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "web2"]},
            {"key": "tier", "operator": "NotIn", "values": ["back"]},
            {"key": "app", "operator": "Exists"},
            {"key": "legacy", "operator": "DoesNotExist"},
        ]
    }
    world.apply(item)
    ready(world, "web", 1)
    assert len((await look(workloads, world)).pods) == 1


async def test_pods_that_crash_are_seen_to(workloads: Workloads, world: World) -> None:
    if isinstance(world, FakeWorld):
        world.controllers.crashing.add("sample:exit")
    world.apply(deployment("web", "sample:exit", replicas=1), service("web"))
    looks: list[SideView] = []

    def waiting() -> bool:
        statuses = [s for name in world.names("Pod") for s in world.read("Pod", name)["status"].get("containerStatuses") or ()]
        return any((s["state"].get("waiting") or {}).get("reason") == "CrashLoopBackOff" for s in statuses)

    for _ in range(20):  # the container runs for a moment between two waits
        world.until(waiting, "a container waits after a crash")
        looks.append(await look(workloads, world))
        if looks[-1].pods[0].crash_looping:
            break
    pod = looks[-1].pods[0]
    assert (pod.crash_looping, pod.ready, pod.trouble) == (True, False, "CrashLoopBackOff")
    assert pod.restarts > 0
    assert looks[-1].ready_endpoints == 0


async def test_replicas_are_set_at_the_version_seen(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1))
    ready(world, "web", 1)
    view = seen(await look(workloads, world))
    world.edit("Deployment", "web", {"op": "add", "path": "/metadata/labels", "value": {"note": "x"}})
    with pytest.raises(Conflict):
        await workloads.scale(world.namespace, view, 2)
    assert world.read("Deployment", "web")["spec"]["replicas"] == 1
    await workloads.scale(world.namespace, seen(await look(workloads, world)), 2)
    ready(world, "web", 2)
    await workloads.scale(world.namespace, seen(await look(workloads, world)), 0)
    ready(world, "web", 0)
    assert (await look(workloads, world)).pods == ()


async def test_the_pod_spec_is_replaced_whole_and_nothing_else(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1, env={"OLD": "1"}))
    world.apply(deployment("web-hotfix", "sample:1.1", replicas=1, env={"NEW": "2"}))
    ready(world, "web", 1)
    ready(world, "web-hotfix", 1)
    before, proven = world.read("Deployment", "web"), seen(await look(workloads, world, "web-hotfix"))
    stale = seen(await look(workloads, world))
    await workloads.set_pod_spec(world.namespace, stale, proven.pod_spec)
    after, view = world.read("Deployment", "web"), seen(await look(workloads, world))
    assert after["spec"]["template"]["spec"] == proven.pod_spec
    assert (view.template, view.images) == (proven.template, ("sample:1.1",))
    for item in (before, after):
        del item["spec"]["template"]["spec"]
    assert after["spec"] == before["spec"]
    with pytest.raises(Conflict):
        await workloads.set_pod_spec(world.namespace, stale, stale.pod_spec)


async def test_the_floor_of_a_scaler_is_set_at_the_version_seen(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1), hpa("web", minReplicas=1))
    for _ in range(20):  # its controller writes into its status meanwhile
        view = scaler(await look(workloads, world))
        try:
            await workloads.set_scaler_floor(world.namespace, view, 3)
        except Conflict:
            continue
        break
    latest = scaler(await look(workloads, world))
    assert (latest.min_replicas, latest.max_replicas) == (3, 5)
    with pytest.raises(Conflict):
        await workloads.set_scaler_floor(world.namespace, view, 2)


async def test_a_scaler_without_a_floor_has_one_of_1(workloads: Workloads, world: World) -> None:
    world.apply(hpa("web"), hpa("other", minReplicas=4))
    view = scaler(await look(workloads, world))
    assert (view.name, view.min_replicas) == ("web-hpa", 1)


async def test_a_deployment_that_is_gone_cannot_be_scaled(workloads: Workloads, world: World) -> None:
    world.apply(deployment("web", "sample:1.0", replicas=1))
    view = seen(await look(workloads, world))
    world.delete("Deployment", "web")
    world.until(lambda: "web" not in world.names("Deployment"), "the Deployment is gone")
    with pytest.raises(NotFound):
        await workloads.scale(world.namespace, view, 2)


async def test_the_hash_of_a_template_is_that_of_its_pod_spec(workloads: Workloads, world: World) -> None:
    item = deployment("web", "sample:1.0", replicas=0)
    twin = copy.deepcopy(item)
    twin["metadata"]["name"] = "twin"
    twin["spec"]["template"]["metadata"]["labels"]["more"] = "x"
    other = deployment("other", "sample:1.0", replicas=0, env={"A": "1"})
    world.apply(item, twin, other)
    hashes = [seen(await look(workloads, world, name)).template for name in ("web", "twin", "other")]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(len(found) == 16 for found in hashes)
