"""A person promotes patched while stable is lost: what it must have shown, and what is said until then."""

import pytest

from hotfix.core import moments
from hotfix.core.status import Phase, Stage

from .test_requested import answer, ask
from .world import World, a_spec, ready_world

REFUSED = "kubectl hotfix promote fix is refused"


def lost(**spec: object) -> World:
    world = ready_world(asked=a_spec(**spec))
    world.stable.ready = 0
    return world.held("StableLost", seconds=120).rest(60)


def refused(world: World) -> str:
    """Why, in what people are told before and after they ask."""
    ask(world.rest(5), "promote:1")
    result, message = answer(world)
    assert (result, world.remembered.phase) == ("Refused", Phase.ANALYZING)
    return message


def test_a_person_promotes_where_stable_cannot_serve_without_the_fix() -> None:
    world = lost()
    assert "kubectl hotfix promote fix" in world.remembered.message
    ask(world, "promote:1")
    assert (answer(world)[0], world.remembered.phase) == ("Accepted", Phase.PROMOTING)
    world.stage(Stage.PATCHING_STABLE, seconds=120)
    assert "checkout gets the pod spec of checkout-hotfix." in [entry.message for entry in world.remembered.decisions]
    world.stable.ready = None
    world.phase(Phase.PROMOTED, seconds=600)
    assert (world.stable.template, world.weight) == ("v2", 0)


def test_git_is_told_to_give_stable_what_was_not_compared_without_calling_it_proven() -> None:
    world = ready_world()
    world.stable.owner, world.stable.ready = "Argo CD application shop", 0
    ask(world.held("StableLost", seconds=120).rest(60), "promote:1").phase(Phase.AWAITING_GIT, seconds=60)
    assert world.remembered.message.startswith("Patched serves everything.")


def few_pods(world: World) -> None:
    """One of two."""
    world.patched.ready = 1


def paused(world: World) -> None:
    """By the manifest."""
    world.asked = a_spec(paused=True)


def crashed(world: World) -> None:
    """Twice since the start."""
    world.patched.restarts = 2


def fails_everything(world: World) -> None:
    """Far more than stable ever did."""
    world.patched.errors = 1.0


def no_metrics(world: World) -> None:
    """Prometheus is away."""
    world.blind = True


def no_requests(world: World) -> None:
    """Patched completes none any more."""
    world.patched.hangs = True


def several(world: World) -> None:
    """Its pods are replaced one after the other."""
    world.patched.image_ids = (("app@sha256:1",), ("app@sha256:2",))


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (few_pods, "100 % needs 2 ready pods of checkout-hotfix, it has 1"),
        (paused, "It is paused. Set spec.paused to false first."),
        (crashed, "2 of 2 pods of checkout-hotfix crash"),
        (fails_everything, "of its newest requests, where stable failed 4.81 %; stable would fail as much."),
        (no_metrics, "Prometheus does not answer."),
        (no_requests, "Patched has everything and completes no requests"),
        (several, "checkout-hotfix is being given another pod spec."),
    ],
)
def test_what_is_missing_is_told_before_it_is_asked_for_and_refuses_it(happens, why: str) -> None:  # type: ignore[no-untyped-def]
    world = lost()
    happens(world)
    world.rest(40)
    assert why in world.remembered.message
    assert REFUSED in world.remembered.message
    assert why in refused(world)


def test_it_is_refused_before_everything_is_confirmed() -> None:
    world = ready_world()
    world.ack_seconds, world.stable.ready = 30, 0
    world.held("StableLost", seconds=120)
    assert "have not confirmed 100 % yet." in refused(world)


def test_it_is_promoted_once_it_was_counted() -> None:
    world = ready_world()
    world.stable.ready = 0
    ask(world.held("StableLost", seconds=120).rest(10), "promote:1")
    assert (answer(world)[0], world.remembered.phase) == ("Refused", Phase.ANALYZING)
    ask(world.rest(30), "promote:2")
    assert (answer(world)[0], world.remembered.phase) == ("Accepted", Phase.PROMOTING)


def test_few_requests_are_enough_when_they_are_counted_for_longer() -> None:
    world = World(rate=0.1)
    world.advance(600)
    world.phase(Phase.ANALYZING).rest(60)
    world.stable.ready = 0
    ask(world.held("StableLost", seconds=120).rest(1800), "promote:1")
    assert (answer(world)[0], world.remembered.phase) == ("Accepted", Phase.PROMOTING)


def test_a_stable_that_comes_back_is_not_written_over() -> None:
    world = lost()
    world.stable.ready = None
    assert refused(world.rest(20)) == "Stable has ready pods again; making sure."


@pytest.mark.parametrize("mode", ["KeepPatched", "PatchStable"])
def test_another_patch_begins_from_zero_and_is_promoted_once_it_was_counted(mode: str) -> None:
    world = lost(promotion={"mode": mode})
    world.patched.template = "v3"
    assert "Patched had requests in" in refused(world)
    told = next(entry for entry in world.announced if entry.reason == "PatchedChanged")
    assert told.message.startswith("The pod spec of checkout-hotfix changed while stable is lost; evidence from zero at ")
    ask(world.rest(40), "promote:2")
    assert answer(world)[0] == "Accepted"
    world.run(lambda w: w.stable.template == "v3" or w.remembered.phase is Phase.PROMOTED, seconds=60)
    assert (world.stable.template, world.weight) == ("v1" if mode == "KeepPatched" else "v3", 100)


def test_another_patch_of_which_nothing_good_was_seen_is_not_promoted() -> None:
    world = lost(promotion={"mode": "KeepPatched"})
    world.patched.template, world.patched.errors = "v3", 1.0
    refused(world)
    ask(world.rest(40), "promote:2")
    assert answer(world)[0] == "Refused"


def test_another_patch_gets_what_the_start_gave_once_stable_is_back() -> None:
    world = ready_world(asked=a_spec(startWeight=5)).run(lambda w: w.remembered.weight == 50)
    world.stable.ready = 0
    world.held("StableLost", seconds=60).rest(20)
    world.patched.template, world.patched.errors = "v3", world.stable.errors
    world.rest(20)
    assert world.weight == 100
    world.stable.ready = None
    world.run(lambda w: w.remembered.stable_lost is None, seconds=120)
    assert (world.weight, world.remembered.phase) == (5, Phase.ANALYZING)
    assert 0 < world.remembered.stopped_seconds <= world.now - moments.unix(world.remembered.evidence_from or "")


def test_another_patch_is_noticed_also_where_stable_is_gone_altogether() -> None:
    world = lost()
    planned = world.remembered.promotion
    world.stable.exists, world.patched.template = False, "v3"
    world.rest(10)
    assert "PatchedChanged" in world.reasons
    assert (world.weight, world.remembered.promotion) == (100, planned)


def test_patched_that_has_no_ready_pod_at_this_moment_is_not_promoted() -> None:
    world = lost()
    world.patched.ready = 0
    ask(world, "promote:1")
    assert (answer(world)[0], world.remembered.phase) == ("Refused", Phase.ANALYZING)
