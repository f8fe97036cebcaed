"""Routes that are put back to what they were before the gateway has confirmed the first weight, through the real adapters."""

from typing import Any

import pytest

from .shop import KEY, NAMESPACE, Shop
from .test_edited_routes import rule

STAMP = {"op": "remove", "path": "/metadata/annotations/hotfix-operator.dev~1stamp"}
NAMED = rule(checkout=1, checkout_hotfix=0)


async def unconfirmed(shop: Shop) -> Shop:
    """Patched is about to get its first weight, of which the gateway will say nothing."""
    await shop.run(lambda s: s.status.get("stage") == "Adopting")
    shop.controllers.deaf.add("checkout")
    return await shop.run(given)


def given(shop: Shop) -> bool:
    """Patched has a weight."""
    return shop.weights.get("checkout-hotfix", 0) > 0


def put_back(shop: Shop, was: dict[str, Any], manager: str, *, stamp_stays: bool) -> None:
    """As it was before: by an apply, which leaves what it does not know, or by a replace."""
    rules = {"op": "replace", "path": "/spec/rules", "value": [was]}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [rules, *([] if stamp_stays else [STAMP])], manager=manager)


@pytest.mark.parametrize("stamp_stays", [True, False], ids=["applied", "replaced"])
@pytest.mark.parametrize("was", [rule(checkout=1), NAMED], ids=["drops patched", "names patched"])
async def test_a_tool_that_is_faster_than_the_gateway_is_told_the_setting(was: dict[str, Any], stamp_stays: bool) -> None:
    shop = await unconfirmed(Shop(rules=(was,)))
    for _ in range(3):
        put_back(shop, was, "argocd-controller", stamp_stays=stamp_stays)
        await shop.run(given, seconds=10)
    await shop.run(lambda s: s.status.get("held") == "TrafficContested", seconds=10)
    assert "RespectIgnoreDifferences=true" in shop.status["message"]
    assert [entry["reason"] for entry in shop.status["decisions"]].count("TrafficDriftCorrected") == 3
    shop.controllers.deaf.clear()
    await shop.run(lambda s: s.status.get("phase") == "Promoted", seconds=2000)


@pytest.mark.parametrize("stamp_stays", [True, False], ids=["edited", "replaced"])
async def test_a_person_who_is_faster_than_the_gateway_is_not_written_over(stamp_stays: bool) -> None:
    shop = await unconfirmed(Shop(rules=(NAMED,)))
    put_back(shop, NAMED, "kubectl-edit", stamp_stays=stamp_stays)
    await shop.run(lambda s: s.status.get("held") == "WeightsEdited", seconds=10)
    assert "kubectl-edit changed the weights of HTTPRoute checkout" in shop.status["message"]
    assert shop.weights == {"checkout": 1, "checkout-hotfix": 0}


async def test_a_process_whose_watch_is_behind_takes_the_weight_it_cannot_see_for_no_edit() -> None:
    """Another process, which held the lease meanwhile, has written it."""
    shop = Shop(rules=(NAMED,))
    shop.restart(watches=True)
    await shop.run(lambda s: s.status.get("stage") == "Adopting")
    behind, mirror = shop.reconciler, shop.mirror
    assert mirror
    await behind.reconcile(KEY)  # sees the stamp of weight 0
    shop.kube.mute = frozenset({"httproutes"})
    shop.restart()
    shop.controllers.deaf.add("checkout")
    await shop.run(given)
    before = shop.weights
    await behind.reconcile(KEY)
    assert shop.weights == before
    assert shop.status.get("held") is None
    assert "TrafficDriftCorrected" not in {entry["reason"] for entry in shop.status["decisions"]}
    await mirror.close()
