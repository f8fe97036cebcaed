"""What keeps traffic from moving, said in a condition, and gone by itself when it is put right."""

import contextlib
import json
from typing import Any

import pytest

from tests.cluster.operator import USER

from . import reading
from .shop import ROLLOUTS, Shop, deployment, rollout, route, service
from .story import DELETED, Stories


def _refused(shop: Stories, reason: str, seconds: float = 60) -> dict[str, Any]:
    """Wait until it is refused for this reason, and read so."""
    status = shop.held(reason, seconds=seconds)
    assert reading.conditions(shop.read(ROLLOUTS, "fix")) == reading.refused(reason).conditions
    return status


def _nothing_written(shop: Shop) -> bool:
    mine = [entry for entry in shop.cluster.audit(USER) if (entry.get("objectRef") or {}).get("namespace") == shop.namespace]
    writes = [entry for entry in mine if entry["verb"] in ("patch", "update", "create", "delete")]
    return all(
        entry["objectRef"]["resource"] == "events" or entry["objectRef"].get("subresource") == "status" for entry in writes
    )


@pytest.mark.needs("audit log")
def test_a_rehearsal_says_what_would_happen_and_writes_nothing(shop: Stories) -> None:
    shop.open()
    shop.apply(rollout(paused=True))
    status = shop.held("Paused")
    assert shop.conditions()["Paused"] == ("True", "Paused")
    assert status["message"].startswith("Rehearsal: every check of the cluster passes")
    assert "containers.app.image" in status["message"]
    assert _nothing_written(shop)
    with shop.story(DELETED):
        shop.edit(paused=False)
        shop.phase("Analyzing")


def test_what_guards_stables_pods_alone_is_named_before_traffic_moves(shop: Stories) -> None:
    shop.open()
    budget = {
        "minAvailable": 1,
        "selector": {"matchLabels": shop.read("deployment", "checkout")["spec"]["selector"]["matchLabels"]},
    }
    shop.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "checkout"}, "spec": budget})
    with shop.story(DELETED):
        shop.apply(rollout(paused=True))
        status = shop.held("Paused")
    assert "PodDisruptionBudget checkout selects stable's pods but not patched's" in status["message"]


@pytest.mark.needs("audit log")
def test_an_old_manifest_for_another_image_writes_nothing(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED):
        shop.apply(rollout(stable={"deployment": "checkout", "image": "sample:0.9"}))
        status = _refused(shop, "StableMoved")
    assert "sample:1.0" in status["message"]
    assert _nothing_written(shop)


@pytest.mark.needs("audit log")
def test_an_expired_manifest_is_not_started(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED):
        shop.apply(rollout(expires="2026-01-01T00:00:00Z"))
        _refused(shop, "Expired")
    assert _nothing_written(shop)


PARTS = ["checkout deployment", "checkout service", "checkout-hotfix deployment", "checkout-hotfix service", "checkout httproute"]


@pytest.mark.parametrize("absent", PARTS)
def test_what_is_missing_is_named_and_it_goes_on_when_it_is_there(shop: Stories, absent: str) -> None:
    name, kind = absent.split()
    parts = {
        "checkout deployment": deployment("checkout", "sample:1.0"),
        "checkout service": service("checkout"),
        "checkout-hotfix deployment": deployment("checkout-hotfix", "sample:1.1"),
        "checkout-hotfix service": service("checkout-hotfix"),
        "checkout httproute": route("checkout", shop.host),
    }
    missing = parts.pop(absent)
    shop.apply(*parts.values())
    with contextlib.ExitStack() as under_load:
        if name == "checkout-hotfix":
            under_load.enter_context(shop.story(DELETED))
        shop.apply(rollout())
        status = shop.held("RouteAmbiguous" if kind == "httproute" else "TargetNotFound")
        assert f"{missing['kind']} {name}" in status["message"] or kind == "httproute"
        shop.apply(missing)
        if name == "checkout":  # nobody could answer before; patched is named in the route only after its pods were ready for 5 s
            under_load.enter_context(shop.story(DELETED))
        shop.until(lambda status: status.get("acknowledgedWeight"), "it goes on until patched has a weight")


def test_a_wrong_reference_is_stalled_only_after_a_while(shop: Stories) -> None:
    shop.open(patched=None)
    with shop.story(DELETED):
        shop.apply(rollout())
        shop.held("TargetNotFound")
        assert reading.conditions(shop.read(ROLLOUTS, "fix")) == reading.moving().conditions
        shop.cluster.until(lambda: "Stalled" in shop.conditions(), "Stalled", seconds=60)
        _refused(shop, "TargetNotFound")


