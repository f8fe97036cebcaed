"""Each alert of deploy/alerts fires for a real rollout, and the dashboard of deploy/dashboard shows what happens.

Prometheus reads the rules that are deployed, with times made shorter: minutes and hours are not the point of the story.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.alerts import asking, drawing
from tests.alerts.rules import alerts, looks, panels, rule_file
from tests.cluster import Provider
from tests.cluster.operator import Operator

from .shop import Shop, rollout

# text of the rules -> what stands there instead
SHORTER = {
    '"interval": "30s"': '"interval": "1s"',
    '"for": "5m"': '"for": "3s"',
    '"for": "1m"': '"for": "1s"',
    '"keep_firing_for": "2m"': '"keep_firing_for": "0s"',
    "> 14400": "> 4",  # waiting for a person
    "> 180": "> 10",  # an operator told of it last
    "[2m]": "[6s]",  # an operator leads
    "> 120": "> 6",  # and runs
}
REFS = "/spec/rules/0/backendRefs"


class Alarms:
    """What fires on a cluster."""

    def __init__(self, cluster: Provider) -> None:
        self.cluster, self.began = cluster, time.time()
        self.seen: set[str] = set()
        cluster.set_rules(rule_file(SHORTER))

    def firing(self, shop: Shop) -> dict[str, dict[str, Any]]:
        """Name -> alert, of this shop's namespace."""
        every = asking.firing(self.cluster.prometheus_url)
        return {alert["labels"]["alertname"]: alert for alert in every if alert["labels"]["namespace"] == shop.namespace}

    def wait(self, name: str, shop: Shop, *, reason: str | None = None, seconds: float = 120) -> None:
        """Until it fires, with what a person is told."""
        self.cluster.until(lambda: self._is(name, shop, reason), f"{name} fires for {shop.namespace}", seconds=seconds)
        alert = self.firing(shop)[name]
        told = " ".join(alert["annotations"].values())
        assert alert["labels"]["name"] == "fix"
        assert f"fix in {shop.namespace}" in told
        assert "{{" not in told
        assert "<" not in told, "a template that failed"
        self.seen.add(name)

    def _is(self, name: str, shop: Shop, reason: str | None) -> bool:
        alert = self.firing(shop).get(name)
        if alert is None or reason is None:
            return alert is not None
        return reason == alert["labels"].get("reason") or f"for {reason}." in alert["annotations"]["description"]

    def shown(self) -> dict[str, asking.Shown]:
        """Title -> what the panel shows, of the whole story."""
        seconds, url = time.time() - self.began, self.cluster.prometheus_url
        return {panel["title"]: asking.shown(url, panel, seconds=seconds, step_seconds=2) for panel in panels()}


def pause(shop: Shop, value: bool) -> None:
    """Ask for it, and wait until it is so."""
    shop.kubectl("patch", "hfr", "fix", "--type=merge", "-p", json.dumps({"spec": {"paused": value}}))
    shop.until(lambda status: ("Paused" in status.get("since", {})) is value, f"paused {value}", seconds=30)


def edit(shop: Shop, manager: str) -> None:
    """Somebody else sets patched's weight to 1."""
    operation = [{"op": "replace", "path": f"{REFS}/1/weight", "value": 1}]
    shop.kubectl("patch", "httproute", "checkout", "--type=json", "-p", json.dumps(operation), f"--field-manager={manager}")


def percent(shop: Shop) -> int:
    """Patched's share."""
    weights = shop.weights()
    return round(100 * weights["checkout-hotfix"] / sum(weights.values()))


def written_over(shop: Shop, was: int) -> None:
    """Patched has this percent again, or more by now; a weight of 1 in a large sum is none."""
    shop.until(lambda _: percent(shop) >= was > 0, "it is written over", seconds=120)


def look(shop: Shop, why: str) -> None:
    """Type every command of the runbooks that only looks; one of them tells why."""
    values = {"NAME": "fix", "NAMESPACE": shop.namespace, "ROUTE": "checkout", "DEPLOYMENT": "checkout"}
    for command in looks():
        arguments = [re.sub(r"\b[A-Z]+\b", lambda match: values.get(match.group(), match.group()), word) for word in command[1:]]
        if arguments[0] == "hotfix":
            assert why in shop.hotfix(*arguments[1:])
        else:
            assert shop.cluster.kubectl(*arguments).stdout, command


