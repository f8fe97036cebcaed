"""A hotfix that is good gets all traffic, and then stable becomes it."""

from tests.cluster.load import error_rate
from tests.conftest import SCRAPE_SECONDS

from .shop import Shop, rollout, untouched

ENDED_WELL = {"Ready": ("True", "Promoted"), "Succeeded": ("True", "Promoted"), "Completed": ("True", "Promoted")}


def test_a_good_hotfix_is_promoted_into_stable_and_the_route_is_as_before(shop: Shop) -> None:
    shop.open()
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load() as load:
        shop.apply(rollout())
        shop.kubectl("wait", "--for=condition=Completed", "hfr/fix", "--timeout=240s")
        shop.phase("Promoted")
        ended = load.answers()[-1].sent
        shop.cluster.until(lambda: len(load.since(ended)) > 100, "answers after the end")
        assert error_rate(load.since(ended + 1)) < 0.02
        assert {answer.image for answer in load.since(ended + 1)} == {"sample:1.1"}
        assert all(answer.backend.rsplit("-", 2)[0] == "checkout" for answer in load.since(ended + 1))
        assert load.lost() == []
    assert shop.image("checkout") == "sample:1.1"
    assert shop.replicas("checkout-hotfix") == 0
    assert untouched(shop.read("httproute", "checkout")) == before
    assert shop.conditions() == ENDED_WELL
    assert shop.read("hotfixrollouts", "fix")["metadata"].get("finalizers") is None
    shop.cluster.until(lambda: shop.events()[-1:] == ["Promoted"], "the last event")
    assert shop.events()[:2] == ["HotfixDetected", "PatchedReady"]


def test_keep_patched_ends_with_everything_on_patched_and_nothing_else_changed(shop: Shop) -> None:
    shop.open()
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load() as load:
        shop.apply(rollout(promotion={"mode": "KeepPatched"}))
        shop.phase("Promoted", seconds=240)
        assert load.lost() == []
    after = untouched(shop.read("httproute", "checkout"))
    weights = {ref["name"]: ref.pop("weight") for ref in after["spec"]["rules"][0]["backendRefs"]}
    assert weights["checkout"] == 0
    assert weights["checkout-hotfix"] > 0
    after["spec"]["rules"][0]["backendRefs"] = after["spec"]["rules"][0]["backendRefs"][:1]
    before["spec"]["rules"][0]["backendRefs"][0].pop("weight")
    assert after == before
    assert shop.image("checkout") == "sample:1.0"
    assert shop.conditions() == ENDED_WELL
    shop.kubectl("delete", "hfr", "fix", "--timeout=20s")
    assert shop.weights()["checkout"] == 0


def test_the_http_preset_judges_by_the_counters_of_the_pods(shop: Shop) -> None:
    shop.open()
    with shop.load() as load:
        shop.apply(rollout(metrics={"preset": "http"}))
        status = shop.phase("Baking", seconds=180)
        assert status["resolved"]["preset"] == "http"
        shop.phase("Promoted", seconds=180)
        assert load.lost() == []


def test_own_queries_judge_too(shop: Shop) -> None:
    shop.open()
    series = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)"'
    queries = {"requests": f"{series}}}", "errors": f'{series},code=~"5.."}}'}
    with shop.load() as load:
        shop.cluster.until(lambda: len(load.answers()) > 320, "a quarter of a minute of history")
        shop.apply(rollout(metrics={**queries, "interval": "1s"}))
        shop.phase("Baking", seconds=180)
        assert shop.status()["resolved"]["preset"] == "Custom"
        assert shop.status()["baseline"]["intervalSeconds"] == SCRAPE_SECONDS, "the real spacing of the samples"
        assert load.lost() == []
