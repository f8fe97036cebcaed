"""deploy/: what is installed, with which rights, and that the samples are right. What the operator does is tests/e2e's."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.core import spec
from tests.cluster import Cluster

DEPLOY = Path(__file__).parents[2] / "deploy"
SAMPLES = sorted((DEPLOY / "samples").glob("*.yaml"))
NAME, LONGEST_SECONDS = "hotfix-operator", 60


def documents(file: str) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all((DEPLOY / file).read_text()) if item]


def rules(file: str) -> list[dict[str, Any]]:
    return [rule for item in documents(file) for rule in item.get("rules", ())]


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_read_with_nothing_left_over(sample: Path) -> None:
    (item,) = documents(f"samples/{sample.name}")
    assert spec.parse(item["spec"]).model_dump(mode="json", by_alias=True, exclude_unset=True) == item["spec"]
    assert sample.read_text().startswith("# "), "a sample begins with what it is for"


@pytest.mark.cluster
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_accepted_by_the_api_server(cluster: Cluster, sample: Path) -> None:
    told = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", str(sample)).stdout
    assert "created (server dry run)" in told


def test_rights_are_the_same_in_one_namespace_and_in_all() -> None:
    assert rules("namespaced/rbac.yaml") == rules("base/rbac.yaml")
    assert {item["kind"] for item in documents("namespaced/rbac.yaml")} == {"Role", "RoleBinding"}


def test_rights_have_no_wildcards_no_secrets_and_delete_nothing() -> None:
    granted = rules("base/rbac.yaml")
    named = {name for rule in granted for key in ("apiGroups", "resources", "verbs") for name in rule[key]}
    assert named.isdisjoint({"*", "secrets", "delete", "deletecollection", "update", "escalate", "bind", "impersonate"})
    writing = {r for rule in granted if {"patch", "create"} & set(rule["verbs"]) for r in rule["resources"]}
    assert writing == {
        "hotfixrollouts",
        "hotfixrollouts/status",
        "deployments",
        "horizontalpodautoscalers",
        "httproutes",
        "events",
        "leases",
    }


def test_the_pod_meets_the_restricted_standard_and_is_bounded() -> None:
    (deployment,) = documents("operator/deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() == {"memory"}
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (
        2,
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    )


def test_a_start_that_takes_long_is_not_taken_for_a_death() -> None:
    (deployment,) = documents("operator/deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    starting, living = container["startupProbe"], container["livenessProbe"]
    assert starting["httpGet"] == living["httpGet"]
    assert starting["periodSeconds"] * starting["failureThreshold"] >= 120


def test_a_node_that_goes_takes_one_replica_and_a_drain_waits_for_the_next_one() -> None:
    (deployment,), (budget,) = documents("operator/deployment.yaml"), documents("operator/poddisruptionbudget.yaml")
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert spread["labelSelector"] == budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert budget["spec"]["maxUnavailable"] == 1
    assert "poddisruptionbudget.yaml" in documents("operator/kustomization.yaml")[0]["resources"]


def test_nothing_names_its_namespace_but_the_base_so_that_an_overlay_can() -> None:
    named = {
        path.relative_to(DEPLOY).as_posix()
        for path in DEPLOY.rglob("*.yaml")
        if any("namespace" in item.get("metadata", {}) for item in documents(str(path.relative_to(DEPLOY))))
    }
    assert named == set()


@pytest.fixture
def rendered(cluster: Cluster, tmp_path: Path) -> Any:
    """kubectl kustomize of a variant with the PodMonitor, in a namespace of the caller's."""

    def render(variant: str, namespace: str) -> list[dict[str, Any]]:
        where = {name: os.path.relpath(DEPLOY / name, tmp_path) for name in (variant, "podmonitor")}
        overlay = {"namespace": namespace, "resources": [where[variant]], "components": [where["podmonitor"]]}
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        return [item for item in yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path)).stdout) if item]

    return render


