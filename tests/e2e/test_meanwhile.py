"""What others do while a rollout is under way, and what becomes of it."""

from typing import Any

from .shop import FAST, autoscaler, rollout, route
from .story import DELETED, GONE, Stories, everything_on_patched


def test_weights_changed_by_a_person_are_not_fought(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED):
        shop.apply(rollout(startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % are acknowledged")
        refs = "/spec/rules/0/backendRefs"
        shop.patch("httproute", "checkout", [{"op": "replace", "path": f"{refs}/1/weight", "value": 1}])
        shop.held("WeightsEdited", seconds=30)
        assert shop.weights()["checkout-hotfix"] == 1
        assert shop.conditions()["Ready"] == ("Unknown", "Held")
        shop.edit(paused=True)
        shop.until(lambda status: "Paused" in status.get("since", {}), "the pause is seen")
        shop.edit(paused=False)
        shop.phase("Baking", seconds=120)


HEADER = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-Shop", "value": "yes"}]}}


def with_the_header(spec: dict[str, Any]) -> None:
    """What a person added stays."""
    spec["rules"][0]["filters"] = [HEADER]


def test_another_field_changed_meanwhile_is_kept(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", but=with_the_header):
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.patch("httproute", "checkout", [{"op": "add", "path": "/spec/rules/0/filters", "value": [HEADER]}])
    assert "WeightsEdited" not in shop.events(), "no weight was edited"


PREVIEW = {
    "matches": [{"path": {"type": "PathPrefix", "value": "/preview"}}],
    "backendRefs": [{"group": "", "kind": "Service", "name": "checkout", "port": 80, "weight": 1}],
}


def with_the_preview(spec: dict[str, Any]) -> None:
    """The rule that a person put on top stays, and patched is in neither."""
    spec["rules"].insert(0, PREVIEW)


def test_a_rule_put_above_the_shifted_one_is_not_taken_for_it(shop: Stories) -> None:
    shop.open(stable="sample:good", patched="sample:worse")
    with shop.story("RolledBack", but=with_the_preview):
        shop.apply(rollout(traffic={**FAST, "httpRoutes": [{"name": "checkout", "rules": [0]}]}))
        shop.phase("Analyzing")
        shop.cluster.until(lambda: shop.weights().get("checkout-hotfix", 0) > 0, "a weight")
        shop.patch("httproute", "checkout", [{"op": "add", "path": "/spec/rules/0", "value": PREVIEW}])
        shop.phase("RolledBack", seconds=240)
        assert shop.weights() == {"checkout": 1}, "patched was never put into the new rule"


def test_a_route_that_is_deleted_meanwhile_is_not_made_again(shop: Stories) -> None:
    shop.open()
    away = {
        "404 from the proxy": "a person took the route away",
        "503 from the proxy": "a proxy is told of routes and of their endpoints one after another",
    }
    with shop.story(DELETED, forgiven=away) as load:
        shop.apply(rollout())
        shop.phase("Analyzing")
        assert load.lost() == [], "nothing is lost before"
        shop.kubectl("delete", "httproute", "checkout")
        shop.held("RouteMissing", seconds=30)
        seen = len(load.answers())
        shop.cluster.until(lambda: len(load.answers()) > seen + 100, "five seconds of requests")
        assert not shop.exists("httproute", "checkout")
        assert shop.replicas("checkout-hotfix") == 2
        shop.apply(route("checkout", shop.host))  # the person puts it back, and nothing else
        shop.cluster.until(lambda: not any(answer.lost for answer in load.answers()[-20:]), "requests are answered again")
        back = load.answers()[-1].sent
    assert not any(answer.lost for answer in load.since(back)), "the way out loses nothing"


def test_a_patched_that_changes_meanwhile_is_proven_anew_from_the_start_weight(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted"):
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: (status.get("weight") or 0) >= 25, "a raise", seconds=90)
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:1.2")
        status = shop.until(lambda s: any(d["reason"] == "PatchedChanged" for d in s["decisions"]), "PatchedChanged", seconds=30)
        assert status["weight"] == 10
    assert shop.image("checkout") == "sample:1.2"


def test_a_stable_that_changes_meanwhile_is_compared_anew(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED):
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        shop.kubectl("set", "env", "deployment/checkout", "NOTE=changed")
        shop.until(lambda s: any(d["reason"] == "StableChanged" for d in s["decisions"]), "StableChanged", seconds=30)
        status = shop.phase("Baking", seconds=180)
        reasons = [decision["reason"] for decision in status["decisions"]]
        assert reasons.index("StableChanged") < reasons.index("EvidenceSufficient")


def test_the_floor_of_stables_hpa_is_raised_meanwhile_and_given_back(shop: Stories) -> None:
    shop.open()
    shop.apply(autoscaler("checkout"))
    with shop.story(DELETED):
        shop.apply(rollout())
        shop.phase("Analyzing")
        assert shop.read("hpa", "checkout")["spec"]["minReplicas"] == 2
    assert shop.read("hpa", "checkout")["spec"]["minReplicas"] == 1


def test_a_stable_that_is_bad_with_the_fix_gets_nothing(shop: Stories) -> None:
    shop.open()
    with shop.story(GONE, rate=40, but=everything_on_patched, served_by=("checkout-hotfix",)):
        shop.apply(rollout())
        shop.until(lambda status: status.get("stage") == "Returning", "traffic returns to stable", seconds=180)
        shop.control("checkout", "errors=60")
        status = shop.held("PromotionFailed", seconds=120)
        assert status["weight"] == 100
        shop.cluster.until(lambda: shop.weights()["checkout"] == 0, "patched has everything again")
        assert shop.replicas("checkout-hotfix") == 2
        shop.kubectl("delete", "hfr", "fix", "--wait=false")
        shop.held("DeletionHeld", seconds=20)
        shop.edit(promotion={"mode": "KeepPatched"})
        shop.cluster.until(lambda: not shop.exists("hfr", "fix"), "the object is gone", seconds=30)


def test_a_stable_made_small_in_the_bake_is_not_lost_and_gets_everything_back_when_a_person_asks(shop: Stories) -> None:
    # five pods are taken at once while they serve: their proxies hear of it before they end only where they wait long enough
    shop.open(replicas=6, pre_stop=5)
    with shop.story("RolledBack") as load:
        shop.apply(rollout(analysis={"bakeTime": "10m"}))
        shop.phase("Baking", seconds=180)
        shop.kubectl("scale", "deployment/checkout", "--replicas=1")
        shop.cluster.until(lambda: len(shop.addresses("checkout")) == 1, "one pod is left")
        seen = len(load.answers())
        shop.cluster.until(lambda: len(load.answers()) > seen + 300, "15 s of requests")
        status = shop.status()
        assert (status["phase"], status.get("stableLost"), status["weight"]) == ("Baking", None, 80)
        shop.hotfix("rollback", "fix")
        status = shop.phase("RolledBack")
    assert status["why"] == "Requested"
    assert "StableLost" not in shop.events()
