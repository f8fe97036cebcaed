"""Three hotfixes on one route, one newer than the other: each takes the place of the one before, and the route is given back."""

from typing import Any

from .shop import NAMESPACE
from .two import SLOWLY, WAITS, Two


def spec(shop: Two) -> Any:
    """The route's."""
    return shop.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]


async def test_a_newest_one_whose_name_sorts_first_does_not_keep_the_newer_one_from_starting() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.hurry("sample:good2", name="alpha", promotion=WAITS)
    await shop.both(lambda s: s.phase("alpha") == "AwaitingGit")
    assert (shop.phase("fix"), shop.phase("second")) == ("Superseded", "Superseded")


async def test_each_takes_the_place_of_the_one_before_without_a_moment_on_stable() -> None:
    shop = Two(promotion=WAITS)
    before = spec(shop)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.phase("second") == "AwaitingGit")
    shop.hurry("sample:good2", name="third", promotion=WAITS)
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("third") == "AwaitingGit" and s.phase("second") == "Superseded" and s.ended("second"))
    assert max(shop.least_stable) == 0
    shop.ask("third", "release")
    await shop.both(lambda s: s.phase("third") == "RolledBack")
    assert spec(shop) == before


async def test_one_that_took_the_place_goes_on_baking_when_the_newest_is_bad() -> None:
    shop = Two(**SLOWLY)
    before = spec(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("second") == "Baking")
    held = shop.share("checkout")
    shop.hurry("sample:crash", name="third")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("third") == "RolledBack")
    await shop.both(lambda s: not s.state("second").get("supersededBy"))
    assert (shop.phase("fix"), shop.phase("second")) == ("Superseded", "Baking")
    assert max(shop.least_stable) <= held
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert spec(shop) == before


async def test_a_patch_that_was_rolled_back_is_refused_beside_the_older_one() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry("sample:crash", promotion=WAITS)
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    shop.hurry("sample:crash", name="third", promotion=WAITS)
    await shop.both(lambda s: s.state("third").get("held") == "FailedBefore", seconds=60)
    assert shop.share("checkout-hotfix") == 100
