"""Routes with several rules, and routes that somebody edits while they are borrowed: the borrowed rules are found again, what is
not borrowed is never touched, and no request is left on patched.
"""

import asyncio
from typing import Any

import pytest

from .shop import KEY, Shop
from .test_reconcile import ended

HTTP_ROUTES = [{"name": "checkout", "rules": [0]}]


def rule(**weights: int) -> dict[str, Any]:
    """A rule to these Services; `_` stands for `-`."""
    return {"backendRefs": [{"name": name.replace("_", "-"), "port": 80, "weight": weight} for name, weight in weights.items()]}


def live(shop: Shop) -> bool:
    """Patched has requests in the first rule."""
    return any(weights.get("checkout-hotfix", 0) > 0 for weights in shop.rules) and shop.status["phase"] == "Analyzing"


@pytest.mark.parametrize(("patched", "phase"), [("sample:1.1", "Promoted"), ("sample:crash", "RolledBack")])
async def test_a_rule_that_named_patched_before_still_does_and_the_others_do_not(patched: str, phase: str) -> None:
    shop = await Shop(patched, rules=(rule(checkout=1), rule(checkout=3, checkout_hotfix=0))).run(ended)
    assert shop.ending()["phase"] == phase
    assert shop.rules == [{"checkout": 1}, {"checkout": 3, "checkout-hotfix": 0}]
    assert not shop.ending()["ours"]


@pytest.mark.parametrize("above", [rule(checkout=1), rule(elsewhere=1)], ids=["also to stable", "to another Service"])
async def test_a_rule_put_above_the_one_that_is_shifted_is_not_taken_for_it(above: dict[str, Any]) -> None:
    shop = await Shop("sample:crash", traffic={"drain": "5s", "httpRoutes": HTTP_ROUTES}).run(live)
    shop.edit_rules({"op": "add", "path": "/spec/rules/0", "value": above})
    await shop.run(lambda s: s.rules[1]["checkout-hotfix"] == 0)
    assert shop.status["phase"] == "RollingBack"
    await shop.run(ended)
    untouched = {ref["name"]: ref["weight"] for ref in above["backendRefs"]}
    assert shop.rules == [untouched, {"checkout": 1}]


async def test_a_good_hotfix_goes_on_where_its_rule_has_moved_to() -> None:
    shop = await Shop(rules=(rule(checkout=1),), traffic={"drain": "5s", "httpRoutes": HTTP_ROUTES}).run(live)
    shop.edit_rules({"op": "add", "path": "/spec/rules/0", "value": rule(checkout=7)})
    await shop.run(ended, seconds=2000)
    assert shop.ending()["phase"] == "Promoted"
    assert shop.rules == [{"checkout": 7}, {"checkout": 1}]


async def test_a_rule_from_which_stable_was_taken_out_is_held_and_named_until_it_is_back() -> None:
    shop = await Shop().run(live)
    before = shop.rules[0]
    shop.edit_rules({"op": "replace", "path": "/spec/rules/0", "value": rule(checkout_hotfix=100)})
    await shop.run(lambda s: s.status.get("held") == "RouteMissing")
    assert "names" in shop.status["message"]
    assert ".." not in shop.status["message"]
    shop.edit_rules(
        {"op": "replace", "path": "/spec/rules/0", "value": rule(**{k.replace("-", "_"): v for k, v in before.items()})}
    )
    await shop.run(ended, seconds=2000)
    assert shop.ending()["phase"] == "Promoted"
    assert shop.rules == [{"checkout": 1}]


async def test_patched_is_found_where_it_went_though_another_rule_stands_in_its_place() -> None:
    shop = await Shop("sample:crash").run(live)
    shop.edit_rules({"op": "replace", "path": "/spec/rules", "value": [rule(checkout=1), rule(checkout_hotfix=100)]})
    await shop.run(lambda s: s.status.get("held") == "RouteMissing" and s.status["phase"] == "RollingBack")
    assert "no longer names checkout" in shop.status["message"], "weight 0 is not taken for reached while patched has requests"
    shop.edit_rules({"op": "add", "path": "/spec/rules/1/backendRefs/-", "value": rule(checkout=1)["backendRefs"][0]})
    await shop.run(ended, seconds=2000)
    assert shop.ending()["phase"] == "RolledBack"
    assert shop.rules == [{"checkout": 1}, {"checkout": 1}]


async def test_the_last_backend_of_a_rule_is_not_taken_out_and_the_rollout_ends() -> None:
    shop = await Shop("sample:crash").run(lambda s: s.status.get("stage") == "DrainingPatched")
    shop.edit_rules({"op": "replace", "path": "/spec/rules/0", "value": rule(checkout_hotfix=0)})
    await shop.run(ended, seconds=2000)
    assert shop.rules == [{"checkout-hotfix": 0}]


def at_weight(number: int) -> dict[str, Any]:
    """What a person does to patched's weight."""
    return {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": number}


async def test_nobody_is_said_to_have_edited_what_an_old_view_shows() -> None:
    """Patched had a weight for a moment, and the watch fell silent before it was taken away again."""
    shop = Shop("sample:crash", traffic={"drain": "30s"})
    shop.restart(watches=True)
    await shop.run(lambda s: s.status.get("stage") == "DrainingPatched")
    shop.edit_rules(at_weight(30))
    for _ in range(10):  # the watch tells it
        await asyncio.sleep(0)
    shop.kube.mute = frozenset({"httproutes"})
    shop.edit_rules(at_weight(0))
    await shop.reconciler.reconcile(KEY)
    assert shop.status["stage"] == "DrainingPatched"
    assert shop.status.get("held") is None
    await shop.run(ended)
    await shop.close()


async def test_pods_are_not_ended_on_what_was_seen_before_a_slow_answer() -> None:
    """The decision to end patched's pods is slow to be stored; meanwhile somebody gives patched a weight."""
    shop, slowed = Shop("sample:crash"), list[str]()

    def slow(method: str, url: str) -> None:
        if not slowed and method == "PATCH" and url.endswith("/status") and shop.status["stage"] == "ScalingDown":
            slowed.append(url)
            shop.clock.advance(6)
            shop.edit_rules(at_weight(30))

    shop.kube.after = slow
    await shop.run(lambda s: s.status.get("held") == "WeightsEdited")
    assert slowed
    assert shop.ending()["patched"] == 2


async def test_a_slow_answer_alone_only_puts_off_the_end_of_the_pods() -> None:
    shop, slowed = Shop("sample:crash"), list[str]()

    def slow(method: str, url: str) -> None:
        if not slowed and method == "PATCH" and url.endswith("/status") and shop.status["stage"] == "ScalingDown":
            slowed.append(url)
            shop.clock.advance(6)

    shop.kube.after = slow
    await shop.run(ended)
    assert slowed
    assert (shop.ending()["phase"], shop.ending()["patched"]) == ("RolledBack", 0)
