"""The truth table of conditions, judged by the rules of kstatus and by Argo CD's health script, on statuses of whole stories."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lupa
import pytest

import hotfix.core
from hotfix.core import invalid, status
from hotfix.core.conditions import STALLING
from hotfix.core.observation import Ack, RivalView
from hotfix.core.reasons import Reason
from hotfix.core.status import Phase, Stage

from .kstatus import verdict
from .test_superseded import standing, superseded
from .world import START, World, a_spec, ready_world

HEALTH = Path(__file__).parents[2] / "deploy" / "argocd" / "health.lua"


def analyzing() -> World:
    return ready_world().phase(Phase.ANALYZING)


def baking() -> World:
    return ready_world().phase(Phase.BAKING)


def promoting() -> World:
    return ready_world().stage(Stage.RETURNING)


def rolling_back() -> World:
    world = analyzing()
    world.patched.errors = 1.0
    return world.phase(Phase.ROLLING_BACK)


def rolled_back() -> World:
    return rolling_back().phase(Phase.ROLLED_BACK)


def promoted() -> World:
    return ready_world().phase(Phase.PROMOTED)


def paused() -> World:
    world = analyzing()
    world.asked = a_spec(paused=True)
    return world.held("Paused")


def rehearsed() -> World:
    return ready_world(asked=a_spec(paused=True)).held("Paused")


def blind() -> World:
    world = analyzing()
    world.blind = True
    return world.held("MetricsUnavailable")


def counters_that_fell() -> World:
    world = baking().rest(20)
    world.patched.counts["requests"] *= 0.6
    return world.held("CountersUnfit", seconds=30)


def stable_lost() -> World:
    world = analyzing()
    world.stable.ready = 0
    return world.held("StableLost")


def failed_promotion() -> World:
    return ready_world(after_promotion=lambda: 0.5).stage(Stage.RETURN_FAILED)


def awaiting_git() -> World:
    world = ready_world()
    world.stable.owner = "Flux Kustomization flux-system/shop"
    return world.phase(Phase.AWAITING_GIT).rest(60)


def rebuilt() -> World:
    world = awaiting_git()
    world.stable.template = "v3"
    return world.held("StableChanged", seconds=60)


def awaiting_git_beside_a_newer_one() -> World:
    return standing(awaiting_git())


def waiting() -> World:
    world = ready_world()
    world.patched.ready = 0
    return world.stage(Stage.SCALING)


def missing(seconds: float) -> Callable[[], World]:
    def story() -> World:
        world = ready_world()
        world.patched.exists = False
        return world.held("TargetNotFound").rest(seconds)

    return story


def refused() -> World:
    kept = a_spec(promotion={"mode": "KeepPatched"})
    return ready_world(route_owner="Flux Kustomization flux-system/shop", asked=kept).held("ManagedByGitOps")


def forbidden() -> World:
    world = analyzing()
    world.refused = ("Forbidden", "the operator lacks a right")
    return world.held("Forbidden")


def invalid_query() -> World:
    world = analyzing()
    world.refused = ("InvalidQuery", "Prometheus refuses the query")
    return world.held("InvalidQuery")


def rejected(seconds: float) -> Callable[[], World]:
    return lambda: ready_world(ack=Ack.REJECTED).held("RouteRejected").rest(seconds)


def ambiguous(seconds: float) -> Callable[[], World]:
    return lambda: ready_world(candidates=("a", "b")).held("RouteAmbiguous").rest(seconds)


def unfit(seconds: float) -> Callable[[], World]:
    return lambda: ready_world(refusal="it is full.").held("RouteUnfit").rest(seconds)


def not_accepted_yet() -> World:
    return ready_world(ack=Ack.PENDING).held("RoutePending").rest(60)


def busy() -> World:
    rival = RivalView(name="older", created="2020-01-01T00:00:00Z", phase="Pending", stable="checkout", routes=())
    return ready_world(rivals=(rival,)).held("RouteBusy").rest(60)


def gave_way() -> World:
    return superseded().stage(Stage.DONE)


def moved() -> World:
    return ready_world(asked=a_spec(stable={"image": "v0"})).held("StableMoved")


def expired() -> World:
    return ready_world(asked=a_spec(expires="2020-01-01T00:00:00Z")).held("Expired")


def grpc() -> World:
    world = ready_world()
    world.stable.grpc = True
    return world.held("MetricsBlindToGrpc")


def without_histogram() -> World:
    return ready_world(asked=a_spec(analysis={"latency": {"threshold": "500ms"}})).held("LatencyUnknown")


def without_counters() -> World:
    return ready_world(no_series=True).held("MetricsMissing")


def blind_at_the_start() -> World:
    return ready_world(blind=True).held("MetricsUnavailable")


def deleted_after_a_failed_promotion() -> World:
    world = failed_promotion()
    world.deleting = True
    return world.held("DeletionHeld")


TABLE: list[tuple[Callable[[], World], str, str, str, str, str]] = [
    # story, Ready, Succeeded, Completed, kstatus, Argo CD
    (waiting, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (analyzing, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (baking, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (promoting, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (rolling_back, "False RollingBack", "Unknown", "False", "InProgress", "Progressing"),
    (paused, "Unknown Paused", "Unknown", "False", "InProgress", "Suspended"),
    (rehearsed, "Unknown Paused", "Unknown", "False", "InProgress", "Suspended"),
    (blind, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (counters_that_fell, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (stable_lost, "Unknown StableLost", "Unknown", "False", "InProgress", "Suspended"),
    (failed_promotion, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (awaiting_git, "True ServingPatched", "Unknown", "False", "Current", "Healthy"),
    (awaiting_git_beside_a_newer_one, "True ServingPatched", "Unknown", "False", "Current", "Healthy"),
    (rebuilt, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (promoted, "True Promoted", "True", "True", "Current", "Healthy"),
    (standing, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (superseded, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (gave_way, "False Superseded", "False", "True", "InProgress", "Healthy"),
    (rolled_back, "False RolledBack", "False", "True", "Failed", "Degraded"),
    (missing(5), "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (missing(40), "False TargetNotFound", "Unknown", "False", "Failed", "Degraded"),
    (refused, "False ManagedByGitOps", "Unknown", "False", "Failed", "Degraded"),
    (forbidden, "False Forbidden", "Unknown", "False", "Failed", "Degraded"),
    (invalid_query, "False InvalidQuery", "Unknown", "False", "Failed", "Degraded"),
    (rejected(5), "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (rejected(40), "False RouteRejected", "Unknown", "False", "Failed", "Degraded"),
    (ambiguous(5), "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (ambiguous(40), "False RouteAmbiguous", "Unknown", "False", "Failed", "Degraded"),
    (unfit(5), "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (unfit(40), "False RouteUnfit", "Unknown", "False", "Failed", "Degraded"),
    (not_accepted_yet, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (busy, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (blind_at_the_start, "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (moved, "False StableMoved", "Unknown", "False", "Failed", "Degraded"),
    (expired, "False Expired", "Unknown", "False", "Failed", "Degraded"),
    (grpc, "False MetricsBlindToGrpc", "Unknown", "False", "Failed", "Degraded"),
    (without_histogram, "False LatencyUnknown", "Unknown", "False", "Failed", "Degraded"),
    (without_counters, "False MetricsMissing", "Unknown", "False", "Failed", "Degraded"),
    (deleted_after_a_failed_promotion, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
]


def item(world: World) -> dict[str, Any]:
    """The object as the API server would show it."""
    return {"metadata": {"generation": world.generation}, "status": status.dump(world.remembered)}


def health(shown: dict[str, Any]) -> str:
    """What Argo CD's script says."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    script = lua.eval(f"function(obj) {HEALTH.read_text()} end")
    return str(script(lua.table_from(shown, recursive=True)).status)


