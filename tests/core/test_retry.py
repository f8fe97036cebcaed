"""A rollout that was rolled back is begun again only when a person asks for it; the same patch only when that is said too."""

import pytest

from hotfix.core.observation import RivalView
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world


def rolled_back() -> World:
    world = ready_world()
    world.patched.errors = 0.5
    return world.phase(Phase.ROLLED_BACK).rest(5)


def answer(world: World) -> str:
    assert world.remembered.last_handled_request
    return str(world.remembered.last_handled_request.result)


def test_another_patch_is_begun_again_with_evidence_from_zero() -> None:
    world = rolled_back()
    intention, told = world.remembered.intention, len(world.announced)
    world.patched.template, world.patched.errors, world.request = "v3", 0.001, "retry:1"
    world.phase(Phase.PROMOTED)
    assert answer(world) == "Accepted"
    assert world.stable.template == "v3"
    assert world.remembered.intention > intention
    sequences = [entry.sequence for entry in world.announced]
    assert sequences == sorted(set(sequences))
    assert len(sequences) > told


def test_the_same_patch_needs_the_word_for_it() -> None:
    world = rolled_back()
    world.request = "retry:1"
    world.rest(5)
    assert (world.remembered.phase, answer(world)) == (Phase.ROLLED_BACK, "Refused")
    world.request, world.patched.errors = "retry-same:2", 0.001
    world.phase(Phase.PROMOTED)


@pytest.mark.parametrize("phase", [Phase.ANALYZING, Phase.PROMOTED])
def test_only_what_was_rolled_back_is_begun_again(phase: Phase) -> None:
    world = ready_world().phase(phase)
    world.request = "retry-same:1"
    world.rest(2)
    assert (world.remembered.phase, answer(world)) == (phase, "Refused")


def test_a_patched_that_cannot_be_seen_is_waited_for() -> None:
    world = rolled_back()
    world.patched.template, world.patched.errors, world.request, world.unseen = "v3", 0.001, "retry:1", True
    world.rest(5)
    assert (world.remembered.phase, answer(world)) == (Phase.ROLLED_BACK, "Waiting")
    world.unseen = False
    world.phase(Phase.ANALYZING)
    assert answer(world) == "Accepted"


def test_a_patched_that_is_gone_is_no_patch() -> None:
    world = rolled_back()
    world.patched.exists, world.request = False, "retry:1"
    world.rest(2)
    assert answer(world) == "Refused"


def failed(template: str = "v2", stable: str = "checkout", phase: str = "RolledBack") -> RivalView:
    created = "2027-01-15T07:00:00Z"
    return RivalView(
        name="older", created=created, phase=phase, stable=stable, routes=("shop",), template=template, why="PatchedWorse"
    )


def test_what_another_rollout_rolled_back_is_not_begun_without_a_word() -> None:
    world = ready_world(rivals=(failed(),))
    world.held("FailedBefore", seconds=10)
    assert "older rolled this very pod spec back (PatchedWorse)" in world.remembered.message
    world.request = "retry-same:1"
    world.phase(Phase.PROMOTED)
    assert answer(world) == "Accepted"


@pytest.mark.parametrize("rival", [failed(template="v9"), failed(stable="other"), failed(phase="Promoted")])
def test_what_others_rolled_back_is_no_matter(rival: RivalView) -> None:
    world = ready_world(rivals=(rival,)).phase(Phase.ANALYZING)
    assert "FailedBefore" not in world.reasons


def test_replicas_that_are_not_ours_have_to_be_there_before_it_is_begun_again() -> None:
    world = rolled_back()
    world.asked = a_spec(patched={"replicas": "Own"})
    world.patched.template, world.request, world.patched.replicas = "v3", "retry:1", 0
    world.rest(2)
    assert answer(world) == "Refused"


def test_a_request_that_comes_back_from_git_is_not_done_again() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    for request in ("pause:git", "resume:1", "pause:git"):
        world.request = request
        world.rest(1)
    assert not world.remembered.paused


@pytest.mark.parametrize(("verb", "result"), [("rollback", "Refused"), ("release", "Accepted")])
def test_a_promotion_that_is_coming_to_its_end_is_not_rolled_back(verb: str, result: str) -> None:
    world = ready_world().run(lambda w: w.remembered.stage is Stage.DRAINING_PATCHED)
    world.request = f"{verb}:1"
    world.rest(1)
    assert answer(world) == result
    world.phase(Phase.PROMOTED, seconds=60)


def test_a_patched_that_is_being_kept_is_released_all_the_same() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "KeepPatched"})).stage(Stage.GIVING_BACK)
    world.request = "release:1"
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert answer(world) == "Accepted"
    assert world.weights == (1, None)


