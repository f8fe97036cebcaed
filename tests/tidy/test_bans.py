import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .tree import python, short, texts, tree

OWN = Path(__file__)
CODE = [path for path in python("operator/", "tests/") if path != OWN]
SPOKEN = [path for path in texts() if path != OWN and not path.name.endswith((".lock", "go.sum", "go.mod", "LICENSE"))]

# what it is -> pattern
BANNED_WORDS = {
    "an unfinished thought: finish it, or say why it is right as it is": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a path of one machine": r"(?<![\w.])/(work|root|home/\w+|Users/\w+)/",
    "the host of a package registry (the user chooses it)": r"\b(pypi\.org|pythonhosted\.org|(proxy|sum)\.golang\.org)\b",
    "a folder that readers do not have": r"\bshared/design\b|(?<![\w/])design/\w+\.md\b",
    "a mark of a merge": r"^(<{7}|>{7}) ",
}
SKIPPING = {"pytest.skip", "pytest.xfail", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of these kinds in operator/ and tests/."""
    for path in CODE:
        for node in ast.walk(tree(path)):
            if isinstance(node, kinds):
                yield path, node


def at(path: Path, node: ast.AST) -> str:
    return f"{short(path)}:{getattr(node, 'lineno', '?')}"


def test_nothing_waits_for_a_duration_when_it_means_a_condition() -> None:
    called = [at(path, node) for path, node in nodes(ast.Attribute) if ast.unparse(node) == "time.sleep"]
    imported = [at(path, node) for path, node in nodes(ast.ImportFrom) if ast.unparse(node).startswith("from time import sleep")]
    assert called + imported == []


def _silent(line: ast.stmt) -> bool:
    return isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))


def test_no_error_is_swallowed_without_a_word() -> None:
    handlers = [(path, node) for path, node in nodes(ast.ExceptHandler) if isinstance(node, ast.ExceptHandler)]
    assert len(handlers) > 20
    assert [at(path, node) for path, node in handlers if all(map(_silent, node.body))] == []


def test_nothing_is_left_to_be_implemented() -> None:
    assert [short(path) for path in python("operator/") if "NotImplementedError" in path.read_text()] == []


@pytest.mark.parametrize("what", BANNED_WORDS)
def test_no_file_contains(what: str) -> None:
    pattern = re.compile(BANNED_WORDS[what], re.MULTILINE)
    assert [f"{short(path)}: {match.group()}" for path in SPOKEN if (match := pattern.search(texts()[path]))] == []


def test_a_skip_has_a_reason_and_is_an_error_in_ci() -> None:
    calls = [(path, node) for path, node in nodes(ast.Call) if isinstance(node, ast.Call) and ast.unparse(node.func) in SKIPPING]
    bare = {id(node): at(path, node) for path, node in nodes(ast.Attribute) if ast.unparse(node) in SKIPPING}
    for _, call in calls:
        bare.pop(id(call.func), None)
    silent = [
        at(path, call) for path, call in calls if not call.args and not any(keyword.arg == "reason" for keyword in call.keywords)
    ]
    assert silent + list(bare.values()) == [], "say why"
    assert [at(path, call) for path, call in calls if '"CI"' not in path.read_text()] == [], "fail where CI=true"
