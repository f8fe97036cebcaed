"""Routes of all shapes are borrowed and given back as they were."""

from .shop import FAST, deployment, rollout, route, service
from .story import DELETED, Stories


def test_two_rules_and_a_third_backend_keep_their_shares_and_come_back_as_they_were(shop: Stories) -> None:
    shop.open()
    shop.apply(deployment("legacy", "sample:good", replicas=1), service("legacy"))
    shop.ready("legacy", 1)
    refs = [{"name": "checkout", "port": 80, "weight": 3}, {"name": "legacy", "port": 80, "weight": 1}]
    api = {"matches": [{"path": {"type": "PathPrefix", "value": "/api"}}], "backendRefs": [{"name": "checkout", "port": 80}]}
    shop.apply(route("checkout", shop.host, api, {"backendRefs": refs}))
    with shop.story("Promoted", rate=40, served_by=("checkout", "legacy")):
        shop.apply(rollout(startWeight=10))
        shop.phase("Analyzing")
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        for rule in (0, 1):
            weights = shop.weights(rule=rule)
            both = weights["checkout"] + weights["checkout-hotfix"]
            assert weights["checkout-hotfix"] * 10 == both
            assert weights.get("legacy", both / 3) * 3 == both


def test_two_routes_are_shifted_together(shop: Stories) -> None:
    shop.open()
    shop.apply(route("second", f"second.{shop.host}"))
    routes = [{"name": "checkout"}, {"name": "second"}]
    with shop.story(DELETED, hosts={"checkout": shop.host, "second": f"second.{shop.host}"}) as load:
        shop.apply(rollout(traffic={**FAST, "httpRoutes": routes}, startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % on both")
        assert shop.weights("checkout") == shop.weights("second")
        weighed = load.answers()[-1].sent
        shop.cluster.until(
            lambda: any(answer.image == "sample:1.1" for answer in load.since(weighed)), "patched answers on the first route"
        )
        shop.phase("Baking", seconds=180)


def test_a_route_that_names_patched_at_weight_zero_already_keeps_it(shop: Stories) -> None:
    shop.open()
    refs = [{"name": "checkout", "port": 80, "weight": 7}, {"name": "checkout-hotfix", "port": 80, "weight": 0}]
    shop.apply(route("checkout", shop.host, {"backendRefs": refs}))
    with shop.story("Promoted"):
        shop.apply(rollout())
    assert shop.weights() == {"checkout": 7, "checkout-hotfix": 0}
    assert shop.image("checkout") == "sample:1.1"


def test_two_patched_pods_beside_six_of_stable_are_raised_or_waited_for(shop: Stories) -> None:
    shop.apply(deployment("checkout", "sample:1.0", replicas=6), service("checkout"), route("checkout", shop.host))
    shop.apply(deployment("checkout-hotfix", "sample:1.1", replicas=2), service("checkout-hotfix"))
    shop.ready("checkout", 6)
    with shop.story(DELETED, rate=30):
        shop.apply(rollout(patched={"deployment": "checkout-hotfix", "replicas": "Own"}))
        status = shop.held("InsufficientCapacity", seconds=120)
        assert status["weight"] == 25
        assert "kubectl scale deployment/checkout-hotfix --replicas=3" in status["message"]
    with shop.story("Promoted", rate=30, name="again"):
        shop.apply(rollout("again"))
        shop.phase("Analyzing", name="again")
        assert shop.replicas("checkout-hotfix") == 6
    assert shop.image("checkout") == "sample:1.1"
    assert shop.read("deployment", "checkout")["status"]["readyReplicas"] == 6
