"""Small questions of two rollouts about each other: who is bound to whom, who is the control, who gives up what."""

from typing import Any

import pytest

from hotfix.core import kin
from hotfix.core.lineage import SupersededBy
from hotfix.core.status import Phase, Stage

from .test_supersede_laws import BOUND, CLAIM, EARLIER, looked, older, taker

YIELDED = CLAIM.model_copy(update={"ready": True, "yielded": True})
CONTROL = YIELDED.model_copy(update={"control": "checkout-older", "stable": "checkout-before"})


@pytest.mark.parametrize(
    ("raw", "weight", "pods"),
    [
        ({"weight": 25, "baseline": {"stablePods": 4}}, 25, 4),
        ({"weight": "25", "baseline": {"stablePods": "4"}}, 0, 0),
        ({"weight": None, "baseline": "nonsense"}, 0, 0),
        ({"weight": None, "baseline": None}, 0, 0),
    ],
)
def test_what_cannot_be_read_of_another_counts_as_none(raw: dict[str, Any], weight: int, pods: int) -> None:
    assert (kin.weight_of(older(**raw)), kin.stable_pods_of(older(**raw))) == (weight, pods)


def test_the_older_one_is_known_by_its_uid() -> None:
    look = looked(taker("Pending", "Scaling"), older(), claim=CLAIM)
    assert getattr(kin.older(look), "name", None) == "older"
    assert kin.older(looked(older(), claim=CLAIM.model_copy(update={"uid": "9"}))) is None
    assert kin.older(looked(older())) is None


@pytest.mark.parametrize(
    ("change", "status", "is_so"),
    [
        ({}, {}, True),
        ({"control": None}, {}, False),
        ({"moved": True}, {}, False),
        ({"ended": True}, {}, True),
        ({"ended": True}, {"phase": Phase.ROLLING_BACK, "stage": Stage.WEIGHT_ZERO}, False),
        ({"ended": True}, {"phase": Phase.PENDING, "stage": Stage.GIVING_BACK}, False),
        ({}, {"phase": Phase.ROLLING_BACK, "stage": Stage.WEIGHT_ZERO}, True),
    ],
)
def test_the_older_patch_is_the_control_until_its_share_moved(
    change: dict[str, Any], status: dict[str, Any], is_so: bool
) -> None:
    look = looked(claim=CONTROL.model_copy(update=change), **status)
    assert kin.against_older(look.status) is is_so
    assert kin.stable_of(look) == ("checkout-before" if is_so else "checkout")


@pytest.mark.parametrize(
    ("change", "raw", "is_so"),
    [
        ({}, {"supersededBy": BOUND}, True),
        ({}, {}, False),
        ({}, {"supersededBy": {**BOUND, "uid": "9"}}, False),
        ({"yielded": False}, {"supersededBy": BOUND}, False),
        ({"yielded": False, "ended": True}, {}, True),
    ],
)
def test_the_older_one_is_bound_where_both_say_so(change: dict[str, Any], raw: dict[str, Any], is_so: bool) -> None:
    assert kin.is_bound(looked(older(**raw), claim=YIELDED.model_copy(update=change))) is is_so
    assert kin.is_bound(looked(older(**raw))), "nobody is superseded"


BACK = {"phase": Phase.ROLLING_BACK, "stage": Stage.WEIGHT_ZERO}


@pytest.mark.parametrize(
    ("control", "raw", "status", "is_so"),
    [
        (True, {"weight": 0}, BACK, True),
        (True, {"weight": 25}, BACK, False),
        (False, {"weight": 0}, BACK, False),
        (False, {"stableLost": {"since": EARLIER}}, BACK, True),
        (False, {"stableLost": {"since": EARLIER}}, {"phase": Phase.ANALYZING, "stage": Stage.SHIFTING}, False),
        (False, {"stableLost": {"since": EARLIER}, "supersededBy": BOUND}, BACK, False),
        (False, {"stableLost": {"since": EARLIER}, "phase": "RolledBack", "stage": "Done"}, BACK, False),
    ],
)
def test_on_its_way_back_it_gives_its_share_to_one_that_serves_for_a_lost_side(
    control: bool, raw: dict[str, Any], status: dict[str, Any], is_so: bool
) -> None:
    assert kin.gives_up(looked(older(**raw), claim=CONTROL if control else YIELDED, **status)) is is_so
    assert not kin.gives_up(looked(claim=CONTROL, **status))


@pytest.mark.parametrize(("phase", "is_so"), [("Pending", True), ("Analyzing", False)])
def test_only_one_that_has_not_begun_is_kept_from_the_start(phase: str, is_so: bool) -> None:
    assert kin.cannot_start(phase, "TargetNotFound") is is_so
    assert not kin.cannot_start(phase, "Superseding")


def test_the_one_whose_place_is_taken_is_not_waited_for() -> None:
    gone_on = older(weight=0)
    assert kin.is_taken(looked(claim=CLAIM), older())
    assert kin.is_taken(looked(claim=YIELDED), gone_on)
    assert not kin.is_taken(looked(claim=CLAIM), gone_on)
    assert not kin.is_taken(looked(claim=YIELDED.model_copy(update={"uid": "9"})), older())
    assert not kin.is_taken(looked(), older())


def test_the_other_one_lives_as_long_as_it_has_or_takes_a_share() -> None:
    bound = SupersededBy(name="newest", uid="7", since=EARLIER)
    assert kin.other_lives(looked(older(), claim=YIELDED))
    assert not kin.other_lives(looked(older(), claim=YIELDED.model_copy(update={"ended": True})))
    assert not kin.other_lives(looked(older(phase="RolledBack", stage="Done"), claim=YIELDED))
    assert not kin.other_lives(looked(claim=YIELDED))
    assert kin.other_lives(looked(taker("Analyzing", "Shifting"), superseded_by=bound))
    assert not kin.other_lives(looked(superseded_by=bound))
    assert not kin.other_lives(looked(taker("Analyzing", "Shifting")))
