"""`kubectl hotfix why`: what is stored is told, whole, and nothing else."""

import json

import pytest
import yaml

from hotfix.cli import why
from hotfix.core.status import Phase, Stage, Status, dump
from hotfix.errors import NotFound, Refused
from tests.core.world import World, a_spec, ready_world
from tests.fakes.api import FakeApi
from tests.fakes.kube import FakeKube


def status_of(world: World) -> dict[str, object]:
    return dump(world.remembered)


def test_a_rollout_under_way_is_explained() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.rest(20)
    text = why.show("fix", status_of(world), None)
    first, *rest = text.splitlines()
    assert first.startswith("fix: Baking, patched gets 95 %")
    told = "\n".join(rest)
    asked = (
        "What the counts say",
        "patched fails",
        "95 % intervals",
        "worse",
        "not worse",
        "Next: ",
        "Decisions",
        "Patched gets",
    )
    for expected in asked:
        assert expected in told, told
    assert max(map(len, text.splitlines())) <= why.WIDTH


def test_every_decision_made_on_counts_has_them_with_intervals_and_evidence() -> None:
    world = World(asked=a_spec(fix={"errors": "x"}))
    world.stable.target = 0.05
    world.advance(60)
    world.phase(Phase.BAKING)
    judged = [entry for entry in world.remembered.decisions if entry.what in ("weight 25", "weight 50", "weight 95")]
    assert judged
    for entry in judged:
        assert entry.counts is not None
        assert "95 % interval" in entry.counts
        assert entry.evidence is not None
        assert "not worse" in entry.evidence
        assert "fixed" in entry.evidence
    assert all(entry.counts is None for entry in world.remembered.decisions if entry.reason == "HotfixDetected")


INCIDENT = {
    "reference": "INC-4711",
    "reason": "Payments fail.",
    "url": "https://status.example/incidents/4711",
    "severity": "SEV1",
    "detectedAt": "2027-01-15T07:50:00Z",
}


def test_the_incident_is_told_and_when_it_was_over_for_nearly_everybody() -> None:
    world = ready_world()
    status = {**status_of(world.phase(Phase.BAKING)), "incident": INCIDENT}
    text = why.show("fix", status, None)
    assert "INC-4711 (SEV1): Payments fail. See https://status.example/incidents/4711" in text
    assert "Noticed 2027-01-15T07:50:00Z." in text
    assert f"Nearly all traffic was given the fix {world.remembered.recovered_at}." in text
    assert json.loads(why.show("fix", status, "json"))["incident"] == INCIDENT
    assert "Incident. See https://x" in why.show("fix", {"incident": {"url": "https://x"}}, None)
    assert why.show("fix", {"incident": {"reference": "INC-1"}}, None).splitlines()[1].strip() == "INC-1."
    with pytest.raises(Refused, match="-o yaml"):
        why.show("fix", {"incident": {"detectedAt": "yesterday"}}, None)


def test_what_is_shifted_and_what_stable_ran_before_is_told() -> None:
    world = ready_world()
    before = why.show("fix", status_of(world.phase(Phase.BAKING)), None)
    assert "It shifts HTTPRoute shop (rules 0) from Service checkout to checkout-hotfix; metrics: contour." in before
    assert "Stable ran v1; the hotfix is v2." in before
    assert "The fix changes containers.app.image." in before
    assert "to-revision" not in before
    during = why.show("fix", status_of(world.stage(Stage.PATCHING_STABLE)), None)
    assert "Before the fix, stable ran revision 1; kubectl rollout undo --to-revision=1 restores it." in during
    promotion = world.phase(Phase.PROMOTED).remembered.promotion
    assert promotion is not None
    after = " ".join(why.show("fix", status_of(world), None).split())
    assert f"Before the fix, which it has since {promotion.patched_at}, stable ran revision 1;" in after


def test_a_verdict_without_any_count_has_no_moment() -> None:
    world = ready_world()
    world.patched.ready = 0
    text = why.show("fix", status_of(world.phase(Phase.ROLLED_BACK, seconds=600)), None)
    assert "verdict:        PatchedLost" in {line.strip() for line in text.splitlines()}


def test_an_end_has_no_next() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    text = why.show("fix", status_of(world.phase(Phase.ROLLED_BACK)), None)
    assert "RolledBack" in text
    assert "PatchedWorse" in text
    assert "Next:" not in text


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_the_same_as_data(output: str, read: object) -> None:
    status = status_of(ready_world().phase(Phase.ANALYZING))
    found = read(why.show("fix", status, output))  # type: ignore[operator]
    assert found == {"name": "fix", **why.data(status)}
    assert found["decisions"] == status["decisions"]


def test_what_cannot_be_told_is_refused_with_a_way_out() -> None:
    with pytest.raises(Refused, match="json or yaml"):
        why.show("fix", dump(Status()), "table")
    with pytest.raises(Refused, match="-o yaml"):
        why.show("fix", {"weight": "many"}, None)


async def test_a_rollout_that_is_not_there_or_was_not_looked_at_is_said() -> None:
    api = FakeApi()
    with pytest.raises(NotFound, match="kubectl get hfr -n shop"):
        await why.remembered(FakeKube(api), "shop", "fix")
    api.apply({"kind": "Namespace", "metadata": {"name": "shop"}})
    spec: dict[str, object] = {"stable": {"deployment": "a"}, "patched": {"deployment": "b"}}
    api.apply({"kind": "HotfixRollout", "metadata": {"name": "fix", "namespace": "shop"}, "spec": spec})
    with pytest.raises(Refused, match="is the operator running"):
        await why.remembered(FakeKube(api), "shop", "fix")
    api.set_status("HotfixRollout", "shop", "fix", {"phase": "Pending"})
    assert await why.remembered(FakeKube(api), "shop", "fix") == {"phase": "Pending"}
    spec["incident"] = INCIDENT
    api.apply({"kind": "HotfixRollout", "metadata": {"name": "fix", "namespace": "shop"}, "spec": spec})
    assert await why.remembered(FakeKube(api), "shop", "fix") == {"phase": "Pending", "incident": INCIDENT}
