"""A newer hotfix that cannot start beside an older one: that one goes on, and is not kept waiting."""

from typing import Any

import pytest

from hotfix.errors import Unavailable

from .shop import NAMESPACE
from .test_supersede_falls import flips, heal, replicas, waiting
from .two import SLOWLY, WAITS, Two, analysed, beside

OWN: dict[str, Any] = {"patched": {"deployment": "checkout-second", "replicas": "Own"}}


async def ten(**spec: Any) -> Two:
    """An older one with 25 %, of a stable with ten pods."""
    shop = Two(**SLOWLY, **spec)
    replicas(shop, "checkout", 10)
    return await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") == 25)


def one_pod(shop: Two, app: str, *, ready: bool) -> None:
    """One of its pods is ready, or is not."""
    pod = next(pod for pod in shop.api.every("Pod", NAMESPACE) if pod["metadata"]["labels"]["app"] == app)
    status = {**pod["status"], "conditions": [{"type": "Ready", "status": str(ready)}]}
    shop.api.set_status("Pod", NAMESPACE, pod["metadata"]["name"], status, "kubelet")
    shop.controllers.step()
    shop.wake()


# ---- it could not start


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        ({"analysis": {"latency": {"threshold": "250ms"}}}, "no latency histogram"),
        ({"patched": {"deployment": "checkout-second", "replicas": "Own"}, **SLOWLY}, "25 % needs 3 ready pods"),
    ],
)
async def test_an_older_one_goes_on_while_the_newer_one_could_not_start(newer: dict[str, Any], why: str) -> None:
    shop = Two(**SLOWLY)
    replicas(shop, "checkout", 10)
    await shop.both(lambda s: s.phase("fix") == "Analyzing")
    shop.hurry(**newer)
    told = shop.noting(lambda s: (s.stands_still(), str(s.state("second").get("message"))))
    await shop.both(lambda s: s.phase("fix") == "Promoted", seconds=900)
    assert any(why in message for _, message in told)
    assert not any(still for still, _ in told)


async def test_an_older_one_goes_on_when_the_newer_has_too_few_pods_after_it_asked() -> None:
    shop = await ten()
    shop.hurry(startWeight=50, steps=[50], **OWN)
    replicas(shop, "checkout-second", 10)
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    replicas(shop, "checkout-second", 1)
    await shop.both(lambda s: s.phase("fix") == "Promoted", seconds=900)
    assert shop.phase("second") == "Pending"


async def test_an_older_one_that_is_deleted_waits_while_the_pods_of_the_newer_come_one_after_another() -> None:
    shop = await ten()
    shop.requests.silent = True
    shop.hurry(**SLOWLY, **OWN)
    replicas(shop, "checkout-second", 1)
    shop.requests.silent = False
    shop.delete("fix")
    shares = shop.noting(lambda s: s.share("checkout-hotfix") + s.share("checkout-second"))
    await shop.wait(12)
    replicas(shop, "checkout-second", 10)
    await shop.wait(60)
    assert min(shares) >= 25


@pytest.mark.no_cover  # long, and covers nothing that others do not
async def test_a_newer_one_that_could_not_start_for_long_may_lose_a_pod_for_a_moment() -> None:
    shop = Two(promotion=WAITS)
    replicas(shop, "checkout", 10)
    await shop.both(lambda s: s.phase("fix") == "AwaitingGit")
    shop.hurry(promotion=WAITS, startWeight=50, steps=[50], **OWN)
    await shop.both(lambda s: s.state("second").get("held") == "InsufficientCapacity", seconds=600)
    await shop.wait(320)
    shop.crash("checkout-second", "sample:good")
    await shop.wait(1)
    heal(shop, "checkout-second", "sample:good")
    await shop.wait(20)
    assert shop.phase("second") == "Pending"


async def test_a_newer_one_whose_pods_fall_again_and_again_is_rolled_back_before_it_starts() -> None:
    shop = await analysed()
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Scaling")
    still = shop.noting(Two.stands_still)
    for _ in range(8):
        await shop.wait(8)
        shop.crash("checkout-second", "sample:good")
        await shop.wait(12)
        heal(shop, "checkout-second", "sample:good")
    assert (shop.phase("second"), shop.state("second")["why"]) == ("RolledBack", "PatchedNeverReady")
    assert flips(still) <= 6


async def test_a_newer_one_whose_pods_are_ready_for_a_moment_now_and_then_is_rolled_back_after_its_grace() -> None:
    shop = await analysed()
    shop.hurry(analysis={"readyGrace": "1m"})
    await shop.wait(1)
    shop.delete("fix")
    for _ in range(8):
        shop.crash("checkout-second", "sample:good")
        await shop.wait(17)
        heal(shop, "checkout-second", "sample:good")
        await shop.wait(3)
    assert (shop.phase("second"), shop.state("second")["why"]) == ("RolledBack", "PatchedNeverReady")
    await shop.both(lambda s: not s.of("fix"), seconds=120)


