"""Two rollouts on one route in stories that random ones have found: each is the shortest that goes wrong without its rule."""

from typing import Any

from .shop import NAMESPACE
from .two import Two

RULE = {"backendRefs": [{"name": "checkout", "port": 80, "weight": 90}, {"name": "other", "port": 80, "weight": 10}]}


def _asked(shop: Two, verb: str) -> None:
    value = {"hotfix-operator.dev/request": f"{verb}:1"}
    shop.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/metadata/annotations", "value": value}])


def _route(shop: Two) -> Any:
    return shop.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]


def _scaler(shop: Two) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    shop.api.apply({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "checkout", "namespace": NAMESPACE}, "spec": spec})


async def test_a_newer_one_that_ends_before_the_older_stands_still_leaves_its_share_alone() -> None:
    shop = Two(startWeight=25)
    await shop.both(lambda s: s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    shop.hurry()
    await shop.both(lambda s: s.state("second").get("stage") == "Scaling")
    _asked(shop, "rollback")
    shop.wake()
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    assert max(shop.least_stable) == 75
    assert shop.share("checkout-hotfix") == 25


async def test_a_newer_one_starts_against_stable_when_its_control_was_promoted_before_it_was_ready() -> None:
    shop = Two(promotion={"mode": "AwaitGit"})
    before = _route(shop)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.controllers.never_ready.add("sample:good")
    shop.hurry()
    await shop.both(lambda s: s.state("second").get("stage") == "Scaling")
    spec = shop.api.read("Deployment", NAMESPACE, "checkout-hotfix")["spec"]["template"]["spec"]
    shop.api.edit("Deployment", NAMESPACE, "checkout", [{"op": "replace", "path": "/spec/template/spec", "value": spec}])
    shop.controllers.step()
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    shop.controllers.never_ready.clear()
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert _route(shop) == before


async def test_a_control_whose_backend_git_dropped_is_let_go_on() -> None:
    shop = Two(promotion={"mode": "AwaitGit"})
    rules = _route(shop)["rules"]
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    dropped = {"op": "replace", "path": "/spec/rules", "value": rules}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [dropped], "kustomize-controller")
    shop.controllers.step()
    await shop.both(lambda s: s.share("checkout-hotfix") == 100 or s.share("checkout-second") == 100, seconds=300)
    assert shop.share("checkout") == 0


async def test_the_floor_of_stable_stays_raised_while_one_of_two_lives() -> None:
    shop = Two(startWeight=25, steps=[25, 50])
    _scaler(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry("sample:crash")
    floors: list[int] = []

    def ended(shop: Two) -> bool:
        scaler = shop.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")
        floors.append(scaler["spec"]["minReplicas"])
        return shop.phase("second") == "RolledBack"

    await shop.both(ended)
    assert shop.phase("fix") in ("Analyzing", "Baking")
    assert set(floors) == {2}


async def test_third_backends_have_their_old_weights_when_a_newer_one_was_promoted() -> None:
    shop = Two(rules=(RULE,), startWeight=50)
    before = _route(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert _route(shop) == before


def _stable_dies(shop: Two) -> None:
    shop.controllers.never_ready.add("sample:1.0")
    _pods_anew(shop)


def _pods_anew(shop: Two) -> None:
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["labels"]["app"] == "checkout":
            shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()


async def _half(shop: Two) -> None:
    """The older one has a share, and keeps it because nothing is counted."""
    await shop.both(lambda s: s.share("checkout-hotfix") > 0 and bool(s.state("fix").get("acknowledgedWeight")))
    shop.requests.silent = True


async def test_a_stable_that_dies_right_after_the_older_one_stood_still_gets_nothing() -> None:
    shop = Two(startWeight=25)
    await _half(shop)
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    _stable_dies(shop)
    await shop.both(lambda s: s.share("checkout") == 0, seconds=60)
    assert shop.share("checkout-hotfix") > 0


async def test_of_two_only_one_takes_what_a_lost_stable_has() -> None:
    shop = Two(startWeight=25, steps=[25, 50])
    await _half(shop)
    shop.requests.silent = False
    shop.hurry("sample:crash", traffic={"drain": "60s"})
    await shop.both(lambda s: s.state("second").get("stage") == "DrainingPatched")
    shop.requests.silent = True
    await shop.both(lambda s: not s.state("fix").get("supersededBy"))
    _stable_dies(shop)
    await shop.both(lambda s: s.share("checkout-hotfix") == 100)
    shop.controllers.never_ready.clear()
    _pods_anew(shop)
    shares: list[float] = []

    def back(shop: Two) -> bool:
        shares.append(shop.share("checkout-second"))
        return not shop.state("fix").get("stableLost")

    await shop.both(back, seconds=600)
    assert max(shares) == 0


async def test_a_deleted_older_one_whose_weight_git_reset_still_gives_way() -> None:
    shop = Two(startWeight=25)
    rules = _route(shop)["rules"]
    await _half(shop)
    shop.controllers.never_ready.add("sample:good")
    shop.hurry()
    await shop.both(lambda s: s.state("second").get("stage") == "Scaling")
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    shop.wake()
    await shop.both(lambda s: s.state("fix").get("held") == "DeletionHeld")
    rule = {"op": "replace", "path": "/spec/rules", "value": rules}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [rule], "kustomize-controller")
    shop.controllers.never_ready.clear()
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted" and not s.of("fix"))
    assert shop.share("checkout-hotfix") == 0


async def test_weights_that_are_large_already_leave_room_for_everything() -> None:
    rule = {
        "backendRefs": [{"name": "checkout", "port": 80, "weight": 101300}, {"name": "checkout-hotfix", "port": 80, "weight": 0}]
    }
    shop = Two(rules=(rule,), startWeight=10, steps=[10, 50])
    await _half(shop)
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 101300, "checkout-hotfix": 0}