@pytest.mark.needs("audit log")
@pytest.mark.parametrize("side", ["checkout", "checkout-hotfix"])
def test_a_service_that_selects_both_sides_is_refused(shop: Stories, side: str) -> None:
    shop.open(patched=None)
    both = deployment("checkout-hotfix", "sample:1.1")
    both["spec"]["template"]["metadata"]["labels"]["tier"] = "web"
    shop.patch("deployment", "checkout", [{"op": "add", "path": "/spec/template/metadata/labels/tier", "value": "web"}])
    shop.kubectl("rollout", "status", "deployment/checkout", "--timeout=60s")
    with shop.story(DELETED, served_by=("checkout", "checkout-hotfix") if side == "checkout" else ("checkout",)) as load:
        shop.apply(both, service("checkout-hotfix"))
        shop.apply(service(side, selector={"tier": "web"}))
        shop.apply(rollout())
        status = _refused(shop, "ServiceSelectsBothSides")
        assert f"Service {side} also selects the pods of" in status["message"]
        seen = {answer.backend for answer in load.answers()}
        assert _nothing_written(shop)
    assert seen


@pytest.mark.needs("audit log")
@pytest.mark.parametrize(
    ("mode", "kind", "marks"),
    [
        (
            "KeepPatched",
            "httproute",
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
        ),
        ("PatchStable", "deployment", {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout"}}),
        (
            "PatchStable",
            "deployment",
            {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "shop"}},
        ),
    ],
    ids=["flux", "argo cd", "helm"],
)
def test_a_promotion_that_git_would_undo_is_refused_before_traffic_moves(
    shop: Stories, mode: str, kind: str, marks: dict[str, dict[str, str]]
) -> None:
    shop.open()
    shop.kubectl("patch", kind, "checkout", "--type=merge", "-p", json.dumps({"metadata": marks}))
    with shop.story(DELETED):
        shop.apply(rollout(promotion={"mode": mode}))
        status = _refused(shop, "ManagedByGitOps")
    assert "shop" in status["message"]
    assert _nothing_written(shop)


def test_several_routes_are_listed_and_none_is_guessed(shop: Stories) -> None:
    shop.open()
    shop.apply(route("other", f"other.{shop.host}"))
    with shop.story(DELETED, hosts={"checkout": shop.host, "other": f"other.{shop.host}"}):
        shop.apply(rollout())
        status = shop.held("RouteAmbiguous")
    assert "checkout" in status["message"]
    assert "other" in status["message"]


def test_a_second_rollout_on_the_same_stable_waits(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED, name="second"):
        shop.apply(deployment("checkout-first", "nowhere/nothing:1"), service("checkout-first"))
        shop.apply(rollout("first", patched={"deployment": "checkout-first"}))
        shop.until(lambda status: status.get("stage") == "Scaling", "it waits for its pods", name="first")
        shop.apply(rollout("second"))
        shop.held("RouteBusy", name="second")
        assert reading.conditions(shop.read(ROLLOUTS, "second")) == reading.moving().conditions
        shop.kubectl("delete", "hfr", "first", "--timeout=60s")
        shop.phase("Analyzing", name="second")


SERIES = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)"'


@pytest.mark.parametrize(
    ("queries", "reason", "says"),
    [
        ({"requests": "http_requests_total{", "errors": "x"}, "InvalidQuery", "parse error"),
        (
            {"requests": 'absent_total{pod=~"$(pods)"}', "errors": 'absent_errors{pod=~"$(pods)"}'},
            "MetricsMissing",
            "Send a request, or correct spec.metrics",
        ),
        (
            {"requests": f"sum({SERIES}}})", "errors": f'sum({SERIES},code="500"}})'},
            "CountersUnfit",
            "ask for one series per process",
        ),
    ],
    ids=["invalid", "absent", "summed over processes"],
)
def test_queries_that_cannot_be_judged_keep_traffic_from_moving_until_they_are_put_right(
    shop: Stories, queries: dict[str, str], reason: str, says: str
) -> None:
    shop.open()
    with shop.story(DELETED) as load:
        shop.apply(rollout(metrics=queries))
        status = _refused(shop, reason)
        assert says in status["message"]
        assert {answer.image for answer in load.answers()} == {"sample:1.0"}
        shop.edit(metrics={"requests": f"{SERIES}}}", "errors": f'{SERIES},code="500"}}'})
        status = shop.phase("Analyzing")
        assert "Stalled" not in shop.conditions()
