"""The operator as it is shipped, on real nodes: what it may, and what becomes of a rollout when its pods go, in every way."""

import json
import signal
from typing import Any

import pytest

from tests.cluster.kind import Kind
from tests.cluster.operator import NAME, NAMESPACE, USER, Operator
from tests.cluster.provider import READY_SECONDS
from tests.e2e.shop import rollout
from tests.e2e.story import Stories
from tests.e2e.test_standing_by import addresses, metrics

WHERE = ("-n", NAMESPACE)
LABEL = f"app.kubernetes.io/name={NAME}"
POD = "authentication.kubernetes.io/pod-name"
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


def restarted(kind: Kind, node: str) -> None:
    """Its kubelet is another one. Older ones make their pods unready then, so the next node's has to wait for them."""
    running = ("get", "pods", "-A", f"--field-selector=spec.nodeName={node},status.phase=Running", "-o", "json")

    def ready() -> dict[str, str]:
        items = json.loads(kind.kubectl(*running).stdout)["items"]
        found = ((item["metadata"], item["status"]["conditions"]) for item in items)
        return {meta["uid"]: one["status"] for meta, conditions in found for one in conditions if one["type"] == "Ready"}

    def heartbeat() -> str:
        told = json.loads(kind.kubectl("get", "node", node, "-o", "json").stdout)["status"]["conditions"]
        return next(str(one["lastHeartbeatTime"]) for one in told if one["type"] == "Ready")

    before = heartbeat()
    kind.restart_kubelet(node)
    kind.until(lambda: heartbeat() > before, "the new kubelet tells of its node", seconds=READY_SECONDS)
    kind.kubectl("wait", "--for=condition=Ready", f"node/{node}", f"--timeout={READY_SECONDS}s")
    kind.until(lambda: set(ready().values()) <= {"True"}, "its pods are ready", seconds=READY_SECONDS)


def begun(shop: Stories) -> None:
    """Patched has 10 %, and is not promoted before `concluded` allows it."""
    shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
    shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")


def concluded(shop: Stories) -> None:
    """What disturbed it came in its midst; now it may end."""
    assert shop.status()["phase"] in ("Analyzing", "Baking")
    shop.edit(analysis={"bakeTime": "1s"})


def writers(shop: Stories, extra: str) -> list[str]:
    """Who changed the shop's routes, in their order: pod names, or ids of credentials."""
    found = []
    for entry in shop.cluster.audit(USER):
        ref = entry.get("objectRef") or {}
        where = (ref.get("resource"), ref.get("namespace"), entry["verb"], entry["responseStatus"]["code"])
        if where == ("httproutes", shop.namespace, "patch", 200):
            found += entry["user"].get("extra", {}).get(extra, ())
    return found


def test_it_runs_as_nobody_on_a_root_that_is_read_only_where_nothing_else_is_admitted(kind: Kind) -> None:
    assert len(pods(kind)) == 2
    for pod in pods(kind):
        where = (*WHERE, pod["metadata"]["name"], "--", "python3", "-c")
        assert kind.kubectl("exec", *where, "import os; print(os.getuid(), os.getgid())").stdout == "65532 65532\n"
        written = kind.kubectl("exec", *where, "open('/written', 'w')", check=False)
        assert "Read-only file system" in written.stderr
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
        concluded(shop)
    wrote = writers(shop, POD)
    assert wrote[0] in before
    assert wrote[-1] not in before, "a new one ended it"
    stamps = Operator(kind).stamps(shop.namespace)
    assert len(stamps) > 4
    assert stamps == sorted(stamps), "no older intention was ever written over a newer one"


def test_a_node_that_is_drained_of_the_leader_leaves_the_rollout_to_the_other_one(kind: Kind) -> None:
    operator, shop = Operator(kind), Stories(kind, "drained")
    assert {pod["spec"]["nodeName"] for pod in pods(kind)} == set(kind.nodes), "each node has one of them"
    shop.open()
    with shop.story("Promoted", rate=40):
        begun(shop)
        holder, leader = operator.holder(), operator.leader()
        node = next(pod["spec"]["nodeName"] for pod in pods(kind) if pod["metadata"]["name"] == leader)
        try:
            kind.kubectl("drain", node, "--ignore-daemonsets", f"--pod-selector={LABEL}", "--timeout=90s")
            left = set(kind.nodes) - {node}
            kind.until(lambda: {pod["spec"].get("nodeName") for pod in pods(kind)} == left, "the other node has all of them")
            operator.another(holder)
            concluded(shop)
            shop.phase("Promoted", seconds=240)
        finally:
            kind.kubectl("uncordon", node)
    wrote = writers(shop, POD)
    assert wrote[0] == leader
    assert wrote[-1] != leader, "another one ended it"


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
        kind.until(lambda: container()["restartCount"] > restarts, "it is killed for its memory", seconds=120)
        assert container()["restartCount"] == restarts + 1
        ended = container()["lastState"]["terminated"]
        # where the limit is met by the pod's cgroup, containerd does not see why, and the reason is Error
        assert (ended["exitCode"], ended["reason"] in ("OOMKilled", "Error")) == (128 + signal.SIGKILL, True)
        operator.wait_ready()
        changed = len(writers(shop, POD))
        concluded(shop)
    assert len(writers(shop, POD)) > changed, "whichever leads now has ended it"


@pytest.mark.needs("audit log")
def test_a_token_that_is_rotated_is_taken_up_and_the_rollout_goes_on(kind: Kind) -> None:
    operator, shop = Operator(kind), Stories(kind, "rotated")

    def credentials() -> list[str]:
        entries = kind.audit(USER)
        return [entry["user"]["extra"][CREDENTIAL][0] for entry in entries if CREDENTIAL in entry["user"].get("extra", {})]

    shop.open()
    with shop.story("Promoted", rate=40):
        begun(shop)
        before = set(credentials())
        for node in kind.nodes:
            restarted(kind, node)  # which asks for new tokens, as it does after four fifths of an hour
        kind.until(lambda: not before & set(credentials()[-20:]), "requests are made with new tokens alone", seconds=200)
        concluded(shop)
    assert writers(shop, CREDENTIAL)[0] in before
    assert writers(shop, CREDENTIAL)[-1] not in before, "a new token ended it"
    assert operator.refused() == []
