"""What one rollout knows of the other on its route: whose place it takes, whom it waits for, and for how long."""

from dataclasses import replace
from typing import Any

import pytest

from hotfix.core import kin, preflight, superseding
from hotfix.core.lineage import SupersededBy, Supersedes
from hotfix.core.look import Look
from hotfix.core.moments import rfc3339
from hotfix.core.observation import RivalView, ScalerView
from hotfix.core.originals import Borrowed
from hotfix.core.status import Phase, Resolved, Stage, Status

from .world import a_spec, ready_world

EARLIER, LATER = "2027-01-15T07:00:00Z", "2027-01-15T09:00:00Z"
CLAIM = Supersedes(name="older", uid="0", service="checkout-older")
BOUND = {"name": "fix", "uid": "8c1f2e7a-0000", "since": EARLIER}


def older(**raw: Any) -> RivalView:
    """A rollout on the same rule, with a share."""
    routes = {"routes": [{"name": "shop", "rules": [0]}]}
    status = {"phase": "Analyzing", "stage": "Shifting", "weight": 25, "resolved": routes, **raw}
    patched = {"patched": "checkout-older", "service": "checkout-older"}
    return RivalView(
        name="older",
        uid="0",
        created=EARLIER,
        phase=status["phase"],
        stable="checkout",
        routes=("shop",),
        status=status,
        **patched,
    )


def looked(*rivals: RivalView, claim: Supersedes | None = None, **status: Any) -> Look:
    """A look of `fix` at the others."""
    look = ready_world().shown()
    known = look.status.model_copy(update={"phase": Phase.PENDING, "stage": Stage.SCALING, "supersedes": claim, **status})
    return Look(look.spec, known, replace(look.seen, rivals=rivals))


# ---- whose place may be taken


@pytest.mark.parametrize(
    ("raw", "may"),
    [
        ({}, True),
        ({"phase": "AwaitingGit", "stage": "AwaitingGit", "weight": 0}, True),
        ({"phase": "Promoting", "stage": "ReturnFailed", "weight": 100}, True),
        ({"weight": 0}, False),
        ({"phase": "Promoting", "stage": "Returning", "weight": 50}, False),
        ({"supersededBy": BOUND}, True),
        ({"supersededBy": {**BOUND, "uid": "another"}}, False),
        ({"supersedes": {"name": "x", "uid": "x", "service": "x"}}, False),
        ({"supersedes": {"name": "x", "uid": "x", "service": "x", "ended": True}}, True),
        ({"stableLost": {"since": EARLIER}}, False),
        ({"resolved": {"routes": [{"name": "shop", "rules": [0, 1]}]}}, False),
        ({"resolved": {"routes": []}}, False),
        ({"resolved": None}, False),
    ],
)
def test_a_place_is_taken_of_one_that_has_a_share_of_the_same_rules_and_is_free(raw: dict[str, Any], may: bool) -> None:
    assert kin.may_supersede(looked(), older(**raw)) is may


@pytest.mark.parametrize(
    "another",
    [{"created": LATER}, {"patched": "checkout-hotfix"}, {"service": "checkout-hotfix"}, {"stable": "cart"}],
    ids=["a newer one", "the same patch", "the same Service", "another stable"],
)
def test_no_place_is_taken_of(another: dict[str, Any]) -> None:
    assert not kin.may_supersede(looked(), replace(older(), **another))


def test_one_whose_place_is_taken_already_stays_so_when_its_rules_were_edited() -> None:
    edited = older(resolved={"routes": []})
    assert kin.may_supersede(looked(claim=CLAIM), edited)
    assert not kin.may_supersede(looked(claim=CLAIM.model_copy(update={"uid": "9"})), edited)


def test_of_several_the_newest_is_superseded() -> None:
    newest = replace(older(), name="middle", uid="1", created="2027-01-15T07:30:00Z")
    claimed = superseding.claimed(looked(older(), newest, claim=CLAIM))
    assert claimed is not None
    assert claimed.supersedes is not None
    assert claimed.supersedes.name == "middle"


@pytest.mark.parametrize("unseen", ["rivals", "routes"])
def test_what_cannot_be_seen_changes_no_claim(unseen: str) -> None:
    look = looked(claim=CLAIM)
    assert superseding.claimed(replace(look, seen=replace(look.seen, **{unseen: None}))) is None  # type: ignore[arg-type]


