"""A hotfix by commits, with the kustomize-controller of Flux: git and cluster agree at the end, and no request is lost."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from hotfix.adapters.store import REQUEST
from tests.cluster.flux import DISABLED, Flux
from tests.cluster.needed import started
from tests.cluster.operator import Operator

from .shop import deployment, rollout, route, service, untouched
from .story import Stories

pytestmark = pytest.mark.needs("programs beside pods")
KEPT = ("HTTPRoute checkout", "Deployment checkout", "Deployment checkout-hotfix", "HotfixRollout fix")  # in git, all of them
UNSERVED_SECONDS = 5.0  # when a Service that serves is deleted: to notice it, to write the route, and for the proxies to follow


@pytest.fixture(scope="module")
def flux() -> Iterator[Flux]:
    """One controller, on a cluster of its own, for those stories of this file that one process tells."""
    with started("flux") as cluster:
        operator = Operator.install(cluster, scrape="2s")
        flux = Flux.start(cluster)
        yield flux
        flux.stop()
        assert operator.used() <= operator.granted()
        assert operator.refused() == []


@pytest.fixture
def synced(flux: Flux, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """A shop that a Kustomization keeps as it is in git, with nothing to fix yet."""
    shop = Stories(flux.cluster, request.node.name.removeprefix("test_"))
    flux.files.clear()
    revision = flux.commit(app=[deployment("checkout", "sample:1.0"), service("checkout"), route("checkout", shop.host)])
    flux.sync(shop.namespace)
    flux.applied(revision)
    shop.ready("checkout", 2)
    yield shop
    flux.forget()


def hotfix(image: str, **spec: Any) -> list[dict[str, Any]]:
    """What a person commits."""
    return [deployment("checkout-hotfix", image), service("checkout-hotfix"), rollout(**spec)]


def begun(shop: Stories, flux: Flux, objects: list[dict[str, Any]]) -> str:
    """A hotfix is committed, and there; the revision."""
    revision = flux.commit(hotfix=objects)
    flux.cluster.until(lambda: shop.exists("hfr", "fix"), "Flux has made the rollout", seconds=60)
    return revision


def fixed(shop: Stories, image: str = "sample:1.1") -> list[dict[str, Any]]:
    """The app with the fix in stable."""
    return [deployment("checkout", image), service("checkout"), route("checkout", shop.host)]


def agreed(shop: Stories, flux: Flux, before: dict[str, Any]) -> None:
    """Nothing is left of the operator's, and git has nothing to change."""
    after = untouched(shop.read("httproute", "checkout"))
    assert after == before
    assert flux.difference(shop.namespace) == ""


def test_a_hotfix_is_committed_proven_handed_over_and_taken_out_again(synced: Stories, flux: Flux) -> None:
    shop = synced
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(20) as load:
        begun(shop, flux, hotfix("sample:1.1"))
        status = shop.phase("AwaitingGit", seconds=180)
        owners = [f"{kept}: Flux Kustomization flux-system/shop" for kept in KEPT]
        assert status["resolved"]["owners"] == owners
        described = [line.strip() for line in shop.kubectl("describe", "hfr", "fix").splitlines()]
        assert [line for line in described if line in owners] == owners
        assert shop.conditions()["Ready"] == ("True", "ServingPatched")
        assert shop.read("httproute", "checkout")["metadata"]["annotations"][DISABLED] == "disabled"
        told = json.loads(shop.hotfix("handover", "fix", "-o", "json"))
        assert told["kustomize"]["images"] == [{"name": "sample", "newTag": "1.1"}]
        flux.commit(images=told["kustomize"]["images"])
        shop.phase("Promoted", seconds=180)
        flux.settled()
        flux.applied(flux.commit(app=fixed(shop), hotfix=None))
        flux.cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout is pruned", seconds=60)
        assert load.lost() == []
    assert shop.image("checkout") == "sample:1.1"
    agreed(shop, flux, before)


