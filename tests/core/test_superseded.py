"""The older of two rollouts on a route: it stands still for the newer one, gives way to it, or goes on where it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hotfix.core import actions as act
from hotfix.core import awaiting_git, kin, rolling_back, superseding
from hotfix.core.lineage import Supersedes
from hotfix.core.look import Look
from hotfix.core.observation import RivalView
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

LATER = "2027-01-15T09:00:00Z"


def newer(phase: str | None = "Pending", stage: str = "Scaling", *, held: str | None = None, **claim: Any) -> RivalView:
    """It wants the place of `fix`."""
    told = {"name": "fix", "uid": "8c1f2e7a-0000", "service": "checkout-hotfix", "ready": True, **claim}
    raw = {"phase": phase, "stage": stage, "supersedes": told, **({"held": held} if held else {})}
    patched = {"patched": "checkout-second", "service": "checkout-second"}
    return RivalView(
        name="second", uid="2", created=LATER, phase=phase, stable="checkout", routes=("shop",), status=raw, **patched
    )


def analysed(**spec: Any) -> World:
    """At 25 %, with a weight that stays: nothing can be seen of the counts."""
    world = ready_world(asked=a_spec(startWeight=25, **spec)).phase(Phase.ANALYZING).rest(4)
    world.blind = True
    return world


def standing(world: World | None = None) -> World:
    """It stands still for the newer one."""
    world = world or analysed()
    world.rivals = (newer(),)
    return world.held("Superseding")


def superseded() -> World:
    world = standing()
    world.rivals = (newer("Baking", "Shifting", yielded=True, moved=True),)
    world.weights = (100, 0)
    return world.phase(Phase.SUPERSEDED)


def written(world: World) -> list[act.Action]:
    """What was written on the route since `performed` was emptied."""
    return [done for done in world.performed if isinstance(done, act.SetWeights | act.AdoptRoute | act.ReleaseRoute)]


def test_it_stands_still_with_what_it_has_and_writes_no_weights() -> None:
    world = standing()
    assert world.remembered.superseded_by is not None
    assert (world.remembered.superseded_by.name, world.remembered.superseded_by.control) == ("second", False)
    world.performed.clear()
    world.blind, world.weights = False, (30, 25)  # the newer one splits the rest
    world.rest(120)
    assert (world.remembered.phase, world.remembered.weight, world.weights) == (Phase.ANALYZING, 25, (30, 25))
    assert written(world) == []


@pytest.mark.parametrize("blinded", [True, False])
def test_what_cannot_be_seen_leaves_it_standing(blinded: bool) -> None:
    world = standing()
    world.unseen = blinded
    world.rest(60)
    assert world.remembered.held == "Superseding"


@pytest.mark.no_cover  # long, and covers nothing that others do not
def test_one_that_has_nothing_settled_does_not_stand_still_yet() -> None:
    world = ready_world(asked=a_spec(startWeight=25), ack_seconds=1000.0).phase(Phase.ANALYZING)
    world.rivals = (newer(),)
    assert world.rest(20).remembered.superseded_by is None
    world.acked_at = world.now
    assert world.held("Superseding").remembered.superseded_by is not None


def test_the_newer_one_is_waited_for_only_when_its_patch_can_serve() -> None:
    world = analysed()
    world.rivals = (newer(ready=False),)
    assert world.rest(60).remembered.superseded_by is None


def test_it_gives_way_when_its_share_has_moved_and_what_it_borrowed_is_the_newer_ones_to_give_back() -> None:
    world = standing()
    world.rivals = (newer("Baking", "Shifting", yielded=True, moved=True),)
    assert world.rest(5).remembered.phase is Phase.ANALYZING, "its share is still there"
    world.weights = (100, 0)
    world.performed.clear()
    world.phase(Phase.SUPERSEDED)
    assert world.remembered.borrowed is None
    world.stage(Stage.DONE)
    assert written(world) == []
    assert [done.replicas for done in world.performed if isinstance(done, act.Scale)] == [0]
    assert not world.finalizer


def test_its_pods_stay_where_the_manifest_keeps_them() -> None:
    world = standing(analysed(patched={"afterRollback": "Keep"}))
    world.rivals = (newer("Baking", "Shifting", yielded=True, moved=True),)
    world.weights = (100, 0)
    world.stage(Stage.DONE)
    assert world.patched.replicas == 2


ENDED = [(), (newer("RolledBack", "Done", yielded=True),), (newer("RollingBack", "DrainingPatched", yielded=True),)]


@pytest.mark.parametrize("rivals", ENDED, ids=["gone", "rolled back", "its weight is 0"])
def test_it_goes_on_where_it_was_when_the_newer_one_has_ended(rivals: tuple[RivalView, ...]) -> None:
    world = standing().rest(60)
    world.rivals = rivals
    world.rest(2)
    assert (world.remembered.superseded_by, world.remembered.weight, world.weight) == (None, 25, 25)
    assert len(world.remembered.excluded) == 1
    assert world.remembered.stopped_seconds >= 60
    world.blind, world.rivals = False, ()
    world.phase(Phase.PROMOTED)


def test_it_stands_still_until_the_newer_one_has_no_weight_any_more() -> None:
    world = standing()
    world.rivals = (newer("RollingBack", "WeightZero", yielded=True),)
    assert world.rest(30).remembered.held == "Superseding"


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.AWAITING_GIT])
def test_one_that_is_proven_is_the_control_of_the_newer_one(phase: Phase) -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "AwaitGit"}, analysis={"bakeTime": "5m"})).phase(phase).rest(3)
    world = standing(world)
    assert world.remembered.superseded_by is not None
    assert world.remembered.superseded_by.control
    for verb in ("rollback", "release", "promote"):
        world.request = f"{verb}:{phase}"
        world.rest(3)
        answer = world.remembered.last_handled_request
        assert answer is not None
        assert answer.result == "Refused", verb
    world.rivals = ()
    world.rest(5)
    assert world.remembered.phase is phase
    assert world.remembered.superseded_by is None


def test_the_control_stays_whatever_its_pods_do_for_stable_may_be_worse() -> None:
    world = standing(ready_world(asked=a_spec(promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(3))
    world.patched.ready = 0
    assert world.rest(30).remembered.held == "Superseding"


def test_one_without_traffic_that_waits_for_git_stands_still_whatever_becomes_of_its_patch() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(3)
    world.patched.ready = 0
    standing(world.rest(5))
    assert world.remembered.superseded_by is not None
    assert (world.remembered.weight, world.remembered.superseded_by.control) == (0, False)
    assert world.rest(30).remembered.held == "Superseding"


def test_it_gives_way_to_one_that_was_promoted_before_it_was_looked_at() -> None:
    world = standing()
    world.rivals = (newer("Promoted", "Done", yielded=True, moved=True),)
    world.weights = (100, 0)
    borrowed = world.remembered.borrowed
    world.phase(Phase.SUPERSEDED)
    assert (world.remembered.weight, world.remembered.borrowed) == (0, borrowed), "nobody else gives it back any more"


@pytest.mark.parametrize("verb", ["rollback", "release"])
def test_a_person_takes_back_what_stands_still(verb: str) -> None:
    world = standing()
    world.request = f"{verb}:1"
    world.phase(Phase.ROLLING_BACK)
    assert world.weight == 0


def test_pods_that_cannot_serve_end_it_while_it_stands_still() -> None:
    world = standing()
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK)
    assert world.remembered.why == "PatchedLost"


def test_on_its_way_back_it_leaves_the_stamp_and_the_ownership_of_the_newer_one() -> None:
    world = standing()
    world.rivals, world.patched.ready = (newer("Analyzing", "Shifting", yielded=True),), 0
    world.phase(Phase.ROLLING_BACK)
    world.stamp = "second.2.7"
    world.performed.clear()
    world.phase(Phase.ROLLED_BACK)
    given = [done for done in world.performed if isinstance(done, act.ReleaseRoute)]
    assert [(done.shared, done.unstamp) for done in given] == [(True, False)]
    assert not any(isinstance(done, act.SetWeights) for done in world.performed)


def test_a_deletion_waits_for_a_newer_one_that_is_coming() -> None:
    world = analysed()
    world.rivals, world.deleting = (replace(newer(None), status={}),), True
    assert world.rest(20).weight == 25
    world.rivals = (newer(ready=False),)
    assert world.rest(20).weight == 25
    world.rivals = (newer(),)
    world.rest(3)
    assert world.remembered.superseded_by is not None
    world.rivals = (newer("Baking", "Shifting", yielded=True, moved=True),)
    world.weights = (100, 0)
    world.run(lambda w: w.gone, seconds=120)


HINDERED = [(), (replace(newer(None), created="2027-01-15T07:00:00Z", status={}),), (newer(ready=False, held="TargetNotFound"),)]


@pytest.mark.parametrize("rivals", HINDERED, ids=["nobody", "an older one", "one that is held"])
def test_a_deletion_does_not_wait_for_what_does_not_come(rivals: tuple[RivalView, ...]) -> None:
    world = analysed()
    world.rivals, world.deleting = rivals, True
    world.phase(Phase.ROLLING_BACK)
    assert (world.remembered.why, world.weight) == ("Deleted", 0)


def test_a_deletion_that_waits_is_ended_by_a_release() -> None:
    world = analysed()
    world.rivals, world.deleting = (replace(newer(None), status={}),), True
    world.rest(5).request = "release:1"
    world.phase(Phase.ROLLING_BACK)
    assert (world.remembered.why, world.weight) == ("Released", 0)


def test_it_ends_by_itself_rather_than_to_stand_still() -> None:
    world = analysed()
    world.rivals, world.request = (newer(),), "rollback:1"
    world.phase(Phase.ROLLING_BACK)
    assert world.remembered.superseded_by is None


def test_what_it_has_given_up_is_not_taken_for_something_that_is_missing() -> None:
    world = superseded()
    assert world.rest(3).remembered.stage is not Stage.CHECKING


NONSENSE = [{"supersedes": {"name": "fix"}}, {"supersededBy": {"name": "fix"}}, {"borrowed": {"routes": 7}}, {}]


@pytest.mark.parametrize("raw", NONSENSE)
@pytest.mark.parametrize("reading", [kin.claim_of, kin.yielded_to, kin.borrowed_by])
def test_what_somebody_edited_into_nonsense_is_none(raw: dict[str, Any], reading: Callable[[RivalView], object]) -> None:
    assert reading(replace(newer(), status=raw)) is None


def test_whether_the_route_is_shared_is_not_known_while_the_others_cannot_be_seen() -> None:
    world = standing()
    world.unseen = True
    assert kin.shared(Look(world.asked, world.remembered, world.observe())) is None


CLAIM = Supersedes(name="older", uid="0", ready=True, yielded=True, control="older", service="older", moved=True)


def test_a_route_is_not_given_back_while_the_other_rollout_cannot_be_seen() -> None:
    world = analysed()
    known = world.remembered.model_copy(update={"stage": Stage.GIVING_BACK, "supersedes": CLAIM})
    assert rolling_back.giving_back(Look(world.asked, known, replace(world.observe(), rivals=None))).stage is Stage.GIVING_BACK


def test_a_newer_one_is_compared_with_stable_again_when_that_can_be_seen() -> None:
    world = analysed()
    look = Look(world.asked, world.remembered.model_copy(update={"supersedes": CLAIM}), world.observe())
    unseen = superseding.with_stable_again(replace(look, seen=replace(look.seen, stable=None)))
    rebased = superseding.with_stable_again(look)
    assert unseen is not None
    assert unseen.supersedes == CLAIM
    assert rebased is not None
    assert rebased.supersedes is not None
    assert rebased.supersedes.rebased


def test_a_deletion_that_waits_for_git_says_so_only_when_stable_can_be_seen() -> None:
    world = ready_world(asked=a_spec(promotion={"mode": "AwaitGit"})).phase(Phase.AWAITING_GIT).rest(3)
    world.deleting = True
    seen = replace(world.observe(), stable=None)
    assert awaiting_git.awaiting_git(Look(world.asked, world.remembered, seen)).held == "ClusterUnavailable"