def test_a_claim_says_what_is_taken_over() -> None:
    claimed = superseding.claimed(looked(older()))
    assert claimed is not None
    assert claimed.supersedes == Supersedes(
        name="older", uid="0", stable="checkout", stable_service="checkout", service="checkout-older", control=None
    )
    assert superseding.claimed(looked(older(), claim=claimed.supersedes)) is None, "and that once"


@pytest.mark.parametrize("side", ["stable", "patched"])
@pytest.mark.parametrize("part", [None, "deployment", "service"])
def test_a_side_that_is_missing_or_out_of_sight_is_no_reason_against_a_claim(side: str, part: str | None) -> None:
    look = looked(older())
    without = None if part is None else replace(getattr(look.seen, side), **{part: None})
    claimed = superseding.claimed(replace(look, seen=replace(look.seen, **{side: without})))  # type: ignore[arg-type]
    assert claimed is not None
    assert claimed.supersedes is not None
    assert claimed.supersedes.name == "older"


def test_no_claim_is_made_beside_a_third_one_that_is_to_be_waited_for() -> None:
    third = replace(older(), name="third", uid="3", phase="Analyzing", created=LATER, template="v9")
    assert superseding.claimed(looked(older(), third)) is None
    apart = replace(third, stable="cart", routes=("cart",))
    assert superseding.claimed(looked(older(), apart)) is not None


def test_a_claim_on_one_that_is_gone_is_given_up() -> None:
    claimed = superseding.claimed(looked(claim=CLAIM))
    assert claimed is not None
    assert claimed.supersedes is None


def test_a_claim_on_another_one_knows_nothing_of_the_first() -> None:
    known = CLAIM.model_copy(update={"uid": "9", "ready": True, "fell": 2})
    claimed = superseding.claimed(looked(older(), claim=known))
    assert claimed is not None
    assert claimed.supersedes is not None
    assert (claimed.supersedes.uid, claimed.supersedes.ready, claimed.supersedes.fell) == ("0", False, 0)


@pytest.mark.parametrize(("name", "refused"), [("checkout-older", False), ("checkout", True)])
def test_git_may_keep_the_control_but_not_a_stable_that_is_to_be_patched(name: str, *, refused: bool) -> None:
    claim = CLAIM.model_copy(update={"stable": "checkout", "control": "checkout-older"})
    look = looked(older(phase="Baking"), claim=claim)
    assert look.seen.stable is not None
    assert look.seen.stable.deployment is not None
    kept = replace(look.seen.stable.deployment, name=name, owner="Flux Kustomization flux-system/shop")
    seen = replace(look.seen, stable=replace(look.seen.stable, deployment=kept))
    asked = a_spec(promotion={"mode": "PatchStable"})
    assert (preflight.managed_by_gitops(replace(look, spec=asked, seen=seen)) is not None) is refused


# ---- for how long


def waits(unasked: int, waited: float, *, ready: bool = False) -> bool:
    """It asks later, having waited so long since it could not start."""
    look = looked(older())
    claim = CLAIM.model_copy(update={"unasked": unasked, "ready": ready})
    moment = rfc3339(look.now - waited)
    known = look.status.model_copy(update={"supersedes": claim, "stage_started_at": moment})
    return superseding.asks_later(replace(look, status=known)) is not None


@pytest.mark.parametrize(("unasked", "seconds"), [(1, 10), (2, 20), (5, 160), (6, 300), (30, 300)])
def test_it_asks_again_after_twice_as_long_each_time_and_after_five_minutes_at_most(unasked: int, seconds: int) -> None:
    assert waits(unasked, seconds - 1)
    assert not waits(unasked, seconds)
    assert not waits(unasked, 0, ready=True)


def test_it_asks_at_once_the_first_time() -> None:
    assert not waits(0, 0)


@pytest.mark.parametrize(
    ("fell", "more", "gives_up"),
    [(2, {}, False), (3, {}, True), (3, {"paused": True}, False)],
)
def test_one_whose_pods_fall_for_the_third_time_is_given_up(fell: int, more: dict[str, Any], gives_up: bool) -> None:
    look = looked(older(), claim=CLAIM.model_copy(update={"fell": fell}), **more)
    assert (superseding.falls_again_and_again(look) is not None) is gives_up
    deleted = replace(look, seen=replace(look.seen, deleting=True))
    assert superseding.falls_again_and_again(deleted) is None