@pytest.mark.parametrize("row", TABLE, ids=[f"{number}-{row[1]}" for number, row in enumerate(TABLE)])
def test_every_state_reads_as_the_truth_table_says(row: tuple[Callable[[], World], str, str, str, str, str]) -> None:
    story, ready, succeeded, completed, kstatus, argo = row
    world = story()
    shown = item(world)
    conditions = {entry["type"]: entry for entry in shown["status"]["conditions"]}
    assert f"{conditions['Ready']['status']} {conditions['Ready']['reason']}" == ready
    assert conditions["Succeeded"]["status"] == succeeded
    assert conditions["Completed"]["status"] == completed
    assert verdict(shown) == kstatus
    assert health(shown) == argo
    assert all(entry["observedGeneration"] == world.generation for entry in conditions.values())
    for kind in ("Reconciling", "Stalled", "Paused"):
        assert conditions.get(kind, {"status": "True"})["status"] == "True", f"{kind} exists only while True"
    assert ("Paused" in conditions) == world.asked.paused


@pytest.mark.parametrize("reason", [Reason.INVALID_SPEC, Reason.INVALID_STATUS])
def test_what_cannot_be_read_has_failed_until_it_is_put_right(reason: Reason) -> None:
    shown = {"metadata": {"generation": 2}, "status": invalid.status_of({}, reason, "steps: give numbers", 2, START)}
    conditions = {entry["type"]: entry for entry in shown["status"]["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", reason)
    assert (conditions["Succeeded"]["status"], conditions["Completed"]["status"]) == ("Unknown", "False")
    assert (verdict(shown), health(shown)) == ("Failed", "Degraded")


# what a Pending rollout is held for, and what will go on without anybody putting something right
WAITING = {
    Reason.CLUSTER_UNAVAILABLE: "the API server answers again",
    Reason.METRICS_UNAVAILABLE: "Prometheus answers again",
    Reason.ROUTE_PENDING: "the controller gets to it",
    Reason.ROUTE_BUSY: "the other rollout ends",
    Reason.INSUFFICIENT_CAPACITY: "pods get ready",
    Reason.PAUSED: "a person has chosen so, and it has a condition of its own",
    Reason.WEIGHTS_EDITED: "a person has chosen the older rollout's weights, and that one says so",
    Reason.WEIGHT_NOT_CONFIRMED: "the controller gets to the older rollout's weight",
}
HOLDERS = ("preflight", "countable", "fitness", "forgotten", "pending", "starting")


def held_for() -> set[Reason]:
    """The reasons that these modules give to `Problem` and `hold`, also by a variable called `reason`."""
    found: set[str] = set()
    for name in HOLDERS:
        tree = ast.parse((Path(hotfix.core.__file__).parent / f"{name}.py").read_text())
        for node in ast.walk(tree):
            holds = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Problem", "hold")
            chosen = isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "reason" for to in node.targets)
            if holds or chosen:
                inside = (part for part in ast.walk(node) if isinstance(part, ast.Attribute))
                found |= {part.attr for part in inside if isinstance(part.value, ast.Name) and part.value.id == "Reason"}
    return {Reason[name] for name in found}


