"""A route and a stable that Argo CD keeps. The double applies as Argo CD does: server-side, by its name, with the fields left as
they are that `ignoreDifferences` says are another manager's.
"""

import copy
import json
import time
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.load import Answer

from .shop import deployment, rollout, route, service, untouched
from .story import Stories

MANAGER = "argocd-controller"
TRACKING = "argocd.argoproj.io/tracking-id"


@dataclass
class Argo:
    """What git says, applied to a shop. `respects`: field managers whose fields are left alone (RespectIgnoreDifferences)."""

    shop: Stories
    respects: tuple[str, ...] = ()
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def commit(self, *items: dict[str, Any]) -> None:
        """Git says this, and it is synced."""
        for item in items:
            place = f"{item['kind']}/{item['metadata']['name']}"
            kept = copy.deepcopy(item)
            kept["metadata"]["annotations"] = {TRACKING: f"shop:{place}"}
            self.items[place] = kept
        self.heal()

    def prune(self, *places: str) -> None:
        """Git says no more of these."""
        for place in places:
            del self.items[place]
            self.shop.kubectl("delete", place, "--wait=false")

    def heal(self) -> None:
        """One self-heal."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": [self._wanted(item) for item in self.items.values()]})
        self.shop.kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-", stdin=body)

    def _wanted(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["kind"] != "HTTPRoute" or not self.shop.exists("httproute", item["metadata"]["name"]):
            return item
        live = self.shop.read("httproute", item["metadata"]["name"])
        theirs = [entry for entry in live["metadata"].get("managedFields") or () if entry["manager"] in self.respects]
        if any("f:rules" in (entry["fieldsV1"].get("f:spec") or {}) for entry in theirs):
            item = copy.deepcopy(item)
            item["spec"]["rules"] = live["spec"]["rules"]
        return item


def app(shop: Stories, image: str = "sample:1.0") -> list[dict[str, Any]]:
    return [deployment("checkout", image), service("checkout"), route("checkout", shop.host)]


def hotfix(image: str = "sample:1.1") -> list[dict[str, Any]]:
    return [deployment("checkout-hotfix", image), service("checkout-hotfix"), rollout()]


TORN_SECONDS = 2  # an apply takes under one, the proxy half a second

HOTFIX = ("HotfixRollout/fix", "Deployment/checkout-hotfix", "Service/checkout-hotfix")


def test_with_the_setting_self_heal_disturbs_nothing_and_the_end_is_what_git_says(shop: Stories) -> None:
    argo = Argo(shop, respects=("hotfix-operator",))
    argo.commit(*app(shop))
    shop.ready("checkout", 2)
    before = untouched(shop.read("httproute", "checkout"))
    with shop.load(20) as load:
        argo.commit(*hotfix())
        shop.phase("Analyzing", "Baking", seconds=120)
        argo.heal()
        status = shop.phase("AwaitingGit", seconds=180)
        assert status["resolved"]["owners"][0] == "HTTPRoute checkout: Argo CD application shop"
        argo.heal()
        argo.commit(*app(shop, "sample:1.1"))
        shop.phase("Promoted", seconds=180)
        assert not [entry for entry in shop.status()["decisions"] if entry["reason"] == "TrafficDriftCorrected"]
        argo.prune(*HOTFIX)
        shop.cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout goes", seconds=60)
        argo.heal()
        assert load.lost() == []
    assert untouched(shop.read("httproute", "checkout")) == before


def test_without_it_weights_are_put_right_and_the_setting_is_named(shop: Stories) -> None:
    argo = Argo(shop)
    argo.commit(*app(shop))
    shop.ready("checkout", 2)
    healed = []
    with shop.load(20) as load:
        argo.commit(*hotfix())
        shop.until(lambda status: (status.get("acknowledgedWeight") or 0) > 0, "the first weight is acknowledged", seconds=120)
        for times in range(1, 4):
            healed.append(time.time())
            argo.heal()
            shop.until(lambda status, times=times: drifts(status) >= times, f"put right {times} times", seconds=60)
        status = shop.held("TrafficContested")
        assert "RespectIgnoreDifferences=true" in status["message"]
        argo.prune(HOTFIX[0])  # what it shifts to goes after it: deleting what serves is another story
        shop.cluster.until(lambda: not shop.exists("hfr", "fix"), "the rollout goes", seconds=120)
        argo.prune(*HOTFIX[1:])
        assert [answer for answer in load.lost() if not torn(answer, healed)] == []


def torn(answer: Answer, healed: list[float]) -> bool:
    """Argo CD took a backend that has traffic out of the route: until the proxy has the new route it may know of the old one
    without its cluster (response flag NC)."""
    return answer.lost == "503 from the proxy" and any(0 <= answer.sent - at < TORN_SECONDS for at in healed)


def drifts(status: dict[str, Any]) -> int:
    """How often weights were put right."""
    return sum(entry["reason"] == "TrafficDriftCorrected" for entry in status.get("decisions") or ())
