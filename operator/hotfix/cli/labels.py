"""Label selectors as Kubernetes reads them, and labels that no selector of stable's matches. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

SIDE_LABEL = "hotfix-operator.dev/side"
SUFFIX = "-hotfix"
LONGEST_VALUE = 63


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """A Service's selector; an empty one selects nothing."""
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A metav1.LabelSelector (matchLabels and matchExpressions); an empty one matches everything."""
    exact = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return all(labels.get(name) == value for name, value in exact.items()) and all(_holds(e, labels) for e in expressions)


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression.get("key", "")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def keys_of(selector: Mapping[str, Any]) -> set[str]:
    """The labels that a metav1.LabelSelector asks about."""
    return {*(selector.get("matchLabels") or {}), *(entry["key"] for entry in selector.get("matchExpressions") or ())}


def suffixed(value: str) -> str:
    """`checkout` becomes `checkout-hotfix`, cut where a label value would be too long."""
    stem = value[: LONGEST_VALUE - len(SUFFIX)].rstrip("-_.")
    return f"{stem}{SUFFIX}" if stem else SUFFIX.lstrip("-")


def of_patched(labels: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Labels of patched's pods: those by which stable's are selected have another value, and the side is named."""
    changed = {name: suffixed(labels[name]) for name in sorted(keys) if name in labels}
    return {**labels, **changed, SIDE_LABEL: "patched"}
