"""Label selectors, as the API server reads them from a query. Matching only."""

import re
from collections.abc import Mapping

SET = re.compile(r"^(?P<key>\S+) (?P<op>in|notin) \((?P<values>[^)]*)\)$")
SEPARATOR = re.compile(r",(?![^(]*\))")


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """An object with these labels is in the list that the selector asks for."""
    return all(_fits(part, labels) for part in SEPARATOR.split(selector) if part)


def _fits(part: str, labels: Mapping[str, str]) -> bool:
    match = SET.match(part)
    if match:
        listed = labels.get(match["key"]) in match["values"].split(",")
        return listed if match["op"] == "in" else not listed
    if part.startswith("!"):
        return part[1:] not in labels
    name, equals, value = part.partition("=")
    return labels.get(name) == value if equals else name in labels
