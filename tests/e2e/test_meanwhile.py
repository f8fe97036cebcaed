"""What others do while a rollout is under way, and what becomes of it."""

import json

from .shop import FAST, Shop, rollout, untouched


def test_weights_changed_by_a_person_are_not_fought(shop: Shop) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % are acknowledged")
        refs = "/spec/rules/0/backendRefs"
        shop.patch("httproute", "checkout", [{"op": "replace", "path": f"{refs}/1/weight", "value": 1}])
        shop.held("WeightsEdited", seconds=30)
        assert shop.weights()["checkout-hotfix"] == 1
        assert shop.conditions()["Ready"] == ("Unknown", "Held")
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":true}}')
        shop.until(lambda status: "Paused" in status.get("since", {}), "the pause is seen")
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":false}}')
        shop.phase("Baking", seconds=120)
        assert load.lost() == []


def test_another_field_changed_meanwhile_is_kept(shop: Shop) -> None:
    shop.open()
    header = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-Shop", "value": "yes"}]}}
    with shop.load() as load:
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.patch("httproute", "checkout", [{"op": "add", "path": "/spec/rules/0/filters", "value": [header]}])
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    rule = shop.read("httproute", "checkout")["spec"]["rules"][0]
    assert rule["filters"] == [header]
    assert {ref["name"]: ref["weight"] for ref in rule["backendRefs"]} == {"checkout": 1}
    assert untouched(shop.read("httproute", "checkout"))["ours"] == []


def test_a_rule_put_above_the_shifted_one_is_not_taken_for_it(shop: Shop) -> None:
    shop.open(stable="sample:good", patched="sample:worse")
    preview = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/preview"}}],
        "backendRefs": [{"name": "checkout", "port": 80, "weight": 1}],
    }
    with shop.load() as load:
        shop.apply(rollout(traffic={**FAST, "httpRoutes": [{"name": "checkout", "rules": [0]}]}))
        shop.phase("Analyzing")
        shop.cluster.until(lambda: shop.weights().get("checkout-hotfix", 0) > 0, "a weight")
        shop.patch("httproute", "checkout", [{"op": "add", "path": "/spec/rules/0", "value": preview}])
        shop.phase("RolledBack", seconds=240)
        assert load.lost() == []
    rules = shop.read("httproute", "checkout")["spec"]["rules"]
    assert [{ref["name"]: ref["weight"] for ref in rule["backendRefs"]} for rule in rules] == [{"checkout": 1}, {"checkout": 1}]
    assert untouched(shop.read("httproute", "checkout"))["ours"] == []


def test_a_route_that_is_deleted_meanwhile_is_not_made_again(shop: Shop) -> None:
    shop.open()
    with shop.load():
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.kubectl("delete", "httproute", "checkout")
        shop.held("RouteMissing", seconds=30)
    assert "checkout" not in shop.kubectl("get", "httproute", "-o", "name")
    assert shop.replicas("checkout-hotfix") == 2
    shop.kubectl("delete", "hfr", "fix", "--timeout=150s")


def test_a_patched_that_changes_meanwhile_is_proven_anew_from_the_start_weight(shop: Shop) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: (status.get("weight") or 0) >= 25, "a raise", seconds=90)
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:1.2")
        status = shop.until(lambda s: any(d["reason"] == "PatchedChanged" for d in s["decisions"]), "PatchedChanged", seconds=30)
        assert status["weight"] == 10
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    assert shop.image("checkout") == "sample:1.2"


def test_a_stable_that_changes_meanwhile_is_compared_anew(shop: Shop) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        shop.kubectl("set", "env", "deployment/checkout", "NOTE=changed")
        shop.until(lambda s: any(d["reason"] == "StableChanged" for d in s["decisions"]), "StableChanged", seconds=30)
        shop.phase("Baking", seconds=180)
        assert load.lost() == []


def test_the_floor_of_stables_hpa_is_raised_meanwhile_and_given_back(shop: Shop) -> None:
    shop.open()
    half_busy = {"type": "Utilization", "averageUtilization": 50}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "checkout"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": half_busy}}],
        },
    }
    shop.apply(scaler)
    with shop.load():
        shop.apply(rollout())
        shop.phase("Analyzing")
        assert shop.read("hpa", "checkout")["spec"]["minReplicas"] == 2
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")
    assert shop.read("hpa", "checkout")["spec"]["minReplicas"] == 1


def test_a_stable_that_dies_gives_everything_to_patched_within_ten_seconds_and_gets_it_back_in_steps(shop: Shop) -> None:
    shop.open()
    with shop.load(30) as load:
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        addresses = shop.kubectl("get", "pods", "-l", "app=checkout", "-o", "jsonpath={.items[*].status.podIP}").split()
        for address in addresses:
            shop.cluster.get(f"http://{address}:8080/control?unready=1&errors=100")
        shop.cluster.until(lambda: shop.weights()["checkout"] == 0, "patched has everything", seconds=14)
        assert shop.status()["held"] == "StableLost"
        assert shop.conditions()["Ready"] == ("Unknown", "StableLost")
        assert shop.replicas("checkout-hotfix") == 2
        for address in addresses:
            shop.cluster.get(f"http://{address}:8080/control?unready=0&errors=5")
        shop.until(lambda status: "stableLost" not in status, "stable is back", seconds=120)
        steps = [d["what"] for d in shop.status()["decisions"] if d["reason"] in ("StableLost", "TrafficShifted")]
        assert steps[-4:-1] == ["weight 100", "weight 95", "weight 50"]
        assert [answer for answer in load.lost() if answer.lost != "503 from the proxy"] == []


def test_a_stable_that_is_bad_with_the_fix_gets_nothing(shop: Shop) -> None:
    shop.open()
    with shop.load(40) as load:
        shop.apply(rollout())
        shop.until(lambda status: status.get("stage") == "Returning", "traffic returns to stable", seconds=180)
        addresses = shop.kubectl("get", "pods", "-l", "app=checkout", "-o", "jsonpath={.items[*].status.podIP}").split()
        for address in addresses:
            shop.cluster.get(f"http://{address}:8080/control?errors=60")
        status = shop.held("PromotionFailed", seconds=120)
        assert status["weight"] == 100
        shop.cluster.until(lambda: shop.weights()["checkout"] == 0, "patched has everything again")
        assert shop.replicas("checkout-hotfix") == 2
        assert load.lost() == []
        shop.kubectl("delete", "hfr", "fix", "--wait=false")
        shop.held("DeletionHeld", seconds=20)
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", json.dumps({"spec": {"promotion": {"mode": "KeepPatched"}}}))
        shop.cluster.until(lambda: "fix" not in shop.kubectl("get", "hfr", "-o", "name"), "the object is gone", seconds=30)
        assert shop.weights()["checkout"] == 0