@pytest.mark.no_cover  # long, and covers nothing that others do not
async def test_one_pod_of_ten_that_is_unready_now_and_then_is_no_reason_to_roll_back() -> None:
    shop = await ten()
    shop.requests.silent = True
    shop.hurry()
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    for _ in range(4):
        await shop.wait(300)
        one_pod(shop, "checkout-second", ready=False)
        await shop.wait(8)
        one_pod(shop, "checkout-second", ready=True)
        await shop.wait(20)
    assert shop.phase("second") == "Pending"


async def test_one_that_starts_in_the_look_in_which_it_has_been_unfit_for_long_still_takes_the_place() -> None:
    shop = await ten()
    shop.hurry(startWeight=50, steps=[50], **OWN)
    replicas(shop, "checkout-second", 10)
    shop.requests.silent = True
    await shop.both(lambda s: s.stage("second") == "Adopting" and s.stands_still())
    replicas(shop, "checkout-second", 1)
    shop.requests.silent = False
    await shop.both(lambda s: s.state("second").get("held") == "InsufficientCapacity", seconds=60)
    await shop.wait(3)
    replicas(shop, "checkout-second", 10)
    shop.advance(20)
    shop.restart()
    shop.wake()
    await shop.both(lambda s: s.phase("fix") == "Superseded" and s.phase("second") == "Promoted")
    assert shop.weights == {"checkout": 1}


async def test_an_older_one_is_asked_less_and_less_often_by_one_that_cannot_start_and_so_it_gets_on() -> None:
    shop = await ten(fix={"errors": "absent_total", "required": True})
    shop.hurry(startWeight=50, steps=[50], **OWN)
    still = shop.noting(Two.stands_still)
    end = shop.clock.now() + 600
    while shop.phase("fix") == "Analyzing" and shop.clock.now() < end:
        replicas(shop, "checkout-second", 10)
        await shop.both(lambda s: s.stands_still() or s.phase("fix") != "Analyzing" or s.clock.now() > end)
        replicas(shop, "checkout-second", 1)
        await shop.wait(14)
    await shop.both(lambda s: s.phase("fix") == "Promoted")
    assert shop.clock.now() < end
    assert flips(still) < 16


@pytest.mark.no_cover  # long, and covers nothing that others do not
async def test_a_newer_one_with_as_few_pods_as_stable_has_by_now_does_not_get_what_ten_served() -> None:
    shop = Two(startWeight=50, steps=[50])
    replicas(shop, "checkout", 10)
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") == 50)
    shop.requests.silent = True
    replicas(shop, "checkout", 2)
    shop.hurry(promotion=WAITS, **OWN)
    replicas(shop, "checkout-second", 2)
    await shop.takes_over()
    shares = shop.noting(lambda s: s.share("checkout-second"))
    await shop.wait(600)
    assert 0 < max(shares) < 50


async def test_a_lost_stable_gets_nothing_while_the_older_one_cannot_be_seen() -> None:
    shop = await beside()

    def unseen(method: str, url: str) -> None:
        if method == "GET" and url.endswith("hotfixrollouts/fix"):
            raise Unavailable("no answer")

    shop.kube.before = unseen
    shop.crash("checkout", "sample:1.0")
    await shop.both(lambda s: s.share("checkout") == 0, seconds=30)
    assert shop.share("checkout-hotfix") > 0


# ---- what is told before the start


async def test_a_newer_service_that_selects_stables_pods_is_told_also_where_an_older_patch_is_the_control() -> None:
    shop = await waiting()
    replace = {"op": "replace", "path": "/spec/selector", "value": {"app": "checkout"}}
    shop.api.edit("Service", NAMESPACE, "checkout-second", [replace])
    shop.controllers.step()
    await shop.both(lambda s: s.state("second").get("held") == "ServiceSelectsBothSides", seconds=60)
    assert shop.phase("fix") == "AwaitingGit"


async def test_a_newer_one_is_told_that_the_route_is_busy_while_the_older_promotes() -> None:
    shop = Two(analysis={"bakeTime": "20s"}, traffic={"drain": "60s"})
    await shop.both(lambda s: s.phase("fix") == "Promoting")
    shop.hurry()
    await shop.wait(20)
    assert (shop.stage("fix"), shop.state("second")["held"]) != ("Done", "RouteUnfit")
    assert shop.state("second")["held"] == "RouteBusy"


async def test_a_newer_one_is_told_that_the_route_is_busy_while_the_older_serves_for_a_lost_stable() -> None:
    shop = await analysed()
    shop.crash("checkout", "sample:1.0")
    await shop.both(lambda s: s.share("checkout-hotfix") == 100)
    shop.hurry()
    await shop.wait(30)
    assert shop.state("second")["held"] == "RouteBusy"
