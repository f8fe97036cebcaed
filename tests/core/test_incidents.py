"""The incident stands at the beginning and at the end of its hotfix, with the time to recovery."""

import pytest

from hotfix.core import incidents, moments
from hotfix.core.look import Look
from hotfix.core.spec import Incident
from hotfix.core.status import Phase

from .world import START, World, a_spec, ready_world

INCIDENT = {
    "reference": "INC-4711",
    "severity": "SEV1",
    "reason": "Payments fail.",
    "url": "https://status.example/4711",
    "detectedAt": "2027-01-15T07:50:00Z",  # ten minutes before the world begins
}


def said(world: World, what: str) -> str:
    """The message of the newest decision of this kind."""
    return next(entry.message for entry in reversed(world.remembered.decisions) if entry.what == what)


def recovered(world: World) -> float:
    """When the bake began, which is now."""
    moment = moments.unix(world.remembered.recovered_at or "")
    assert world.now - 1 <= moment <= world.now
    return moment


def test_a_recovery_is_told_at_the_bake_and_at_the_end() -> None:
    world = ready_world(asked=a_spec(incident=INCIDENT)).phase(Phase.BAKING)
    assert world.announced[0].message.startswith("For INC-4711 (SEV1): Payments fail. checkout-hotfix goes against")
    took = incidents.span(recovered(world) - (START - 600))
    sentence = f"Nearly all traffic had the fix {took} after INC-4711 was noticed."
    assert took.startswith("11m")
    assert said(world, "weight 95").endswith(sentence)
    world.phase(Phase.PROMOTED)
    assert said(world, "end").endswith(f"serves everything with the fix. {sentence}")
    assert world.remembered.message.endswith(sentence)
    assert moments.unix(world.remembered.recovered_at or "") < world.now - 60


def test_without_a_moment_it_counts_from_the_creation_of_the_rollout() -> None:
    world = ready_world(asked=a_spec(incident={"reference": "INC-1"})).phase(Phase.BAKING)
    took = incidents.span(recovered(world) - START)
    assert said(world, "weight 95").endswith(f"Nearly all traffic had the fix {took} after this rollout was created.")


def test_a_rollback_says_that_the_incident_goes_on() -> None:
    world = ready_world(asked=a_spec(incident=INCIDENT))
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK)
    assert said(world, "end").endswith("The incident goes on: INC-4711 (SEV1): Payments fail.")
    nameless = ready_world()
    nameless.patched.errors = 1.0
    nameless.phase(Phase.ROLLED_BACK)
    assert "incident" not in said(nameless, "end").lower()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, ""),
        ({"url": "https://status.example"}, ""),
        ({"reference": "INC-1"}, "INC-1"),
        ({"severity": "SEV2"}, "Incident (SEV2)"),
        ({"reason": "Slow. "}, "Incident: Slow"),
        ({"reference": "INC-1", "severity": "SEV2", "reason": "Slow"}, "INC-1 (SEV2): Slow"),
    ],
)
def test_an_incident_is_named_by_what_is_known_of_it(fields: dict[str, str], name: str) -> None:
    assert incidents.named(Incident.model_validate(fields)) == name
    assert incidents.named(None) == ""


@pytest.mark.parametrize(
    ("incident", "created", "moment", "sentence"),
    [
        (None, "2027-01-15T08:00:00Z", None, ""),
        (None, "", "2027-01-15T08:01:00Z", ""),
        (None, "2027-01-15T08:00:00Z", "2027-01-15T08:01:05Z", "1m5s after this rollout was created."),
        ({"detectedAt": "2027-01-15T07:00:00Z"}, "", "2027-01-15T08:00:00Z", "1h after the incident was noticed."),
        ({"detectedAt": "2027-01-15T09:00:00Z"}, "2027-01-15T08:00:00Z", "2027-01-15T08:30:00Z", ""),
    ],
)
def test_a_recovery_that_cannot_be_told_is_not(incident: object, created: str, moment: str | None, sentence: str) -> None:
    world = World(asked=a_spec(incident=incident) if incident else a_spec())
    seen = world.observe()
    look = Look(
        world.asked, world.remembered, seen.__class__(now=seen.now, generation=1, deleting=False, finalizer=True, created=created)
    )
    found = incidents.recovery(look, moment)
    assert found == (f"Nearly all traffic had the fix {sentence}" if sentence else "")
