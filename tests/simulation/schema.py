"""Objects that the CRD's schema lets through, drawn by hypothesis: everything a user or an attacker can store."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

CRD = Path(__file__).parents[2] / "crds" / "hotfixrollout.yaml"
WORDS = st.text(alphabet="abcXYZ-.0 9\n\u00e9\U0001f525'\"$(){}", max_size=12)
LARGEST = 2**31 - 1


def schema(part: str) -> dict[str, Any]:
    """The schema of `spec` or `status`."""
    crd = yaml.safe_load(CRD.read_text())
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    return found


def drawn(node: dict[str, Any], *, always: frozenset[str] = frozenset()) -> st.SearchStrategy[Any]:
    """Values that fit a schema; the properties named in `always` are never left out."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node.get("x-kubernetes-int-or-string"):
        return st.one_of(st.integers(-LARGEST, LARGEST), WORDS)
    kind = {"object": _object, "array": _array, "string": _string, "integer": _integer, "boolean": lambda *_: st.booleans()}
    return kind[node["type"]](node, always)


def _object(node: dict[str, Any], always: frozenset[str]) -> st.SearchStrategy[Any]:
    if "additionalProperties" in node:
        return st.dictionaries(
            WORDS.filter(bool), drawn(node["additionalProperties"]), max_size=min(3, node.get("maxProperties", 3))
        )
    properties = node.get("properties") or {}
    needed = set(node.get("required") or ()) | (always & properties.keys())
    values = {name: drawn(child) for name, child in properties.items()}
    return st.fixed_dictionaries(
        {name: value for name, value in values.items() if name in needed},
        optional={name: value for name, value in values.items() if name not in needed},
    )


def _array(node: dict[str, Any], _: frozenset[str]) -> st.SearchStrategy[Any]:
    least = node.get("minItems", 0)
    return st.lists(drawn(node["items"]), min_size=least, max_size=max(least, min(4, node.get("maxItems", 4))))


def _string(node: dict[str, Any], _: frozenset[str]) -> st.SearchStrategy[Any]:
    least, most = node.get("minLength", 0), node.get("maxLength", 60)
    if "pattern" in node:
        return st.from_regex(node["pattern"], fullmatch=True).filter(lambda text: least <= len(text) <= most)
    return st.one_of(WORDS, st.just("x" * most), MOMENTS).filter(lambda text: least <= len(text) <= most)


MOMENTS = st.sampled_from(["2027-01-15T08:00:30.000Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2027-01-15T08:00:30"])


def _integer(node: dict[str, Any], _: frozenset[str]) -> st.SearchStrategy[Any]:
    return st.integers(node.get("minimum", -LARGEST), node.get("maximum", LARGEST))
