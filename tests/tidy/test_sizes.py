import ast

from .tree import ROOT, python, short, tree

FILE_LINES = {"operator/": 300, "tests/": 500}
FUNCTION_LINES = 50
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"}


def test_files_are_short_enough_to_be_read() -> None:
    for folder, most in FILE_LINES.items():
        lengths = {short(path): len(path.read_text().splitlines()) for path in python(folder)}
        assert {name: lines for name, lines in lengths.items() if lines > most} == {}, "split them by what they do"


def test_functions_are_short_enough_to_be_seen_at_once() -> None:
    functions = {
        f"{short(path)} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python("operator/", "tests/")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(functions) > 500
    assert {name: lines for name, lines in functions.items() if lines > FUNCTION_LINES} == {}


def test_files_are_named_by_what_they_do() -> None:
    assert [short(p) for p in python("operator/", "tests/") if VAGUE.intersection(p.stem.lower().split("_"))] == []


def test_the_operator_folder_is_no_package_because_it_would_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert __import__("operator").__file__ != str(ROOT / "operator" / "__init__.py")
