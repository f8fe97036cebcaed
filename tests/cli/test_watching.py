"""`kubectl hotfix watch` and what its lines share with `status`: what is shown of a rollout, when, and how it ends."""

import io
from typing import Any

import pytest
from rich.console import Console

from hotfix.cli import shown
from hotfix.cli.shown import Outcome, outcome
from hotfix.cli.watching import watch
from hotfix.core.status import Phase, Stage, dump
from hotfix.errors import NotFound
from tests.core.world import World, ready_world

from .patience import Patience, ended, nothing

UNDECIDED = {"state": "Undecided", "patched": "0 % (0/9)"}


def screen(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=100, highlight=False), text


async def watched(patience: Patience, *, terminal: bool = False) -> tuple[Outcome, str]:
    """How it ended, and what was shown until then."""
    console, text = screen(terminal=terminal)
    outcome = await watch(patience.follower(), console, patience.clock)
    return outcome, text.getvalue()


def status_of(world: World) -> dict[str, Any]:
    return dump(world.remembered)


async def test_without_a_terminal_a_line_is_printed_for_each_change_and_decision() -> None:
    patience = Patience()
    decisions = [{"sequence": 1, "time": "2030-01-01T00:00:00.000Z", "what": "start", "message": "It begins."}]
    patience.status(phase="Analyzing", stage="Shifting", weight=5, message="5 counted.", decisions=decisions, next="judge")
    raised = {"sequence": 2, "time": "2030-01-01T00:01:00.000Z", "what": "weight 25", "reason": "EvidenceSufficient"}
    patience.then(
        nothing,
        lambda: patience.status(message="6 counted.", next="judge in 2 s"),
        lambda: patience.status(weight=25, decisions=[*decisions, raised]),
        lambda: patience.status(verdict={"state": "NotWorse", "patched": "0 % (0/90)", "stable": "5 % (5/100)"}),
        lambda: patience.status(held="Paused", message="Paused [by a person]."),
        lambda: patience.status(**ended("True", "Promoted", "checkout has the fix.")),
    )
    found, text = await watched(patience)
    assert found is Outcome.SUCCEEDED
    assert text.splitlines() == [
        "2027-01-15T08:00:00Z  Analyzing, patched gets 5 %. 5 counted. Next: judge.",
        "2030-01-01T00:01:00.000Z  weight 25: EvidenceSufficient",
        "2027-01-15T08:00:01Z  Analyzing, patched gets 25 %. 6 counted. Next: judge in 2 s.",
        "2027-01-15T08:00:02Z  Analyzing, patched gets 25 %. 6 counted. NotWorse: patched fails 0 % (0/90), "
        "stable fails 5 % (5/100). Next: judge in 2 s.",
        "2027-01-15T08:00:02Z  Analyzing, patched gets 25 %. Paused [by a person]. NotWorse: patched fails 0 % (0/90), "
        "stable fails 5 % (5/100). Next: judge in 2 s.",
        "2027-01-15T08:00:03Z  Promoted, patched gets 25 %. checkout has the fix. NotWorse: patched fails 0 % (0/90), "
        "stable fails 5 % (5/100).",
    ]


async def test_a_terminal_gets_a_picture_of_all_that_matters() -> None:
    patience = Patience()
    world = ready_world().phase(Phase.BAKING)
    world.rest(10)
    patience.status(**status_of(world))
    found, text = await watched(patience.then(lambda: patience.status(**ended("True", "Promoted"))), terminal=True)
    assert found is Outcome.SUCCEEDED
    verdict = world.remembered.verdict
    assert verdict is not None
    newest = world.remembered.decisions[-1]
    told = " ".join(text.replace("│", " ").split())
    expected = ("shop/fix", "Baking, patched gets 95 %", verdict.patched, verdict.stable, verdict.evidence[:20], "fresh requests")
    for part in (*expected, newest.time, "weight 95", "Promoted"):
        assert part in told, told


