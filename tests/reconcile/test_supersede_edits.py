"""A newer hotfix beside an older one while people and git edit what the two share: no share is lost, and no mark."""

from typing import Any

from .shop import ERRORS, NAMESPACE
from .two import WAITS, Two, analysed, beside

MARK = "kustomize.toolkit.fluxcd.io/reconcile"
HALVES = {"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}, {"name": "legacy", "port": 80, "weight": 1}]}
RULES_OF_GIT = [{"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}]}]


def mark(shop: Two) -> object:
    """What Flux is told about the route."""
    annotations: dict[str, Any] = shop.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"].get("annotations") or {}
    return annotations.get(MARK)


def put_back_by_git(shop: Two) -> None:
    """The route is what it was before any hotfix."""
    rules = {"op": "replace", "path": "/spec/rules", "value": RULES_OF_GIT}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [rules], manager="argocd-controller")
    shop.controllers.step()
    shop.wake()


async def test_the_older_share_is_put_right_when_git_puts_its_route_back_while_both_live() -> None:
    shop = await beside()
    put_back_by_git(shop)
    assert shop.share("checkout-hotfix") == 0
    await shop.wait(30)
    assert shop.share("checkout-hotfix") == 25


async def test_the_control_has_its_share_again_when_git_puts_its_route_back_while_both_live() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS, startWeight=25, steps=[25])
    await shop.both(lambda s: s.share("checkout-second") == 25)
    shop.requests.silent = True
    put_back_by_git(shop)
    assert shop.share("checkout") == 100
    await shop.both(lambda s: s.share("checkout-second") == 25, seconds=10)
    assert (shop.share("checkout-hotfix"), shop.share("checkout")) == (75, 0)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "AwaitingGit")
    assert shop.phase("fix") == "Superseded"


async def test_an_older_patch_that_is_changed_while_it_stands_still_loses_its_share() -> None:
    shop = await beside()
    ERRORS.setdefault("sample:unknown", 1.0)
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "sample:unknown"}
    shop.api.edit("Deployment", NAMESPACE, "checkout-hotfix", [image])
    shop.controllers.step()
    shop.wake()
    await shop.both(lambda s: s.share("checkout-hotfix") == 0, seconds=5)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.phase("fix") == "RolledBack"


async def test_a_newer_one_waits_as_long_as_the_older_weights_are_edited_whatever_its_pods_do() -> None:
    shop = await analysed(analysis={"deadline": "2h"})
    weights = ((0, 60), (1, 40))
    shop.edit_rules(*({"op": "replace", "path": f"/spec/rules/0/backendRefs/{n}/weight", "value": w} for n, w in weights))
    shop.wake()
    await shop.both(lambda s: s.state("fix").get("held") == "WeightsEdited")
    shop.hurry()
    await shop.wait(360)
    shop.controllers.never_ready.add("sample:good")
    shop.renew_pods("checkout-second")
    await shop.wait(5)
    assert shop.phase("second") == "Pending"
    assert shop.share("checkout-hotfix") == 40


async def test_a_newer_one_that_may_not_change_stable_is_held_and_the_older_goes_on() -> None:
    shop = Two(promotion=WAITS)
    shop.by_flux("Deployment")
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion={"mode": "PatchStable"})
    await shop.wait(60)
    assert (shop.phase("second"), shop.state("second").get("held")) == ("Pending", "ManagedByGitOps")
    assert not shop.stands_still()
    assert shop.share("checkout-hotfix") == 100


async def test_a_newer_one_on_its_way_back_can_be_deleted_where_the_older_cannot_be_read() -> None:
    shop = await analysed()
    shop.hurry("sample:crash")
    await shop.both(Two.stands_still)
    shop.respec("fix", steps=[500])
    shop.requests.silent = False
    await shop.both(lambda s: s.stage("second") == "GivingBack")
    shop.delete("second")
    await shop.both(lambda s: not s.of("second"))
    assert shop.share("checkout-second") == 0


async def test_a_third_backend_has_its_old_weight_when_a_newer_one_was_rolled_back() -> None:
    shop = await analysed(rules=(HALVES,))
    shop.hurry("sample:crash", startWeight=1)
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "RolledBack" and s.phase("fix") == "Promoted")
    assert shop.weights == {"checkout": 1, "legacy": 1}


async def test_a_newer_one_that_waits_for_the_older_to_go_on_does_not_write_the_route_at_each_look() -> None:
    shop = await analysed()
    shop.hurry("sample:crash", traffic={"drain": "60s"})
    await shop.takes_over()
    await shop.both(lambda s: s.stage("second") == "DrainingPatched")
    before = len(shop.api.writes)
    await shop.both(lambda s: s.stage("second") == "GivingBack", seconds=200)
    assert sum("httproutes" in write[1] for write in shop.api.writes[before:]) < 10


async def test_the_mark_for_flux_stays_when_a_newer_one_is_deleted_beside_one_that_bakes() -> None:
    shop = Two(analysis={"bakeTime": "10m"})
    shop.by_flux("HTTPRoute")
    await shop.both(lambda s: s.phase("fix") == "Baking")
    shop.controllers.never_ready.add("sample:slow")
    shop.hurry("sample:slow")
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.delete("second")
    marks = shop.noting(mark)
    await shop.both(lambda s: not s.of("second"))
    await shop.wait(10)
    assert set(marks) == {"disabled"}


async def test_the_mark_and_the_share_stay_when_a_newer_one_is_deleted_beside_one_that_is_promoted() -> None:
    shop = Two(analysis={"bakeTime": "30s"}, traffic={"drain": "60s"})
    shop.by_flux("HTTPRoute")
    await shop.both(lambda s: s.phase("fix") == "Baking")
    shop.controllers.never_ready.add("sample:slow")
    shop.hurry("sample:slow")
    await shop.both(lambda s: s.stage("second") == "Scaling" and s.phase("fix") == "Promoting")
    shop.controllers.never_ready.clear()
    shop.renew_pods("checkout-second")
    await shop.wait(20)
    shop.delete("second")
    seen = shop.noting(lambda s: (mark(s), s.share("checkout-hotfix") > 0))
    await shop.wait(10)
    assert set(seen) == {("disabled", True)}
