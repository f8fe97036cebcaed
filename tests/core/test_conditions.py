"""The truth table of conditions, judged by the rules of kstatus and by Argo CD's health script, on statuses of whole stories."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lupa
import pytest

from hotfix.core import status
from hotfix.core.status import Phase, Stage

from .kstatus import verdict
from .world import World, a_spec, ready_world

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


def stable_lost() -> World:
    world = analyzing()
    world.stable.ready = 0
    return world.held("StableLost")


def failed_promotion() -> World:
    return ready_world(after_promotion=lambda: 0.5).stage(Stage.RETURN_FAILED)


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
    return ready_world(route_owner="Flux Kustomization flux-system/shop").held("ManagedByGitOps")


def forbidden() -> World:
    world = analyzing()
    world.refused = ("Forbidden", "the operator lacks a right")
    return world.held("Forbidden")


def invalid_query() -> World:
    world = analyzing()
    world.refused = ("InvalidQuery", "Prometheus refuses the query")
    return world.held("InvalidQuery")


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
    (stable_lost, "Unknown StableLost", "Unknown", "False", "InProgress", "Suspended"),
    (failed_promotion, "Unknown Held", "Unknown", "False", "InProgress", "Suspended"),
    (promoted, "True Promoted", "True", "True", "Current", "Healthy"),
    (rolled_back, "False RolledBack", "False", "True", "Failed", "Degraded"),
    (missing(5), "False Progressing", "Unknown", "False", "InProgress", "Progressing"),
    (missing(40), "False TargetNotFound", "Unknown", "False", "Failed", "Degraded"),
    (refused, "False ManagedByGitOps", "Unknown", "False", "Failed", "Degraded"),
    (forbidden, "False Forbidden", "Unknown", "False", "Failed", "Degraded"),
    (invalid_query, "False InvalidQuery", "Unknown", "False", "Failed", "Degraded"),
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