@contextmanager
def rolled_out(cluster: Provider, alarms: Alarms) -> Iterator[Shop]:
    """Two rollouts under load: one is rolled back, which is told; the other one is under way, of which nothing is told."""
    good, bad = Shop(cluster, "good"), Shop(cluster, "bad")
    good.open(replicas=1)
    bad.open(patched="sample:crash", replicas=1)
    with good.load(20):
        with bad.load(40):
            bad.apply(rollout(startWeight=20))
            good.apply(rollout(startWeight=10, analysis={"bakeTime": "10m"}))
            good.until(lambda status: status.get("acknowledgedWeight") == 10, "10 % are acknowledged")
            cluster.until(lambda: not alarms.firing(good), "nothing fires for it", seconds=120)
            bad.phase("RolledBack", seconds=90)
        alarms.wait("HotfixRolloutRolledBack", bad, reason="PatchedWorse")
        yield good


def contest(cluster: Provider, alarms: Alarms, shop: Shop) -> None:
    """A person sets weights, which holds the rollout until it is paused and resumed; then a manager does it, and again."""
    edit(shop, "kubectl-edit")
    shop.held("WeightsEdited", seconds=30)
    alarms.wait("HotfixTrafficContested", shop)
    pause(shop, True)
    pause(shop, False)
    cluster.until(lambda: not alarms.firing(shop), "nothing fires once it goes on", seconds=120)
    cluster.until(lambda: shop.weights()["checkout-hotfix"] > 1, "the weight is set again", seconds=120)

    for _ in range(2):
        was = percent(shop)
        edit(shop, "kustomize-controller")
        written_over(shop, was)
    alarms.wait("HotfixTrafficContested", shop)


def reverted(cluster: Provider, alarms: Alarms) -> None:
    """One more, which is promoted; then stable is set back to what it ran before, and gets the fix again."""
    shop = Shop(cluster, "reverted")
    shop.open(replicas=1)
    with shop.load(40):
        shop.apply(rollout(startWeight=20, analysis={"bakeTime": "5s"}))
        shop.phase("Promoted", seconds=120)
    assert "HotfixFixReverted" not in alarms.firing(shop)
    shop.kubectl("set", "image", "deploy/checkout", "app=sample:1.0")
    alarms.wait("HotfixFixReverted", shop)
    cluster.until(lambda: "FixReverted" in shop.events(), "its event")
    assert shop.image("checkout") == "sample:1.0", "nothing is done about it"
    look(shop, "FixReverted")
    shop.kubectl("set", "image", "deploy/checkout", "app=sample:1.1")
    cluster.until(lambda: not alarms.firing(shop), "nothing is told any more", seconds=60)


@pytest.mark.long
def test_each_alert_fires_for_a_real_rollout_and_every_panel_shows_it(
    own_cluster: tuple[Provider, Operator], tmp_path: Path
) -> None:
    cluster, operator = own_cluster
    operator.configure(HOTFIX_RESYNC="10s")  # as often as what was promoted is looked at again
    alarms = Alarms(cluster)
    with rolled_out(cluster, alarms) as shop:
        pause(shop, True)
        alarms.wait("HotfixWaitingForPerson", shop, reason="Paused")
        pause(shop, False)

        contest(cluster, alarms, shop)

    alarms.wait("HotfixRolloutHeld", shop, reason="NoTraffic")
    for address in shop.kubectl("get", "pods", "-l", "app=checkout", "-o", "jsonpath={.items[*].status.podIP}").split():
        cluster.get(f"http://{address}:8080/control?unready=1")
    alarms.wait("HotfixStableLost", shop)
    look(shop, "NoTraffic")
    reverted(cluster, alarms)

    shown = alarms.shown()
    silent = [query for panel in shown.values() for query in panel.empty]
    assert [query for query in silent if "hotfix_look_failures_total" not in query] == [], "only what did not fail has no data"
    assert {"Analyzing", "RollingBack", "RolledBack"} <= set(shown["Rollouts by phase"].lines)
    assert {"Paused", "WeightsEdited", "NoTraffic"} <= set(shown["Held, by reason"].lines)
    now = {title: panel.lines for title, panel in shown.items() if panel.panel["type"] == "stat"}
    assert {title: line[-1][1] for title, lines in now.items() for line in lines.values()} == {
        "Live": 1,
        "Held": 1,
        "Stable lost": 1,
        "Leading replicas": 1,
    }
    picture = drawing.draw(list(shown.values()))
    (tmp_path / "dashboard.svg").write_text(picture)
    assert "No data" not in picture

    assert "HotfixOperatorAbsent" not in alarms.firing(shop)
    operator.scale(0)
    alarms.wait("HotfixOperatorAbsent", shop)
    assert alarms.seen == set(alerts())