def test_what_is_unasked_is_counted_and_its_clock_starts() -> None:
    look = looked(older(), claim=CLAIM.model_copy(update={"ready": True, "yielded": True, "unasked": 1, "fell": 1}))
    for fell in (False, True):
        after = superseding.unasked(look, look.status, fell=fell)
        assert after.supersedes is not None
        assert (after.supersedes.ready, after.supersedes.yielded) == (False, False)
        assert (after.supersedes.unasked, after.supersedes.fell) == (2, 1 + fell)
        assert after.stage_started_at == rfc3339(look.now)


@pytest.mark.parametrize("claim", [None, CLAIM], ids=["no claim", "it has not asked"])
def test_one_that_has_not_asked_has_nothing_to_take_back(claim: Supersedes | None) -> None:
    look = looked(older(), claim=claim)
    assert superseding.unasked(look, look.status) == look.status


def test_no_claim_is_made_on_a_stable_that_is_not_the_one_this_hotfix_is_for() -> None:
    held = superseding.claimed(replace(looked(older()), spec=a_spec(stable={"image": "v0"})))
    assert held is not None
    assert (held.supersedes, held.held) == (None, "StableMoved")


@pytest.mark.parametrize(
    ("raw", "control"),
    [({"phase": "Analyzing"}, None), ({"phase": "Baking"}, "checkout-older"), ({"phase": "Baking", "supersededBy": BOUND}, None)],
    ids=["it is analysed", "it bakes", "it stands still, and is no control"],
)
def test_a_claim_names_the_older_patch_as_the_control_where_that_is_proven(raw: dict[str, Any], control: str | None) -> None:
    claimed = superseding.claimed(looked(older(**raw)))
    assert claimed is not None
    assert claimed.supersedes is not None
    assert claimed.supersedes.control == control


@pytest.mark.parametrize(("unfit", "let_go"), [(9, False), (10, True)])
def test_the_older_one_is_let_go_after_ten_seconds_of_something_in_the_way(unfit: int, let_go: bool) -> None:
    look = looked(older(), claim=CLAIM.model_copy(update={"ready": True}))
    look = replace(look, status=look.status.model_copy(update={"since": {"Unfit": rfc3339(look.now - unfit)}}))
    after = superseding.let_go(look, look.status)
    assert after.supersedes is not None
    assert after.supersedes.ready is not let_go


@pytest.mark.parametrize("why", ["paused", "deleting"])
def test_it_is_let_go_at_once_when_a_person_ends_the_waiting(why: str) -> None:
    look = looked(older(), claim=CLAIM.model_copy(update={"ready": True}))
    paused = replace(look, spec=a_spec(paused=True))
    look = paused if why == "paused" else replace(look, seen=replace(look.seen, deleting=True))
    after = superseding.let_go(look, look.status)
    assert after.supersedes is not None
    assert not after.supersedes.ready


# ---- who takes the place of whom


def taker(phase: str, stage: str, *, deleting: bool = False, **claim: Any) -> RivalView:
    """A newer one that names `fix`."""
    told = {"name": "fix", "uid": "8c1f2e7a-0000", "service": "checkout-hotfix", **claim}
    return replace(
        older(phase=phase, stage=stage, supersedes=told), name="newest", uid="7", created=LATER, phase=phase, deleting=deleting
    )


@pytest.mark.parametrize(
    ("rival", "takes"),
    [
        (taker("Pending", "Checking"), True),
        (taker("Pending", "Adopting"), True),
        (taker("Pending", "GivingBack"), False),
        (taker("Pending", "Scaling", deleting=True), False),
        (taker("RollingBack", "WeightZero"), True),
        (taker("RollingBack", "DrainingPatched"), False),
        (taker("RolledBack", "Done", moved=True), False),
        (taker("Promoted", "Done", moved=True), True),
        (taker("Promoted", "Done"), False),
        (taker("Superseded", "DrainingPatched", moved=True), True),
        (taker("Superseded", "DrainingPatched"), False),
        (taker("Baking", "Shifting", deleting=True), True),
        (taker("Baking", "Shifting", uid="somebody else"), False),
    ],
)
def test_a_newer_one_takes_the_place_as_long_as_it_may_have_a_share(rival: RivalView, takes: bool) -> None:
    assert (kin.newer(looked(rival)) is not None) is takes


