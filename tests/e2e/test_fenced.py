"""An operator that is cut off, and whose writes arrive when another one leads; operators whose clocks are wrong."""

from collections.abc import Iterator

import pytest

from tests.cluster import Provider
from tests.cluster.needed import started
from tests.cluster.operator import USER, Operator
from tests.soak.disturbing import DEPLOYMENT, ROUTE, Surroundings

from .shop import rollout
from .story import GONE, Stories

CUT_OFF_SECONDS = 60  # longer than it takes another one to lead and to end the rollout
HOUR = 3600


@pytest.fixture
def around() -> Iterator[Surroundings]:
    with started("fenced") as cluster:
        yield Surroundings(cluster)


@pytest.mark.needs("proxy before the API server")
def test_what_a_leader_that_was_cut_off_sent_changes_nothing_when_it_arrives(around: Surroundings) -> None:
    cluster, operator = around.cluster, around.operator
    shop = Stories(cluster, "cut-off")
    shop.open()
    cluster.until(lambda: len(operator.pids()) == 2, "two replicas run")
    with shop.story(GONE, rate=40):
        shop.apply(rollout(startWeight=10))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        leader = operator.holder()
        late = {"process": operator.pid(), "fault": "slow", "seconds": CUT_OFF_SECONDS, "times": 10_000}
        around.trouble({"match": ROUTE, **late})
        cluster.until(around.happened, "a raise is under way", seconds=60)
        around.trouble({"match": ".", **late})
        shop.kubectl("delete", "hfr", "fix", "--wait=false")
        operator.another(leader, seconds=40)
        cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout is gone", seconds=60)
        cluster.until(lambda: around.happened("ended", ROUTE), "the raise arrived", seconds=2 * CUT_OFF_SECONDS)
        assert shop.weights() == {"checkout": 1}
        assert _writes(cluster, shop)[-1] in (409, 422), "it was too old: another version, or nothing there to replace"
    stamps = operator.stamps(shop.namespace)
    assert len(stamps) > 1
    assert stamps == sorted(stamps), "no older intention was ever written over a newer one"


@pytest.mark.needs("proxy before the API server")
def test_a_pod_spec_that_was_under_way_does_not_arrive_after_the_rollout_was_taken_back(around: Surroundings) -> None:
    cluster, operator = around.cluster, around.operator
    shop = Stories(cluster, "taken-back")
    shop.open()
    cluster.until(lambda: len(operator.pids()) == 2, "two replicas run")
    with shop.story("RolledBack", rate=40):
        shop.apply(rollout(analysis={"bakeTime": "5s"}))
        shop.phase("Baking", seconds=180)
        leader = operator.holder()
        late = {"process": operator.pid(), "fault": "slow", "seconds": CUT_OFF_SECONDS, "times": 10_000}
        around.trouble({"match": DEPLOYMENT, **late})
        cluster.until(around.happened, "stable's pod spec is under way", seconds=120)
        around.trouble({"match": ".", **late})
        shop.kubectl("annotate", "hfr", "fix", "hotfix-operator.dev/request=release:late")
        operator.another(leader, seconds=40)
        shop.phase("RolledBack", seconds=60)
        cluster.until(lambda: around.happened("ended", DEPLOYMENT), "the pod spec arrived", seconds=2 * CUT_OFF_SECONDS)
    assert shop.image("checkout") == "sample:1.0"
    assert _writes(cluster, shop, "deployments")[-1] == 409


def _writes(cluster: Provider, shop: Stories, resource: str = "httproutes") -> list[int]:
    """What the API server answered to writes to such objects, in their order."""
    entries = [entry for entry in cluster.audit(USER) if (entry.get("objectRef") or {}).get("namespace") == shop.namespace]
    patches = [one for one in entries if one["objectRef"]["resource"] == resource and one["verb"] == "patch"]
    return [int(one["responseStatus"]["code"]) for one in patches]


@pytest.mark.needs("own operator", "audit log")
@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])
def test_operators_whose_clocks_are_wrong_raise_nothing_and_the_next_ones_go_on(
    own_cluster: tuple[Provider, Operator], ahead: int
) -> None:
    cluster, operator = own_cluster
    shop = Stories(cluster, "skewed")
    shop.open()
    with shop.story("Promoted", rate=40) as load:
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "10s", "maxUserImpact": "0.1%"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        weight = shop.weights()
        operator.run(f"hotfix-operator:skewed{ahead}")
        status = shop.until(lambda status: status.get("held"), "it is held", seconds=90)
        seen = len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 800, "20 s of requests", seconds=60)
        assert shop.weights() == weight, status
        operator.run("hotfix-operator:dev")
    stamps = operator.stamps(shop.namespace)
    assert len(stamps) > 4
    assert stamps == sorted(stamps)


@pytest.mark.needs("own operator", "audit log")
def test_one_whose_clock_is_wrong_beside_one_whose_is_right_raises_nothing_and_takes_nothing_away(
    own_cluster: tuple[Provider, Operator],
) -> None:
    """Its times are in the status that the right one goes on from, and it judges the age of the right one's lease."""
    cluster, operator = own_cluster
    shop = Stories(cluster, "one-skewed")
    shop.open()
    with shop.story("Promoted", rate=40) as load:
        shop.apply(rollout(startWeight=10, analysis={"bakeTime": "40s", "maxUserImpact": "0.1%"}))
        shop.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
        operator.beside(f"hotfix-operator:skewed{HOUR}")
        weight, right = shop.weights(), operator.leader()
        cluster.until(lambda: shop.weights() != weight, "the right one goes on beside it", seconds=120)
        assert operator.leader() == right, "the other took its lease"
        wrong = operator.handed_to(other=True)
        status = shop.until(lambda status: status.get("held"), "the wrong one holds it", seconds=90)
        weight, seen = shop.weights(), len(load.answers())
        cluster.until(lambda: len(load.answers()) > seen + 800, "20 s of requests", seconds=60)
        assert shop.weights() == weight, status
        assert operator.leader() == wrong
        operator.handed_to(other=False)
    stamps = operator.stamps(shop.namespace)
    assert len(stamps) > 4
    assert stamps == sorted(stamps)
