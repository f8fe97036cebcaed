"""Which labels a selector selects. Pure; the rules are those of the Kubernetes API (metav1.LabelSelector)."""

from collections.abc import Mapping
from typing import Any

from .observation import LabelSelector


def selector_of(raw: Mapping[str, Any]) -> LabelSelector:
    """A metav1.LabelSelector as the API server stores it."""
    return LabelSelector(
        labels=raw.get("matchLabels") or {},
        expressions=tuple(
            (entry["key"], entry["operator"], tuple(entry.get("values") or ())) for entry in raw.get("matchExpressions") or ()
        ),
    )


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """The selector selects an object with these labels."""
    return all(labels.get(key) == value for key, value in selector.labels.items()) and all(
        _holds(labels.get(key), operator, values) for key, operator, values in selector.expressions
    )


def _holds(value: str | None, operator: str, values: tuple[str, ...]) -> bool:
    """One requirement, on a label's value; None where the label is not there."""
    held = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return held.get(operator, False)


def service_selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """A Service's selector, which must not be empty, selects a pod with these labels."""
    return bool(selector) and selects(LabelSelector(labels=selector), labels)
