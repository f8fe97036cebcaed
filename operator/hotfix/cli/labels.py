"""Labels for patched's pods that no selector of stable's selects. Pure; what selects what is in core/labels.py."""

from collections.abc import Iterable, Mapping
from typing import Any

SIDE_LABEL = "hotfix-operator.dev/side"
SUFFIX = "-hotfix"
LONGEST_VALUE = 63


def keys_of(selector: Mapping[str, Any]) -> set[str]:
    """The labels that a metav1.LabelSelector asks about."""
    return {*(selector.get("matchLabels") or {}), *(entry["key"] for entry in selector.get("matchExpressions") or ())}


def suffixed(value: str, number: int = 1, longest: int = LONGEST_VALUE) -> str:
    """`checkout` becomes `checkout-hotfix`, or `checkout-hotfix-2` for the second one beside it; cut to so many characters, by
    default those of a label value."""
    suffix = SUFFIX if number == 1 else f"{SUFFIX}-{number}"
    stem = value[: longest - len(suffix)].rstrip("-_.")
    return f"{stem}{suffix}" if stem else suffix.lstrip("-")


def of_patched(labels: Mapping[str, str], keys: Iterable[str], number: int = 1) -> dict[str, str]:
    """Labels of patched's pods: those by which stable's are selected have another value, and the side is named."""
    changed = {name: suffixed(labels[name], number) for name in sorted(keys) if name in labels}
    return {**labels, **changed, SIDE_LABEL: "patched"}
