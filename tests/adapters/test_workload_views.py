"""Corners of pods and addresses that a cluster shows only for moments: raw objects -> views."""

from typing import Any

import pytest

from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.observation import PodView, SideView

from .worlds import FakeWorld

Raw = dict[str, Any]


def deployment() -> Raw:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "web:1"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def pod(name: str = "web-abc-1", **meta: Any) -> Raw:
    metadata = {
        "name": name,
        "labels": {"app": "web", "pod-template-hash": "abc"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-abc"}],
        **meta,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "app"}]}}


def slice_of(*endpoints: Raw, name: str = "web-1") -> Raw:
    meta = {"name": name, "labels": {"kubernetes.io/service-name": "web"}}
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "endpoints": list(endpoints)}


def endpoint(name: str, **conditions: bool) -> Raw:
    return {"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": name}}


@pytest.fixture
def world() -> FakeWorld:
    found = FakeWorld("shop")
    found.apply(deployment(), {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": []}})
    return found


async def look(world: FakeWorld) -> SideView:
    return await KubeWorkloads(world.kube).read("shop", "web", "web")


async def one_pod(world: FakeWorld, status: Raw | None) -> PodView:
    world.apply(pod())
    if status is not None:
        world.api.set_status("Pod", "shop", "web-abc-1", status)
    (found,) = (await look(world)).pods
    return found


def container(restarts: int = 0, **state: Any) -> Raw:
    return {"name": "app", "image": "web:1", "imageID": "sha256:1", "restartCount": restarts, "state": state}


@pytest.mark.parametrize(
    ("status", "crash_looping", "trouble", "restarts"),
    [
        (None, False, None, 0),
        ({"phase": "Pending"}, False, None, 0),
        ({"containerStatuses": [container(running={})]}, False, None, 0),
        ({"containerStatuses": [container(waiting={"reason": "ContainerCreating"})]}, False, None, 0),
        ({"containerStatuses": [container(waiting={"reason": "PodInitializing"})]}, False, None, 0),
        ({"containerStatuses": [container(waiting={})]}, False, None, 0),
        ({"containerStatuses": [container(waiting={"reason": "ImagePullBackOff"})]}, False, "ImagePullBackOff", 0),
        ({"containerStatuses": [container(4, waiting={"reason": "CrashLoopBackOff"})]}, True, "CrashLoopBackOff", 4),
        ({"containerStatuses": [container(2, running={}), container(3, terminated={"exitCode": 1})]}, False, None, 5),
        (
            {
                "containerStatuses": [container(waiting={"reason": "PodInitializing"})],
                "initContainerStatuses": [container(6, waiting={"reason": "CrashLoopBackOff"})],
            },
            True,
            "CrashLoopBackOff",
            6,
        ),
    ],
)
async def test_what_a_pod_waits_for_is_trouble_unless_it_starts(
    world: FakeWorld, status: Raw | None, crash_looping: bool, trouble: str | None, restarts: int
) -> None:
    found = await one_pod(world, status)
    assert (found.crash_looping, found.trouble, found.restarts) == (crash_looping, trouble, restarts)
    assert not found.ready


@pytest.mark.parametrize(
    ("ready", "since"), [("True", 1_800_000_000.0), ("False", None), (None, None)], ids=["ready", "unready", "no condition"]
)
async def test_since_when_a_pod_is_ready_is_told_by_its_condition(
    world: FakeWorld, ready: str | None, since: float | None
) -> None:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": "2027-01-15T08:00:00Z"}
    found = await one_pod(world, {"conditions": [condition] if ready else []})
    assert (found.ready, found.ready_since) == (ready == "True", since)


async def test_a_pod_that_is_going_is_not_counted(world: FakeWorld) -> None:
    world.apply(pod(), pod("web-abc-2", finalizers=["x/y"]))
    world.delete("Pod", "web-abc-2")
    assert [found.name for found in (await look(world)).pods] == ["web-abc-1"]


async def test_a_pod_has_a_hook_before_it_stops_when_all_its_containers_have(world: FakeWorld) -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    for number, containers in enumerate(([hook], [hook, {}], [{}])):
        item = pod(f"web-abc-{number}")
        item["spec"]["containers"] = [{"name": f"c{i}", **c} for i, c in enumerate(containers)]
        world.apply(item)
    assert [found.has_pre_stop for found in (await look(world)).pods] == [True, False, False]


async def test_only_addresses_that_are_ready_and_stay_count(world: FakeWorld) -> None:
    world.apply(
        slice_of(
            endpoint("good", ready=True, serving=True, terminating=False),
            endpoint("starting", ready=False, serving=False, terminating=False),
            endpoint("going", ready=False, serving=True, terminating=True),
            endpoint("going-but-published", ready=True, serving=True, terminating=True),
            endpoint("unsaid"),
        ),
        slice_of(endpoint("good", ready=True), endpoint("second", ready=True), name="web-2"),
        slice_of(name="web-3"),
    )
    view = await look(world)
    assert view.service is not None
    assert view.service.ready_pods == ("good", "second", "unsaid"), "in two slices (IPv4 and IPv6) it is still one pod"


async def test_an_address_without_a_pod_counts_by_itself(world: FakeWorld) -> None:
    world.apply(slice_of({"addresses": ["10.1.2.3"], "conditions": {"ready": True}}))
    view = await look(world)
    assert view.service is not None
    assert view.service.ready_pods == ("10.1.2.3",)


@pytest.mark.parametrize(("affinity", "sticky"), [("None", False), ("ClientIP", True), (None, False)])
async def test_session_affinity_is_seen(world: FakeWorld, affinity: str | None, sticky: bool) -> None:
    world.edit("Service", "web", {"op": "add", "path": "/spec/sessionAffinity", "value": affinity})
    view = await look(world)
    assert view.service is not None
    assert view.service.session_affinity is sticky
