"""What stops a rollout where it is, and what makes it go on."""

from .shop import rollout
from .story import DELETED, Stories


def test_no_traffic_is_held_and_said_and_the_deadline_is_obeyed(shop: Stories) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(analysis={"deadline": "60s"}))
        shop.phase("Analyzing")
        assert load.lost() == []
    status = shop.held("NoTraffic", seconds=60)
    assert shop.conditions()["Ready"] == ("Unknown", "Held")
    weight = status["weight"]
    status = shop.held("Inconclusive", seconds=90)
    assert (status["phase"], status["weight"]) == ("Analyzing", weight)
    with shop.load() as load:  # requests come again: the guards are armed still, and a deletion gives the route back
        shop.until(lambda status: status["verdict"].get("patched", "").find("/") > 0, "they are counted")
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")
        assert load.lost() == []
    assert shop.weights() == {"checkout": 1}


def test_a_pause_freezes_the_weight_and_it_goes_on_afterwards(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED) as load:
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.edit(paused=True)
        weight = shop.held("Paused")["weight"]
        seen = len(load.answers())
        shop.cluster.until(lambda: len(load.answers()) > seen + 600, "half a minute of requests", seconds=60)
        assert shop.status()["weight"] == weight
        assert shop.conditions()["Paused"] == ("True", "Paused")
        shop.edit(paused=False)
        shop.phase("Baking", seconds=120)


def test_a_patch_that_goes_bad_while_paused_is_still_rolled_back(shop: Stories) -> None:
    shop.open()
    with shop.story("RolledBack", rate=40):
        shop.apply(rollout(startWeight=30))
        shop.phase("Analyzing")
        shop.edit(paused=True)
        shop.held("Paused")
        shop.control("checkout-hotfix", "errors=100")
        status = shop.phase("RolledBack")
    assert status["why"] == "PatchedWorse"
