"""A patch that is bad loses its traffic, and nothing of the rollout is left behind."""

import json

import pytest

from tests.cluster.load import error_rate
from tests.cluster.provider import READY_SECONDS

from .shop import Shop, deployment, rollout, service
from .story import Stories, served


@pytest.mark.parametrize(
    ("stable", "patched", "start"),
    [("sample:1.0", "sample:crash", "Auto"), ("sample:1.0", "sample:worse", 25), ("sample:good", "sample:worse", "Auto")],
    ids=["crash", "5 points above a stable that fails too", "10 points above a healthy stable"],
)
def test_a_patch_that_fails_more_is_rolled_back(shop: Stories, stable: str, patched: str, start: str | int) -> None:
    shop.open(stable=stable, patched=patched)
    with shop.story("RolledBack", rate=40) as load:
        shop.apply(rollout(startWeight=start))
        status = shop.phase("RolledBack", seconds=240)
        if stable == "sample:1.0":
            mine = [answer for answer in load.answers() if served(answer) == "checkout"]
            assert 0.02 < error_rate(mine) < 0.08, "stable was no better than it is"
    assert status["why"] == "PatchedWorse"
    assert status["weight"] == 0
    assert shop.replicas("checkout-hotfix") == 0
    shop.cluster.until(lambda: shop.events()[-2:] == ["RollingBack", "RolledBack"], "the last events")


@pytest.mark.parametrize("preset", ["contour", "http"])
def test_a_patch_that_hangs_is_rolled_back(shop: Stories, preset: str) -> None:
    shop.open(patched="sample:hang")
    given_up = {"timeout": "the patch does not answer, and clients wait for 2 s"}
    with shop.story("RolledBack", rate=40, patience=2, forgiven=given_up):
        shop.apply(rollout(startWeight=20, metrics={"preset": preset}))
        status = shop.phase("RolledBack", seconds=180)
    assert status["why"] == "PatchedNotAnswering"
    assert shop.replicas("checkout-hotfix") == 0


def test_a_patch_scaled_to_zero_meanwhile_is_rolled_back_and_loses_nothing(shop: Stories) -> None:
    # Contour sends requests to ready endpoints alone, and a pod that is told to go is none: only a Service that publishes
    # addresses until the pods have gone lets them answer during their preStop
    shop.open(patched=None)
    published = service("checkout-hotfix")
    published["spec"]["publishNotReadyAddresses"] = True
    shop.apply(deployment("checkout-hotfix", "sample:1.1", pre_stop=8), published)
    with shop.story("RolledBack", rate=40):
        shop.apply(rollout(startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % are acknowledged")
        shop.kubectl("scale", "deployment/checkout-hotfix", "--replicas=0")
        status = shop.phase("RolledBack")
    assert status["why"] == "PatchedScaledToZero"


def test_a_patch_scaled_to_zero_behind_an_ordinary_service_loses_what_its_proxies_cannot_place_until_the_weight_is_zero(
    shop: Stories,
) -> None:
    shop.open(pre_stop=8)
    reason = {"503 from the proxy": "patched has a weight and no endpoint, until the operator has seen it"}
    with shop.story("RolledBack", rate=40, forgiven=reason) as load:
        shop.apply(rollout(startWeight=20))
        shop.until(lambda status: status.get("acknowledgedWeight") == 20, "20 % are acknowledged")
        shop.kubectl("scale", "deployment/checkout-hotfix", "--replicas=0")
        status = shop.phase("RolledBack")
        lost = load.lost()
        assert not lost or lost[-1].sent - lost[0].sent < 3
    assert status["why"] in ("PatchedScaledToZero", "PatchedLost")


def test_pods_that_crash_when_they_get_requests_are_rolled_back(shop: Stories) -> None:
    shop.open()
    crashes = {"503 from the proxy": "a pod of patched ended while it was asked"}
    with shop.story("RolledBack", forgiven=crashes) as load:
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.cluster.until(lambda: _crashed_twice(shop) or shop.status()["phase"] != "Analyzing", "the pods crashed twice")
        status = shop.phase("RolledBack")
        ended = load.answers()[-1].sent
        shop.cluster.until(lambda: len(load.since(ended)) > 40, "answers after the end")
        assert [answer for answer in load.since(ended) if answer.lost] == []
    assert status["why"] == "PatchedLost"


def _crashed_twice(shop: Shop) -> bool:
    """Every pod restarted twice; those that answer are told to end until then."""
    for address in shop.addresses("checkout-hotfix"):
        shop.cluster.get_quietly(f"http://{address}:8080/control?exit=3")
    counts = shop.kubectl(
        "get", "pods", "-l", "app=checkout-hotfix", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
    )
    return all(int(count) >= 2 for count in counts.split())


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        ("sample:unready", {"running"}),
        ("sample:exit", {"CrashLoopBackOff"}),
        ("nowhere/nothing:1", {"ErrImagePull", "ImagePullBackOff"}),
    ],
)
def test_a_patch_whose_pods_never_get_ready_is_given_up_before_traffic_moves(shop: Stories, image: str, seen: set[str]) -> None:
    shop.open(patched=image)
    shop.cluster.until(
        lambda: _states(shop) & seen, f"its containers are seen as {' or '.join(sorted(seen))}", seconds=READY_SECONDS
    )
    with shop.story("RolledBack") as load:
        shop.apply(rollout(analysis={"readyGrace": "15s"}))
        status = shop.phase("RolledBack", seconds=60)
        assert {answer.image for answer in load.answers()} == {"sample:1.0"}
    assert status["why"] == "PatchedNeverReady"
    assert "startedAt" not in status


def _states(shop: Shop) -> set[str]:
    """Why patched's containers wait, or what else they do."""
    pods = json.loads(shop.kubectl("get", "pods", "-l", "app=checkout-hotfix", "-o", "json"))["items"]
    states = [one["state"] for pod in pods for one in pod["status"].get("containerStatuses", ())]
    return {state.get("waiting", {}).get("reason") or next(iter(state)) for state in states}


def test_no_decision_until_the_deadline_rolls_back_when_asked_to(shop: Stories) -> None:
    shop.open(stable="sample:good", patched="sample:1.2")
    with shop.story("RolledBack"):
        shop.apply(rollout(analysis={"deadline": "40s", "onDeadline": "Rollback", "maxErrorRateIncrease": "0.01%"}))
        status = shop.phase("RolledBack", seconds=120)
    assert status["why"] == "Deadline"
    assert "proven so far" in status["message"]
