"""What of a stored HotfixRollout may be changed, and what the API server says about the rest."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster import Cluster

from .conftest import Send
from .manifests import full, shortest

pytestmark = pytest.mark.cluster
GONE = None  # in a merge patch: take it away
ELSEWHERE = [{"name": "another"}]
IMMUTABLE = "spec.{} is immutable; delete this HotfixRollout and create another one"
STABLE, PATCHED, TRAFFIC = (IMMUTABLE.format(name) for name in ("stable", "patched", "traffic"))


@dataclass(frozen=True)
class Change:
    """One edit of a stored object: where, what is written there, and what must be said (nothing: it is accepted)."""

    where: str
    value: Any
    says: str = ""

    def __str__(self) -> str:
        return f"{self.where} {'taken away' if self.value is GONE else json.dumps(self.value)}"[:70]

    @property
    def patch(self) -> str:
        """The edit as a merge patch."""
        body = self.value
        for name in reversed(self.where.split(".")):
            body = {name: body}
        return json.dumps(body)


# of the object that has every field
OF_FULL = (
    Change("spec.stable.deployment", "payments", STABLE),
    Change("spec.stable.image", "registry.example/checkout:1.4.2", STABLE),
    Change("spec.stable.image", GONE, STABLE),
    Change("spec.stable.service", GONE, STABLE),
    Change("spec.stable", GONE, "spec.stable: Required value"),
    Change("spec.patched.deployment", "checkout-another", PATCHED),
    Change("spec.patched.service", GONE, PATCHED),
    Change("spec.patched.replicas", "Match", PATCHED),
    Change("spec.patched.replicas", GONE, PATCHED),  # which means Match, and that is not what was asked for first
    Change("spec.patched.afterRollback", "ScaleToZero", PATCHED),
    Change("spec.traffic.drain", "2s", TRAFFIC),
    Change("spec.traffic.drain", GONE, TRAFFIC),
    Change("spec.traffic.httpRoutes", ELSEWHERE, TRAFFIC),
    Change("spec.traffic.httpRoutes", GONE, TRAFFIC),
    Change("spec.traffic.httpRoutes", list(reversed(full()["spec"]["traffic"]["httpRoutes"])), TRAFFIC),
    Change("spec.traffic.httpRoutes", [{"name": "checkout"}, {"name": "shop"}], TRAFFIC),
    Change("spec.traffic", GONE, TRAFFIC),
    Change("spec.paused", False),
    Change("spec.promotion.mode", "PatchStable"),
    Change("spec.analysis.deadline", "2h"),
    Change("spec.analysis", GONE),
    Change("spec.metrics.errors", 'http_requests_total{code="500", deployment="$(deployment)"}'),
    Change("spec.fix", GONE),
    Change("spec.incident", GONE, "urgency BreakGlass needs incident.reference"),
    Change("spec.expires", GONE),
)
# of the shortest object: what was left out is given later
OF_SHORTEST = (
    Change("spec.stable.image", GONE, STABLE),
    Change("spec.stable.service", "checkout-web", STABLE),
    Change("spec.patched.service", "checkout-new", PATCHED),
    Change("spec.traffic.httpRoutes", ELSEWHERE, TRAFFIC),
    Change("spec.traffic.drain", "31s", TRAFFIC),
    Change("spec.paused", True),
    Change("spec.promotion.mode", "KeepPatched"),
    Change("spec.analysis.bakeTime", "1m"),
    Change("spec.fix", {"errors": 'http_requests_total{code="500", deployment="$(deployment)"}'}),
    Change("spec.incident", {"reference": "INC-4712"}),
    Change("spec.steps", [2, 20]),
    Change("spec.startWeight", 3),
)


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return {**manifest, "metadata": {"name": name}}


@pytest.fixture(scope="session")
def stored(send: Send) -> dict[str, dict[str, Any]]:
    """Both objects, as the API server keeps them."""
    kept = {}
    for manifest in (named(full(), "changed-full"), named(shortest(), "changed-shortest")):
        answer = send("create", manifest)
        assert answer.returncode == 0, answer.stderr
        kept[manifest["metadata"]["name"]] = json.loads(answer.stdout)["spec"]
    return kept


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        kept[name] = merged(kept.get(name), value)
    return {name: value for name, value in kept.items() if value is not GONE}


def judge(change: Change, before: dict[str, Any], answer: "subprocess.CompletedProcess[str]") -> None:
    if change.says:
        assert change.says in answer.stderr
        return
    after = json.loads(answer.stdout)["spec"]
    field = change.where.split(".")[1]
    asked = merged({"spec": before}, json.loads(change.patch))["spec"]
    assert after != before, "it is accepted and nothing changes"
    assert merged(after.get(field, {}), asked.get(field, {})) == after.get(field, {}), "it is accepted and not kept"
    assert {name: value for name, value in after.items() if name != field} == {
        name: value for name, value in before.items() if name != field
    }


@pytest.mark.parametrize(
    ("name", "change"),
    [*(("changed-full", change) for change in OF_FULL), *(("changed-shortest", change) for change in OF_SHORTEST)],
    ids=str,
)
def test_an_edit_is_kept_or_refused_with_what_can_be_done(
    cluster: Cluster, namespace: str, stored: dict[str, dict[str, Any]], name: str, change: Change
) -> None:
    edit = ("patch", "hfr", name, "-n", namespace, "--type=merge", "-p", change.patch)
    answer = cluster.kubectl(*edit, "--dry-run=server", "-o=json", check=False)
    assert (answer.returncode == 0) is not bool(change.says), answer.stderr
    judge(change, stored[name], answer)


@pytest.mark.parametrize("change", OF_FULL, ids=str)
def test_a_whole_manifest_put_over_it_is_kept_or_refused_like_an_edit(
    send: Send, stored: dict[str, dict[str, Any]], change: Change
) -> None:
    """`kubectl replace` and GitOps send everything: what is left out is absent there, not null."""
    manifest = merged(named(full(), "changed-full"), json.loads(change.patch))
    answer = send("replace", manifest, "--dry-run=server")
    assert (answer.returncode == 0) is not bool(change.says), answer.stderr
    judge(change, stored["changed-full"], answer)


def test_a_default_that_is_written_out_later_is_no_change(send: Send, stored: dict[str, dict[str, Any]]) -> None:
    manifest = named(shortest(), "changed-shortest")
    manifest["spec"] = merged(manifest["spec"], {"patched": {"replicas": "Match"}, "traffic": {"drain": "30s"}})
    answer = send("replace", manifest, "--dry-run=server")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["spec"] == stored["changed-shortest"]
