"""The files of the repository, parsed once. No tests here."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


@functools.cache
def files() -> tuple[Path, ...]:
    """Everything that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file()))


def short(path: Path) -> str:
    """The path as a person would name it."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def texts() -> dict[Path, str]:
    """Every file that is text."""
    found = {}
    for path in files():
        try:
            found[path] = path.read_text()
        except UnicodeDecodeError:
            continue
    return found


def python(*folders: str) -> tuple[Path, ...]:
    """Python files below these folders."""
    return tuple(path for path in files() if path.suffix == ".py" and short(path).startswith(folders))


@functools.cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(path.read_text(), filename=str(path))


def module_name(path: Path) -> str:
    """`operator/hotfix/core/spec.py` is hotfix.core.spec, `tests/e2e/shop.py` is tests.e2e.shop."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    parts = parts[1:] if parts[0] == "operator" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> set[str]:
    """Names of modules that a file imports (`from a import b` may mean a.b, so both are given)."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {source} | {f"{source}.{alias.name}" for alias in node.names}
    return found
