"""A patch that is bad loses its traffic, and nothing of the rollout is left behind."""

import pytest

from .shop import Shop, rollout, untouched

ENDED_BADLY = {
    "Ready": ("False", "RolledBack"),
    "Stalled": ("True", "RolledBack"),
    "Succeeded": ("False", "RolledBack"),
    "Completed": ("True", "RolledBack"),
}


@pytest.mark.parametrize(("image", "why"), [("sample:crash", "PatchedWorse"), ("sample:worse", "PatchedWorse")])
def test_a_patch_that_fails_more_is_rolled_back(shop: Shop, image: str, why: str) -> None:
    shop.open(stable="sample:1.0" if image == "sample:crash" else "sample:good", patched=image)
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(40) as load:
        shop.apply(rollout())
        status = shop.phase("RolledBack", seconds=240)
        assert load.lost() == []
    assert status["why"] == why
    assert status["weight"] == 0
    assert untouched(shop.read("httproute", "checkout")) == before
    assert shop.replicas("checkout-hotfix") == 0
    assert shop.conditions() == ENDED_BADLY
    shop.cluster.until(lambda: shop.events()[-2:] == ["RollingBack", "RolledBack"], "the last events")


@pytest.mark.parametrize("preset", ["contour", "http"])
def test_a_patch_that_hangs_is_rolled_back(shop: Shop, preset: str) -> None:
    shop.open(patched="sample:hang")
    with shop.load(40) as load:
        shop.apply(rollout(startWeight=20, metrics={"preset": preset}))
        status = shop.phase("RolledBack", seconds=180)
        assert load.lost(timeouts=False) == []
    assert status["why"] == "PatchedNotAnswering"
    assert shop.weights() == {"checkout": 1}


def test_a_patch_scaled_to_zero_meanwhile_is_rolled_back(shop: Shop) -> None:
    shop.open()
    shop.apply(rollout())
    with shop.load() as load:
        shop.phase("Analyzing")
        shop.kubectl("scale", "deployment/checkout-hotfix", "--replicas=0")
        status = shop.phase("RolledBack")
        assert len(load.lost()) <= 20, "the pods go at once; only what was under way may be lost"
    assert status["why"] in ("PatchedScaledToZero", "PatchedLost")
    assert shop.weights() == {"checkout": 1}


def test_pods_that_crash_when_they_get_requests_are_rolled_back(shop: Shop) -> None:
    shop.open()
    with shop.load():
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.cluster.until(lambda: _crashed_twice(shop) or shop.status()["phase"] != "Analyzing", "the pods crashed twice")
        status = shop.phase("RolledBack")
    assert status["why"] == "PatchedLost"


def _addresses(shop: Shop, name: str) -> list[str]:
    return shop.kubectl("get", "pods", "-l", f"app={name}", "-o", "jsonpath={.items[*].status.podIP}").split()


def _crashed_twice(shop: Shop) -> bool:
    """Every pod restarted twice; those that answer are told to end until then."""
    for address in _addresses(shop, "checkout-hotfix"):
        shop.cluster.order(do="get_quietly", url=f"http://{address}:8080/control?exit=3")
    counts = shop.kubectl(
        "get", "pods", "-l", "app=checkout-hotfix", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
    )
    return all(int(count) >= 2 for count in counts.split())


@pytest.mark.parametrize("image", ["sample:unready", "sample:exit", "nowhere/nothing:1"])
def test_a_patch_whose_pods_never_get_ready_is_given_up_before_traffic_moves(shop: Shop, image: str) -> None:
    shop.open(patched=image)
    with shop.load() as load:
        shop.apply(rollout(analysis={"readyGrace": "15s"}))
        status = shop.phase("RolledBack", seconds=60)
        assert load.lost() == []
        assert {answer.image for answer in load.answers()} == {"sample:1.0"}
    assert status["why"] == "PatchedNeverReady"
    assert "startedAt" not in status
    assert shop.conditions() == ENDED_BADLY


def test_no_decision_until_the_deadline_rolls_back_when_asked_to(shop: Shop) -> None:
    shop.open(stable="sample:good", patched="sample:1.2")
    with shop.load(10) as load:
        shop.apply(rollout(analysis={"deadline": "40s", "onDeadline": "Rollback", "maxErrorRateIncrease": "0.01%"}))
        status = shop.phase("RolledBack", seconds=120)
        assert load.lost() == []
    assert status["why"] == "Deadline"
    assert "proven so far" in status["message"]
