from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.cli import crd

FILE = Path(__file__).parents[2] / "crds" / "hotfixrollout.yaml"
VERSION = crd.definition()["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]["properties"]


def fields(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below a node, with its path."""
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if "items" in node:
        yield from fields(node["items"], f"{path}[]")


def nodes(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A node and everything below it, list items and map values too."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from nodes(node[key], f"{path}[]")


FIELDS = [*fields(SCHEMA["spec"], "spec"), *fields(SCHEMA["status"], "status")]
NODES = [*nodes(SCHEMA["spec"], "spec"), *nodes(SCHEMA["status"], "status")]


def test_the_file_is_what_the_models_generate() -> None:
    assert FILE.read_text() == crd.render(), "run `make crd` and commit the result"


@pytest.mark.parametrize(("path", "node"), FIELDS, ids=[path for path, _ in FIELDS])
def test_every_field_is_described(path: str, node: dict[str, Any]) -> None:
    assert node.get("description", "").rstrip().endswith((".", ".)")), f"{path} needs a description that is a sentence"


@pytest.mark.parametrize(("path", "node"), NODES, ids=[path for path, _ in NODES])
def test_every_value_is_bounded(path: str, node: dict[str, Any]) -> None:
    match node.get("type"):
        case "string":
            assert "maxLength" in node or "enum" in node, path
        case "array":
            assert "maxItems" in node, path
            assert node["x-kubernetes-list-type"] in ("atomic", "map"), path
        case "object":
            assert "properties" in node or "maxProperties" in node, path
        case kind:
            assert kind in ("integer", "boolean") or node.get("x-kubernetes-int-or-string"), path


def test_nothing_is_a_float() -> None:
    assert [path for path, node in NODES if node.get("type") == "number"] == []


def test_what_is_not_given_shows_its_default_also_inside_of_objects() -> None:
    for name in ("traffic", "metrics", "analysis", "promotion"):
        assert SCHEMA["spec"]["properties"][name]["default"] == {}, name
    assert SCHEMA["spec"]["properties"]["analysis"]["properties"]["risk"]["default"] == {}
    assert SCHEMA["spec"]["properties"]["steps"]["default"] == [1, 5, 25, 50]
    assert "default" not in SCHEMA["spec"]["properties"]["incident"]


def test_every_rule_has_a_sentence_that_begins_like_one_and_fits_a_line() -> None:
    rules = [rule for _, node in NODES for rule in node.get("x-kubernetes-validations", [])]
    assert len(rules) > 30
    assert all(10 < len(rule["message"]) <= 130 and "\n" not in rule["message"] for rule in rules)


def test_what_may_not_change_can_neither_come_nor_go() -> None:
    """A rule about oldSelf is asked only of a field that was there before and is there after: required, or with a default."""
    spec = SCHEMA["spec"]
    fixed = {
        path.removeprefix("spec.")
        for path, node in NODES
        if any("oldSelf" in rule["rule"] for rule in node.get("x-kubernetes-validations", []))
    }
    assert fixed == {"stable", "patched", "traffic"}
    assert "spec" in VERSION["schema"]["openAPIV3Schema"]["required"]
    assert [name for name in fixed if name not in spec["required"] and "default" not in spec["properties"][name]] == []


def test_the_status_is_bounded_but_has_no_opinions() -> None:
    opinions = {"enum", "pattern", "minimum", "maximum", "default", "x-kubernetes-validations"}
    assert [path for path, node in nodes(SCHEMA["status"], "status") if opinions & node.keys()] == []


def test_conditions_are_a_map_by_type_and_generations_are_long() -> None:
    conditions = SCHEMA["status"]["properties"]["conditions"]
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])
    assert SCHEMA["status"]["properties"]["observedGeneration"]["format"] == "int64"
    assert conditions["items"]["properties"]["observedGeneration"]["format"] == "int64"


def test_columns_point_at_fields_that_exist() -> None:
    known = {f".{path}" for path, _ in FIELDS} | {".metadata.creationTimestamp"}
    assert {column["jsonPath"].removesuffix("[0]") for column in VERSION["additionalPrinterColumns"]} <= known
    assert [column["name"] for column in VERSION["additionalPrinterColumns"] if not column.get("priority")] == [
        "Phase",
        "Weight",
        "Verdict",
        "Next",
        "Incident",
        "Age",
    ]


def test_a_field_that_does_nothing_yet_is_not_there() -> None:
    assert set(SCHEMA["spec"]["properties"]) == {
        "stable", "patched", "traffic", "metrics", "startWeight", "steps",
        "analysis", "fix", "promotion", "urgency", "control", "incident", "expires", "paused",
    }  # fmt: skip


def test_the_file_is_one_plain_document() -> None:
    assert "&id" not in FILE.read_text()
    assert len(list(yaml.safe_load_all(FILE.read_text()))) == 1


def test_no_field_of_the_spec_names_another_namespace_a_secret_or_an_address() -> None:
    """Whoever may edit HotfixRollouts can neither make the operator leave the namespace nor call what he likes."""
    names = {path.rpartition(".")[2] for path, _ in NODES if path.startswith("spec.")}
    assert len(names) > 30
    odd = {
        name for name in names for word in ("namespace", "secret", "host", "address", "endpoint", "token") if word in name.lower()
    }
    assert odd == set()
    assert {name for name in names if "url" in name.lower()} == {"url"}, "incident.url, which is shown and never called"
    adapters = Path(crd.__file__).parents[1] / "adapters"
    assert [file.name for file in adapters.rglob("*.py") if "incident" in file.read_text()] == []
