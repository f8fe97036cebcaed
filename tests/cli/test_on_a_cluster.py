"""kubectl hotfix init against a real API server: what it reads, what it asks for when that is not clear, and that it fits."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.adapters.kube import Kube
from hotfix.adapters.login import configuration
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.labels import service_selects
from tests.cluster import Cluster
from tests.e2e.shop import deployment, service

pytestmark = pytest.mark.cluster
PLUGIN = str(Path(sys.executable).parent / "kubectl-hotfix")


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"init-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    cluster.kubectl("create", "namespace", name)
    for item in (deployment("checkout", "sample:1.0", env={"NOTE": "a"}), service("checkout"), deployment("cart", "sample:1.0")):
        cluster.apply({**item, "metadata": {**item["metadata"], "namespace": name}})
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def run(cluster: Cluster) -> Any:
    """The installed program, with the cluster's kubeconfig."""

    def ran(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), **env}
        return subprocess.run([PLUGIN, *arguments], capture_output=True, text=True, check=False, env=given, timeout=60)

    return ran


def sides(cluster: Cluster, namespace: str) -> tuple[Any, Any]:
    """Both sides as the operator sees them."""

    async def look() -> tuple[Any, Any]:
        async with Kube(await configuration(kubeconfig=str(cluster.kubeconfig))) as kube:
            workloads = KubeWorkloads(kube)
            stable = await workloads.read(namespace, "checkout", "checkout")
            return stable, await workloads.read(namespace, "checkout-hotfix", "checkout-hotfix")

    return asyncio.run(look())


def test_what_is_printed_is_accepted_and_the_sides_do_not_mix(cluster: Cluster, namespace: str, run: Any) -> None:
    before = cluster.kubectl("get", "deployments,services,hfr", "-n", namespace, "-o=name").stdout
    answer = run("init", "deploy/checkout", "--image=sample:1.1", "--env=NOTE=b", "--paused", "-n", namespace)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert cluster.kubectl("get", "deployments,services,hfr", "-n", namespace, "-o=name").stdout == before, "nothing is written"

    cluster.kubectl("apply", "--validate=strict", "-f", "-", stdin=answer.stdout)
    cluster.kubectl("rollout", "status", "deployment/checkout-hotfix", "-n", namespace, "--timeout=60s")
    stable, patched = sides(cluster, namespace)
    assert stable.missing == patched.missing == ()
    assert patched.deployment.images == ("sample:1.1",)
    assert patched.deployment.replicas == stable.deployment.replicas
    assert service_selects(patched.service.selector, patched.deployment.pod_labels)
    for one, two in ((stable, patched), (patched, stable)):
        assert not service_selects(one.service.selector, two.deployment.pod_labels)
        assert not service_selects(one.deployment.selector, two.deployment.pod_labels)

    again = run("init", "deploy/checkout", "--image=sample:1.2", "-n", namespace)
    assert "note: Deployment checkout-hotfix exists already; applying this changes it." in again.stderr
    assert "note: HotfixRollout checkout-hotfix exists already (Pending)" in again.stderr


def test_the_namespace_is_that_of_the_context(cluster: Cluster, namespace: str, run: Any, tmp_path: Path) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    answer = run("init", "deploy/checkout", "--image=sample:1.1", "--kubeconfig", str(tmp_path / "config"))
    assert {item["metadata"]["namespace"] for item in yaml.safe_load_all(answer.stdout)} == {namespace}


def test_kubectl_finds_the_plugin(cluster: Cluster, run: Any) -> None:
    path = f"{Path(PLUGIN).parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(cluster.programs / "kubectl"), "hotfix", "crd"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}, timeout=60)
    assert answer.stdout == run("crd").stdout != ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("deploy/none", "--image=x"), "There is no Deployment none in namespace"),
        (("deploy/cart", "--image=sample:1.1"), "selects the pods of Deployment cart; traffic is shifted between Services"),
        (("deploy/checkout",), "give the image of the fix with --image"),
    ],
)
def test_what_is_missing_is_said(namespace: str, run: Any, arguments: tuple[str, ...], says: str) -> None:
    answer = run("init", *arguments, "-n", namespace)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert says in answer.stderr


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [("view", {"get", "list", "watch"}, {"create", "patch", "delete"}), ("edit", {"get", "create", "patch", "delete"}, set())],
)
def test_who_may_edit_a_namespace_may_ship_a_hotfix_in_it(
    cluster: Cluster, namespace: str, role: str, may: set[str], may_not: set[str]
) -> None:
    cluster.kubectl("create", "rolebinding", role, f"--clusterrole={role}", "--user=jane", "-n", namespace)

    def can(verb: str, *more: str) -> bool:
        command = ("auth", "can-i", verb, "hotfixrollouts", "--as=jane", "-q", "-n", namespace, *more)
        return not cluster.kubectl(*command, check=False).returncode

    cluster.until(lambda: can("get"), "the role is put together by the cluster")
    assert {verb for verb in may | may_not if can(verb)} == may
    assert not can("patch", "--subresource=status"), "what is remembered is the operator's"


def test_a_missing_right_is_named(cluster: Cluster, namespace: str, run: Any, tmp_path: Path) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": cluster.kubectl("create", "token", "default", "-n", namespace).stdout.strip()}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    answer = run("init", "deploy/checkout", "--image=x", "-n", namespace, KUBECONFIG=str(tmp_path / "config"))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith('error: You lack a right: deployments.apps "checkout" is forbidden')


def test_what_may_not_be_listed_is_said_and_the_rest_printed(cluster: Cluster, namespace: str, run: Any, tmp_path: Path) -> None:
    cluster.kubectl("create", "role", "reader", "--verb=get,list", "--resource=deployments.apps,services", "-n", namespace)
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    cluster.kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", "-n", namespace)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": cluster.kubectl("create", "token", "reader", "-n", namespace).stdout.strip()}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    answer = run("init", "deploy/checkout", "--image=sample:1.1", "-n", namespace, KUBECONFIG=str(tmp_path / "config"))
    assert answer.returncode == 0
    assert "HorizontalPodAutoscaler, PodDisruptionBudget, NetworkPolicy, HotfixRollout could not be listed" in answer.stderr


def test_a_cluster_that_does_not_answer_ends_with_3(cluster: Cluster, run: Any, tmp_path: Path) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    answer = run("init", "deploy/checkout", "--image=x", KUBECONFIG=str(tmp_path / "config"))
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "does not answer" in answer.stderr
