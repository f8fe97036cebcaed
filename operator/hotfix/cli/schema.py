"""pydantic models -> structural OpenAPI v3 schemas as a CustomResourceDefinition wants them. Nothing about our own models here.

Definitions are inlined, titles dropped, `X or null` is made optional, `int or string` becomes Kubernetes' own kind, every list
has a type, and rules in CEL are put where they belong.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hotfix.core.cel import FIELD_RULES, MODEL_RULES, Rule

Schema = dict[str, Any]
DROPPED = frozenset({"title", "additionalProperties", "$defs", "$ref", "anyOf"})
# what a reader of `status` can do without: bounds are kept, so that the object stays small
OPINIONS = frozenset({"enum", "pattern", "minimum", "maximum", "default"})
LONGEST_WORD = 64
LONG = frozenset({"observedGeneration"})  # as metav1 has it


def strict(model: type[BaseModel]) -> Schema:
    """For `spec`: every constraint, every default (also those of nested objects), and the rules in CEL."""
    schema = _schema(model)
    _annotate(model, schema)
    return schema


def loose(model: type[BaseModel]) -> Schema:
    """For `status`: shapes and bounds only, so that a newer or an older operator can still write what it remembers."""
    return _walked(_schema(model), _without_opinions)


def described(schema: Schema, sentences: Mapping[str, str]) -> Schema:
    """The schema with these descriptions; KeyError for one that has no field to describe."""
    for path, sentence in sentences.items():
        node = schema
        for name in path.replace("[]", ".[]").split("."):
            node = node["items"] if name == "[]" else node["properties"][name]
        node["description"] = sentence
    return schema


def _schema(model: type[BaseModel]) -> Schema:
    raw = model.model_json_schema(by_alias=True)
    return _structural(raw, raw.get("$defs", {}))


def _structural(node: Schema, defs: Mapping[str, Schema]) -> Schema:
    """One node and all below it."""
    if "$ref" in node:
        node = {**defs[node["$ref"].rsplit("/", 1)[1]], **node}
    if "anyOf" in node:
        return _alternatives(node, defs)
    plain = {key: value for key, value in node.items() if key not in DROPPED and not (key == "default" and value is None)}
    if "properties" in node:
        plain["properties"] = {name: _structural(child, defs) for name, child in node["properties"].items()}
        for name in LONG.intersection(plain["properties"]):
            plain["properties"][name]["format"] = "int64"
    elif isinstance(node.get("additionalProperties"), dict):
        plain["additionalProperties"] = _structural(node["additionalProperties"], defs)
    if "items" in node:
        plain["items"] = _structural(node["items"], defs)
        plain["x-kubernetes-list-type"] = "atomic"
    if plain.get("type") == "integer":
        plain["format"] = "int32"
    return plain


def _alternatives(node: Schema, defs: Mapping[str, Schema]) -> Schema:
    """`X or null` is X, optional; `int or string` has no type, and its bounds hold for whichever of both it is."""
    kept = [branch for branch in node["anyOf"] if branch.get("type") != "null"]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    if len(kept) == 1:
        return _structural({**kept[0], **rest}, defs)
    merged = {key: value for branch in kept for key, value in branch.items() if key != "type"}
    return {**_structural({**merged, **rest}, defs), "x-kubernetes-int-or-string": True}


def _walked(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with `change` made to each node."""
    node = change(node)
    for key in ("items", "additionalProperties"):
        if key in node:
            node = {**node, key: _walked(node[key], change)}
    if "properties" in node:
        node = {**node, "properties": {name: _walked(child, change) for name, child in node["properties"].items()}}
    return node


def _without_opinions(node: Schema) -> Schema:
    bounded = {key: value for key, value in node.items() if key not in OPINIONS}
    if node.get("type") == "string":
        bounded.setdefault("maxLength", LONGEST_WORD)
    return bounded


def _annotate(model: type[BaseModel], schema: Schema) -> None:
    """Rules of the model, and rules and defaults of its fields, all the way down."""
    _add_rules(schema, MODEL_RULES.get(model.__name__, ()))
    for name, field in model.model_fields.items():
        child = schema["properties"][field.alias or name]
        inner = _model_in(field)
        if inner is not None:
            _annotate(inner, child.get("items", child))
        if field.default_factory is not None:
            child["default"] = {} if "properties" in child else field.get_default(call_default_factory=True, validated_data={})
        _add_rules(child, FIELD_RULES.get((model.__name__, name), ()))


def _add_rules(schema: Schema, rules: tuple[Rule, ...]) -> None:
    if rules:
        added = [{"rule": rule.expression, "message": rule.message} for rule in rules]
        schema["x-kubernetes-validations"] = [*schema.get("x-kubernetes-validations", []), *added]


def _model_in(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, directly, in a list, or optionally."""
    pending: list[Any] = [field.annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending += get_args(kind)
    return None
