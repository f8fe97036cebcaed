"""Stable dies in the middle of a rollout."""

from .shop import rollout
from .story import Stories

STABLE_IS_DOWN_SECONDS, MOVED_SECONDS = 60, 10


def test_a_stable_that_dies_gives_everything_to_patched_within_ten_seconds_and_gets_it_back_in_steps(shop: Stories) -> None:
    shop.open()
    gone = {"503 from the proxy": "stable has no endpoint and its weight is not yet 0; bounded below"}
    with shop.story("Promoted", rate=30, forgiven=gone) as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        shop.control("checkout", "unready=1&errors=100")
        shop.cluster.until(load.lost, "stable's last ready pod is gone", seconds=120)
        went = load.lost()[0].sent
        shop.held("StableLost", seconds=120)
        back = went + MOVED_SECONDS + STABLE_IS_DOWN_SECONDS
        shop.cluster.until(lambda: load.answers()[-1].sent > back, "a minute without stable", seconds=90)
        moved = load.since(went + MOVED_SECONDS)
        assert len(moved) > 25 * STABLE_IS_DOWN_SECONDS
        assert {answer.image for answer in moved} == {"sample:1.1"}
        assert shop.weights()["checkout"] == 0
        assert {shop.replicas(name) for name in ("checkout", "checkout-hotfix")} == {2}
        assert shop.held("StableLost")["weight"] == 100

        shop.control("checkout", "unready=0&errors=5")
        status = shop.until(lambda status: "stableLost" not in status, "stable is back", seconds=120)
        steps = [d["what"] for d in status["decisions"] if d["reason"] in ("StableLost", "TrafficShifted")]
        assert steps[-4:-1] == ["weight 100", "weight 95", "weight 50"]
    assert load.lost()[-1].sent - went < MOVED_SECONDS
    assert shop.image("checkout") == "sample:1.1"


def test_where_stable_cannot_serve_without_the_fix_a_person_promotes_once_patched_is_seen_to_serve(shop: Stories) -> None:
    shop.open()
    gone = {"503 from the proxy": "stable has no endpoint and its weight is not yet 0"}
    with shop.story("Promoted", rate=30, forgiven=gone) as load:
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        shop.control("checkout", "unready=1")
        refused = "kubectl hotfix promote fix is refused"
        shop.until(lambda status: refused in status["message"], "what is missing is told", seconds=120)
        way_out = "Where checkout cannot serve without the fix: kubectl hotfix promote fix."
        shop.until(lambda status: status["message"].endswith(way_out), "patched was counted for long enough")
        assert "A person promotes it while checkout cannot serve" in shop.hotfix("promote", "fix")
        status = shop.until(lambda status: status["stage"] == "Returning", "stable is ready with the fix", seconds=120)
    reasons = [decision["reason"] for decision in status["decisions"]]
    assert reasons.index("StableLost") < reasons.index("Requested")
    assert load.lost()[-1].sent < load.answers()[-1].sent - 20
    assert shop.image("checkout") == "sample:1.1"
