"""The names of all checkers, read from where they speak: a new one is found without being listed anywhere.

A checker says what is broken by `breach(promise, ...)`, or yields (promise, broken or not, what), or (promise, what). The
promise is a text or a constant of the module; `rules.RULES` are named after their functions.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator

from . import cells, crashing, kin_rules, outside, pair_world, remembered, rules, world

WHERE = (cells, crashing, kin_rules, outside, pair_world, remembered, world)
SPEAKS = frozenset({"breach", "_breach"})


def checkers() -> frozenset[str]:
    """Every name under which something can be found broken in cells, rollouts, pairs, and tales that are told again."""
    found = {rule.__name__ for rule in rules.RULES}
    for module in WHERE:
        for said in _said(ast.parse(inspect.getsource(module))):
            name = _text(said, module.__name__)
            found |= {name} if name else set()
    return frozenset(found)


def _said(tree: ast.AST) -> Iterator[ast.expr]:
    """What is said first, wherever something is said to be broken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SPEAKS:
            yield node.args[0]
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            yield node.value.elts[0]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.List):
            yield from (one.elts[0] for one in node.value.elts if isinstance(one, ast.Tuple))


def _text(said: ast.expr, module: str) -> str | None:
    """A text, or a constant of the module; None for a variable, which passes on what another checker said."""
    if isinstance(said, ast.Constant):
        return str(said.value)
    name = said.id if isinstance(said, ast.Name) else ""
    value = getattr(importlib.import_module(module), name, None) if name.isupper() else None
    return value if isinstance(value, str) else None
