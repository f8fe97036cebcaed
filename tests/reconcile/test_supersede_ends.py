"""A newer hotfix beside an older one: whatever ends one of them, the other goes on, and the route is given back as it was."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.shop import deployment

from .shop import NAMESPACE
from .two import Two

WAITS = {"mode": "AwaitGit"}
SLOWLY: dict[str, Any] = {"startWeight": 25, "steps": [25, 50]}
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


def ask(shop: Two, name: str, verb: str) -> None:
    annotation = {"metadata": {"annotations": {"hotfix-operator.dev/request": f"{verb}:{shop.clock.now()}"}}}
    operations = [{"op": "add", "path": "/metadata/annotations", "value": annotation["metadata"]["annotations"]}]
    shop.api.edit("HotfixRollout", NAMESPACE, name, operations)
    shop.wake()


def delete(shop: Two, name: str) -> None:
    shop.api.delete("HotfixRollout", NAMESPACE, name)
    shop.wake()


def renew_pods(shop: Two, deployment: str) -> None:
    """New pods in the place of the present ones."""
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["name"].startswith(f"{deployment}-"):
            shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()
    shop.wake()


def ended(shop: Two, name: str) -> bool:
    """Nothing of it is left to do."""
    item: Any = shop.of(name)
    return not item or (not item["metadata"].get("finalizers") and item.get("status", {}).get("stage") == "Done")


async def analysed(**more: Any) -> Two:
    """The older one keeps 25 %, for nothing can be counted."""
    shop = Two(**{**SLOWLY, **more})
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    return shop


async def beside(**newer: Any) -> Two:
    """Both have a share."""
    shop = await analysed()
    shop.hurry(**{"startWeight": 25, "steps": [25, 50], **newer})
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Analyzing" and s.share("checkout-second") > 0)
    shop.requests.silent = True
    return shop


async def test_third_backends_and_named_rules_keep_what_they_have() -> None:
    shop = Two(rules=THIRD, **SLOWLY)
    before = route(shop)
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
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
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted" and ended(s, "fix"))
    assert shop.weights == {"checkout": 7, "checkout-hotfix": 0, "checkout-second": 0}


@pytest.mark.parametrize("stage", ["Checking", "Scaling", "Adopting", "Shifting"])
@pytest.mark.parametrize("how", ["delete", "release"])
async def test_the_newer_one_is_taken_back_and_the_older_goes_on(stage: str, how: str) -> None:
    shop = await analysed()
    before = {name: shop.share(name) for name in shop.weights}
    shop.hurry(startWeight=25, steps=[25, 50])
    if stage == "Shifting":
        await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
        shop.requests.silent = False
    await shop.both(lambda s: s.state("second").get("stage") == stage)
    shop.requests.silent = True
    delete(shop, "second") if how == "delete" else ask(shop, "second", "release")
    shop.least_stable.clear()
    await shop.both(lambda s: ended(s, "second") and not s.state("fix").get("supersededBy"))
    assert {name: shop.share(name) for name in shop.weights} == before
    assert max(shop.least_stable, default=0) <= 75
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_the_older_one_is_taken_back_while_both_live_and_the_newer_gives_all_back() -> None:
    shop = await beside()
    ask(shop, "fix", "rollback")
    await shop.both(lambda s: ended(s, "fix"))
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
    delete(shop, "fix")
    shop.least_stable.clear()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoting")
    assert max(shop.least_stable) <= 75
    await shop.both(lambda s: not s.of("fix") and s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_a_control_that_is_deleted_goes_when_the_newer_one_has_its_share() -> None:
    shop = Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS)
    delete(shop, "fix")
    shop.least_stable.clear()
    await shop.both(lambda s: s.phase("second") == "AwaitingGit" and not s.of("fix"))
    assert max(shop.least_stable) == 0


async def test_a_newer_one_that_cannot_start_lets_the_older_go_on() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/spec/paused", "value": True}])
    if shop.state("second").get("stage") in ("Checking", "Scaling"):
        await shop.both(lambda s: not s.state("fix").get("supersededBy"))
    shop.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/spec/paused", "value": False}])
    shop.requests.silent = False
    shop.wake()
    await shop.both(lambda s: s.phase("second") == "Promoted" and ended(s, "fix"))
    assert shop.weights == {"checkout": 1}


async def test_an_older_one_that_ends_before_is_no_longer_in_the_way() -> None:
    shop = await analysed()
    shop.controllers.never_ready.add("sample:good")
    shop.hurry()
    await shop.both(lambda s: s.state("second").get("stage") == "Scaling")
    ask(shop, "fix", "rollback")
    await shop.both(lambda s: ended(s, "fix"))
    shop.controllers.never_ready.clear()
    renew_pods(shop, "checkout-second")
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.state("second").get("supersedes") is None
    assert shop.weights == {"checkout": 1}


async def test_the_pods_of_the_older_die_while_both_live() -> None:
    shop = await beside()
    shop.controllers.never_ready.add("sample:1.1")
    renew_pods(shop, "checkout-hotfix")
    await shop.both(lambda s: s.phase("fix") == "RolledBack")
    assert shop.share("checkout-second") == pytest.approx(25, abs=0.5)
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_what_is_shipped_unproven_gets_the_older_share_at_the_end_of_its_bake() -> None:
    shop = await analysed()
    reference = {"reference": "INC-1", "reason": "card data is shown"}
    shop.hurry(urgency="BreakGlass", incident=reference, analysis={"bakeTime": "1m"})
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "Baking")
    await shop.both(lambda s: s.phase("second") == "Promoting")
    assert shop.phase("fix") == "Analyzing"
    await shop.both(lambda s: s.phase("second") == "Promoted" and ended(s, "fix"))
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
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
    await shop.both(lambda s: s.phase("second") == "RollingBack")
    shop.requests.silent = True
    await shop.both(lambda s: ended(s, "second") and not s.state("fix").get("supersededBy"))
    item = deployment("checkout-second", "sample:good")
    shop.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
    shop.controllers.step()
    ask(shop, "second", "retry")
    await shop.both(lambda s: bool(s.state("fix").get("supersededBy")))
    shop.requests.silent = False
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
    floors: list[int] = []

    def note(shop: Two) -> None:
        floors.append(shop.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")["spec"]["minReplicas"])

    def until(question: Callable[[Two], bool]) -> Callable[[Two], bool]:
        return lambda s: (note(s), question(s))[1]

    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.requests.silent = True
    shop.hurry()
    await shop.both(until(lambda s: bool(s.state("fix").get("supersededBy"))))
    shop.requests.silent = False
    await shop.both(until(lambda s: ended(s, "fix")))
    assert set(floors) == {2}
    await shop.both(lambda s: s.phase("second") == "Promoted")
    note(shop)
    assert floors[-1] == 1
