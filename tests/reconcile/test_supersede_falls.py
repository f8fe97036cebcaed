"""A newer hotfix beside an older one where one of three sides falls: who has nobody to serve gets nothing, and one that is bad is
never what serves as long as another one could."""

from itertools import pairwise
from typing import Any

import pytest

from .shop import NAMESPACE
from .two import SLOWLY, WAITS, Two, analysed, beside

RULE = {"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}]}
PAY = {
    "matches": [{"path": {"type": "PathPrefix", "value": "/pay"}}],
    "backendRefs": [{"name": "checkout", "port": 80, "weight": 1}],
}


async def waiting(**newer: Any) -> Two:
    """The older one waits for git with everything; the newer one has been applied."""
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(**{"promotion": WAITS, **newer})
    return shop


async def asked_and_blind() -> Two:
    """The older one, which waits for git, stands still for a newer one that cannot start, as nothing is counted."""
    shop = await waiting()
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.requests.silent = True
    return await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())


def route(shop: Two) -> Any:
    """The route's rules."""
    return shop.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]


def reset(shop: Two, rules: list[Any], manager: str = "argocd-controller") -> None:
    """A GitOps tool applies the rules of git."""
    operation = {"op": "replace", "path": "/spec/rules", "value": rules}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [operation], manager=manager)
    shop.controllers.step()
    shop.wake()


def heal(shop: Two, deployment: str, image: str) -> None:
    """Its pods get up again."""
    shop.controllers.crashing.discard(image)
    shop.renew_pods(deployment)