async def test_a_terminal_shows_the_newest_decisions_only() -> None:
    patience = Patience()
    entries = [{"sequence": n, "time": f"t{n}", "what": f"step-{n}", "message": "Done."} for n in range(1, 9)]
    patience.status(**{**ended("True", "Promoted"), "decisions": entries})
    _, text = await watched(patience, terminal=True)
    assert [f"step-{n}" in text for n in range(1, 9)] == [False, False, *[True] * 6]


async def test_a_rollback_ends_it_with_another_outcome() -> None:
    patience = Patience()
    patience.then(lambda: patience.status(**ended("False", "RolledBack", "Patched is worse.")))
    found, text = await watched(patience)
    assert found is Outcome.FAILED
    assert "Pending. It was not looked at yet; is the operator running?" in text
    assert "RolledBack. Patched is worse." in text


async def test_what_has_ended_already_is_shown_once() -> None:
    patience = Patience()
    patience.status(**ended("True", "Promoted", "checkout has the fix."))
    found, text = await watched(patience)
    assert (found, len(text.splitlines())) == (Outcome.SUCCEEDED, 1)


async def test_what_is_not_there_or_is_deleted_meanwhile_is_an_error() -> None:
    patience = Patience()
    with pytest.raises(NotFound, match="fix is gone"):
        await watched(patience.then(nothing, patience.delete), terminal=True)
    with pytest.raises(NotFound, match="There is no HotfixRollout fix"):
        await watched(patience)


async def test_a_silent_api_server_does_not_end_it() -> None:
    patience = Patience()
    patience.then(patience.silent(), nothing, patience.back, lambda: patience.status(**ended("True", "Promoted")))
    assert (await watched(patience))[0] is Outcome.SUCCEEDED
    assert patience.noted == ["The API server does not answer to GET; still trying."]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, Outcome.GOING),
        ({"phase": "Promoted"}, Outcome.GOING),
        ({"conditions": [{"type": "Completed", "status": "False", "observedGeneration": 1}]}, Outcome.GOING),
        ({"conditions": [{"type": "Completed", "status": "True", "observedGeneration": 1}]}, Outcome.FAILED),
        (ended("True", "Promoted"), Outcome.SUCCEEDED),
        (ended("False", "RolledBack"), Outcome.FAILED),
        (ended("True", "Promoted", generation=0), Outcome.GOING),
    ],
)
async def test_the_outcome_is_that_of_the_conditions_for_this_spec(status: dict[str, Any], expected: Outcome) -> None:
    patience = Patience()
    patience.status(**status)
    assert outcome(await patience.follower().first()) is expected


def test_whole_stories_are_told_in_one_line() -> None:
    world = ready_world()
    analyzing = shown.sentence(status_of(world.phase(Phase.ANALYZING)))
    assert analyzing.startswith("Analyzing, patched gets 5 % (step 2/4). Patched gets 5 %")
    assert " Next: " in analyzing
    promoted = shown.sentence(status_of(world.phase(Phase.PROMOTED)))
    assert promoted.startswith("Promoted, patched gets 0 %. checkout serves everything with the fix.")
    assert "Next" not in promoted
    assert "Undecided" not in analyzing + promoted, "a verdict is told where there is room for its numbers"
    assert "Undecided: " in shown.sentence(status_of(ready_world().phase(Phase.ANALYZING)) | {"verdict": UNDECIDED}, verdict=True)


def test_rates_are_named_by_their_side_or_not_at_all() -> None:
    """Once stable has the fix, the status calls it `patched`: it is the side that is judged."""
    world = ready_world()
    before = dict(shown.rates(status_of(world.phase(Phase.BAKING))))
    verdict = world.remembered.verdict
    assert verdict is not None
    assert before == {"patched fails": verdict.patched, "stable fails": verdict.stable}
    after = status_of(world.stage(Stage.RETURNING))
    assert after["verdict"]["patched"], "there are numbers"
    assert dict(shown.rates(after)) == {}
    assert shown.judged(after) == after["verdict"]["state"]
