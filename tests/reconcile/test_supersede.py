"""A newer hotfix takes the place of an older one: what traffic does meanwhile, and how both end."""

from .two import Two


async def test_a_newer_hotfix_takes_the_place_of_one_that_is_analysed() -> None:
    shop = Two(startWeight=25, steps=[25, 50])
    before = shop.api.read("HTTPRoute", "shop", "checkout")["spec"]
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.requests.silent = True  # it keeps what it has
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.share("checkout-second") > 0)
    assert shop.share("checkout-hotfix") == 25
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "Baking")
    await shop.both(lambda s: s.phase("fix") == "Superseded" and s.state("fix").get("stage") == "Done")
    assert shop.share("checkout-hotfix") == 0
    assert max(shop.least_stable) <= 75
    await shop.both(lambda s: s.phase("second") == "Promoted")
    after = shop.api.read("HTTPRoute", "shop", "checkout")["spec"]
    assert after == before


async def test_the_older_one_goes_on_where_it_was_if_the_newer_is_rolled_back_first() -> None:
    shop = Two(startWeight=25, steps=[25, 50])
    before = shop.api.read("HTTPRoute", "shop", "checkout")["spec"]
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry("sample:crash")
    await shop.both(lambda s: s.phase("second") == "Analyzing")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "RollingBack")
    await shop.both(lambda s: not s.state("fix").get("supersededBy"))
    assert max(shop.least_stable) <= 75
    assert shop.share("checkout-hotfix") == 25
    await shop.both(lambda s: s.phase("fix") == "Promoted" and s.phase("second") == "RolledBack")
    assert shop.api.read("HTTPRoute", "shop", "checkout")["spec"] == before


async def test_one_that_waits_for_git_is_the_control_of_the_newer_one() -> None:
    shop = Two(promotion={"mode": "AwaitGit"})
    before = shop.api.read("HTTPRoute", "shop", "checkout")["spec"]
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion={"mode": "AwaitGit"})
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "Baking")
    assert shop.share("checkout-hotfix") > 0
    await shop.both(lambda s: s.phase("second") == "AwaitingGit")
    assert max(shop.least_stable) == 0
    await shop.both(lambda s: s.phase("fix") == "Superseded" and s.state("fix").get("stage") == "Done")
    await shop.both(lambda s: s.weights == {"checkout": 0, "checkout-second": 100})
    spec = shop.api.read("Deployment", "shop", "checkout-second")["spec"]["template"]["spec"]
    shop.api.edit("Deployment", "shop", "checkout", [{"op": "replace", "path": "/spec/template/spec", "value": spec}])
    shop.controllers.step()
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.api.read("HTTPRoute", "shop", "checkout")["spec"] == before


async def test_one_that_bakes_is_the_control_and_goes_on_baking_when_the_newer_is_bad() -> None:
    shop = Two(analysis={"bakeTime": "10m"})
    before = shop.api.read("HTTPRoute", "shop", "checkout")["spec"]
    await shop.both(lambda s: s.phase("fix") == "Baking")
    held = shop.share("checkout")
    shop.hurry("sample:crash")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "Analyzing")
    assert shop.state("second")["supersedes"]["control"] == "checkout-hotfix"
    await shop.both(lambda s: s.phase("second") == "RolledBack" and s.phase("fix") == "Promoting")
    assert shop.share("checkout-hotfix") > 90
    assert max(shop.least_stable) <= held
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    assert shop.api.read("HTTPRoute", "shop", "checkout")["spec"] == before