def scaler(shop: Two, deployment: str, **metadata: Any) -> None:
    """An HPA of one to ten pods."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 10}
    metadata = {"name": deployment, "namespace": NAMESPACE, **metadata}
    shop.api.apply({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec})


def floor(shop: Two, deployment: str) -> int:
    """The fewest pods of its HPA."""
    return int(shop.api.read("HorizontalPodAutoscaler", NAMESPACE, deployment)["spec"]["minReplicas"])


def replicas(shop: Two, deployment: str, wanted: int | None = None) -> int:
    """How many pods it shall have; somebody sets that."""
    if wanted is not None:
        replace = {"op": "replace", "path": "/spec/replicas", "value": wanted}
        shop.api.edit("Deployment", NAMESPACE, deployment, [replace])
        shop.controllers.step()
        shop.wake()
    return int(shop.api.read("Deployment", NAMESPACE, deployment)["spec"]["replicas"])


def flips(seen: list[bool]) -> int:
    """How often it changed."""
    return sum(one is not two for one, two in pairwise(seen))


# ---- who serves for whom


@pytest.mark.parametrize("how", ["rollback", "release", "delete"])
async def test_a_newer_one_that_serves_for_a_lost_stable_gives_that_to_the_older_when_it_is_taken_back(how: str) -> None:
    shop = await beside()
    shop.crash("checkout", "sample:1.0")
    await shop.both(lambda s: s.share("checkout-second") == 75, seconds=30)
    if how == "delete":
        shop.delete("second")
    else:
        shop.ask("second", how)
    shop.least_stable.clear()
    await shop.both(lambda s: s.share("checkout-hotfix") == 100, seconds=60)
    await shop.both(lambda s: s.ended("second"))
    assert shop.share("checkout-hotfix") == 100
    assert max(shop.least_stable) == 0
    assert shop.phase("fix") == "Analyzing"


async def test_one_that_waits_for_git_without_traffic_takes_it_when_its_pods_are_back_before_the_newer_one_starts() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100)
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.requests.silent = True
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    heal(shop, "checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout-hotfix") == 100, seconds=120)
    assert shop.phase("fix") == "AwaitingGit"


# ---- the older patch, which is the control, falls


async def test_a_control_without_pods_gives_its_share_to_stable_before_the_newer_one_starts() -> None:
    shop = await asked_and_blind()
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100, seconds=30)
    assert shop.phase("fix") == "AwaitingGit"


@pytest.mark.parametrize("older", [{"promotion": WAITS}, {"analysis": {"bakeTime": "10m"}}], ids=["AwaitingGit", "Baking"])
@pytest.mark.parametrize("again", [False, True], ids=["dead", "dead again"])
async def test_a_newer_one_that_serves_for_a_lost_control_is_taken_back_and_stable_serves(
    older: dict[str, Any], *, again: bool
) -> None:
    shop = Two(**older)
    await shop.both(lambda s: s.phase("fix") in ("AwaitingGit", "Baking"))
    shop.hurry(promotion=WAITS, startWeight=1, steps=[1])
    await shop.both(lambda s: s.share("checkout-second") > 0)
    shop.requests.silent = True
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout-second") > 90, seconds=60)
    if again:
        heal(shop, "checkout-hotfix", "sample:1.1")
        await shop.wait(3)
        shop.crash("checkout-hotfix", "sample:1.1")
    shop.ask("second", "rollback")
    shares = shop.noting(lambda s: s.share("checkout-hotfix"))
    await shop.both(lambda s: s.share("checkout") == 100, seconds=60)
    assert max(shares) == 0


async def test_a_newer_one_keeps_what_it_serves_where_git_took_stable_out_beside_a_lost_control() -> None:
    shop = await waiting(startWeight=1, steps=[1])
    await shop.both(lambda s: s.share("checkout-second") > 0)
    shop.requests.silent = True
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout-second") == 100, seconds=60)
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in (("checkout-hotfix", 0), ("checkout-second", 1))]
    reset(shop, [{"backendRefs": backends}])
    await shop.wait(5)
    shop.ask("second", "rollback")
    shares = shop.noting(lambda s: s.share("checkout-hotfix"))
    await shop.wait(60)
    assert max(shares) == 0


async def test_a_control_that_was_scaled_down_at_night_is_not_taken_for_lost() -> None:
    shop = Two(promotion=WAITS)
    replicas(shop, "checkout", 10)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    replicas(shop, "checkout-hotfix", 1)
    await shop.wait(5)
    shop.hurry(promotion=WAITS, startWeight=5, steps=[5, 25])
    held = shop.noting(lambda s: s.state("second").get("held"))
    await shop.both(lambda s: s.share("checkout-second") > 0)
    await shop.wait(10)
    assert "StableLost" not in held
    assert shop.share("checkout-second") == 5


async def test_one_that_waits_for_git_with_too_few_pods_lets_the_newer_one_start() -> None:
    shop = Two(promotion=WAITS)
    replicas(shop, "checkout", 10)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100)
    replicas(shop, "checkout-hotfix", 1)
    heal(shop, "checkout-hotfix", "sample:1.1")
    await shop.wait(20)
    shop.hurry(promotion=WAITS)
    still = shop.noting(Two.stands_still)
    await shop.both(lambda s: s.phase("second") == "AwaitingGit", seconds=300)
    assert flips(still) <= 1


# ---- the newer one falls


async def test_an_older_one_goes_on_when_the_pods_of_the_newer_crash_after_it_asked() -> None:
    shop = await analysed(startWeight=50, steps=[50])
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    shop.crash("checkout-second", "sample:good")
    await shop.both(lambda s: s.stage("second") == "Scaling" and not s.stands_still(), seconds=60)
    reset(shop, [RULE])
    await shop.both(lambda s: s.share("checkout-hotfix") == 50, seconds=60)
    assert shop.phase("fix") == "Analyzing"


# ---- what git resets


async def test_stable_is_put_in_again_where_an_edit_took_the_control_out_of_a_rule_beside_the_newer_one() -> None:
    shop = await waiting(startWeight=25, steps=[25])
    await shop.both(lambda s: s.share("checkout-second") == 25)
    shop.requests.silent = True
    reset(shop, [{"backendRefs": [{"name": "checkout-second", "port": 80, "weight": 1}]}])
    await shop.both(lambda s: s.share("checkout-hotfix") == 75 and s.share("checkout-second") == 25, seconds=60)
    assert shop.share("checkout") == 0


async def test_two_rules_that_are_reset_in_different_ways_hold_it_and_make_no_loop_of_writes() -> None:
    shop = await analysed(rules=(PAY, RULE))
    shop.hurry(**SLOWLY)
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Analyzing" and s.share("checkout-second") > 0)
    shop.requests.silent = True
    reset(shop, [PAY, {"backendRefs": [{"name": "checkout-hotfix", "port": 80, "weight": 1}]}])
    await shop.wait(30)
    writes = sum("httproutes" in url for _, url, *_ in shop.api.writes)
    await shop.wait(120)
    assert sum("httproutes" in url for _, url, *_ in shop.api.writes) == writes
    assert shop.state("second")["held"] == "RouteMissing"


# ---- how things are given back


async def test_what_an_older_one_borrowed_is_given_back_when_it_cannot_be_read_until_the_newer_one_has_ended() -> None:
    shop = Two(**SLOWLY)
    shop.by_flux("HTTPRoute")
    scaler(shop, "checkout")
    before = route(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    shop.hurry()
    await shop.takes_over()
    shop.respec("fix", steps=[500])
    await shop.both(lambda s: s.phase("second") == "Promoted", seconds=3000)
    shop.respec("fix", steps=[25, 50])
    await shop.both(lambda s: s.ended("fix"), seconds=600)
    assert route(shop) == before
    assert "hotfix-operator" not in str(shop.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"].get("annotations"))
    assert floor(shop, "checkout") == 1


async def test_an_older_one_that_could_not_be_read_leaves_what_the_newer_one_keeps() -> None:
    shop = await analysed()
    shop.hurry(promotion={"mode": "KeepPatched"})
    await shop.takes_over()
    stored = shop.state("fix")
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", {**stored, "stoppedSeconds": "nonsense"})
    shop.wake()
    await shop.both(lambda s: s.phase("second") == "Promoted", seconds=3000)
    shop.least_stable.clear()
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", stored)
    shop.wake()
    await shop.both(lambda s: s.ended("fix"), seconds=600)
    assert max(shop.least_stable) == 0
    assert {name for name, weight in shop.weights.items() if weight} == {"checkout-second"}


async def test_an_older_one_whose_manifest_cannot_be_read_gives_way_all_the_same() -> None:
    shop = await analysed()
    shop.hurry(promotion={"mode": "KeepPatched"})
    await shop.takes_over()
    shop.respec("fix", steps=[500])
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"), seconds=3000)
    assert shop.phase("fix") == "Superseded"
    assert {name for name, weight in shop.weights.items() if weight} == {"checkout-second"}


async def test_the_floor_of_a_controls_own_scaler_stays_as_it_is() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    scaler(shop, "checkout-hotfix")
    floors = shop.noting(lambda s: floor(s, "checkout-hotfix"))
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.phase("second") == "AwaitingGit" and s.ended("fix"))
    shop.ask("second", "release")
    await shop.both(lambda s: s.ended("second"))
    assert set(floors) == {1}


async def test_a_newer_one_has_the_pods_that_stable_had_before_the_older_one_took_half_of_its_traffic() -> None:
    shop = Two(startWeight=50, steps=[50])
    replicas(shop, "checkout", 6)
    scaler(shop, "checkout", labels={"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux"})
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") == 50)
    shop.requests.silent = True
    replicas(shop, "checkout", 2)
    shop.hurry()
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Baking")
    assert replicas(shop, "checkout-second") == 6
