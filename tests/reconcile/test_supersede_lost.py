"""A newer hotfix beside an older one where stable, a patch or an answer is lost, or one is bad: traffic goes where it is well."""

import pytest

from hotfix.errors import Unavailable

from .shop import ERRORS, NAMESPACE
from .two import SLOWLY, WAITS, Two, analysed, beside


def replicas(shop: Two) -> int:
    """How many pods the older patch shall have."""
    return int(shop.api.read("Deployment", NAMESPACE, "checkout-hotfix")["spec"]["replicas"])


# ---- pods


async def test_a_bad_newer_one_gets_nothing_when_its_control_dies_right_after_it_was_taken_back() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS, startWeight=25, steps=[25], traffic={"drain": "30s"})
    await shop.both(lambda s: s.share("checkout-second") == 25)
    shop.requests.errors["checkout-second"] = 1.0
    await shop.both(lambda s: s.stage("second") == "DrainingPatched")
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100, seconds=30)
    assert shop.share("checkout-second") == 0


async def test_stable_is_in_the_route_at_the_end_when_a_control_is_stripped_and_the_newer_one_deleted() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.requests.silent = True
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    shop.delete("fix")
    await shop.wait(10)
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "remove", "path": "/metadata/finalizers"}])
    shop.delete("second")
    await shop.both(lambda s: not s.of("second"))
    assert shop.weights == {"checkout": 1}


async def test_an_older_one_keeps_its_share_while_the_newer_never_gets_ready() -> None:
    shop = await analysed()
    shop.controllers.never_ready.add("sample:slow")
    shop.hurry("sample:slow")
    shares = shop.noting(lambda s: s.share("checkout-hotfix"))
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    assert set(shares) == {25}


async def test_one_that_waits_for_git_keeps_everything_while_the_newer_never_gets_ready() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.controllers.never_ready.add("sample:slow")
    shop.hurry("sample:slow")
    shares = shop.noting(lambda s: s.share("checkout-hotfix"))
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    await shop.wait(60)
    assert set(shares) == {100}
    assert (shop.phase("fix"), shop.state("fix").get("held")) == ("AwaitingGit", None)


async def test_a_newer_one_starts_where_the_older_waits_for_git_without_pods() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.crash("checkout-hotfix", "sample:1.1")
    await shop.both(lambda s: s.share("checkout") == 100)
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.phase("second") == "AwaitingGit")
    assert shop.share("checkout-second") == 100


async def test_the_older_one_serves_everything_when_stable_dies_and_then_the_newer() -> None:
    shop = await beside()
    shop.crash("checkout", "sample:1.0")
    await shop.wait(20)
    shop.crash("checkout-second", "sample:good")
    await shop.both(lambda s: s.share("checkout-hotfix") == 100, seconds=300)
    assert shop.phase("fix") == "Analyzing"


@pytest.mark.parametrize("stage", ["WeightZero", "DrainingPatched"])
async def test_the_older_one_serves_everything_at_once_when_stable_dies_while_the_newer_is_on_its_way_back(stage: str) -> None:
    shop = await analysed()
    shop.hurry("sample:crash", traffic={"drain": "30s"})
    await shop.takes_over()
    await shop.both(lambda s: s.stage("second") == stage)
    shop.crash("checkout", "sample:1.0")
    bad = shop.noting(lambda s: s.share("checkout-second"))
    await shop.both(lambda s: s.share("checkout-hotfix") == 100, seconds=1)
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    assert set(bad) == {0}


async def test_a_stable_that_dies_gets_nothing_while_the_older_patch_is_the_control() -> None:
    shop = Two(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("fix") == "Baking")
    shop.hurry()
    await shop.both(lambda s: s.share("checkout-second") > 0)
    shop.requests.silent = True
    shop.crash("checkout", "sample:1.0")
    await shop.both(lambda s: s.share("checkout") == 0, seconds=60)
    assert shop.share("checkout-hotfix") > shop.share("checkout-second") > 0


async def test_one_that_was_superseded_ends_and_can_be_deleted_where_stable_dies_while_it_drains() -> None:
    shop = Two(**SLOWLY, traffic={"drain": "30s"})
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("fix") == "Superseded")
    shop.crash("checkout", "sample:1.0")
    await shop.both(lambda s: s.ended("fix"), seconds=300)
    shop.delete("fix")
    await shop.both(lambda s: not s.of("fix"), seconds=60)
    assert shop.share("checkout-second") == 100


# ---- answers


async def test_the_older_pods_stay_until_it_is_confirmed_that_they_have_no_share() -> None:
    shop = Two(**SLOWLY, traffic={"drain": "30s"})
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry(analysis={"bakeTime": "10m"})

    def nobody_confirms_it() -> None:
        if shop.share("checkout-hotfix") == 0:
            shop.controllers.deaf.add("checkout")

    shop.after_look.append(nobody_confirms_it)
    await shop.both(lambda s: "checkout" in s.controllers.deaf and s.phase("second") == "Baking")
    shop.after_look.clear()
    await shop.wait(60)
    assert replicas(shop) > 0
    shop.controllers.deaf.clear()
    await shop.both(lambda s: replicas(s) == 0)


async def test_an_older_one_that_is_deleted_keeps_its_share_while_others_cannot_be_listed() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Scaling")

    def no_lists(method: str, url: str) -> None:
        if method == "GET" and url.endswith("/hotfixrollouts"):
            raise Unavailable("no answer")

    shop.kube.before = no_lists
    shop.delete("fix")
    await shop.wait(3)
    assert shop.phase("fix") == "Analyzing"
    assert shop.share("checkout-hotfix") == 25


# ---- what is bad


async def test_an_older_one_that_is_bad_is_rolled_back_while_the_newer_is_paused() -> None:
    ERRORS.setdefault("sample:bad", 0.5)
    shop = await analysed(patched="sample:bad")
    shop.hurry()
    await shop.both(Two.stands_still)
    shop.respec("second", paused=True)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("fix") == "RolledBack", seconds=600)
    assert shop.share("checkout-hotfix") == 0


async def test_an_older_one_that_goes_bad_while_both_live_loses_its_share_within_seconds() -> None:
    shop = await analysed(startWeight=50, steps=[50])
    shop.hurry(startWeight=1, steps=[1])
    await shop.takes_over()
    await shop.both(lambda s: s.share("checkout-second") > 0)
    shop.requests.errors["checkout-hotfix"] = 1.0
    await shop.both(lambda s: s.share("checkout-hotfix") == 0, seconds=30)
    assert shop.share("checkout-second") > 0


async def test_a_newer_one_is_not_good_because_the_older_that_was_shipped_unproven_is_worse() -> None:
    ERRORS.update({"sample:worse": 0.4, "sample:bad": 0.3})
    shop = Two("sample:worse", urgency="BreakGlass", analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("fix") == "Baking")
    shop.requests.silent = True
    shop.hurry("sample:bad")
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") in ("Promoted", "RolledBack"))
    assert shop.phase("second") == "RolledBack"
