"""What others do while one of two rollouts waits for the other: pods die, people edit, memory is lost, controllers are silent."""

import pytest

from .shop import ERRORS, NAMESPACE
from .test_supersede_edits import put_back_by_git
from .test_supersede_stuck import return_failed
from .two import WAITS, Two, analysed, beside

IMAGE = "/spec/template/spec/containers/0/image"


def by_hand(shop: Two, **weights: int) -> None:
    """A person gives backends of the route other weights."""
    backends = [one["name"] for one in shop.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"][0]["backendRefs"]]
    places = {name: f"/spec/rules/0/backendRefs/{backends.index(name.replace('_', '-'))}/weight" for name in weights}
    shop.edit_rules(*({"op": "replace", "path": places[name], "value": value} for name, value in weights.items()))
    shop.wake()


def kill(shop: Two, name: str, image: str) -> None:
    """The pods of a Deployment are renewed and do not get ready."""
    shop.controllers.never_ready.add(image)
    shop.renew_pods(name)


async def waiting_for_git() -> Two:
    shop = Two(promotion=WAITS)
    return await shop.both(lambda s: s.phase("fix") == "AwaitingGit" and s.share("checkout-hotfix") == 100)


async def newer_that_comes(shop: Two) -> Two:
    """Its pods are not ready yet, and the older one's deletion waits for it."""
    shop.controllers.never_ready.add("sample:good")
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.delete("fix")
    return await shop.wait(3) or shop


async def blind_before_the_start(shop: Two) -> Two:
    shop.hurry()
    return await shop.both(lambda s: s.stage("second") == "Adopting" and s.state("second").get("held") == "MetricsUnavailable")


# ---- a deletion of the older one waits for the newer one


@pytest.mark.parametrize("how", ["its pods die", "its Deployment is deleted"])
async def test_stable_serves_when_the_older_patch_dies_while_its_deletion_waits(how: str) -> None:
    shop = await newer_that_comes(await waiting_for_git())
    assert shop.share("checkout-hotfix") == 100
    if how == "its pods die":
        shop.crash("checkout-hotfix", "sample:1.1")
    else:
        finalizers = {"op": "add", "path": "/metadata/finalizers", "value": ["foregroundDeletion"]}
        shop.api.edit("Deployment", NAMESPACE, "checkout-hotfix", [finalizers])
        shop.api.delete("Deployment", NAMESPACE, "checkout-hotfix")
        shop.wake()
    await shop.wait(10)
    assert shop.share("checkout") == 100


async def test_what_has_no_weight_is_not_waited_for_by_its_deletion() -> None:
    shop = await waiting_for_git()
    kill(shop, "checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100, seconds=60)
    await newer_that_comes(shop)
    await shop.both(lambda s: not s.of("fix"), seconds=300)
    assert shop.share("checkout") == 100


async def test_an_earlier_attempt_that_was_superseded_holds_no_later_deletion() -> None:
    shop = await beside()
    shop.ask("fix", "rollback")
    shop.requests.silent = False
    await shop.both(lambda s: s.ended("fix") and s.phase("second") == "Promoted" and s.ended("second"))
    ERRORS.setdefault("sample:1.3", 0.0)
    shop.api.edit("Deployment", NAMESPACE, "checkout-hotfix", [{"op": "replace", "path": IMAGE, "value": "sample:1.3"}])
    shop.controllers.step()
    shop.ask("fix", "retry")
    await shop.both(lambda s: s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    await shop.wait(10)
    shop.delete("fix")
    await shop.both(lambda s: not s.of("fix"), seconds=600)
    assert shop.share("checkout") == 100


# ---- a failed promotion


async def test_a_failed_promotion_keeps_its_share_whatever_git_resets() -> None:
    shop = await return_failed()
    shop.hurry(startWeight=25, steps=[25])
    await shop.takes_over()
    await shop.both(lambda s: s.share("checkout-second") == 25)
    shop.requests.silent = True
    put_back_by_git(shop)
    await shop.wait(60)
    assert shop.share("checkout") == 0, "stable is no good"


async def test_a_failed_promotion_whose_stable_has_no_pods_is_superseded() -> None:
    shop = Two()
    await shop.both(lambda s: s.stage("fix") == "Returning")
    kill(shop, "checkout", "sample:1.1")
    await shop.both(lambda s: s.stage("fix") == "ReturnFailed" and s.share("checkout-hotfix") == 100)
    shop.hurry()
    await shop.both(Two.stands_still, seconds=900)
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"))
    assert shop.phase("fix") == "Superseded"


# ---- people's edits


@pytest.mark.parametrize("control", [False, True])
async def test_what_a_person_takes_from_the_older_patch_stays_so_before_the_newer_one_starts(control: bool) -> None:
    shop = await waiting_for_git() if control else await analysed()
    shop.requests.silent = True
    await blind_before_the_start(shop)
    by_hand(shop, checkout=100, checkout_hotfix=0)
    await shop.wait(40)
    assert shop.share("checkout") == 100
    assert shop.state("fix")["held"] == "WeightsEdited"


async def test_an_edit_that_was_told_stays_when_the_newer_one_is_deleted() -> None:
    shop = await beside()
    by_hand(shop, checkout=100, checkout_hotfix=0, checkout_second=0)
    await shop.both(lambda s: s.state("second").get("held") == "WeightsEdited", seconds=30)
    shop.delete("second")
    await shop.both(lambda s: not s.of("second"), seconds=300)
    await shop.wait(20)
    assert (shop.share("checkout-hotfix"), shop.state("fix")["held"]) == (0, "WeightsEdited")
    shop.ask("fix", "pause")
    await shop.wait(5)
    shop.ask("fix", "resume")
    await shop.wait(10)
    assert shop.share("checkout-hotfix") == 25
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    assert shop.weights == {"checkout": 1}


# ---- memory that is lost, controllers that are silent


async def test_a_newer_one_that_lost_its_memory_is_released_and_only_then_the_older_one_goes_on() -> None:
    shop = await beside()
    shop.api.set_status("HotfixRollout", NAMESPACE, "second", {})
    shop.wake()
    await shop.wait(30)
    assert shop.state("second")["held"] == "MemoryLost"
    shop.ask("second", "release")
    await shop.both(lambda s: s.ended("second"), seconds=300)
    await shop.wait(30)
    assert shop.share("checkout-second") == 0


async def test_the_older_one_does_not_stand_still_for_ever_for_what_no_controller_confirms() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(Two.stands_still)
    shop.controllers.deaf.add("checkout")
    shop.requests.silent = False
    await shop.both(lambda s: s.state("second").get("held") == "WeightNotConfirmed", seconds=300)
    await shop.both(lambda s: not s.stands_still(), seconds=60)
    assert shop.share("checkout-hotfix") == 25, "it goes on where it was"


async def test_a_newer_one_that_no_controller_ever_confirmed_can_be_deleted() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(Two.stands_still)
    shop.controllers.deaf.add("checkout")
    await shop.both(lambda s: "checkout-second" in s.weights)
    await shop.wait(3)
    shop.respec("second", paused=True)
    await shop.wait(5)
    shop.delete("second")
    await shop.both(lambda s: not s.of("second"), seconds=300)
    assert "checkout-second" not in shop.weights
