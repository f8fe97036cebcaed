"""The verbs that deploy/base/rbac.yaml gives the operator, asked for each request as the API server would."""

from functools import cache
from pathlib import Path

import yaml

from .api import place_of

RBAC = Path(__file__).parents[2] / "deploy" / "base" / "rbac.yaml"
VERBS = {"POST": "create", "PATCH": "patch", "WATCH": "watch"}


@cache
def granted() -> frozenset[tuple[str, str, str]]:
    """(API group, resource, verb) of all roles; one that is for named objects only counts for all."""
    rules = [rule for item in yaml.safe_load_all(RBAC.read_text()) for rule in item.get("rules", ())]
    return frozenset((g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"])


@cache
def needed(method: str, url: str) -> tuple[str, str, str]:
    """(API group, resource, verb) of a request; `url`: its path, without a query."""
    where, subresource = place_of(url)
    group = where.version.rpartition("/")[0]
    resource = f"{where.plural}/{subresource}" if subresource else where.plural
    return group, resource, VERBS.get(method) or ("get" if where.name else "list")


def lacked(method: str, url: str) -> str | None:
    """The right without which a request is refused, in words; None where it is granted."""
    right = needed(method, url.partition("?")[0])
    return None if right in granted() else f"no right to {right[2]} {right[1]} ({method} {url})"
