"""Which rules of a route are the borrowed ones, after others edited the route: rules have no identity that survives an edit, an
index is only where a rule was. Pure, and the same for every kind of router.
"""

from collections.abc import Sequence

from .observation import RuleView
from .status import Borrowed, BorrowedRoute, BorrowedRule

Matches = list[tuple[RuleView, BorrowedRule]]  # (the rule now, what it was), in the order of the rules now, each once


def original_of(borrowed: Borrowed | None, name: str) -> BorrowedRoute | None:
    """What is remembered of the route of this name."""
    return next((route for route in borrowed.routes if route.name == name), None) if borrowed else None


def matched(rules: Sequence[RuleView], original: BorrowedRoute) -> Matches:
    """The borrowed rules, wherever they are now: by their name; the others in their order where that fits, as it does when
    somebody put a rule between them; else by their place, by naming patched, by naming both sides, and by having weights that we
    made of theirs. The surest matches are made first, so that they are not taken by others."""
    wanted = {was.name for was in original.rules if was.name}
    labels = {rule.index: rule.name if rule.name in wanted else None for rule in rules}
    label_of = {was.index: was.name if was.name in labels.values() else None for was in original.rules}
    free = [rule for rule in rules if labels[rule.index] is None and _names_both(rule)]
    unlabelled = [was for was in sorted(original.rules, key=lambda entry: entry.index) if label_of[was.index] is None]
    fits = len(free) == len(unlabelled) and all(multiplied(rule, was) for rule, was in zip(free, unlabelled, strict=True))
    ordered = {was.index: rule.index for was, rule in zip(unlabelled, free, strict=True)} if fits else {}

    def sureness(rule: RuleView, was: BorrowedRule) -> int | None:
        """0 is the surest; None: it cannot be this one."""
        label, both, place = label_of[was.index], _names_both(rule), rule.index == was.index
        if labels[rule.index] != label:
            return None
        made_by_us = both and multiplied(rule, was) is not None
        injected = rule.patched is not None and was.patched_weight is None
        order = (label is not None, ordered.get(was.index) == rule.index, made_by_us, both and place, both, injected, place)
        return order.index(True) if any(order) else None

    pairs = [(sure, rule, was) for was in original.rules for rule in rules if (sure := sureness(rule, was)) is not None]
    found: dict[int, tuple[RuleView, BorrowedRule]] = {}
    for _, rule, was in sorted(pairs, key=lambda pair: (pair[0], pair[1].index != pair[2].index, pair[1].index, pair[2].index)):
        if rule.index not in found and all(was is not other for _, other in found.values()):
            found[rule.index] = (rule, was)
    return [found[index] for index in sorted(found)]


def _names_both(rule: RuleView) -> bool:
    return rule.stable is not None and rule.patched is not None


def multiplied(rule: RuleView, was: BorrowedRule) -> int | None:
    """What the weights of a rule have been multiplied by since; None when somebody else changed them."""
    total, before = (rule.stable or 0) + (rule.patched or 0) + (rule.kept or 0), was.stable_weight + (was.patched_weight or 0)
    if before == 0 or total == 0 or total % before:
        return None
    factor = total // before
    return factor if known_before(rule.others, was) == [weight * factor for weight in was.others] else None


def known_before(others: Sequence[int], was: BorrowedRule) -> list[int]:
    """The weights of third backends without those of 0 that were added since, at the end: they change nothing."""
    found = list(others)
    while len(found) > len(was.others) and not found[-1]:
        found.pop()
    return found


def left_behind(rule: RuleView, was: BorrowedRule, *, shared: bool) -> bool:
    """A backend that we, or one that was superseded, put into the rule is still there. Where no other backend of it has a
    weight it stays: without it the rule would answer nobody. `shared`: the other rollout goes on, with its own."""
    older = not shared and was.older_weight is None and rule.kept is not None
    ours = older or (was.patched_weight is None and rule.patched is not None)
    return ours and bool(rule.stable or any(rule.others) or (shared and rule.kept))
