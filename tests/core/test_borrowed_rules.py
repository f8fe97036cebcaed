"""Which rules of a route are the borrowed ones, whatever others did to it; and what of ours is left in one."""

from collections.abc import Sequence

import pytest

from hotfix.core.borrowed import known_before, left_behind, matched, multiplied
from hotfix.core.observation import RuleView
from hotfix.core.originals import BorrowedRoute, BorrowedRule


def now(index: int, stable: int | None = None, patched: int | None = None, **more: object) -> RuleView:
    return RuleView(**{"index": index, "name": None, "port": None, "stable": stable, "patched": patched, **more})


def was(index: int, stable: int = 1, patched: int | None = None, **more: object) -> BorrowedRule:
    return BorrowedRule(index=index, stable_weight=stable, patched_weight=patched, **more)  # type: ignore[arg-type]


def pairs(rules: Sequence[RuleView], *before: BorrowedRule) -> dict[int, int]:
    """Index of a rule now -> the one that it had."""
    return {rule.index: known.index for rule, known in matched(rules, BorrowedRoute(name="shop", rules=list(before)))}


# ---- what the weights were multiplied by


@pytest.mark.parametrize(
    ("rule", "known", "factor"),
    [
        (now(0, 1), was(0), 1),
        (now(0, 95, 5), was(0), 100),
        (now(0, None, 100), was(0), 100),
        (now(0, 100, None), was(0), 100),
        (now(0, 50, 25, kept=25), was(0), 100),
        (now(0, 150, 50), was(0, 1, 1), 100),
        (now(0, 855, 45, others=(100,)), was(0, 90, 0, others=[10]), 10),
        (now(0, 855, 45, others=(100, 0)), was(0, 90, 0, others=[10]), 10),
        (now(0, 855, 45, others=(90,)), was(0, 90, 0, others=[10]), None),
        (now(0, 2, 0), was(0, 3), None),
        (now(0, 4, 0), was(0, 3), None),
        (now(0, 0, 0), was(0), None),
        (now(0, 5, 0), was(0, 0, 0), None),
        (now(0, 2, 2), was(0, 3, 1), 1),
    ],
)
def test_weights_that_are_ours_are_a_multiple_of_what_they_were(rule: RuleView, known: BorrowedRule, factor: int | None) -> None:
    assert multiplied(rule, known) == factor


@pytest.mark.parametrize(
    ("others", "known", "left"),
    [((10,), [10], [10]), ((10, 0, 0), [10], [10]), ((10, 5), [10], [10, 5]), ((0,), [0], [0]), ((10, 0, 5), [10], [10, 0, 5])],
)
def test_backends_of_weight_0_that_came_since_change_nothing(others: tuple[int, ...], known: list[int], left: list[int]) -> None:
    assert known_before(others, was(0, others=known)) == left


# ---- which rule is which


def test_a_rule_is_known_by_its_name_wherever_it_is() -> None:
    before = (was(0, name="cart"), was(1, name="pay"))
    assert pairs([now(0, 95, 5, name="pay"), now(1, 95, 5, name="cart")], *before) == {0: 1, 1: 0}
    assert pairs([now(0, 7, 3, name="pay"), now(1, 95, 5, name="other")], *before) == {0: 1, 1: 0}, (
        "what lost its name: by the rest"
    )


def test_a_rule_that_somebody_put_before_ours_moves_them_in_their_order() -> None:
    rules = [now(0, 1), now(1, 95, 5), now(2, 95, 5)]
    assert pairs(rules, was(0), was(1)) == {1: 0, 2: 1}
    assert pairs(rules, was(1), was(0)) == {1: 0, 2: 1}


def test_where_the_order_does_not_fit_weights_that_are_ours_tell() -> None:
    assert pairs([now(0, 7, 4), now(1, 95, 5), now(2, 9, 9)], was(0, 4), was(5, 5)) == {1: 0, 0: 5}
    assert pairs([now(0, 2, 1), now(1, 5, 4)], was(0, 2), was(1, 4)) == {0: 0, 1: 1}, "nobody's weights: by their place"


def test_a_rule_that_names_both_sides_is_ours_before_one_in_its_place() -> None:
    assert pairs([now(0, 1), now(1, 7, 4)], was(0, 3)) == {1: 0}


def test_a_rule_that_has_lost_stable_is_known_by_patched_which_was_not_there() -> None:
    assert pairs([now(0, 1), now(1, None, 100)], was(0)) == {1: 0}
    assert pairs([now(0, 1), now(1, None, 100)], was(0, 1, 1)) == {0: 0}, "it was there: by its place"


def test_each_is_found_once_and_what_is_not_there_never() -> None:
    assert pairs([now(0, 95, 5)], was(0), was(1)) == {0: 0}
    assert pairs([now(3, 1)], was(0)) == {}
    assert pairs([], was(0)) == {}


# ---- what is left of ours


@pytest.mark.parametrize(
    ("rule", "known", "shared", "left"),
    [
        (now(0, 1, 0), was(0), False, True),
        (now(0, 1), was(0), False, False),
        (now(0, 1, 0), was(0, 1, 0), False, False),
        (now(0, 0, 5), was(0), False, False),
        (now(0, 0, 5, others=(1,)), was(0), False, True),
        (now(0, 0, 5, others=(0,)), was(0), False, False),
        (now(0, 0, 5, kept=3), was(0), True, True),
        (now(0, 0, 5, kept=0), was(0), True, False),
        (now(0, 1, None, kept=0), was(0), False, True),
        (now(0, 1, None, kept=0), was(0), True, False),
        (now(0, 1, None, kept=0), was(0, older_weight=0), False, False),
    ],
)
def test_a_backend_that_we_put_in_is_left_behind(rule: RuleView, known: BorrowedRule, shared: bool, left: bool) -> None:
    assert left_behind(rule, known, shared=shared) is left
