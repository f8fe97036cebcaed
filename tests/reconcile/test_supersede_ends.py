"""A newer hotfix beside an older one: whatever ends one of them, the other goes on, and the route is given back as it was."""

from typing import Any

import pytest

from tests.e2e.shop import deployment

from .shop import NAMESPACE
from .two import SLOWLY, WAITS, Two, analysed, beside

THIRD: tuple[dict[str, Any], ...] = (
    {
        "name": "pay",
        "matches": [{"path": {"type": "PathPrefix", "value": "/pay"}}],
        "backendRefs": [{"name": "checkout", "port": 80, "weight": 3}, {"name": "legacy", "port": 80, "weight": 1}],
    },
    {"backendRefs": [{"name": "checkout", "port": 80}]},
)


def route(shop: Two) -> dict[str, Any]:
    """What of the route belongs to its user."""
    raw = shop.api.read("HTTPRoute", NAMESPACE, "checkout")
    ours = [entry["manager"] for entry in raw["metadata"].get("managedFields", []) if entry["manager"] == "hotfix-operator"]
    return {"spec": raw["spec"], "annotations": raw["metadata"].get("annotations"), "ours": ours}


async def test_third_backends_and_named_rules_keep_what_they_have() -> None:
    shop = Two(rules=THIRD, **SLOWLY)
    before = route(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    shop.hurry()
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Baking" and s.phase("fix") == "Superseded")
    assert shop.share("legacy") == pytest.approx(25, abs=0.1)
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert route(shop) == before


async def test_a_prepared_route_is_given_back_prepared() -> None:
    shop = await analysed(
        rules=(
            {
                "backendRefs": [
                    {"name": "checkout", "port": 80, "weight": 7},
                    {"name": "checkout-hotfix", "port": 80, "weight": 0},
                    {"name": "checkout-second", "port": 80, "weight": 0},
                ]
            },
        )
    )
    shop.hurry()
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"))
    assert shop.weights == {"checkout": 7, "checkout-hotfix": 0, "checkout-second": 0}


@pytest.mark.parametrize("stage", ["Checking", "Scaling", "Adopting", "Shifting"])
@pytest.mark.parametrize("how", ["delete", "release"])
async def test_the_newer_one_is_taken_back_and_the_older_goes_on(stage: str, how: str) -> None:
    shop = await analysed()
    before = {name: shop.share(name) for name in shop.weights}
    shop.hurry(startWeight=25, steps=[25, 50])
    if stage == "Shifting":
        await shop.takes_over()
    await shop.both(lambda s: s.stage("second") == stage)
    shop.requests.silent = True
    shop.delete("second") if how == "delete" else shop.ask("second", "release")
    shop.least_stable.clear()
    await shop.both(lambda s: s.ended("second") and not s.stands_still())
    assert {name: shop.share(name) for name in shop.weights} == before
    assert max(shop.least_stable, default=0) <= 75
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_the_older_one_is_taken_back_while_both_live_and_the_newer_gives_all_back() -> None:
    shop = await beside()
    shop.ask("fix", "rollback")
    await shop.both(lambda s: s.ended("fix"))
    assert shop.phase("fix") == "RolledBack"
    assert shop.share("checkout-second") == pytest.approx(25, abs=0.5)
    assert "checkout-hotfix" not in shop.weights
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}
    assert route(shop)["ours"] == []


async def test_one_commit_replaces_the_older_by_the_newer_without_a_moment_on_stable() -> None:
    shop = await analysed()
    shop.hurry()
    shop.delete("fix")
    shop.least_stable.clear()
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Promoting")
    assert max(shop.least_stable) <= 75
    await shop.both(lambda s: not s.of("fix") and s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_a_control_that_is_deleted_goes_when_the_newer_one_has_its_share() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS)
    shop.delete("fix")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "AwaitingGit" and not s.of("fix"))
    assert max(shop.least_stable) == 0


async def test_a_newer_one_that_cannot_start_lets_the_older_go_on() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(Two.stands_still)
    shop.respec("second", paused=True)
    await shop.both(lambda s: not s.stands_still())
    shop.respec("second", paused=False)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"))
    assert shop.weights == {"checkout": 1}


async def test_an_older_one_that_ends_before_is_no_longer_in_the_way() -> None:
    shop = await analysed()
    shop.controllers.never_ready.add("sample:good")
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Scaling")
    shop.ask("fix", "rollback")
    await shop.both(lambda s: s.ended("fix"))
    shop.controllers.never_ready.clear()
    shop.renew_pods("checkout-second")
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.state("second").get("supersedes") is None
    assert shop.weights == {"checkout": 1}


async def test_the_pods_of_the_older_die_while_both_live() -> None:
    shop = await beside()
    shop.controllers.never_ready.add("sample:1.1")
    shop.renew_pods("checkout-hotfix")
    await shop.both(lambda s: s.phase("fix") == "RolledBack")
    assert shop.share("checkout-second") == pytest.approx(25, abs=0.5)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_what_is_shipped_unproven_gets_the_older_share_at_the_end_of_its_bake() -> None:
    shop = await analysed()
    reference = {"reference": "INC-1", "reason": "card data is shown"}
    shop.hurry(urgency="BreakGlass", incident=reference, analysis={"bakeTime": "1m"})
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Baking")
    await shop.both(lambda s: s.phase("second") == "Promoting")
    assert shop.phase("fix") == "Analyzing"
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.ended("fix"))
    assert shop.weights == {"checkout": 1}


async def test_a_newest_one_waits_until_the_newer_has_taken_the_place_of_the_older() -> None:
    shop = await beside()
    shop.hurry("sample:1.1", name="third")
    await shop.both(lambda s: s.state("third").get("held") == "RouteBusy")
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("third") == "Promoted", seconds=3600)
    assert (shop.phase("fix"), shop.phase("second")) == ("Superseded", "Superseded")
    assert shop.weights == {"checkout": 1}


async def test_one_that_was_rolled_back_is_tried_again_and_takes_the_place_then() -> None:
    shop = await analysed()
    shop.hurry("sample:crash")
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "RollingBack")
    shop.requests.silent = True
    await shop.both(lambda s: s.ended("second") and not s.stands_still())
    item = deployment("checkout-second", "sample:good")
    shop.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
    shop.controllers.step()
    shop.ask("second", "retry")
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Promoted" and s.phase("fix") == "Superseded")
    assert shop.weights == {"checkout": 1}


async def test_the_floor_of_stables_hpa_is_kept_until_the_newer_one_ends() -> None:
    shop = Two(**SLOWLY)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "checkout", "namespace": NAMESPACE},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
        },
    }
    shop.api.apply(scaler)

    def floor(shop: Two) -> object:
        return shop.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")["spec"]["minReplicas"]

    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.requests.silent = True
    shop.hurry()
    floors = shop.noting(floor)
    await shop.takes_over()
    await shop.both(lambda s: s.ended("fix"))
    assert set(floors) == {2}
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert floor(shop) == 1
