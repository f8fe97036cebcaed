"""Every reason that the docs list is given by some code, and conditions give no other."""

import ast

from hotfix.core.reasons import Reason

from .tree import python, short, tree

DEFINED = "operator/hotfix/core/reasons.py"
# a set, a comparison or the key of a table asks about a reason; all else gives it
ASKING = ast.Set | ast.Compare


def given() -> dict[str, list[str]]:
    """Name of a reason -> the places that give it."""
    found: dict[str, list[str]] = {}
    for path in python("operator/"):
        if short(path) != DEFINED:
            for name in _given(tree(path)):
                found.setdefault(name, []).append(short(path))
    return found


def _given(node: ast.AST) -> list[str]:
    if isinstance(node, ASKING):
        return []
    if isinstance(node, ast.Dict):
        return [name for value in node.values for name in _given(value)]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
        return [node.attr]
    return [name for child in ast.iter_child_nodes(node) for name in _given(child)]


def test_every_reason_is_given_as_a_decision_or_a_condition() -> None:
    found = given()
    assert len(found) > 40
    assert [reason.value for reason in Reason if reason.name not in found] == []


def test_a_table_of_reasons_does_not_count_as_giving_them() -> None:
    asked = ast.parse("A = {Reason.X, Reason.Y}\nB = {Reason.Z: 1}\nif held == Reason.V: pass\nC = {1: Reason.W}")
    assert _given(asked) == ["W"]


def test_conditions_give_no_word_that_is_no_reason() -> None:
    path = next(path for path in python("operator/hotfix/core/") if path.name == "conditions.py")
    words = [
        argument.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_fact", "_ended")
        for argument in node.args[1 if node.func.id == "_ended" else 2 :]
        if isinstance(argument, ast.Constant)
    ]
    assert words == []