def test_of_several_newer_ones_it_stands_still_for_the_one_it_began_with_then_for_one_that_can_serve() -> None:
    first = replace(taker("Pending", "Scaling"), name="a", uid="a")
    able = replace(taker("Pending", "Scaling", ready=True), name="b", uid="b")
    last = replace(taker("Pending", "Scaling"), name="c", uid="c")
    assert getattr(kin.newer(looked(first, able, last)), "name", None) == "b"
    assert getattr(kin.newer(looked(first, last)), "name", None) == "a"
    bound = SupersededBy(name="c", uid="c", since=EARLIER)
    assert getattr(kin.newer(looked(first, able, last, superseded_by=bound)), "name", None) == "c"


@pytest.mark.parametrize(
    ("status", "is_so"),
    [
        ({"phase": Phase.AWAITING_GIT, "weight": 100}, True),
        ({"phase": Phase.AWAITING_GIT, "weight": 0}, False),
        ({"phase": Phase.PROMOTING, "weight": 100}, True),
        ({"phase": Phase.ANALYZING, "weight": 50}, False),
        ({"phase": Phase.BAKING, "weight": 95}, False),
    ],
)
def test_a_patch_is_a_control_where_it_is_proven_or_stable_has_nothing(status: dict[str, Any], is_so: bool) -> None:
    assert kin.is_control(looked(**status).status) is is_so


@pytest.mark.parametrize(
    ("raw", "is_so"),
    [
        ({"phase": "Baking"}, True),
        ({"phase": "Baking", "weight": 0}, False),
        ({"phase": "AwaitingGit", "stage": "AwaitingGit"}, True),
        ({"phase": "Promoting", "stage": "ReturnFailed"}, True),
        ({"phase": "Promoting", "stage": "Returning"}, False),
        ({"phase": "Analyzing"}, False),
    ],
)
def test_an_older_one_is_proven_where_it_bakes_waits_for_git_or_took_everything_back(raw: dict[str, Any], is_so: bool) -> None:
    assert kin.is_proven(older(**raw)) is is_so


# ---- what is shared at the end


@pytest.mark.parametrize(
    ("rivals", "claim", "is_shared"),
    [
        ((), {}, False),
        ((older(),), {}, True),
        ((older(),), {"ended": True}, False),
        ((older(phase="RolledBack", stage="Done"),), {}, False),
        ((older(supersededBy=BOUND),), {"moved": True}, None),
        ((older(supersededBy={**BOUND, "uid": "9"}),), {"moved": True}, True),
        ((older(supersededBy=BOUND, phase="RollingBack", stage="WeightZero"),), {"moved": True}, True),
        ((older(supersededBy=BOUND),), {}, True),
    ],
)
def test_what_is_given_back_at_the_end_leaves_the_older_one_its_own(
    rivals: tuple[RivalView, ...], claim: dict[str, Any], is_shared: bool | None
) -> None:
    look = looked(*rivals, claim=CLAIM.model_copy(update=claim), stage_started_at=rfc3339(ready_world().now))
    assert kin.shared(look) is is_shared


@pytest.mark.parametrize(("waited", "is_shared"), [(119, None), (120, True)])
def test_the_older_one_is_waited_for_two_minutes(waited: int, is_shared: bool | None) -> None:
    moment = rfc3339(ready_world().now - waited)
    look = looked(older(supersededBy=BOUND), claim=CLAIM.model_copy(update={"moved": True}), stage_started_at=moment)
    assert kin.shared(look) is is_shared


# ---- what is taken over, and when


HPA = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
LENT = {"routes": [], "hpa": "checkout", "hpaMinReplicas": 1, "hpaRaisedTo": 4}
YIELDED = CLAIM.model_copy(update={"ready": True, "yielded": True, "stable": "checkout"})


def claim_of(status: Status | None) -> Supersedes:
    assert status is not None
    assert status.supersedes is not None
    return status.supersedes


def test_a_claim_on_the_same_one_keeps_what_was_counted() -> None:
    known = CLAIM.model_copy(update={"unasked": 2, "stable": "checkout", "stable_service": "checkout"})
    claim = claim_of(superseding.claimed(looked(older(phase="Baking"), claim=known)))
    assert (claim.unasked, claim.control) == (2, "checkout-older")


def test_nothing_is_waited_for_once_the_older_one_has_ended_or_is_gone() -> None:
    assert superseding.waits(looked(older(), claim=YIELDED.model_copy(update={"ended": True}))) is None
    assert superseding.waits(looked(claim=YIELDED)) is None


def test_until_the_older_one_stands_still_it_is_asked_to() -> None:
    asked = superseding.waits(looked(older(), claim=CLAIM))
    assert asked is not None
    assert (asked.held, claim_of(asked).ready, claim_of(asked).yielded) == ("Superseding", True, False)