@pytest.mark.parametrize(
    ("phase", "template", "created", "busy"),
    [
        ("Analyzing", "v9", "2027-01-15T09:00:00Z", True),
        ("Pending", "v9", "2027-01-15T09:00:00Z", True),  # it has passed its checks
        ("Pending", None, "2027-01-15T09:00:00Z", False),
        ("Pending", None, "2027-01-15T07:00:00Z", True),
    ],
)
def test_who_has_passed_its_checks_goes_first(phase: str, template: str | None, created: str, busy: bool) -> None:
    rival = RivalView(name="other", created=created, phase=phase, stable="checkout", routes=("shop",), template=template)
    world = ready_world(rivals=(rival,)).rest(3)
    assert (world.remembered.held == "RouteBusy") is busy


@pytest.mark.parametrize(
    ("stable", "route", "busy"),
    [("checkout", "another", True), ("cart", "shop", True), ("cart", "another", False)],
)
def test_one_with_neither_the_stable_nor_a_route_in_common_keeps_nobody_waiting(stable: str, route: str, *, busy: bool) -> None:
    created = "2027-01-15T07:00:00Z"
    rival = RivalView(name="other", created=created, phase="Analyzing", stable=stable, routes=(route,), template="v9")
    world = ready_world(rivals=(rival,)).rest(3)
    assert (world.remembered.held == "RouteBusy") is busy


@pytest.mark.parametrize("template", [None, "v9"])
@pytest.mark.parametrize(
    ("held", "busy"),
    [
        (None, True),
        ("NoTraffic", True),
        ("Superseding", True),  # it is about to start
        ("MemoryLost", True),  # its patch may have traffic
        ("PatchedAlreadyServes", True),
        ("Paused", False),
        ("StableMoved", False),
        ("MetricsMissing", False),
    ],
)
def test_one_that_only_a_person_can_help_to_start_keeps_nobody_waiting(
    held: str | None, busy: bool, template: str | None
) -> None:
    rival = RivalView(
        name="other",
        created="2027-01-15T07:00:00Z",
        phase="Pending",
        stable="checkout",
        routes=("shop",),
        template=template,
        status={"held": held},
    )
    world = ready_world(rivals=(rival,)).rest(3)
    assert (world.remembered.held == "RouteBusy") is busy


def test_the_older_one_lets_the_other_one_go_first_when_it_could_not_start_until_now() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.asked = a_spec(paused=True)
    world.held("Paused", seconds=5)
    world.rivals = (
        RivalView(
            name="other", created="2027-01-15T09:00:00Z", phase="Pending", stable="checkout", routes=("shop",), template="v9"
        ),
    )
    world.asked = a_spec()
    world.look()
    assert world.remembered.held == "RouteBusy", "the other one may start in this very moment"
    world.phase(Phase.ANALYZING, seconds=5)


def test_of_two_that_have_passed_them_at_once_the_older_goes_on() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    younger = {"created": "2027-01-15T09:00:00Z", "phase": "Pending", "template": "v9"}
    world.rivals = (RivalView(name="other", stable="checkout", routes=("shop",), **younger),)
    world.phase(Phase.ANALYZING)
    world = ready_world().stage(Stage.ADOPTING)
    world.rivals = (
        RivalView(name="other", stable="checkout", routes=("shop",), **{**younger, "created": "2027-01-15T07:00:00Z"}),
    )
    world.held("RouteBusy", seconds=30)
    assert world.weight == 0


@pytest.mark.parametrize(
    ("phase", "template", "created", "busy"),
    [
        ("Analyzing", "v9", "2027-01-15T09:00:00Z", True),
        ("Pending", None, "2027-01-15T07:00:00Z", False),
        ("Pending", "v9", "2027-01-15T07:00:00Z", True),
    ],
    ids=["a younger one has started", "an older one has not passed its checks", "an older one has passed them"],
)
def test_one_that_has_passed_its_checks_itself_waits_for(phase: str, template: str | None, created: str, *, busy: bool) -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.rivals = (
        RivalView(name="other", created=created, phase=phase, stable="checkout", routes=("shop",), template=template),
    )
    world.look()
    assert (world.remembered.held == "RouteBusy") is busy


def test_a_stable_to_which_another_rollout_leaves_nothing_is_waited_for_and_not_to_be_put_right() -> None:
    rival = RivalView(name="other", created="2027-01-15T07:00:00Z", phase="Baking", stable="checkout", routes=("shop",))
    world = ready_world(rivals=(rival,))
    world.weights = (0, 1)
    world.rest(3)
    assert world.remembered.held == "RouteBusy"
