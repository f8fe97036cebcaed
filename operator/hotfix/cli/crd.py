"""The CustomResourceDefinition, generated from core/spec.py and core/status.py. `make crd` writes it, a test compares.

pydantic's JSON schema becomes a structural OpenAPI v3 schema: definitions inlined, titles dropped, `X or null` made optional,
rules in CEL taken from the models' annotations.
"""

from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hotfix.core.cel import FIELD_RULES, MODEL_RULES
from hotfix.core.spec import Spec
from hotfix.core.status import Status

GROUP, VERSION, PLURAL, KIND = "hotfix-operator.dev", "v1alpha1", "hotfixrollouts", "HotfixRollout"
DROPPED = ("title", "additionalProperties")
COLUMNS = (
    ("Phase", "string", ".status.phase", 0),
    ("Weight", "integer", ".status.weight", 0),
    ("Verdict", "string", ".status.verdict.state", 0),
    ("Next", "string", ".status.next", 0),
    ("Incident", "string", ".spec.incident.reference", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Step", "string", ".status.step", 1),
    ("Patched image", "string", ".status.baseline.patchedImages[0]", 1),
    ("Stable errors", "string", ".status.verdict.stable", 1),
    ("Patched errors", "string", ".status.verdict.patched", 1),
    ("Message", "string", ".status.message", 1),
)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The structural schema of a model, rules included."""
    raw = model.model_json_schema(by_alias=True)
    schema = _structural(raw, raw.get("$defs", {}))
    _add_rules(model, schema)
    return schema


def _structural(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """One node: references inlined, alternatives with null made plain, keys that Kubernetes does not allow dropped."""
    if "$ref" in node:
        target = defs[node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    if "anyOf" in node:
        return _one_of(node, defs)
    plain = {key: value for key, value in node.items() if key not in DROPPED and not (key == "default" and value is None)}
    if "properties" in node:
        plain["properties"] = {name: _structural(child, defs) for name, child in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), dict):
        plain["additionalProperties"] = _structural(node["additionalProperties"], defs)
        plain["maxProperties"] = plain.pop("maxProperties", 64)
    if "items" in node:
        plain["items"] = _structural(node["items"], defs)
        plain.setdefault("x-kubernetes-list-type", "atomic")
    if "exclusiveMinimum" in plain and not isinstance(plain["exclusiveMinimum"], bool):
        plain["minimum"], plain["exclusiveMinimum"] = plain["exclusiveMinimum"], True
    if plain.get("type") == "integer":
        plain["format"] = "int64" if "Generation" in str(node.get("title", "")).title() else "int32"
    plain.pop("$defs", None)
    return plain


def _one_of(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """An alternative with null is optional; int or string is Kubernetes' own kind, its values a rule in CEL."""
    kept = [branch for branch in node["anyOf"] if branch.get("type") != "null"]
    rest: dict[str, Any] = {key: value for key, value in node.items() if key != "anyOf"}
    if len(kept) > 1:
        rest = {key: rest[key] for key in ("description", "default") if key in rest}
        return {**rest, "x-kubernetes-int-or-string": True}
    return _structural({**kept[0], **rest}, defs)


def _add_rules(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Put the CEL rules of the model and of everything in it where they belong."""
    rules = MODEL_RULES.get(model.__name__)
    if rules:
        schema["x-kubernetes-validations"] = [{"rule": rule.expression, "message": rule.message} for rule in rules]
    for name, field in model.model_fields.items():
        child = schema["properties"][field.alias or name]
        for rule in FIELD_RULES.get((model.__name__, name), ()):
            child.setdefault("x-kubernetes-validations", []).append({"rule": rule.expression, "message": rule.message})
        inner = _model_in(field)
        if inner is not None and "properties" in child:
            _add_rules(inner, child)
        elif inner is not None and "properties" in child.get("items", {}):
            _add_rules(inner, child["items"])


def _model_in(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, directly, in a list, or optionally."""
    pending: list[Any] = [field.annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending += get_args(kind)
    return None


def definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition."""
    status = schema_of(Status)
    status["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    spec = schema_of(Spec)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "hotfix-operator", "app.kubernetes.io/part-of": "hotfix-operator"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": "hotfixrollout",
                "shortNames": ["hfr"],
                "categories": ["hotfix"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "selectableFields": [{"jsonPath": ".status.phase"}],
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": where} | ({"priority": level} if level else {})
                        for name, kind, where, level in COLUMNS
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": "Ships one hotfix: shifts traffic from stable to patched by evidence, promotes it or "
                            "takes all traffic away from it.",
                            "required": ["spec"],
                            "properties": {
                                "apiVersion": {"type": "string"},
                                "kind": {"type": "string"},
                                "metadata": {"type": "object"},
                                "spec": spec,
                                "status": status,
                            },
                        }
                    },
                }
            ],
        },
    }


def render() -> str:
    """The CRD as YAML, with a first line that says where it comes from."""
    body = yaml.safe_dump(definition(), sort_keys=False, width=120, allow_unicode=True)
    return f"# Generated from operator/hotfix/core by `make crd`; do not edit.\n{body}"
