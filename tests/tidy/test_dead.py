from pathlib import Path

import pytest
from vulture import Vulture

from hotfix.core.spec import Preset

from .tree import ROOT, imported_by, module_name, python, short, texts

ENTRIES = ("hotfix.runtime.app", "hotfix.cli.app", "hotfix.cli.completing", "hotfix.__main__")

# name -> why it is alive although nothing in operator/ reads it
ALIVE = {
    "model_config": "pydantic reads it",
    "_root": "typer calls it: it makes `init` a command and not the whole program",
    "init_command": "typer calls it",
    "why_command": "typer calls it",
    "doctor_command": "typer calls it",
    "release_command": "typer calls it",
    "backtest_command": "typer calls it",
    "crd_command": "typer calls it",
    "ignore_aliases": "PyYAML calls it",
    "trace": "a parameter of __aexit__",
    "STARTED": "a member of Counter, over which is iterated",
    "_value_": "the standard library's enum reads it",
    "trust_env": "requests reads it",
    "refresh_api_key_hook": "the Kubernetes client calls it",
    "connection_pool_maxsize": "the Kubernetes client reads it",
    "client_session_kwargs": "the Kubernetes client reads it",
    "max_size": "asyncio reads it",
    "standalone": "a setting of kopf",
    "enabled": "a setting of kopf",
    "disabled": "a setting of kopf",
    "request_timeout": "a setting of kopf",
    "connect_timeout": "a setting of kopf",
    "error_backoffs": "a setting of kopf",
    "ultimate_exiting_timeout": "a setting of kopf",
    "diffbase_storage": "a setting of kopf",
    "build": "kopf calls it",
    "fetch": "kopf calls it",
    "extra_fields": "a parameter that kopf gives",
    "essence": "a parameter that kopf gives",
    "OFF": "a value of analysis.clientErrors, which is compared with the other one",
    **{preset.name: "a value of metrics.preset, by which queries are found" for preset in Preset},
}


def test_every_module_of_the_operator_is_reached_from_a_program() -> None:
    modules = {module_name(path): path for path in python("operator/")}
    reached, pending = set(), list(ENTRIES)
    while pending:
        name = pending.pop()
        if name in modules and name not in reached:
            reached.add(name)
            parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
            pending += [*imported_by(modules[name]), *parents]
    assert sorted(short(modules[name]) for name in modules.keys() - reached) == []


def test_every_module_under_tests_is_a_test_or_used_by_one() -> None:
    paths = python("tests/")
    used = {name for path in paths for name in imported_by(path)}
    started = "\n".join(text for path, text in texts().items() if path.suffix in {".py", ".toml"} or path.name == "Makefile")
    dead = [
        short(path)
        for path in paths
        if not path.name.startswith(("test_", "conftest", "__init__", "__main__"))
        and module_name(path) not in used
        and f'"{path.name}"' not in started
        and module_name(path) not in started
    ]
    assert dead == []


@pytest.fixture(scope="module")
def unused() -> dict[str, list[str]]:
    """Name -> where it is defined and never used, as vulture sees it."""
    scanner = Vulture()
    scanner.scavenge([str(ROOT / "operator")])
    found: dict[str, list[str]] = {}
    for item in scanner.get_unused_code(min_confidence=60):
        where = short(Path(item.filename).resolve())
        found.setdefault(item.name, []).append(f"{where}:{item.first_lineno} {item.name}")
    return found


def test_nothing_is_defined_and_never_used(unused: dict[str, list[str]]) -> None:
    assert [where for name, places in sorted(unused.items()) if name not in ALIVE for where in places] == []


def test_the_list_of_what_is_alive_holds_nothing_else(unused: dict[str, list[str]]) -> None:
    assert sorted(ALIVE.keys() - unused.keys()) == []
