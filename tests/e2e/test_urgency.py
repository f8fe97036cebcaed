"""A hotfix in a hurry: what is passed over is evidence, never what was seen."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Load, Provider
from tests.cluster.operator import Operator

from . import audit
from .shop import rollout
from .story import Stories, everything_on_patched, served

pytestmark = pytest.mark.needs("audit log")
INCIDENT = {"reference": "INC-4711", "reason": "Payments fail"}
BAKE = 80  # patched's share where 5 % of the requests, which are known, would be too few to compare with; else 95
START = 10


def given(shop: Stories, since: float) -> list[float]:
    """The shares that patched was given so far, each as often as it was written anew."""
    written = [round(share, 1) for share in audit.shares(audit.requests(shop.cluster, shop.namespace, since))]
    return [share for place, share in enumerate(written) if written[:place][-1:] != [share]]


def answering(shop: Stories, load: Load) -> set[str]:
    """The Deployments that answer requests from now on."""
    moment = time.time()
    shop.cluster.until(lambda: len(load.since(moment)) > 80, "two seconds of requests")
    return {served(answer) for answer in load.since(moment)}


@pytest.fixture
def vulnerable(cluster: Provider, operator: Operator) -> Iterator[Stories]:
    """A shop whose stable is not to get any requests."""
    shop = Stories(cluster, "vulnerable")
    yield shop
    cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")


def test_a_good_patch_in_a_hurry_leaves_out_the_steps_and_is_promoted_once_it_is_proven(
    shop: Stories, vulnerable: Stories
) -> None:
    keep: dict[str, Any] = {"promotion": {"mode": "KeepPatched"}, "analysis": {"bakeTime": "10s"}}
    end: dict[str, Any] = {"but": everything_on_patched, "served_by": ("checkout-hotfix",), "rate": 60}
    for opened in (shop, vulnerable):
        opened.open()
    with shop.story("Promoted", **end), vulnerable.story("Promoted", **end) as load:
        with pytest.raises(RuntimeError, match=r"control None needs incident\.reference"):
            vulnerable.apply(rollout(control="None", **keep))
        began = time.time()
        shop.apply(rollout(urgency="Expedited", **keep))
        vulnerable.apply(rollout(control="None", startWeight=START, incident={"reference": "INC-4711"}, **keep))

        vulnerable.until(lambda status: status.get("acknowledgedWeight") == 100, "it has everything")
        assert answering(vulnerable, load) == {"checkout-hotfix"}
        for story, begins, bakes in ((shop, 50, BAKE), (vulnerable, START, 100)):
            status = story.phase("Promoted")
            shifts = [(entry["what"], entry["reason"]) for entry in status["decisions"] if entry["what"].startswith("weight")]
            assert shifts[:2] == [(f"weight {begins}", "TrafficShifted"), (f"weight {bakes}", "EvidenceSufficient")]
            assert "followUp" not in status, "nobody has to look at it afterwards"
        assert given(shop, began) == [50, BAKE, 100], "the largest step, the bake, and the promotion"
        assert given(vulnerable, began) == [START, 100], "no step in between"


def test_a_bad_patch_behind_the_broken_glass_is_rolled_back_and_somebody_has_to_say_that_they_saw_it(shop: Stories) -> None:
    shop.open(patched="sample:crash")
    with shop.story("RolledBack", rate=40):
        for incomplete in ({}, {"reference": "INC-4711"}, {"reason": "Payments fail"}):
            with pytest.raises(RuntimeError, match=r"urgency BreakGlass needs incident\.reference and incident\.reason"):
                shop.apply(rollout(urgency="BreakGlass", incident=incomplete))
        assert not shop.exists("hfr", "fix")
        began = time.time()
        shop.apply(rollout(urgency="BreakGlass", incident=INCIDENT))
        shop.until(lambda status: status.get("startedAt"), "traffic moves")
        assert shop.conditions()["FollowUpRequired"] == ("True", "BreakGlass")
        status = shop.phase("RolledBack")
        assert given(shop, began) in ([BAKE, 0], [95, 0]), "in the bake at once, and taken back at once"
        # a Prometheus on a busy node may not answer in between
        told = [entry["reason"] for entry in status["decisions"] if entry["reason"] != "MetricsUnavailable"]
        assert told[-3:] == ["BreakGlass", "RollingBack", "RolledBack"]
        assert status["why"] == "PatchedWorse"
        assert shop.conditions()["FollowUpRequired"] == ("True", "BreakGlass"), "after the end too"
        shop.hotfix("acknowledge", "fix")
        assert "FollowUpRequired" not in shop.conditions()
    assert shop.events().count("BreakGlass") == 1
