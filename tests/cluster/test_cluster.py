"""The embedded cluster itself: what a node does with images, and that nothing is left of a cluster whose holder died."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.shop import Shop, deployment, route, service

from . import binaries, images
from .cluster import ROOT, Cluster

HOLDER = """
import os, sys
from tests.cluster import Cluster
cluster = Cluster.start("orphan", log=lambda text: None)
print(cluster.home, cluster.process.pid, flush=True)
sys.stdin.read()
"""


def test_the_image_decides_what_runs_and_an_unknown_one_cannot_be_pulled() -> None:
    assert images.program("nowhere/nothing:1") is None
    assert images.program("sample:0.0") is None
    one, two = images.program("registry.example/sample:1.0"), images.program("sample:1.1")
    assert one is not None
    assert two is not None
    assert one.env["ERRORS"] != two.env["ERRORS"]
    assert images.image_id("sample:1.0") != images.image_id("sample:1.1")


def test_other_versions_are_kept_in_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOTFIX_CACHE", str(tmp_path))
    before = binaries.cache_folder()
    monkeypatch.setattr(binaries, "CONTOUR", "v0.0.0")
    assert before.parent == tmp_path
    assert binaries.cache_folder() != before


def test_a_missing_program_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.shutil, "which", lambda name: None)
    monkeypatch.setattr(binaries.Path, "exists", lambda self: False)
    with pytest.raises(binaries.Missing, match="apt-get install iproute2"):
        binaries.check_prerequisites()


@pytest.mark.cluster
def test_pods_behave_as_under_a_kubelet(cluster: Cluster) -> None:
    shop = Shop(cluster, "node")
    for name, image in (("unknown", "nowhere/nothing:1"), ("crashing", "sample:exit"), ("fine", "sample:good")):
        shop.apply(deployment(name, image, replicas=1))

    def waiting(name: str) -> Callable[[], str]:
        where = "jsonpath={.items[0].status.containerStatuses[0].state.waiting.reason}"
        return lambda: shop.kubectl("get", "pods", "-l", f"app={name}", "-o", where, check=False)

    cluster.until(lambda: waiting("unknown")() == "ImagePullBackOff", "an unknown image", seconds=30)
    cluster.until(lambda: waiting("crashing")() == "CrashLoopBackOff", "a crash loop", seconds=30)
    shop.ready("fine", 1)
    restarts = "jsonpath={.items[0].status.containerStatuses[0].restartCount}"
    cluster.until(
        lambda: int(shop.kubectl("get", "pods", "-l", "app=crashing", "-o", restarts) or 0) >= 2, "restarts", seconds=30
    )
    assert int(shop.kubectl("get", "pods", "-l", "app=fine", "-o", restarts)) == 0
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@pytest.mark.cluster
def test_probes_begin_when_the_startup_probe_is_good_and_end_what_fails_them(cluster: Cluster) -> None:
    """A container that never starts is ended by that probe alone; one that started, by the liveness probe, and by SIGTERM."""
    shop = Shop(cluster, "probes")
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 5}
    for name, image, tries in (("never", "sample:unready", 3), ("once", "sample:good", 60)):
        item = deployment(name, image, replicas=1)
        container = item["spec"]["template"]["spec"]["containers"][0]
        del container["readinessProbe"]  # ready as soon as it has started
        container |= {"startupProbe": probe | {"failureThreshold": tries}, "livenessProbe": probe}
        shop.apply(item)

    def told(name: str, what: str) -> str:
        where = f"jsonpath={{.items[0].status.containerStatuses[0].{what}}}"
        return shop.kubectl("get", "pods", "-l", f"app={name}", "-o", where, check=False)

    shop.ready("once", 1)
    assert told("once", "restartCount") == "0"
    cluster.get(f"http://{shop.addresses('once')[0]}:8080/control?unready=1")
    cluster.until(lambda: int(told("once", "restartCount") or 0) >= 1, "it is alive no more, and started anew", seconds=30)
    assert told("once", "lastState.terminated.exitCode") == "0", "it ended by itself, at SIGTERM"
    cluster.until(lambda: int(told("never", "restartCount") or 0) >= 1, "it never starts", seconds=30)
    assert told("never", "ready") == "false"
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@pytest.mark.cluster
def test_a_new_image_and_a_new_weight_change_the_answers(cluster: Cluster) -> None:
    shop = Shop(cluster, "answers")
    shop.apply(deployment("checkout", "sample:good"), service("checkout"), route("checkout", shop.host))
    shop.apply(deployment("other", "sample:1.1"), service("other"))
    shop.ready("checkout", 2)
    shop.ready("other", 2)
    with shop.load(40) as load:
        refs = [{"name": "checkout", "port": 80, "weight": 0}, {"name": "other", "port": 80, "weight": 1}]
        shop.patch("httproute", "checkout", [{"op": "replace", "path": "/spec/rules/0/backendRefs", "value": refs}])
        cluster.until(lambda: {a.image for a in load.answers()[-20:]} == {"sample:1.1"}, "the other side answers", seconds=20)
        shop.kubectl("set", "image", "deployment/other", "app=sample:1.2")
        cluster.until(lambda: {a.image for a in load.answers()[-20:]} == {"sample:1.2"}, "the new image answers", seconds=40)
        assert {answer.image for answer in load.answers() if not answer.lost} == {"sample:good", "sample:1.1", "sample:1.2"}
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@pytest.mark.cluster
def test_nothing_is_left_of_a_cluster_whose_holder_was_killed(cluster: Cluster) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        home, supervisor = holder.stdout.readline().split()
        assert Path(home).exists()
        holder.kill()
    cluster.until(lambda: not Path(home).exists(), "its folder is gone", seconds=30)
    cluster.until(lambda: not _alive(int(supervisor)), "its processes are gone", seconds=30)
    mine = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert home not in mine


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
