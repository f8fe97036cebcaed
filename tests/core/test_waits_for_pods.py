"""Before the first weight: how many pods are needed, what is said meanwhile, and what counts as in the way."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix.core import clocks, pending
from hotfix.core.lineage import Supersedes
from hotfix.core.look import Look
from hotfix.core.moments import rfc3339
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage, Status

from .world import World, a_spec, ready_world

FLUX = "Flux Kustomization flux-system/shop"
HPA = ScalerView(name="checkout-hotfix", min_replicas=1, max_replicas=10, owner=None, version="1")


def scaling(**spec: Any) -> World:
    """Stable has three pods, patched none."""
    world = ready_world(asked=a_spec(**spec))
    world.stable.replicas, world.patched.ready = 3, 0
    return world.stage(Stage.SCALING).rest(1)


def test_patched_needs_as_many_pods_as_stable_where_its_number_is_ours() -> None:
    def needed(world: World) -> tuple[int | None, int]:
        look = world.shown()
        return pending.replicas_wanted(look), pending.pods_needed(look)

    world = scaling()
    assert needed(world) == (3, 3)
    world.patched.scaler = HPA
    assert needed(world) == (None, 1)
    world.patched.scaler, world.patched.owner = None, "Helm release shop"
    assert needed(world) == (None, 1)
    world.patched.owner, world.patched.exists = None, False
    assert needed(world) == (None, 1)
    assert needed(scaling(patched={"replicas": "Own"})) == (None, 1)
    world = ready_world()
    world.stable.replicas = 3
    assert needed(world) == (None, 1), "before it was checked nothing is known"


def test_the_first_event_says_what_goes_where_and_for_what() -> None:
    world = scaling(incident={"reference": "INC-7"})
    said = world.announced[0].message
    assert said.startswith("For INC-7. checkout-hotfix goes against checkout on shop; it changes containers.app.image.")
    assert world.remembered.resolved is not None
    assert world.remembered.resolved.stable_service == "checkout"
    assert scaling().announced[0].message.startswith("checkout-hotfix goes against checkout on shop;")


def test_pods_that_do_not_get_ready_are_counted_with_their_trouble() -> None:
    world = scaling()
    assert world.remembered.message.startswith("Patched has 0 of 3 ready pods.")
    world.patched.ready = 2
    world.look()
    assert world.remembered.message.startswith("Patched has 2 of 3 ready pods.")


@pytest.mark.parametrize(
    ("stage", "held", "unfit"),
    [
        (Stage.SCALING, None, False),
        (Stage.SCALING, "StableMoved", True),
        (Stage.ADOPTING, "StableMoved", True),
        (Stage.SCALING, "Paused", False),
        (Stage.CHECKING, "StableMoved", False),
    ],
)
def test_what_no_other_rollout_would_be_kept_by_is_in_the_way(stage: Stage, held: str | None, unfit: bool) -> None:
    look = scaling().shown()
    assert pending.is_unfit(look.having(look.status.model_copy(update={"stage": stage, "held": held}))) is unfit


def grace(look: Look, deadline: int) -> float:
    side = look.seen.patched
    assert side is not None
    assert side.deployment is not None
    return pending._grace_seconds(look, replace(side, deployment=replace(side.deployment, progress_deadline_seconds=deadline)))


def test_pods_have_no_longer_than_their_deployment_gives_them() -> None:
    look = scaling(analysis={"readyGrace": "2m"}).shown()
    assert (grace(look, 60), grace(look, 600)) == (60, 120)
    assert look.seen.patched is not None
    assert pending._grace_seconds(look, replace(look.seen.patched, deployment=None)) == 120


def test_pods_that_are_not_ready_in_time_roll_it_back_before_it_had_traffic() -> None:
    world = scaling(analysis={"readyGrace": "1m"}).rest(50)
    assert world.remembered.phase is Phase.PENDING
    world.phase(Phase.ROLLED_BACK, seconds=60)
    assert (world.remembered.why, world.weight) == ("PatchedNeverReady", 0)


def test_what_pods_report_is_passed_on_while_it_waits_and_when_it_gives_up() -> None:
    world = scaling(analysis={"readyGrace": "1m"})
    world.patched.trouble = "ImagePullBackOff"
    world.look()
    assert world.remembered.message.endswith("Pods report ImagePullBackOff.")
    world.phase(Phase.ROLLED_BACK, seconds=100)
    ended = world.announced[-1].message
    assert ended.startswith("PatchedNeverReady: checkout-hotfix has 0 ready pods after 1m")
    assert ended.endswith("Pods report ImagePullBackOff.")


@pytest.mark.parametrize(
    ("pods", "seconds", "few"), [(0, None, True), (0, 9, True), (1, None, None), (1, 4, None), (1, 5, False), (1, 9, False)]
)
def test_patched_has_few_pods_until_it_had_enough_for_some_seconds(pods: int, seconds: int | None, few: bool | None) -> None:
    world = scaling()
    world.patched.ready = pods
    look = world.shown()
    since = {} if seconds is None else {"PatchedReady": rfc3339(look.now - seconds)}
    assert pending.has_few(look.having(look.status.model_copy(update={"since": since})), 1) is few


# ---- withdrawn before traffic moves, or not to be judged


def test_a_deletion_before_traffic_moved_leaves_patched_its_pods() -> None:
    world = scaling()
    assert world.patched.replicas == 3
    look = world.shown()
    ended = pending.scaling(replace(look, seen=replace(look.seen, deleting=True)))
    assert (ended.phase, ended.stage, ended.keep_pods) == (Phase.PENDING, Stage.GIVING_BACK, True)


def test_a_pause_before_traffic_moves_is_written_down_once() -> None:
    world = scaling()
    world.asked = a_spec(paused=True)
    look = world.shown()
    once = pending.scaling(look)
    assert [entry.reason for entry in once.decisions].count("Paused") == 1
    again = pending.scaling(look.having(once.model_copy(update={"decisions": []})))
    assert again.decisions == []


@pytest.mark.parametrize(
    ("error", "refused", "reason"),
    [
        ("it is asleep", False, "MetricsUnavailable"),
        ("no such function", True, "InvalidQuery"),
        (None, False, "MetricsUnavailable"),
    ],
)
def test_why_nothing_can_be_judged_is_said(error: str | None, refused: bool, reason: str) -> None:
    look = ready_world().stage(Stage.ADOPTING).shown()
    blind = replace(look, seen=replace(look.seen, metrics=None, metrics_error=error, refused=refused))
    held = pending._unmeasured(blind)
    assert held is not None
    assert (held.held, held.message.startswith(f"{error or 'Prometheus does not answer'}. Traffic does not move")) == (
        reason,
        True,
    )


@pytest.mark.parametrize(("ready", "told", "waits"), [(3, 4.9, True), (3, 5.1, False), (2, 60.0, True), (3, None, True)])
def test_pods_are_ready_for_some_seconds_before_the_route_is_written(ready: int, told: float | None, waits: bool) -> None:
    world = scaling()
    world.patched.ready = ready
    world.patched.ready_since = () if told is None else (world.now - told,) * ready
    look = world.shown()
    after = pending.scaling(look.having(clocks.kept(look)))
    assert (after.stage is Stage.SCALING) is waits


def test_seconds_count_since_the_last_of_the_pods_that_are_needed_became_ready() -> None:
    world = scaling()
    world.patched.ready, world.patched.ready_since = 3, (world.now - 60, world.now - 30, world.now - 2)
    look = world.shown()
    assert [pending._ready_seconds(look, need) for need in (1, 2, 3)] == [0, 0, 0], "no look has seen them ready"
    look = look.having(clocks.kept(look))
    assert [pending._ready_seconds(look, need) for need in (1, 2, 3)] == pytest.approx([60, 30, 2])


# ---- what is written down when it begins, and when something is in the way


def test_what_was_found_is_written_down_before_anything_is_done() -> None:
    world = ready_world()
    world.stable.owner = FLUX
    world.look()
    found = world.remembered.resolved
    assert found is not None
    assert (found.stable_service, found.patched_service, found.preset) == ("checkout", "checkout-hotfix", "contour")
    assert found.owners == [f"Deployment checkout: {FLUX}"]
    assert [entry.reason for entry in world.remembered.decisions] == ["HotfixDetected"]


@pytest.mark.parametrize(("seconds", "told"), [(None, []), (0, []), (1, ["StableMoved"])])
def test_what_is_in_the_way_for_more_than_a_look_is_written_down(seconds: int | None, told: list[str]) -> None:
    world = ready_world(asked=a_spec(stable={"image": "another"}))
    look = world.shown()
    since = {} if seconds is None else {"Unfit": rfc3339(look.now - seconds)}
    held = pending.checking(look.having(look.status.model_copy(update={"since": since})))
    assert (held.held, [entry.reason for entry in held.decisions]) == ("StableMoved", told)


def beside_an_older_one(waited: float) -> Status | None:
    """What a newer rollout says whose patch has one pod of the two that half of stable's traffic needs."""
    world = ready_world(asked=a_spec(startWeight=50, patched={"replicas": "Own"}))
    world.stable.replicas, world.patched.ready = 4, 1
    world.stage(Stage.SCALING).rest(4)
    asks = Supersedes(name="older", uid="0", service="checkout-older")
    assert world.remembered.baseline is not None
    update = {
        "supersedes": asks,
        "stage_started_at": rfc3339(world.now - waited),
        "baseline": world.remembered.baseline.model_copy(update={"slow_bound": "0.5"}),
    }
    world.remembered = world.remembered.model_copy(update=update)
    look = world.shown()
    assert look.seen.metrics is not None
    return pending._could_not_start(look)


def test_pods_that_may_come_one_after_another_are_no_reason_yet_to_let_the_older_one_go() -> None:
    early, late = beside_an_older_one(1), beside_an_older_one(10_000)
    assert early is not None
    assert late is not None
    assert (early.held, late.held) == (None, "InsufficientCapacity")