def test_every_reason_that_keeps_traffic_from_moving_either_stalls_or_waits() -> None:
    found = held_for()
    assert len(found) > 20
    assert not STALLING & WAITING.keys()
    assert found - STALLING - WAITING.keys() == set()
    assert WAITING.keys() - found == set(), "the list names what nothing waits for"
    assert STALLING - found == {Reason.INVALID_SPEC, Reason.INVALID_STATUS}, "these are told where nothing can be read"


def test_an_object_nobody_has_looked_at_is_in_progress() -> None:
    assert health({"metadata": {"generation": 1}}) == "Progressing"
    unseen = {"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": []}}
    assert health(unseen) == "Progressing"
    assert verdict(unseen) == "InProgress"


def test_the_transition_time_moves_only_when_the_status_flips() -> None:
    world = analyzing()
    first = {entry.type: entry.last_transition_time for entry in world.remembered.conditions}
    world.rest(60)
    assert {entry.type: entry.last_transition_time for entry in world.remembered.conditions} == first
    world.asked = a_spec(paused=True)
    world.held("Paused")
    later = {entry.type: entry.last_transition_time for entry in world.remembered.conditions}
    assert later["Ready"] != first["Ready"]
    assert later["Completed"] == first["Completed"]


def test_a_break_glass_that_waits_for_git_is_followed_up_by_one_condition() -> None:
    world = ready_world(asked=a_spec(urgency="BreakGlass", promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(5)
    found = [entry.reason for entry in world.remembered.conditions if entry.type == "FollowUpRequired"]
    assert (world.remembered.follow_up is not None, found) == (True, ["AwaitingGit"])


def test_a_paused_by_the_manifest_says_so() -> None:
    found = next(entry for entry in paused().remembered.conditions if entry.type == "Paused")
    assert found.message == "Paused by spec.paused."


@pytest.mark.parametrize("story", [waiting, analyzing, promoted, rolled_back])
def test_nobody_is_asked_to_follow_up_what_was_judged(story: Callable[[], World]) -> None:
    assert "FollowUpRequired" not in {entry.type for entry in story().remembered.conditions}


def test_who_shipped_it_unproven_is_asked_to_look_at_it() -> None:
    world = ready_world(asked=a_spec(urgency="BreakGlass")).phase(Phase.BAKING).rest(3)
    found = next(entry for entry in world.remembered.conditions if entry.type == "FollowUpRequired")
    assert (found.status, found.reason) == ("True", "BreakGlass")
    assert "kubectl hotfix acknowledge fix" in found.message
