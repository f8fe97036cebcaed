"""What a newer rollout takes over: how the route was before the older one, and what stable runs once it is stable's turn."""

from dataclasses import replace

import pytest

from hotfix.core import superseding
from hotfix.core.lineage import Supersedes
from hotfix.core.look import Look
from hotfix.core.observation import RivalView
from hotfix.core.originals import Borrowed, BorrowedRule
from hotfix.core.status import Baseline, Phase, Resolved, Stage

from .world import World, ready_world

EARLIER = "2027-01-15T07:00:00Z"
CONTROL = "checkout-older"
KNOWN = BorrowedRule(index=0, name="pay", stable_weight=3, patched_weight=1, others=[2])
LENT = Borrowed.model_validate(
    {
        "routes": [{"name": "shop", "reconcile": "disabled", "rules": [KNOWN.model_dump(by_alias=True)]}],
        "undo": "kubectl hotfix release older -n shop",
    }
)
YIELDED = Supersedes(name="older", uid="0", service=CONTROL, ready=True, yielded=True, borrowed=LENT)
OLDER = RivalView(
    name="older",
    uid="0",
    created=EARLIER,
    phase="Baking",
    stable="checkout",
    routes=("shop",),
    patched=CONTROL,
    service=CONTROL,
    status={"phase": "Baking"},
)


def taking(world: World, **more: object) -> Look:
    """`world`'s rollout, which has taken the place of the older one."""
    look = world.shown()
    seen = replace(look.seen, rivals=(OLDER,))
    return replace(look, seen=seen).having(look.status.model_copy(update={"supersedes": YIELDED, **more}))


def naming(stable: int, patched: int | None) -> World:
    world = ready_world()
    world.weights = (stable, patched)
    return world


@pytest.mark.parametrize(("patched", "was"), [(None, None), (0, 0), (5, 0)])
def test_the_route_was_as_before_the_older_one_with_its_backend_as_a_third(patched: int | None, was: int | None) -> None:
    lent = superseding.borrowed(taking(naming(95, patched)))
    (route,) = lent.routes
    assert (route.name, route.reconcile, lent.undo) == ("shop", "disabled", "kubectl hotfix release fix -n shop")
    assert route.rules == [KNOWN.model_copy(update={"older_weight": 1, "patched_weight": was})]


def test_what_this_rollout_itself_put_into_a_rule_was_not_there_before() -> None:
    injected = KNOWN.model_copy(update={"patched_weight": None})
    mine = LENT.model_copy(update={"routes": [LENT.routes[0].model_copy(update={"rules": [injected]})]})
    (route,) = superseding.borrowed(taking(naming(95, 5), borrowed=mine)).routes
    assert route.rules[0].patched_weight is None


def test_a_route_that_is_not_seen_is_taken_over_as_one_that_does_not_name_patched() -> None:
    look = taking(naming(95, 5))
    (route,) = superseding.borrowed(replace(look, seen=replace(look.seen, routes=None))).routes
    assert route.rules[0].patched_weight is None


# ---- what has become of the older one


@pytest.mark.parametrize(
    ("phase", "yielded", "ended"),
    [
        ("RolledBack", True, True),
        ("Superseded", True, True),
        ("Promoted", True, True),
        ("Baking", True, False),
        ("RolledBack", False, False),
        (None, True, True),
    ],
)
def test_it_has_ended_when_it_is_at_its_end_or_gone(phase: str | None, yielded: bool, ended: bool) -> None:
    look = taking(ready_world(), supersedes=YIELDED.model_copy(update={"yielded": yielded}))
    rivals = () if phase is None else (replace(OLDER, phase=phase),)
    after = superseding.noted(replace(look, seen=replace(look.seen, rivals=rivals))).supersedes
    assert after is not None
    assert after.ended is ended


def test_one_that_ended_stays_so_and_what_is_not_seen_changes_nothing() -> None:
    ended = taking(ready_world(), supersedes=YIELDED.model_copy(update={"ended": True}))
    assert superseding.noted(ended) == ended.status
    unseen = taking(ready_world())
    assert superseding.noted(replace(unseen, seen=replace(unseen.seen, rivals=None))) == unseen.status
    alone = taking(ready_world(), supersedes=None)
    assert superseding.noted(alone) == alone.status
    assert superseding.moved(alone, alone.status.model_copy(update={"phase": Phase.BAKING})).supersedes is None


# ---- stable's turn


@pytest.mark.parametrize(("ready", "pods"), [(3, 5), (7, 7)])
def test_when_it_is_stables_turn_it_is_known_what_stable_runs(ready: int, pods: int) -> None:
    world = ready_world()
    world.stable.template, world.stable.replicas, world.stable.ready = "v7", 9, ready
    claim = YIELDED.model_copy(update={"control": CONTROL, "moved": True})
    known = Baseline(
        stable_template=CONTROL, patched_template="v2", stable_images=[CONTROL], stable_pods=5, interval_seconds=5, late_blocks=9
    )
    resolved = Resolved(stable_service=CONTROL)
    look = taking(world, supersedes=claim, baseline=known, resolved=resolved, phase=Phase.PROMOTING, stage=Stage.PATCHING_STABLE)
    after = superseding.with_stable_again(look)
    assert after is not None
    assert after.baseline is not None
    assert (after.baseline.stable_template, after.baseline.stable_images) == ("v7", ["v7"])
    assert (after.baseline.stable_pods, after.baseline.interval_seconds) == (pods, 5)
    assert after.promotion is not None
    assert after.promotion.changes == ["containers.app.image"]
    assert superseding.with_stable_again(look.having(after)) is None, "and that once"
