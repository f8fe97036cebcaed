"""What stops a rollout where it is, and what makes it go on."""

from .shop import Shop, rollout


def test_no_traffic_is_held_and_said_and_the_deadline_is_obeyed(shop: Shop) -> None:
    shop.open()
    with shop.load():
        shop.apply(rollout(analysis={"deadline": "60s"}))
        shop.phase("Analyzing")
    shop.held("NoTraffic", seconds=60)
    assert shop.conditions()["Ready"] == ("Unknown", "Held")
    status = shop.held("Inconclusive", seconds=90)
    assert status["phase"] == "Analyzing"


def test_a_pause_freezes_the_weight_and_it_goes_on_afterwards(shop: Shop) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":true}}')
        weight = shop.held("Paused")["weight"]
        seen = len(load.answers())
        shop.cluster.until(lambda: len(load.answers()) > seen + 600, "half a minute of requests", seconds=60)
        assert shop.status()["weight"] == weight
        assert shop.conditions()["Paused"] == ("True", "Paused")
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":false}}')
        shop.phase("Baking", seconds=120)
        assert load.lost() == []


def test_a_patch_that_goes_bad_while_paused_is_still_rolled_back(shop: Shop) -> None:
    shop.open()
    with shop.load(40) as load:
        shop.apply(rollout(startWeight=30))
        shop.phase("Analyzing")
        shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", '{"spec":{"paused":true}}')
        shop.held("Paused")
        addresses = shop.kubectl("get", "pods", "-l", "app=checkout-hotfix", "-o", "jsonpath={.items[*].status.podIP}")
        for address in addresses.split():
            shop.cluster.get(f"http://{address}:8080/control?errors=100")
        status = shop.phase("RolledBack")
        assert load.lost() == []
    assert status["why"] == "PatchedWorse"
