"""What is asked beside failed requests, judged on real traffic: the fix itself, refused requests, slow answers."""

import pytest

from .shop import rollout
from .story import DELETED, Stories

THIS_BUG = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code="500"}'


def test_a_fix_is_proven_before_it_is_promoted(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", rate=40) as load:
        shop.cluster.until(lambda: len(load.answers()) > 800, "some history of latency")
        shop.apply(rollout(fix={"errors": THIS_BUG}))
        status = shop.phase("Baking", seconds=180)
        assert "reduced by at least" in status["decisions"][-1]["message"]
        assert status["baseline"]["rates"].keys() >= {"bad", "target", "client_errors", "slow"}


def test_a_patch_that_cures_nothing_is_rolled_back_though_it_does_no_harm(shop: Stories) -> None:
    shop.open(patched="sample:placebo")
    with shop.story("RolledBack", rate=60, seconds=300):
        shop.apply(rollout(fix={"errors": THIS_BUG}, metrics={"preset": "http"}))
    assert shop.status()["why"] == "NotFixed"


@pytest.mark.parametrize(("image", "why"), [("sample:refusing", "ClientErrors"), ("sample:slow", "Slow")])
@pytest.mark.parametrize("preset", ["contour", "http"])
def test_a_patch_that_refuses_or_dawdles_is_rolled_back(shop: Stories, image: str, why: str, preset: str) -> None:
    shop.open(patched=image)
    with shop.story("RolledBack", rate=40) as load:
        shop.cluster.until(lambda: len(load.answers()) > 1200, "half a minute of latency, of which the start is a small part")
        shop.apply(rollout(metrics={"preset": preset}))
    assert shop.status()["why"] == why


def test_a_patch_that_refuses_is_promoted_when_that_is_the_fix(shop: Stories) -> None:
    shop.open(patched="sample:refusing")
    with shop.story("Promoted", rate=40):
        shop.apply(rollout(analysis={"bakeTime": "20s", "clientErrors": "Off"}))
    assert shop.image("checkout") == "sample:refusing"


def test_with_a_threshold_it_is_proven_that_answers_are_not_slower(shop: Stories) -> None:
    shop.open()
    with shop.story(DELETED, rate=40):
        shop.apply(rollout(analysis={"bakeTime": "20s", "latency": {"threshold": "250ms"}}))
        status = shop.phase("Baking", seconds=240)
        assert "not slower" in status["decisions"][-1]["message"]
        assert float(status["baseline"]["slowBound"]) == 250, "Envoy counts in milliseconds"
