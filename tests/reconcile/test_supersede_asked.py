"""A newer hotfix beside an older one when a person deletes, pauses or takes back one of them at an unlucky moment."""

from .two import NEWER, SLOWLY, Two, analysed


async def test_a_rollout_deleted_right_after_a_newer_one_was_made_keeps_its_share_until_that_takes_over() -> None:
    shop = await analysed()
    shop.hurry()
    shop.delete("fix")
    shares = shop.noting(lambda s: (s.share("checkout-hotfix"), bool(s.of("fix"))))
    await shop.both(lambda s: s.state("fix").get("held") == "DeletionHeld")
    await shop.takes_over()
    await shop.both(lambda s: s.share("checkout-second") > 0)
    assert set(shares) == {(25, True)}
    shop.after_look.clear()
    await shop.both(lambda s: s.phase("second") == "Baking" and not s.of("fix"))


async def test_one_that_bakes_and_is_deleted_right_after_a_newer_one_was_made_keeps_its_share() -> None:
    shop = Two(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("fix") == "Baking")
    held = shop.share("checkout")
    shop.hurry()
    shop.delete("fix")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "Promoting" and not s.of("fix"))
    assert max(shop.least_stable) <= held


async def test_a_newer_one_that_is_paused_before_it_has_a_share_lets_the_older_go_on() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Adopting")
    shop.respec("second", paused=True)
    await shop.both(lambda s: not s.stands_still(), seconds=60)
    assert shop.share("checkout-hotfix") == 25


async def test_a_newer_one_taken_back_right_after_the_share_moved_gives_it_back() -> None:
    shop = Two(**SLOWLY, traffic={"drain": "30s"})
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("second") == "Baking" and s.share("checkout-hotfix") == 0)
    assert shop.phase("fix") == "Analyzing"
    shop.ask("second", "rollback")
    await shop.look(NEWER)
    await shop.both(lambda s: s.phase("second") == "RolledBack")
    assert shop.share("checkout-hotfix") >= 25


async def test_a_newer_one_starts_against_stable_when_its_control_was_taken_back_before_it_was_ready() -> None:
    shop = Two(analysis={"bakeTime": "10m"})
    await shop.both(lambda s: s.phase("fix") == "Baking")
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.ask("fix", "rollback")
    await shop.both(lambda s: s.phase("fix") == "RolledBack")
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.state("second").get("supersedes") is None
