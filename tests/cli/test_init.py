import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.cli import app, crd

from .live import deployment, service, single

IMAGE = ("--image", "registry.example/checkout:1.4.2")


class Answer:
    """What a run printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """kubectl hotfix, in this process."""

    def ran(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            app.main(list(arguments))
        printed = capsys.readouterr()
        return Answer(int(ended.value.code or 0), printed.out, printed.err)

    return ran


@pytest.fixture
def manifests(tmp_path: Path) -> Any:
    """Objects -> a file."""

    def written(*items: Any) -> str:
        file = tmp_path / "manifests.yaml"
        file.write_text(yaml.safe_dump_all(items))
        return str(file)

    return written


def test_three_documents_are_printed_for_kubectl_apply(run: Any, manifests: Any) -> None:
    answer = run("init", "deploy/checkout", *IMAGE, "-f", manifests(single(), service()))
    assert (answer.code, answer.err) == (0, "")
    printed = list(yaml.safe_load_all(answer.out))
    assert [item["kind"] for item in printed] == ["Deployment", "Service", "HotfixRollout"]
    assert {item["metadata"]["namespace"] for item in printed} == {"shop"}
    assert "&id" not in answer.out


def test_the_only_deployment_of_a_file_need_not_be_named(run: Any, manifests: Any) -> None:
    answer = run("init", *IMAGE, "-f", manifests(single(), service()), "-n", "other", "--incident", "INC-1", "--paused")
    assert answer.code == 0
    rollout = list(yaml.safe_load_all(answer.out))[2]
    assert rollout["metadata"] == {"name": "checkout-inc-1", "namespace": "other"}
    assert rollout["spec"]["paused"] is True


def test_a_list_is_read_from_standard_input(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [single(), service()]}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(listed)))
    assert run("init", "deployment.apps/checkout", *IMAGE, "-f", "-").code == 0


def around(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def test_what_covers_only_stable_is_said_on_standard_error(run: Any, manifests: Any) -> None:
    mine = {"matchLabels": {"app.kubernetes.io/name": "checkout"}}
    pods = single()
    pods["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "carts"}}]
    pods["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]
    file = manifests(
        pods,
        service(),
        service("metrics", selector={"tier": "web"}),
        around("HorizontalPodAutoscaler", "scaler", scaleTargetRef={"kind": "Deployment", "name": "checkout"}),
        around("HorizontalPodAutoscaler", "foreign", scaleTargetRef={"kind": "Deployment", "name": "cart"}),
        around("PodDisruptionBudget", "budget", selector=mine),
        around("NetworkPolicy", "policy", podSelector=mine),
        around("NetworkPolicy", "everybody", podSelector={}),
        {**around("HotfixRollout", "older", stable={"deployment": "checkout"}), "status": {"phase": "Baking"}},
        {**around("HotfixRollout", "done", stable={"deployment": "checkout"}), "status": {"phase": "Promoted"}},
        around("HotfixRollout", "checkout-hotfix", stable={"deployment": "checkout"}),
    )
    answer = run("init", "checkout", *IMAGE, "-f", file)
    assert answer.code == 0
    assert answer.err.splitlines() == [
        "note: HorizontalPodAutoscaler scaler scales stable only; patched keeps 6 replicas.",
        "note: PodDisruptionBudget budget covers stable's pods and not patched's.",
        "note: NetworkPolicy policy selects stable's pods and not patched's; give patched the same one if it needs it.",
        "note: HotfixRollout older (Baking) is at work on Deployment checkout; this one takes its place, or waits for it.",
        "note: HotfixRollout checkout-hotfix exists already (Pending); applying this changes it.",
        "note: Service metrics selects stable's pods too; patched's are not in it.",
        "note: PersistentVolumeClaim carts would be used by the pods of both sides at once.",
        "note: The pods use ports of their nodes, so patched's need nodes on which none of stable's runs.",
    ]


def test_a_copy_that_exists_already_is_said(run: Any, manifests: Any) -> None:
    earlier = next(yaml.safe_load_all(run("init", *IMAGE, "-f", manifests(single(), service())).out))
    answer = run("init", "deploy/checkout", *IMAGE, "-f", manifests(single(), service(), earlier))
    assert "note: Deployment checkout-hotfix exists already; applying this changes it." in answer.err
    earlier["spec"]["selector"] = {"matchLabels": {"app": "by-hand"}}
    answer = run("init", "deploy/checkout", *IMAGE, "-f", manifests(single(), service(), earlier))
    assert "exists already with another selector, which cannot be changed; delete it before" in answer.err


def at_work(phase: str | None, patched: str, name: str = "first", stable: str = "checkout") -> dict[str, Any]:
    """A HotfixRollout as a cluster has it, or a file, which knows no phase."""
    sides = {"stable": {"deployment": stable}, "patched": {"deployment": patched}}
    return {**around("HotfixRollout", name, **sides), **({"status": {"phase": phase}} if phase else {})}


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ([], "checkout-hotfix"),
        ([at_work("Analyzing", "checkout-hotfix")], "checkout-hotfix-2"),
        ([at_work("Promoting", "checkout-hotfix"), at_work("Baking", "checkout-hotfix-2", "second")], "checkout-hotfix-3"),
        ([at_work("AwaitingGit", "checkout-hotfix-2")], "checkout-hotfix"),
        ([at_work("RolledBack", "checkout-hotfix")], "checkout-hotfix"),
        ([at_work("Analyzing", "checkout-hotfix", stable="cart")], "checkout-hotfix"),
        ([at_work("Pending", "checkout-hotfix")], "checkout-hotfix"),
        ([at_work(None, "checkout-hotfix")], "checkout-hotfix"),
    ],
    ids=[
        "alone",
        "beside one",
        "beside two",
        "of another name",
        "after one",
        "of another stable",
        "beside a rehearsal",
        "in a file",
    ],
)
def test_pods_that_have_traffic_are_not_written_over(run: Any, manifests: Any, others: list[Any], name: str) -> None:
    answer = run("init", "deploy/checkout", *IMAGE, "-f", manifests(single(), service(), *others))
    copied, served, rollout = yaml.safe_load_all(answer.out)
    assert {item["metadata"]["name"] for item in (copied, served, rollout)} == {name}
    assert rollout["spec"]["patched"] == {"deployment": name}
    chosen = copied["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
    assert (chosen, served["spec"]["selector"]["app.kubernetes.io/name"]) == (name, name)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (
            at_work("Analyzing", "checkout-hotfix"),
            "(Analyzing) is at work on Deployment checkout; this one takes its place",
        ),
        (
            at_work(None, "checkout-hotfix"),
            "(Pending) is at work with Deployment checkout-hotfix too; this one would wait",
        ),
        (
            at_work("RolledBack", "checkout-hotfix", "checkout-hotfix"),
            "with `kubectl hotfix retry checkout-hotfix`, or choose",
        ),
        (
            at_work("Promoted", "checkout-hotfix", "checkout-hotfix"),
            "exists already (Promoted); choose another name with --name.",
        ),
    ],
)
def test_another_rollout_of_this_stable_is_named(run: Any, manifests: Any, other: Any, says: str) -> None:
    assert says in run("init", "deploy/checkout", *IMAGE, "-f", manifests(single(), service(), other)).err


REFUSED: tuple[tuple[tuple[Any, ...], tuple[str, ...], str], ...] = (
    (
        (single(), service()),
        ("sts/checkout", *IMAGE),
        "sts/checkout is no Deployment; only Deployments can be shifted: deploy/NAME",
    ),
    ((single(), service()), ("deploy/", *IMAGE), "Name the Deployment that is broken: deploy/NAME"),
    ((single(), service()), ("deploy/cart", *IMAGE), "There is no Deployment cart in"),
    ((service(),), IMAGE, "there is none"),
    ((single(), single(), service()), IMAGE, "deploy/checkout, deploy/checkout"),
    ((single(),), IMAGE, "No Service in"),
    ((single(), service(selector={})), IMAGE, "stable needs one that the HTTPRoute names"),
    ((single(), service("a"), service("b")), IMAGE, "to: --service a, --service b."),
    ((single(), service("a")), (*IMAGE, "--service", "c"), "Service c does not select the pods of Deployment checkout"),
    ((deployment(), service()), IMAGE, "--container app, --container proxy"),
    ((single(), service()), (*IMAGE, "--env", "MODE"), "--env MODE is not NAME=VALUE, for example"),
    ((single(), service()), (*IMAGE, "--incident", "I" * 65), "spec.incident.reference: String should have at most 64"),
    (({"kind": "Deployment", "metadata": {"name": "x"}},), IMAGE, "a Deployment is not complete"),
    (({"kind": "Deployment", "metadata": {"name": "x"}, "spec": []},), IMAGE, "a Deployment is not complete"),
    (({"kind": "Service", "metadata": {"name": "x"}, "spec": 7},), IMAGE, "a Service is not complete"),
)


@pytest.mark.parametrize(("items", "arguments", "says"), REFUSED, ids=[says for *_, says in REFUSED])
def test_what_is_not_possible_says_what_to_do(
    run: Any, manifests: Any, items: tuple[Any, ...], arguments: tuple[str, ...], says: str
) -> None:
    answer = run("init", *arguments, "-f", manifests(*items))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: ")
    assert says in answer.err


def test_a_file_that_cannot_be_read_is_named(run: Any, tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in run("init", *IMAGE, "-f", str(tmp_path / "none.yaml")).err
    (tmp_path / "broken.yaml").write_text("a: [")
    assert "broken.yaml cannot be read as manifests" in run("init", *IMAGE, "-f", str(tmp_path / "broken.yaml")).err
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert run("init", *IMAGE, "-f", str(tmp_path / "bytes.yaml")).code == 1


def test_without_a_file_a_deployment_must_be_named(run: Any) -> None:
    answer = run("init", *IMAGE)
    assert (answer.code, answer.err) == (
        1,
        "error: Name the Deployment that is broken: kubectl hotfix init deploy/NAME --image IMAGE.\n",
    )


def test_wrong_usage_ends_with_2(run: Any) -> None:
    assert run("init", "--colour").code == 2


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_says_that_nothing_is_written(run: Any, flag: str) -> None:
    answer = run("init", flag)
    assert (answer.code, answer.err) == (0, "")
    assert "Nothing is written to the cluster" in answer.out


def test_the_definition_is_printed_as_it_is_committed(run: Any) -> None:
    answer = run("crd")
    assert (answer.code, answer.out) == (0, crd.render())
