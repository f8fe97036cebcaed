"""Deleting the object gives traffic back, in every phase, and leaves nothing behind."""

import pytest

from .shop import rollout
from .story import DELETED, GONE, Stories


@pytest.mark.parametrize(
    ("stage", "fix"),
    [
        ("Checking", False),
        ("Scaling", False),
        ("Shifting", False),
        ("Baking", False),
        ("PatchingStable", True),
        ("Returning", True),
    ],
)
def test_deleting_it_leaves_the_route_as_it_was_and_loses_nothing(shop: Stories, stage: str, fix: bool) -> None:
    shop.open(patched="nowhere/nothing:1" if stage == "Scaling" else "sample:1.1")
    with shop.story(DELETED, rate=30):
        shop.apply(rollout(paused=stage == "Checking"))
        if stage == "Baking":
            shop.phase("Baking", seconds=180)
        else:
            shop.until(lambda status: status.get("stage") == stage, stage, seconds=180)
    assert shop.image("checkout") == ("sample:1.1" if fix else "sample:1.0")
    if stage in ("Shifting", "Baking"):
        assert shop.replicas("checkout-hotfix") == 2, "the patched pods are left running"


@pytest.mark.parametrize("stage", ["WeightZero", "DrainingPatched"])  # the later ones last for one look
def test_deleted_on_the_way_back_it_goes_the_whole_way_back(shop: Stories, stage: str) -> None:
    shop.open(patched="sample:crash")
    with shop.story(DELETED, rate=30):
        shop.apply(rollout(traffic={"drain": "6s"}))
        order = ["WeightZero", "DrainingPatched", "ScalingDown", "GivingBack"]
        seen = shop.until(lambda status: status.get("stage") in order[order.index(stage) :], stage, seconds=180)
        assert seen["phase"] == "RollingBack"
    assert shop.image("checkout") == "sample:1.0"
    assert shop.replicas("checkout-hotfix") == 0, "the rollback was decided before: the bad pods go"


@pytest.mark.parametrize(("patched", "phase"), [("sample:1.1", "Promoted"), ("sample:crash", "RolledBack")])
def test_deleting_a_finished_one_changes_nothing(shop: Stories, patched: str, phase: str) -> None:
    shop.open(patched=patched)
    with shop.story(GONE, rate=30):
        with shop.story(phase, rate=10):
            shop.apply(rollout())
        before = [shop.read(kind, "checkout") for kind in ("httproute", "deployment")]
        shop.kubectl("delete", "hfr", "fix", "--timeout=20s")
        assert [shop.read(kind, "checkout")["spec"] for kind in ("httproute", "deployment")] == [item["spec"] for item in before]


@pytest.mark.parametrize(
    ("phase", "promotion"), [("Analyzing", "Auto"), ("AwaitingGit", "AwaitGit"), ("Promoting", "Auto"), ("RollingBack", "Auto")]
)
def test_a_namespace_goes_with_a_live_rollout_in_it(shop: Stories, phase: str, promotion: str) -> None:
    # its pods go in any order with it: what is lost meanwhile is the deletion's, and there is no route left to be as before
    shop.open(patched="sample:crash" if phase == "RollingBack" else "sample:1.1")
    with shop.load() as load:
        shop.apply(rollout(traffic={"drain": "6s"}, analysis={"bakeTime": "5s"}, promotion={"mode": promotion}))
        shop.phase(phase, seconds=180)
        assert load.lost() == []
        shop.cluster.kubectl("delete", "namespace", shop.namespace, "--timeout=90s")
    shop.cluster.kubectl("create", "namespace", shop.namespace)
