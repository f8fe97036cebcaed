"""Each change of phase is told to a web hook, once and in order, signed with the key of a file."""

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Provider
from tests.cluster import hook as program
from tests.cluster.cluster import Running
from tests.cluster.needed import started
from tests.cluster.operator import Operator

from .shop import rollout
from .story import Stories, everything_on_patched

pytestmark = pytest.mark.needs("programs beside pods")
PORT = 9780  # of the cluster's own loopback
KEY = secrets.token_bytes(32)


@pytest.fixture
def hook() -> Iterator[tuple[Provider, Running]]:
    """A cluster whose operator tells a web hook, and the web hook."""
    with started("told") as cluster:
        key = cluster.home / "key"
        key.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n")
        heard = cluster.spawn([sys.executable, "-I", "-S", program.__file__, str(PORT)], name="hook")
        settings = {"HOTFIX_NOTIFY_WEBHOOK": f"http://127.0.0.1:{PORT}/told", "HOTFIX_NOTIFY_WEBHOOK_SECRET_FILE": str(key)}
        operator = Operator.install(cluster, scrape="2s", environment=settings)
        cluster.until(lambda: len(operator.pids()) == 2, "two replicas run")
        yield cluster, heard


def told(hook: Path) -> list[dict[str, Any]]:
    """What came so far, in its order."""
    return [json.loads(line) for line in hook.read_text().split("\n")[:-1]]


def signed(one: dict[str, Any]) -> bool:
    """With the key, as Standard Webhooks has it, and just now."""
    stamp = one["headers"]["webhook-timestamp"]
    content = f"{one['headers']['webhook-id']}.{stamp}.{one['body']}".encode()
    wanted = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    return one["headers"].get("webhook-signature") == f"v1,{wanted}" and abs(time.time() - int(stamp)) < 300


def of(shop: Stories, hook: Path) -> list[dict[str, Any]]:
    """The CloudEvents about a shop's rollout so far."""
    events = [json.loads(one["body"]) for one in told(hook)]
    return [event for event in events if event["subject"] == f"{shop.namespace}/fix"]


ROLLED_BACK = ("Pending", "Analyzing", "RollingBack", "RolledBack")
PROMOTED = ("Pending", "Analyzing", "Baking", "Promoting", "Promoted")


def test_each_change_of_phase_of_rollouts_that_run_side_by_side_is_told_once_and_in_order(hook: tuple[Provider, Running]) -> None:
    cluster, heard = hook
    bad, good = Stories(cluster, "bad"), Stories(cluster, "good")
    bad.open(patched="sample:crash")
    good.open()
    incident = {"reference": "INC-4711"}
    kept: dict[str, Any] = {"but": everything_on_patched, "served_by": ("checkout-hotfix",)}
    with bad.story("RolledBack", rate=40), good.story("Promoted", rate=40, **kept):
        bad.apply(rollout(incident=incident))
        good.apply(rollout(promotion={"mode": "KeepPatched"}, analysis={"bakeTime": "5s"}))
    cluster.until(lambda: len(told(heard.file)) >= len(ROLLED_BACK) + len(PROMOTED), "the last phases are told")
    for shop, phases, about in ((bad, ROLLED_BACK, incident), (good, PROMOTED, None)):
        events, item = of(shop, heard.file), shop.read("hfr", "fix")
        assert [event["data"]["phase"] for event in events] == list(phases)
        assert [event["type"] for event in events] == [f"dev.hotfix-operator.rollout.{phase.lower()}" for phase in phases]
        assert all(event["id"].startswith(f"{item['metadata']['uid']}.") for event in events)
        numbers = [int(event["id"].rpartition(".")[2]) for event in events]
        assert all(earlier < later for earlier, later in itertools.pairwise(numbers))
        made = {entry["sequence"]: entry for entry in item["status"]["decisions"]}
        for number, event in zip(numbers, events, strict=True):
            assert (event["data"]["reason"], event["data"]["message"]) == (made[number]["reason"], made[number]["message"])
            assert event["data"]["incident"] == about
    everything = told(heard.file)
    assert len(everything) == len(ROLLED_BACK) + len(PROMOTED), "nothing else was told"
    assert [one for one in everything if not signed(one)] == []
    assert {one["headers"]["content-type"] for one in everything} == {"application/cloudevents+json; charset=utf-8"}
