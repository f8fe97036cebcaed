"""Routes of all shapes are borrowed and given back as they were."""

from .shop import Shop, deployment, rollout, route, service, untouched


def test_two_rules_and_a_third_backend_keep_their_shares_and_come_back_as_they_were(shop: Shop) -> None:
    shop.open()
    shop.apply(deployment("legacy", "sample:good", replicas=1), service("legacy"))
    refs = [{"name": "checkout", "port": 80, "weight": 3}, {"name": "legacy", "port": 80, "weight": 1}]
    api = {"matches": [{"path": {"type": "PathPrefix", "value": "/api"}}], "backendRefs": [{"name": "checkout", "port": 80}]}
    shop.apply(route("checkout", shop.host, api, {"backendRefs": refs}))
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(40) as load:
        shop.apply(rollout(startWeight=10))
        shop.phase("Analyzing")
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        for rule in (0, 1):
            weights = shop.weights(rule=rule)
            both = weights["checkout"] + weights["checkout-hotfix"]
            assert weights["checkout-hotfix"] * 10 == both
            assert weights.get("legacy", both / 3) * 3 == both
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before


def test_two_routes_are_shifted_together(shop: Shop) -> None:
    shop.open()
    shop.apply(route("second", f"second.{shop.host}"))
    before = [untouched(shop.read("httproute", name)) for name in ("checkout", "second")]
    with shop.load(30) as load:
        routes = [{"name": "checkout"}, {"name": "second"}]
        shop.apply(rollout(traffic={"drain": "2s", "httpRoutes": routes}, startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % on both")
        assert shop.weights("checkout") == shop.weights("second")
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")
        assert load.lost() == []
    assert [untouched(shop.read("httproute", name)) for name in ("checkout", "second")] == before


def test_two_patched_pods_beside_six_of_stable_are_raised_or_waited_for(shop: Shop) -> None:
    shop.apply(deployment("checkout", "sample:1.0", replicas=6), service("checkout"), route("checkout", shop.host))
    shop.apply(deployment("checkout-hotfix", "sample:1.1", replicas=2), service("checkout-hotfix"))
    shop.ready("checkout", 6)
    with shop.load(30) as load:
        shop.apply(rollout(patched={"deployment": "checkout-hotfix", "replicas": "Own"}))
        status = shop.held("InsufficientCapacity", seconds=120)
        assert status["weight"] == 25
        assert "kubectl scale deployment/checkout-hotfix --replicas=3" in status["message"]
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")
        shop.apply(rollout("again"))
        shop.phase("Analyzing", name="again")
        assert shop.replicas("checkout-hotfix") == 6
        assert load.lost() == []