@pytest.mark.cluster
def test_every_object_carries_the_recommended_labels_and_its_namespace(rendered: Any) -> None:
    items = rendered("namespaced", "shop") + rendered("base", "hotfix-system")
    kinds = {"Role", "ClusterRole", "PodMonitor", "Deployment", "Service", "Namespace", "PodDisruptionBudget"}
    assert {item["kind"] for item in items} >= kinds
    for item in items:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/part-of"] == NAME
        assert "app.kubernetes.io/version" in labels
    assert {item["metadata"]["namespace"] for item in items if item["kind"] == "PodMonitor"} == {"shop", "hotfix-system"}


@pytest.mark.cluster
def test_the_overlay_of_the_readme_runs_the_image_and_asks_the_prometheus_that_it_names(cluster: Cluster, tmp_path: Path) -> None:
    (overlay,) = re.findall(r"^```yaml\n(resources: .*?)^```", (DEPLOY.parent / "README.md").read_text(), re.M | re.S)
    assert "[../deploy/base]" in overlay
    (tmp_path / "kustomization.yaml").write_text(overlay.replace("../deploy", os.path.relpath(DEPLOY, tmp_path)))
    items = [item for item in yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path)).stdout) if item]
    (deployment,) = (item for item in items if item["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["image"] == "registry.example/hotfix-operator:0.1.0"
    assert settings["HOTFIX_PROMETHEUS_URL"] == "http://prometheus.monitoring:9090"
    (shipped,) = documents("operator/deployment.yaml")
    assert settings.keys() == {entry["name"] for entry in shipped["spec"]["template"]["spec"]["containers"][0]["env"]}


@pytest.fixture
def tenant(cluster: Cluster, rendered: Any) -> Iterator[str]:
    """A namespace with an operator of its own, installed from deploy/namespaced under the restricted standard."""
    name = f"tenant-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforced}})
    cluster.apply(*(item for item in rendered("namespaced", name) if item["kind"] != "PodMonitor"))
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.cluster
def test_an_operator_of_one_namespace_works_with_its_role_alone(cluster: Cluster, tenant: str) -> None:
    cluster.kubectl("rollout", "status", f"deployment/{NAME}", "-n", tenant, f"--timeout={LONGEST_SECONDS}s")
    lonely = {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": "lonely", "namespace": tenant},
        "spec": {"stable": {"deployment": "a"}, "patched": {"deployment": "b"}},
    }
    user = f"system:serviceaccount:{tenant}:{NAME}"
    cluster.apply(lonely)

    def looked() -> bool:  # whether it writes is open: the operator of the whole cluster looks at this object too
        asked = {(entry["objectRef"]["resource"], entry["verb"]) for entry in cluster.audit(user) if "objectRef" in entry}
        return asked >= {("hotfixrollouts", "watch"), ("deployments", "list"), ("httproutes", "list"), ("endpointslices", "list")}

    cluster.until(looked, "the operator of the namespace has looked at the rollout", seconds=LONGEST_SECONDS)
    refused = [entry for entry in cluster.audit(user) if entry["responseStatus"]["code"] in (401, 403)]
    assert not refused, json.dumps(refused[:3])


@pytest.mark.cluster
def test_a_tenant_sees_nothing_of_other_namespaces(cluster: Cluster, tenant: str) -> None:
    def tried(*question: str) -> subprocess.CompletedProcess[str]:
        return cluster.kubectl(*question, f"--as=system:serviceaccount:{tenant}:{NAME}", check=False)

    assert tried("auth", "can-i", "patch", "deployments", "-n", tenant).stdout.strip() == "yes"
    assert tried("auth", "can-i", "patch", "deployments", "-n", "default").stdout.strip() == "no"
    assert tried("auth", "can-i", "list", "hotfixrollouts.hotfix-operator.dev", "-A").stdout.strip() == "no"
    assert tried("get", "namespace", tenant, "-o=name").stdout.strip() == f"namespace/{tenant}"
    assert "forbidden" in tried("get", "namespace", "default").stderr
