"""Deleting the object gives traffic back, in every phase, and leaves nothing behind."""

import pytest

from .shop import Shop, rollout, untouched


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
def test_deleting_it_leaves_the_route_as_it_was_and_loses_nothing(shop: Shop, stage: str, fix: bool) -> None:
    shop.open(patched="nowhere/nothing:1" if stage == "Scaling" else "sample:1.1")
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(30) as load:
        shop.apply(rollout(paused=stage == "Checking"))
        if stage == "Baking":
            shop.phase("Baking", seconds=180)
        else:
            shop.until(lambda status: status.get("stage") == stage, stage, seconds=180)
        shop.kubectl("delete", "hfr", "fix", "--timeout=120s")
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before
    assert shop.image("checkout") == ("sample:1.1" if fix else "sample:1.0")
    if stage in ("Shifting", "Baking"):
        assert shop.replicas("checkout-hotfix") == 2, "the patched pods are left running"


@pytest.mark.parametrize("stage", ["WeightZero", "DrainingPatched"])  # the later ones last for one look
def test_deleted_on_the_way_back_it_goes_the_whole_way_back(shop: Shop, stage: str) -> None:
    shop.open(patched="sample:crash")
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(30) as load:
        shop.apply(rollout(traffic={"drain": "6s"}))
        order = ["WeightZero", "DrainingPatched", "ScalingDown", "GivingBack"]
        seen = shop.until(lambda status: status.get("stage") in order[order.index(stage) :], stage, seconds=180)
        assert seen["phase"] == "RollingBack"
        shop.kubectl("delete", "hfr", "fix", "--timeout=60s")
        gone = load.answers()[-1].sent
        shop.cluster.until(lambda: len(load.since(gone)) > 30, "answers after it is gone")
        assert {answer.backend.rsplit("-", 2)[0] for answer in load.since(gone)} == {"checkout"}
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before
    assert shop.image("checkout") == "sample:1.0"
    assert shop.replicas("checkout-hotfix") == 0, "the rollback was decided before: the bad pods go"


@pytest.mark.parametrize(("patched", "phase"), [("sample:1.1", "Promoted"), ("sample:crash", "RolledBack")])
def test_deleting_a_finished_one_changes_nothing(shop: Shop, patched: str, phase: str) -> None:
    shop.open(patched=patched)
    with shop.load(30) as load:
        shop.apply(rollout())
        shop.phase(phase, seconds=240)
        shop.cluster.until(lambda: "finalizers" not in shop.read("hotfixrollouts", "fix")["metadata"], "no finalizer is left")
        before = [shop.read(kind, "checkout") for kind in ("httproute", "deployment")]
        shop.kubectl("delete", "hfr", "fix", "--timeout=20s")
        assert [shop.read(kind, "checkout")["spec"] for kind in ("httproute", "deployment")] == [item["spec"] for item in before]
        assert load.lost() == []


def test_a_namespace_goes_with_a_live_rollout_in_it(shop: Shop) -> None:
    shop.open()
    with shop.load():
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.cluster.kubectl("delete", "namespace", shop.namespace, "--timeout=90s")
    shop.cluster.kubectl("create", "namespace", shop.namespace)
