"""What is asked beside failed requests, judged on real traffic: the fix itself, refused requests, slow answers."""

import pytest

from .shop import Shop, rollout, untouched

THIS_BUG = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code="500"}'


def test_a_fix_is_proven_before_it_is_promoted(shop: Shop) -> None:
    shop.open()
    with shop.load(40) as load:
        shop.cluster.until(lambda: len(load.answers()) > 400, "some history of latency")
        shop.apply(rollout(fix={"errors": THIS_BUG}))
        status = shop.phase("Baking", seconds=180)
        assert "reduced by at least" in status["decisions"][-1]["message"]
        assert status["baseline"]["rates"].keys() >= {"bad", "target", "client_errors", "slow"}
        shop.phase("Promoted", seconds=180)
        assert load.lost() == []


def test_a_patch_that_cures_nothing_is_rolled_back_though_it_does_no_harm(shop: Shop) -> None:
    shop.open(patched="sample:placebo")
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(60) as load:
        shop.apply(rollout(fix={"errors": THIS_BUG}, metrics={"preset": "http"}))
        status = shop.phase("RolledBack", seconds=300)
        assert load.lost() == []
    assert status["why"] == "NotFixed"
    assert untouched(shop.read("httproute", "checkout")) == before


@pytest.mark.parametrize(("image", "why"), [("sample:refusing", "ClientErrors"), ("sample:slow", "Slow")])
@pytest.mark.parametrize("preset", ["contour", "http"])
def test_a_patch_that_refuses_or_dawdles_is_rolled_back(shop: Shop, image: str, why: str, preset: str) -> None:
    shop.open(patched=image)
    with shop.load(40) as load:
        shop.cluster.until(lambda: len(load.answers()) > 400, "some history of latency")
        shop.apply(rollout(metrics={"preset": preset}))
        status = shop.phase("RolledBack", seconds=240)
        assert load.lost() == []
    assert status["why"] == why


def test_a_patch_that_refuses_is_promoted_when_that_is_the_fix(shop: Shop) -> None:
    shop.open(patched="sample:refusing")
    with shop.load(40) as load:
        shop.apply(rollout(analysis={"bakeTime": "20s", "clientErrors": "Off"}))
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []


def test_with_a_threshold_it_is_proven_that_answers_are_not_slower(shop: Shop) -> None:
    shop.open()
    with shop.load(40) as load:
        shop.apply(rollout(analysis={"bakeTime": "20s", "latency": {"threshold": "250ms"}}))
        status = shop.phase("Baking", seconds=240)
        assert "not slower" in status["decisions"][-1]["message"]
        assert float(status["baseline"]["slowBound"]) == 250, "Envoy counts in milliseconds"
        assert load.lost() == []
