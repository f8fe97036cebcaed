"""What keeps traffic from moving, said in a condition, and gone by itself when it is put right."""

import json

import pytest

from tests.cluster.operator import USER

from .shop import Shop, deployment, rollout, route, service

STALLED = {"Ready": "False", "Stalled": "True", "Succeeded": "Unknown", "Completed": "False"}


def _states(shop: Shop, name: str = "fix") -> dict[str, str]:
    return {kind: state for kind, (state, _) in shop.conditions(name).items()}


def _nothing_written(shop: Shop) -> bool:
    mine = [entry for entry in shop.cluster.audit(USER) if (entry.get("objectRef") or {}).get("namespace") == shop.namespace]
    writes = [entry for entry in mine if entry["verb"] in ("patch", "update", "create", "delete")]
    return all(
        entry["objectRef"]["resource"] == "events" or entry["objectRef"].get("subresource") == "status" for entry in writes
    )


def test_a_rehearsal_says_what_would_happen_and_writes_nothing(shop: Shop) -> None:
    shop.open()
    shop.apply(rollout(paused=True))
    status = shop.held("Paused")
    assert status["message"].startswith("Rehearsal: every check passes")
    assert "containers.app.image" in status["message"]
    assert _states(shop) == {
        "Ready": "Unknown",
        "Reconciling": "True",
        "Paused": "True",
        "Succeeded": "Unknown",
        "Completed": "False",
    }
    assert _nothing_written(shop)
    with shop.load():
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":false}}')
        shop.phase("Analyzing")


def test_what_guards_stables_pods_alone_is_named_before_traffic_moves(shop: Shop) -> None:
    shop.open()
    budget = {
        "minAvailable": 1,
        "selector": {"matchLabels": shop.read("deployment", "checkout")["spec"]["selector"]["matchLabels"]},
    }
    shop.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "checkout"}, "spec": budget})
    shop.apply(rollout(paused=True))
    status = shop.held("Paused")
    assert "PodDisruptionBudget checkout selects stable's pods but not patched's" in status["message"]


def test_an_old_manifest_for_another_image_writes_nothing(shop: Shop) -> None:
    shop.open()
    shop.apply(rollout(stable={"deployment": "checkout", "image": "sample:0.9"}))
    status = shop.held("StableMoved")
    assert "sample:1.0" in status["message"]
    assert _states(shop) == STALLED
    assert _nothing_written(shop)


def test_an_expired_manifest_is_not_started(shop: Shop) -> None:
    shop.open()
    shop.apply(rollout(expires="2026-01-01T00:00:00Z"))
    shop.held("Expired")
    assert _states(shop) == STALLED
    assert _nothing_written(shop)


@pytest.mark.parametrize("absent", ["deployment", "service", "route"])
def test_what_is_missing_is_named_and_it_goes_on_when_it_is_there(shop: Shop, absent: str) -> None:
    shop.open(patched=None)
    parts = {
        "deployment": deployment("checkout-hotfix", "sample:1.1"),
        "service": service("checkout-hotfix"),
        "route": route("checkout", shop.host),
    }
    if absent == "route":
        shop.kubectl("delete", "httproute", "checkout")
    shop.apply(*(item for name, item in parts.items() if name != absent))
    shop.apply(rollout())
    shop.held("RouteAmbiguous" if absent == "route" else "TargetNotFound")
    shop.apply(parts[absent])
    shop.until(lambda status: status.get("stage") in ("Scaling", "Adopting", "Shifting"), "it goes on", seconds=30)


def test_a_wrong_reference_is_stalled_only_after_a_while(shop: Shop) -> None:
    shop.open(patched=None)
    shop.apply(rollout())
    shop.held("TargetNotFound")
    assert "Stalled" not in _states(shop)
    shop.cluster.until(lambda: _states(shop).get("Stalled") == "True", "Stalled", seconds=60)


def test_a_service_that_selects_both_sides_is_refused(shop: Shop) -> None:
    shop.open(patched=None)
    both = deployment("checkout-hotfix", "sample:1.1")
    labels = both["spec"]["template"]["metadata"]["labels"]
    labels |= {"tier": "web"}
    stable = shop.read("deployment", "checkout")
    stable["spec"]["template"]["metadata"]["labels"]["tier"] = "web"
    shop.patch("deployment", "checkout", [{"op": "add", "path": "/spec/template/metadata/labels/tier", "value": "web"}])
    shop.apply(both, service("checkout-hotfix", selector={"tier": "web"}))
    shop.apply(rollout())
    status = shop.held("ServiceSelectsBothSides")
    assert "checkout-hotfix" in status["message"]
    assert _nothing_written(shop)


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        (
            "httproute",
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
        ),
        ("deployment", {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout"}}),
        (
            "deployment",
            {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "shop"}},
        ),
    ],
    ids=["flux", "argo cd", "helm"],
)
def test_what_git_manages_is_refused_before_traffic_moves(shop: Shop, kind: str, marks: dict[str, dict[str, str]]) -> None:
    shop.open()
    shop.kubectl("patch", kind, "checkout", "--type=merge", "-p", json.dumps({"metadata": marks}))
    shop.apply(rollout())
    status = shop.held("ManagedByGitOps")
    assert "shop" in status["message"]
    assert _states(shop) == STALLED
    assert _nothing_written(shop)


def test_several_routes_are_listed_and_none_is_guessed(shop: Shop) -> None:
    shop.open()
    shop.apply(route("other", f"other.{shop.host}"))
    shop.apply(rollout())
    status = shop.held("RouteAmbiguous")
    assert "checkout" in status["message"]
    assert "other" in status["message"]


def test_a_second_rollout_on_the_same_stable_waits(shop: Shop) -> None:
    shop.open()
    shop.apply(rollout("first", paused=True))
    shop.held("Paused", name="first")
    shop.apply(rollout("second"))
    shop.held("RouteBusy", name="second")
    assert "Stalled" not in _states(shop, "second")


@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        ({"requests": "http_requests_total{", "errors": "x"}, "InvalidQuery"),
        ({"requests": 'absent_total{pod=~"$(pods)"}', "errors": 'absent_errors{pod=~"$(pods)"}'}, "MetricsMissing"),
        (
            {
                "requests": 'sum(http_requests_total{namespace="$(namespace)",pod=~"$(pods)"})',
                "errors": 'sum(http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code="500"})',
            },
            "CountersUnfit",
        ),
    ],
    ids=["invalid", "absent", "summed over processes"],
)
def test_queries_that_cannot_be_judged_keep_traffic_from_moving(shop: Shop, queries: dict[str, str], reason: str) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(metrics=queries))
        shop.held(reason)
        shop.cluster.until(lambda: _states(shop).get("Stalled") == "True", "Stalled")
        assert {answer.image for answer in load.answers()} == {"sample:1.0"}
