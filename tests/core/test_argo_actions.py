"""The buttons that Argo CD shows: what the operator would do has one, what is pressed is asked for as `kubectl hotfix` asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from hotfix.core.status import Phase
from hotfix.core.verbs import HandledRequest, RequestResult, Verb

from .test_conditions import TABLE, analyzing, baking, gave_way, item, promoted, rolled_back, rolling_back, waiting
from .world import World, ready_world

ACTIONS = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "argocd" / "actions.yaml").read_text())
REQUEST = "hotfix-operator.dev/request"
BUTTONS = [definition["name"] for definition in ACTIONS["definitions"]]


def run(script: str, shown: dict[str, Any]) -> Any:
    """As Argo CD runs it: `obj` is the live object."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    return lua.eval(f"function(obj) {script} end")(lua.table_from(shown, recursive=True))


def offered(world: World) -> set[str]:
    """The buttons that can be pressed."""
    found = run(ACTIONS["discovery.lua"], item(world))
    assert set(found.keys()) == set(BUTTONS)
    return {name for name, action in found.items() if not action.disabled}


def paused_by_request() -> World:
    world = analyzing()
    world.request = "pause:1"
    return world.held("Paused")


def followed_up() -> World:
    world = analyzing()
    world.remembered = world.remembered.model_copy(update={"follow_up": "BreakGlass"})
    return world


@pytest.mark.parametrize(
    ("story", "buttons"),
    [
        (waiting, {"rollback", "pause"}),
        (analyzing, {"promote", "rollback", "pause"}),
        (baking, {"promote", "rollback", "pause"}),
        (rolling_back, set()),
        (promoted, set()),
        (gave_way, set()),
        (rolled_back, {"retry"}),
        (paused_by_request, {"promote", "rollback", "resume"}),
        (followed_up, {"promote", "rollback", "pause", "acknowledge"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_state_offers_what_can_be_asked_for_in_it(story: Callable[[], World], buttons: set[str]) -> None:
    assert offered(story()) == buttons


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize("story", [row[0] for row in TABLE], ids=[f"{number}-{row[1]}" for number, row in enumerate(TABLE)])
def test_nothing_that_the_operator_would_do_lacks_its_button(story: Callable[[], World], button: str) -> None:
    world = story()
    before, old = offered(world), world.remembered
    world.request = f"{button}:pressed"
    world.rest(1)
    answer = world.remembered.last_handled_request
    assert answer is not None
    assert answer.request == world.request
    if answer.result is RequestResult.ACCEPTED and button not in before:
        new = world.remembered  # it was so already
        assert (new.phase, new.stage, new.paused, new.follow_up) == (old.phase, old.stage, old.paused, old.follow_up)


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize("annotations", [None, {"team": "payments"}])
def test_what_is_pressed_is_asked_for_by_annotation_and_nothing_else_changes(
    button: str, annotations: dict[str, str] | None
) -> None:
    (script,) = (entry["action.lua"] for entry in ACTIONS["definitions"] if entry["name"] == button)
    shown = {"metadata": {"name": "fix", **({"annotations": annotations} if annotations else {})}, "spec": {"paused": False}}
    after = run(script, shown)
    asked = dict(after.metadata.annotations.items())
    assert HandledRequest.verb_of(asked.pop(REQUEST)) is Verb(button)
    assert asked == (annotations or {})
    assert (after.metadata.name, after.spec.paused) == ("fix", False)


def test_before_the_operator_has_seen_it_only_what_needs_no_traffic_is_offered() -> None:
    found = run(ACTIONS["discovery.lua"], {"metadata": {"name": "fix"}})
    assert {name for name, action in found.items() if not action.disabled} == {"rollback", "pause"}


def test_a_button_that_asks_for_more_than_evidence_is_not_there() -> None:
    assert {str(verb) for verb in Verb} - set(BUTTONS) == {str(Verb.RELEASE), str(Verb.RETRY_SAME)}
    assert offered(ready_world().phase(Phase.ANALYZING)) <= set(BUTTONS)