def test_a_bad_patch_is_seen_to_fail_and_git_is_as_the_cluster(synced: Stories, flux: Flux) -> None:
    shop = synced
    before = untouched(shop.read("httproute", "checkout"))
    flux.sync(shop.namespace, wait=True, timeout="2m")
    begun(shop, flux, hotfix("sample:crash"))
    with shop.load(20):
        assert shop.phase("RolledBack", seconds=180)["why"] == "PatchedWorse"
        flux.cluster.until(lambda: flux.ready() == ("False", "HealthCheckFailed"), "Flux sees it failed", seconds=150)
    agreed(shop, flux, before)


def test_one_commit_that_updates_stable_and_prunes_the_rest_is_safe(synced: Stories, flux: Flux) -> None:
    """Flux takes patched's Service from under all traffic: stable answers as soon as the proxies know, and the object ends."""
    shop = synced
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(20) as load:
        begun(shop, flux, hotfix("sample:1.1"))
        shop.phase("AwaitingGit", seconds=180)
        flux.applied(flux.commit(app=fixed(shop), hotfix=None))
        flux.cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout goes", seconds=120)
        lost = [answer.sent for answer in load.lost()]
    assert not lost or lost[-1] - lost[0] <= UNSERVED_SECONDS
    agreed(shop, flux, before)


def test_a_kustomization_that_waits_is_not_blocked_by_the_commit_that_it_waits_for(synced: Stories, flux: Flux) -> None:
    shop = synced
    before = untouched(shop.read("httproute", "checkout"))
    flux.sync(shop.namespace, wait=True, timeout="4m")
    with shop.load(20) as load:
        revision = begun(shop, flux, hotfix("sample:1.1"))
        shop.phase("AwaitingGit", seconds=180)
        flux.cluster.until(lambda: flux.ready()[0] == "True", "Flux has waited for what serves", seconds=60)
        flux.applied(revision)
        flux.applied(flux.commit(app=fixed(shop)))
        shop.phase("Promoted", seconds=180)
        assert load.lost() == []
    assert shop.image("checkout") == "sample:1.1"
    agreed(shop, flux, before)


def test_a_request_in_git_is_done_once_and_that_of_a_person_is_not_lost(synced: Stories, flux: Flux) -> None:
    shop = synced
    objects = hotfix("sample:1.1", startWeight=5, steps=[5])
    with shop.load(20):
        begun(shop, flux, objects)
        shop.until(lambda status: status.get("acknowledgedWeight") == 5, "5 % are acknowledged", seconds=120)
        asked = copy.deepcopy(objects)
        asked[-1]["metadata"]["annotations"] = {REQUEST: "pause:inc-1"}
        flux.applied(flux.commit(hotfix=asked))
        shop.held("Paused", seconds=30)
        shop.hotfix("resume", "fix")
        flux.settled()
        assert shop.read("hfr", "fix")["metadata"]["annotations"][REQUEST] == "pause:inc-1", "Flux has put it back"
        status = shop.until(lambda status: status.get("held") != "Paused", "it goes on", seconds=10)
        told = status["lastHandledRequest"]
        assert (told["request"].partition(":")[0], told["result"]) == ("resume", "Accepted")
        shop.hotfix("rollback", "fix")
        flux.settled()
        assert shop.phase("RolledBack", seconds=60)["why"] == "Requested"


def test_a_route_that_flux_keeps_is_not_put_back_while_it_is_borrowed(synced: Stories, flux: Flux) -> None:
    shop = synced
    with shop.load(20):
        begun(shop, flux, hotfix("sample:1.1", startWeight=25, analysis={"bakeTime": "20s"}, paused=False))
        shop.phase("Analyzing", "Baking", seconds=120)
        flux.settled()
        edited = copy.deepcopy(route("checkout", shop.host))
        edited["metadata"]["labels"] = {"team": "payments"}
        flux.applied(flux.commit(app=[deployment("checkout", "sample:1.0"), service("checkout"), edited]))
        assert not [entry for entry in shop.status()["decisions"] if entry["reason"] == "TrafficDriftCorrected"]
        flux.commit(hotfix=None)
        flux.cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout goes", seconds=120)
    flux.cluster.until(
        lambda: shop.read("httproute", "checkout")["metadata"]["labels"].get("team"), "git has it again", seconds=30
    )
    assert flux.difference(shop.namespace) == ""
