"""Pods of the application as a real kubelet treats them, in the middle of a rollout and under load: nothing is lost."""

import json
from typing import Any

from tests.cluster.kind import Kind
from tests.cluster.load import Load
from tests.e2e.shop import deployment, rollout, route, service
from tests.e2e.story import Stories


def begun(shop: Stories) -> None:
    """Patched has 20 %, and is not promoted before `concluded` allows it: then its pods would go."""
    shop.apply(rollout(startWeight=20, analysis={"bakeTime": "10m"}))
    shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % are acknowledged")


def concluded(shop: Stories) -> None:
    """What disturbed it came in its midst; now it may end."""
    assert shop.status()["phase"] in ("Analyzing", "Baking")
    shop.edit(analysis={"bakeTime": "1s"})


def pods(shop: Stories, name: str) -> list[dict[str, Any]]:
    """A Deployment's."""
    return list(json.loads(shop.kubectl("get", "pods", "-l", f"app={name}", "-o", "json"))["items"])


def test_pods_of_both_sides_that_are_replaced_one_by_one_lose_nothing(shop: Stories) -> None:
    shop.open(pre_stop=3)
    with shop.story("Promoted", rate=40):
        begun(shop)
        for name in ("checkout", "checkout-hotfix"):
            for pod in pods(shop, name):
                shop.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
                shop.cluster.until(
                    lambda name=name, gone=pod["metadata"]["uid"]: _replaced(shop, name, gone),
                    "another one is ready",
                    seconds=300,
                )
        concluded(shop)
    assert shop.image("checkout") == "sample:1.1"


def _replaced(shop: Stories, name: str, gone: str) -> bool:
    return gone not in {pod["metadata"]["uid"] for pod in pods(shop, name)} and len(_ready(shop, name)) == 2


def _ready(shop: Stories, name: str) -> list[str]:
    conditions = {
        pod["metadata"]["name"]: {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
        for pod in pods(shop, name)
    }
    return [pod for pod, found in conditions.items() if found.get("Ready") == "True"]


def test_a_pod_whose_pre_stop_takes_nearly_all_of_its_grace_loses_nothing(shop: Stories) -> None:
    """SIGTERM comes a second before SIGKILL."""
    shop.open(pre_stop=9)
    with shop.story("Promoted", rate=40, seconds=300):
        begun(shop)
        first = pods(shop, "checkout-hotfix")[0]["metadata"]
        shop.kubectl("delete", "pod", first["name"], "--wait=false")
        shop.cluster.until(lambda: _replaced(shop, "checkout-hotfix", first["uid"]), "another one is ready", seconds=300)
        concluded(shop)
    assert shop.image("checkout") == "sample:1.1"


def _answering(load: Load) -> set[str]:
    """The pods behind the newest answers, 5 s of them: of 20 % each of two pods has some 20."""
    return {answer.backend for answer in load.answers()[-200:]}


def test_readiness_that_flaps_moves_requests_to_the_other_pod_and_loses_nothing(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", rate=40) as load:
        begun(shop)
        flapping = pods(shop, "checkout-hotfix")[0]
        address, name = flapping["status"]["podIP"], flapping["metadata"]["name"]
        shop.cluster.until(lambda: name in _answering(load), "it answers")
        for unready in (1, 0, 1, 0):
            shop.cluster.get(f"http://{address}:8080/control?unready={unready}")
            shop.cluster.until(lambda ready=2 - unready: len(_ready(shop, "checkout-hotfix")) == ready, "it is seen", seconds=120)
            answers = "requests go elsewhere" if unready else "it answers again"
            shop.cluster.until(lambda gone=unready: (name in _answering(load)) != bool(gone), answers, seconds=60)
        concluded(shop)
    assert shop.image("checkout") == "sample:1.1"


def test_a_patch_that_needs_more_memory_than_it_may_have_never_gets_traffic(shop: Stories) -> None:
    shop.open(patched=None)
    hungry = deployment("checkout-hotfix", "sample:1.1", env={"BALLAST_MB": "200"})
    hungry["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    shop.apply(hungry, service("checkout-hotfix"))
    with shop.story("RolledBack", rate=40) as load:
        shop.apply(rollout(analysis={"readyGrace": "20s"}))
        shop.cluster.until(lambda: "OOMKilled" in _reasons(shop), "its pods are killed for their memory", seconds=60)
        assert shop.phase("RolledBack", seconds=90)["why"] == "PatchedNeverReady"
        assert {answer.image for answer in load.answers()} == {"sample:1.0"}


def _reasons(shop: Stories) -> set[str]:
    states = [status for pod in pods(shop, "checkout-hotfix") for status in pod["status"].get("containerStatuses", ())]
    ended = [status[when].get("terminated", {}) for status in states for when in ("state", "lastState")]
    return {one.get("reason", "") for one in ended}


def test_a_node_that_becomes_unready_takes_its_pods_out_and_nothing_is_lost(kind: Kind) -> None:
    shop = Stories(kind, "unready")
    sides = {"checkout": "sample:1.0", "checkout-hotfix": "sample:1.1"}
    for name, image in sides.items():
        spread = deployment(name, image)
        apart = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
        spread["spec"]["template"]["spec"]["topologySpreadConstraints"] = [{**apart, "labelSelector": spread["spec"]["selector"]}]
        shop.apply(spread, service(name))
        shop.ready(name, 2)
    shop.apply(route("checkout", shop.host))
    everyone = {pod["metadata"]["name"] for name in sides for pod in pods(shop, name)}
    with shop.story("Promoted", rate=40) as load:
        begun(shop)
        kind.until(lambda: everyone <= _answering(load), "all of them answer")
        try:
            kind.stop_kubelet(kind.nodes[1])
            unknown = ("--for=condition=Ready=Unknown", f"node/{kind.nodes[1]}", "--timeout=240s")
            kind.kubectl("wait", *unknown)  # the control plane sees it after its grace, and its pods after that
            kind.until(lambda: all(len(_ready(shop, name)) == 1 for name in sides), "pods of that node are unready", seconds=120)
            here = {pod for name in sides for pod in _ready(shop, name)}
            kind.until(lambda: _answering(load) == here, "requests go to the other node's alone", seconds=60)
        finally:
            kind.restart_kubelet(kind.nodes[1])
        kind.until(lambda: all(len(_ready(shop, name)) == 2 for name in sides), "they are ready again", seconds=300)
        kind.until(lambda: everyone <= _answering(load), "all of them answer again", seconds=60)
        concluded(shop)
    assert shop.image("checkout") == "sample:1.1"
