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


def test_a_namespace_goes_with_a_live_rollout_in_it(shop: Shop) -> None:
    shop.open()
    with shop.load():
        shop.apply(rollout())
        shop.phase("Analyzing")
        shop.cluster.kubectl("delete", "namespace", shop.namespace, "--timeout=90s")
    shop.cluster.kubectl("create", "namespace", shop.namespace)
