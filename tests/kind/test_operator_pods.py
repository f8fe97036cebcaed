"""The operator as it is shipped, on real nodes: what it may, and what becomes of a rollout when its pods go, in every way."""

import json
import signal
from typing import Any

import pytest

from tests.cluster.kind import Kind
from tests.cluster.operator import NAME, NAMESPACE, USER, Operator
from tests.e2e.shop import rollout
from tests.e2e.story import Stories
from tests.e2e.test_standing_by import addresses, metrics

WHERE = ("-n", NAMESPACE)
LABEL = f"app.kubernetes.io/name={NAME}"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
# many processes that are each smaller than the operator: it is the one that the kernel picks
HUNGRY = """import os, signal
for _ in range(40):
    if os.fork() == 0:
        kept = b"x" * (24 << 20)
        signal.pause()
signal.pause()"""


def pods(cluster: Kind) -> list[dict[str, Any]]:
    """The operator's, that are not on their way out."""
    items = json.loads(cluster.kubectl("get", "pods", *WHERE, "-l", LABEL, "-o", "json").stdout)["items"]
    return [item for item in items if "deletionTimestamp" not in item["metadata"]]


def begun(shop: Stories) -> None:
    """Patched has 10 %, and bakes for longer than what happens to the operator meanwhile takes."""
    shop.apply(rollout(startWeight=10, analysis={"bakeTime": "60s"}))
    shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")


def writers(shop: Stories, what: str) -> list[str]:
    """Who wrote the shop's route, in order: `pod-name` or `credential-id`, as the API server knew the token."""
    entries = [entry for entry in shop.cluster.audit(USER) if entry["verb"] == "patch" and entry["responseStatus"]["code"] == 200]
    mine = [
        one for one in entries if (one["objectRef"]["resource"], one["objectRef"]["namespace"]) == ("httproutes", shop.namespace)
    ]
    return [one["user"]["extra"][f"authentication.kubernetes.io/{what}"][0] for one in mine]


def test_it_runs_as_nobody_on_a_root_that_is_read_only_where_nothing_else_is_admitted(kind: Kind) -> None:
    assert len(pods(kind)) == 2
    for pod in pods(kind):
        where = (*WHERE, pod["metadata"]["name"], "--", "python3", "-c")
        assert kind.kubectl("exec", *where, "import os; print(os.getuid(), os.getgid())").stdout == "65532 65532\n"
        written = kind.kubectl("exec", *where, "open('/written', 'w')", check=False)
        assert "Read-only file system" in written.stderr
        for module in ("pip", "ensurepip", "setuptools"):
            assert kind.kubectl("exec", *where, f"import {module}", check=False).returncode, f"{module} is in the image"
    refused = kind.kubectl("run", "as-root", *WHERE, "--image=hotfix-test/load:1", "--restart=Never", check=False)
    assert 'violates PodSecurity "restricted' in refused.stderr


def test_probes_metrics_and_lease_agree_on_who_leads(kind: Kind) -> None:
    operator = Operator(kind)
    kind.until(lambda: operator.leader() in {pod["metadata"]["name"] for pod in pods(kind)}, "one of them leads", seconds=60)
    leader, asked = operator.leader(), addresses(kind)
    kind.until(lambda: metrics(kind, asked[leader])["hotfix_leader"] == 1, "it says so", seconds=30)
    leads = {name: metrics(kind, address)["hotfix_leader"] for name, address in asked.items()}
    assert leads == {name: float(name == leader) for name in asked}
    assert len(leads) == 2
    for pod in pods(kind):
        address = asked[pod["metadata"]["name"]]
        assert [kind.get(f"{address}/{probe}")[0] for probe in ("livez", "readyz")] == [200, 200]
        assert pod["status"]["containerStatuses"][0]["ready"]


def test_a_rolling_update_of_the_operator_in_the_middle_of_a_rollout_loses_nothing(kind: Kind) -> None:
    shop, before = Stories(kind, "updated"), {pod["metadata"]["name"] for pod in pods(kind)}
    shop.open()
    with shop.story("Promoted", rate=40):
        begun(shop)
        kind.kubectl("rollout", "restart", f"deployment/{NAME}", *WHERE)
        Operator(kind).wait_ready()
        kind.until(lambda: not before & {pod["metadata"]["name"] for pod in pods(kind)}, "all its pods are new")
    names, stamps = writers(shop, "pod-name"), Operator(kind).stamps(shop.namespace)
    assert names[0] in before
    assert names[-1] not in before, "one of the new pods brought it to its end"
    assert len(stamps) > 2
    assert stamps == sorted(stamps), "no older intention was ever written over a newer one"


def test_a_node_that_is_drained_of_the_leader_leaves_the_rollout_to_the_other_one(kind: Kind) -> None:
    operator, shop = Operator(kind), Stories(kind, "drained")
    shop.open()
    with shop.story("Promoted", rate=40):
        begun(shop)
        leader = operator.leader()
        node = next(pod["spec"]["nodeName"] for pod in pods(kind) if pod["metadata"]["name"] == leader)
        try:
            kind.kubectl("drain", node, "--ignore-daemonsets", f"--pod-selector={LABEL}", "--timeout=90s")
            assert {pod["spec"]["nodeName"] for pod in pods(kind)} == set(kind.nodes) - {node}
            kind.until(lambda: operator.leader() != leader, "another one leads")
        finally:
            kind.kubectl("uncordon", node)
    assert (writers(shop, "pod-name")[0], leader in writers(shop, "pod-name")[-1:]) == (leader, False), "the other one ended it"


def test_a_leader_whose_memory_is_exhausted_is_killed_and_the_rollout_goes_on(kind: Kind) -> None:
    operator, shop = Operator(kind), Stories(kind, "memory")
    shop.open()
    with shop.story("Promoted", rate=40):
        begun(shop)
        leader = operator.leader()

        def container() -> dict[str, Any]:
            return dict(kind.read("pod", leader, NAMESPACE)["status"]["containerStatuses"][0])

        restarts = container()["restartCount"]
        kind.kubectl("exec", *WHERE, leader, "--", "python3", "-c", HUNGRY, check=False)
        kind.until(lambda: container()["restartCount"] == restarts + 1, "it is killed for its memory, and started again")
        # where the limit is met by the pod's cgroup, containerd does not see why, and the reason is Error
        ended = container()["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"] in ("OOMKilled", "Error")) == (128 + signal.SIGKILL, True), ended
        operator.wait_ready()
        assert shop.status()["phase"] in ("Analyzing", "Baking"), "it is under way yet"


@pytest.mark.needs("audit log")
def test_a_token_that_is_rotated_is_taken_up_and_the_rollout_goes_on(kind: Kind) -> None:
    operator, shop = Operator(kind), Stories(kind, "rotated")

    def credentials() -> list[str]:
        entries = kind.audit(USER)
        return [entry["user"]["extra"][CREDENTIAL][0] for entry in entries if CREDENTIAL in entry["user"].get("extra", {})]

    shop.open()
    with shop.story("Promoted", rate=40, seconds=360):
        begun(shop)
        before = set(credentials())
        for node in kind.nodes:
            kind.restart_kubelet(node)  # which asks for new tokens, as it does after four fifths of an hour
        kind.until(lambda: not before & set(credentials()[-20:]), "requests are made with new tokens alone", seconds=200)
    assert writers(shop, "credential-id")[0] in before
    assert writers(shop, "credential-id")[-1] not in before, "the route was given back with a new token"
    assert operator.refused() == []
