"""A newer hotfix takes the place of an older one, under load: both ends, and what stable gets meanwhile."""

import json
import time
from typing import Any

import pytest

from tests.cluster import Load

from .shop import deployment, rollout, service
from .story import Stories
from .test_stable_lost import MOVED_SECONDS

STAYS: dict[str, Any] = {"fix": {"errors": "absent_total", "required": True}}  # nothing proves it, so that it stays analysed
WAITS: dict[str, Any] = {"promotion": {"mode": "AwaitGit"}}


def second(shop: Stories, image: str, **spec: Any) -> None:
    """A newer hotfix, with pods of its own."""
    shop.apply(deployment("checkout-second", image), service("checkout-second"))
    shop.apply(rollout("second", **{"patched": {"deployment": "checkout-second"}, **spec}))


def share_of_stable(load: Load, since: float) -> float:
    """Of the requests sent since then."""
    answers = [answer for answer in load.since(since) if answer.status]
    return sum(answer.image == "sample:1.0" for answer in answers) / len(answers)


def test_a_newer_hotfix_takes_the_place_of_one_that_waits_for_git(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", name="second", rate=60, seconds=400) as load:
        shop.apply(rollout(**WAITS))
        shop.phase("AwaitingGit")
        began = time.time()
        second(shop, "sample:good", **WAITS)
        stood = shop.held("Superseding")
        assert stood["supersededBy"]["name"] == "second"
        status = shop.phase("AwaitingGit", name="second", seconds=240)
        assert status["supersedes"]["name"] == "fix"
        ended = shop.until(lambda s: s.get("stage") == "Done", "the older one has ended", seconds=120)
        assert ended["phase"] == "Superseded"
        assert share_of_stable(load, began) == 0
        assert shop.replicas("checkout-hotfix") == 0
        shop.cluster.until(lambda: shop.finalizers() == [], "nothing holds it any more", seconds=30)
        assert shop.conditions()["Completed"] == ("True", "Superseded")
        spec = shop.read("deployment", "checkout-second")["spec"]["template"]["spec"]
        patch = [{"op": "replace", "path": "/spec/template/spec", "value": spec}]
        shop.kubectl("patch", "deployment", "checkout", "--type=json", "-p", json.dumps(patch))
        shop.phase("Promoted", name="second", seconds=240)


@pytest.mark.long
def test_an_older_hotfix_goes_on_where_it_was_when_the_newer_is_bad(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", rate=60, seconds=400):
        shop.apply(rollout(analysis={"bakeTime": "3m"}))
        shop.phase("Baking")
        shop.until(lambda s: s.get("acknowledgedWeight") == s["weight"], "its weight is applied")
        before = shop.weights()
        second(shop, "sample:crash")
        shop.phase("RolledBack", name="second", seconds=200)
        assert {name: weight for name, weight in shop.weights().items() if weight}.keys() == before.keys()
        shop.until(lambda s: not s.get("supersededBy"), "it goes on", seconds=30)
        shop.phase("Promoted", seconds=300)


def test_an_older_hotfix_that_a_person_must_help_to_start_keeps_no_newer_one_waiting(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", name="second", rate=60):
        shop.apply(rollout(paused=True))
        shop.held("Paused")
        second(shop, "sample:good")
        shop.phase("Analyzing", "Baking", name="second")
        shop.edit(paused=False)
        assert shop.held("RouteBusy")["phase"] == "Pending"
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")  # it would start once the newer one has ended


def test_one_commit_that_replaces_a_hotfix_leaves_its_share_until_the_newer_one_has_it(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", name="second", rate=60, seconds=400) as load:
        shop.apply(rollout(startWeight=50, steps=[50], analysis={"bakeTime": "10m"}, **STAYS))
        shop.until(lambda s: s.get("acknowledgedWeight") == 50, "half of the traffic has the older fix")
        began = time.time()
        second(shop, "sample:good")
        shop.kubectl("delete", "hfr", "fix", "--wait=false")
        shop.phase("Baking", name="second", seconds=200)
        assert share_of_stable(load, began) < 0.6
        shop.cluster.until(lambda: not shop.exists("hfr", "fix"), "the older one is gone", seconds=120)
        shop.phase("Promoted", name="second", seconds=300)


def test_the_older_hotfix_serves_for_a_lost_stable_when_the_newer_one_is_taken_back(shop: Stories) -> None:
    shop.open()
    gone = {"503 from the proxy": "stable has no endpoint and its weight is not yet 0; bounded below"}
    with shop.story("RolledBack", rate=60, seconds=400, forgiven=gone) as load:
        shop.apply(rollout(startWeight=50, steps=[50], **STAYS))
        shop.until(lambda s: s.get("acknowledgedWeight") == 50, "half of the traffic has the older fix")
        second(shop, "sample:good", startWeight=25, steps=[25], **STAYS)
        shop.until(lambda s: s.get("acknowledgedWeight") == 25, "the newer one has a share", name="second", seconds=180)
        shop.control("checkout", "unready=1&errors=100")
        shop.until(lambda s: s.get("held") == "StableLost", "the newer one serves for stable", name="second", seconds=30)
        shop.hotfix("rollback", "second")
        shop.until(lambda s: s.get("stableLost"), "the older one serves for it", seconds=30)
        shop.phase("RolledBack", name="second", seconds=120)
        served = time.time()
        shop.cluster.until(lambda: len(load.since(served)) > 600, "ten seconds of the older fix alone")
        assert {answer.image for answer in load.since(served)} == {"sample:1.1"}
        assert {name for name, weight in shop.weights().items() if weight} == {"checkout-hotfix"}
        shop.control("checkout", "unready=0&errors=5")
        shop.until(lambda s: "stableLost" not in s, "stable is back", seconds=120)
        shop.hotfix("rollback", "fix")
        shop.phase("RolledBack", seconds=120)
    assert load.lost()[-1].sent - load.lost()[0].sent < MOVED_SECONDS
