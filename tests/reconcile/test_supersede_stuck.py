"""An older rollout that cannot go on by itself keeps no newer hotfix waiting."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix.core.observation import MetricsView, SideSeries
from hotfix.ports import MetricsQuery

from .shop import NAMESPACE
from .two import NEWER, OLDER, Two


async def stuck(why: str, patched: str = "sample:1.1", **spec: Any) -> Two:
    """An older one that is held for this before it starts."""
    shop = Two(patched, **spec)
    return await shop.both(lambda s: s.state("fix").get("held") == why, seconds=900)


@pytest.mark.parametrize(
    ("why", "patched", "spec"),
    [
        ("Expired", "sample:1.1", {"expires": "2020-01-01T00:00:00Z"}),
        ("StableMoved", "sample:1.1", {"stable": {"deployment": "checkout", "image": "sample:0.9"}}),
        ("Paused", "sample:1.1", {"paused": True}),
        ("NothingToPromote", "sample:1.0", {}),
    ],
)
async def test_one_that_a_person_must_help_to_start_is_passed_over(why: str, patched: str, spec: dict[str, Any]) -> None:
    shop = await stuck(why, patched, **spec)
    shop.hurry()
    await shop.both(lambda s: s.phase("second") == "Promoted", seconds=600)
    assert shop.phase("fix") == "Pending"


async def test_one_whose_counters_are_missing_is_passed_over_though_it_was_about_to_start() -> None:
    shop = Two()
    collect = shop.requests.collect

    async def without_its_counters(query: MetricsQuery) -> MetricsView:
        view = await collect(query)
        nothing = SideSeries(requests=(), errors=())
        return replace(view, patched=nothing, stable=nothing) if query.patched_deployment == "checkout-hotfix" else view

    shop.requests.collect = without_its_counters  # type: ignore[method-assign]
    await shop.both(lambda s: s.state("fix").get("held") == "MetricsMissing", seconds=600)
    assert shop.stage("fix") in ("Scaling", "Adopting")
    shop.hurry()
    await shop.both(lambda s: s.phase("second") == "Promoted", seconds=600)


@pytest.mark.parametrize("order", [(OLDER, NEWER), (NEWER, OLDER)])
async def test_one_that_was_passed_over_waits_when_it_can_start_again(order: tuple[Any, Any]) -> None:
    shop = await stuck("Paused", paused=True)
    shop.hurry()
    shop.due = {key: shop.due[key] for key in order}
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.respec("fix", paused=False)
    live = shop.noting(lambda s: [name for name in ("fix", "second") if s.phase(name) in ("Analyzing", "Baking", "Promoting")])
    await shop.both(lambda s: s.phase("second") == "Promoted", seconds=900)
    assert max(len(names) for names in live) == 1, "never two of them at once"
    assert shop.state("fix")["held"] != "Paused"


async def test_one_that_lost_its_memory_with_traffic_on_its_patch_is_not_passed_over() -> None:
    shop = Two(startWeight=25, steps=[25])
    await shop.both(lambda s: s.share("checkout-hotfix") == 25)
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", {})
    shop.wake()
    await shop.both(lambda s: s.state("fix").get("held") == "MemoryLost", seconds=60)
    shop.hurry()
    await shop.wait(120)
    assert (shop.phase("second"), shop.state("second")["held"]) == ("Pending", "RouteBusy")
    assert shop.weights == {"checkout": 75, "checkout-hotfix": 25}


async def return_failed() -> Two:
    """An older one whose fix is no good in stable's place: patched keeps everything until a person decides."""
    shop = Two()
    await shop.both(lambda s: s.phase("fix") == "Promoting")
    shop.requests.errors["checkout"] = 0.3
    return await shop.both(lambda s: s.stage("fix") == "ReturnFailed" and s.share("checkout-hotfix") == 100, seconds=1800)


async def test_a_better_hotfix_takes_the_place_of_one_that_could_not_be_promoted() -> None:
    shop = await return_failed()
    shop.hurry()
    await shop.takes_over()
    dead = shop.noting(lambda s: s.share("checkout"))
    await shop.both(lambda s: s.phase("second") == "Promoting", seconds=900)
    assert max(dead) == 0, "nothing goes to a stable that is no good"
    shop.requests.errors.pop("checkout")
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"), seconds=900)
    assert shop.phase("fix") == "Superseded"


async def test_one_that_could_not_be_promoted_keeps_everything_when_the_newer_hotfix_is_bad() -> None:
    shop = await return_failed()
    shop.hurry("sample:crash")
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "RolledBack" and s.ended("second"), seconds=900)
    await shop.wait(60)
    assert (shop.stage("fix"), shop.state("fix")["held"], shop.share("checkout-hotfix")) == (
        "ReturnFailed",
        "PromotionFailed",
        100,
    )


@pytest.mark.parametrize("verb", ["release", "rollback"])
async def test_one_that_could_not_be_promoted_is_taken_back_only_after_the_newer_that_is_judged_against_it(verb: str) -> None:
    shop = await return_failed()
    shop.hurry()
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Analyzing" and s.share("checkout-second") > 0)
    shop.requests.silent = True
    shop.ask("fix", verb)
    await shop.both(lambda s: s.state("fix").get("lastHandledRequest", {}).get("result") == "Refused", seconds=30)
    assert f"kubectl hotfix {verb} second -n shop" in shop.state("fix")["lastHandledRequest"]["message"]
    assert shop.share("checkout") == 0
