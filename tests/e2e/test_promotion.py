"""A hotfix that is good gets all traffic, and then stable becomes it."""

import yaml

from tests.cluster.load import error_rate
from tests.conftest import SCRAPE_SECONDS

from .shop import FAST, rollout
from .story import Stories, everything_on_patched


def init(shop: Stories, image: str, name: str) -> None:
    """`kubectl hotfix init | kubectl apply -f -`, with short times in what is printed."""
    printed = shop.hotfix("init", "deploy/checkout", "--image", image, "--name", name)
    items = list(yaml.safe_load_all(printed))
    (hotfix,) = (item for item in items if item["kind"] == "HotfixRollout")
    hotfix["spec"] |= {"traffic": FAST, "analysis": {"bakeTime": "20s"}}
    shop.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(items))


def names(shop: Stories, *arguments: str) -> list[str]:
    """What `kubectl get` lists."""
    return [line.rsplit("/", 1)[-1] for line in shop.kubectl("get", *arguments, "-o", "name").split()]


def test_a_good_hotfix_is_promoted_into_stable_and_the_route_is_as_before(shop: Stories) -> None:
    shop.open(patched=None)
    with shop.story("Promoted") as load:
        init(shop, "sample:1.1", "fix")
        shop.kubectl("wait", "--for=condition=Completed", "hfr/fix", "--timeout=240s")
        status = shop.phase("Promoted")
        ended = load.answers()[-1].sent
        shop.cluster.until(lambda: len(load.since(ended + 1)) > 400, "answers after the end")
        assert error_rate(load.since(ended + 1)) < 0.02
        assert {answer.image for answer in load.since(ended + 1)} == {"sample:1.1"}
    inferred = {key: status["resolved"][key] for key in ("stableService", "patchedService", "routes", "preset")}
    assert inferred == {
        "stableService": "checkout",
        "patchedService": "checkout-hotfix",
        "routes": [{"name": "checkout", "rules": [0]}],
        "preset": "contour",
    }
    assert shop.image("checkout") == "sample:1.1"
    assert shop.replicas("checkout-hotfix") == 0
    assert names(shop, "hotfix") == ["fix"], "the category"
    assert names(shop, "hfr", "--field-selector", "status.phase=Promoted") == ["fix"]
    assert names(shop, "hfr", "--field-selector", "status.phase=Analyzing") == []
    shop.cluster.until(lambda: shop.events()[-1:] == ["Promoted"], "the last event")
    assert shop.events()[:2] == ["HotfixDetected", "PatchedReady"]


def test_keep_patched_ends_with_everything_on_patched_and_nothing_else_changed(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", but=everything_on_patched, served_by=("checkout-hotfix",)):
        shop.apply(rollout(promotion={"mode": "KeepPatched"}))
    assert shop.image("checkout") == "sample:1.0"
    shop.kubectl("delete", "hfr", "fix", "--timeout=20s")
    assert shop.weights() == {"checkout": 0, "checkout-hotfix": 100}


def test_the_http_preset_judges_by_the_counters_of_the_pods(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted"):
        shop.apply(rollout(metrics={"preset": "http"}))
        status = shop.phase("Baking", seconds=180)
        assert status["resolved"]["preset"] == "http"
    assert shop.image("checkout") == "sample:1.1"


def test_own_queries_judge_too(shop: Stories) -> None:
    shop.open()
    series = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)"'
    queries = {"requests": f"{series}}}", "errors": f'{series},code=~"5.."}}'}
    with shop.story("deleted") as load:
        shop.cluster.until(lambda: len(load.answers()) > 600, "half a minute of history")
        shop.apply(rollout(metrics={**queries, "interval": "1s"}))
        status = shop.phase("Baking", seconds=180)
        assert status["resolved"]["preset"] == "Custom"
        assert status["baseline"]["intervalSeconds"] == SCRAPE_SECONDS, "the real spacing of the samples"