@pytest.mark.parametrize(("control", "against"), [(True, "checkout-older"), (False, "checkout")])
def test_one_that_stands_still_says_whether_it_is_the_control(control: bool, against: str) -> None:
    still = superseding.waits(looked(older(supersededBy={**BOUND, "control": control}, borrowed=LENT, weight=40), claim=CLAIM))
    assert still is not None
    assert claim_of(still).control == (against if control else None)
    assert (claim_of(still).weight, claim_of(still).yielded, still.stage) == (40, True, Stage.CHECKING)
    assert claim_of(still).borrowed is not None
    assert still.message.endswith(f"judged against {against}.")


def test_one_that_is_no_longer_in_the_way_is_forgotten() -> None:
    free = superseding.dropped(looked(claim=YIELDED, stage=Stage.ADOPTING))
    assert free is not None
    assert (free.supersedes, free.stage) == (None, Stage.CHECKING)


def test_one_that_goes_on_is_asked_anew() -> None:
    again = superseding.dropped(looked(older(), claim=YIELDED, stage=Stage.ADOPTING))
    assert again is not None
    assert (claim_of(again).yielded, again.stage) == (False, Stage.SCALING)


@pytest.mark.parametrize(("claim", "pods"), [(None, 2), (CLAIM, 7), (CLAIM.model_copy(update={"control": "checkout-older"}), 2)])
def test_stable_has_the_pods_that_it_had_before_the_older_one(claim: Supersedes | None, pods: int) -> None:
    assert superseding.baseline(looked(older(baseline={"stablePods": 7}), claim=claim)).stable_pods == pods


def test_the_floor_of_stable_is_the_older_ones_to_give_back_until_it_stands_still() -> None:
    def floor(claim: Supersedes | None) -> tuple[str | None, int | None]:
        look = looked(older(), claim=claim)
        assert look.seen.stable is not None
        lent = superseding.borrowed(replace(look, seen=replace(look.seen, stable=replace(look.seen.stable, scaler=HPA))))
        return lent.hpa, lent.hpa_raised_to

    assert floor(None) == ("checkout", 2)
    assert floor(CLAIM) == (None, None)
    assert floor(CLAIM.model_copy(update={"borrowed": Borrowed.model_validate(LENT)})) == (None, None)
    assert floor(YIELDED) == (None, None)
    assert floor(YIELDED.model_copy(update={"borrowed": Borrowed.model_validate(LENT)})) == ("checkout", 4)


@pytest.mark.parametrize(
    ("update", "phase", "moves"),
    [
        ({}, Phase.BAKING, True),
        ({}, Phase.ANALYZING, False),
        ({"yielded": False}, Phase.BAKING, False),
        ({"control": "checkout-older"}, Phase.BAKING, False),
    ],
)
def test_the_older_ones_share_moves_when_enough_is_known(update: dict[str, Any], phase: Phase, moves: bool) -> None:
    look = looked(older(), claim=YIELDED.model_copy(update=update), phase=phase)
    assert claim_of(superseding.moved(look, look.status)).moved is moves


@pytest.mark.parametrize("ended", [True, False])
def test_what_moves_is_told_where_there_is_anything(ended: bool) -> None:
    look = looked(older(), claim=YIELDED.model_copy(update={"ended": ended}), phase=Phase.BAKING)
    told = [entry.reason for entry in superseding.moved(look, look.status).decisions]
    assert told.count("Superseding") == (not ended)


def test_with_everything_that_its_control_had_it_is_stables_turn() -> None:
    claim = YIELDED.model_copy(update={"control": "checkout-older"})
    look = looked(older(), claim=claim, phase=Phase.PROMOTING)
    has = superseding.with_stable_again(look)
    assert has is not None
    assert (claim_of(has).moved, has.decisions[-1].reason) == (True, "Superseding")
    look = look.having(has.model_copy(update={"baseline": superseding.baseline(look), "resolved": Resolved(stable_service="x")}))
    unseen = superseding.with_stable_again(replace(look, seen=replace(look.seen, stable=None)))
    assert unseen is not None
    assert (unseen.message, claim_of(unseen).rebased) == (has.message, False)
    again = superseding.with_stable_again(look)
    assert again is not None
    assert again.resolved is not None
    assert (claim_of(again).rebased, again.resolved.stable_service, again.resolved.promotion) == (True, "checkout", "PatchStable")
