"""`kubectl hotfix get`: rollouts as a table, or as they are stored."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hotfix.adapters.kube import Kube, Object, path
from hotfix.adapters.store import API_VERSION, PLURAL
from hotfix.core import moments
from hotfix.errors import NotFound, Refused
from hotfix.ports import Key

from .crd import KIND
from .following import missing
from .printing import FORMATS, as_data
from .shown import coming, percent

OUTPUTS = (*FORMATS, "wide")
UNBOUND = 100_000  # characters of a line that no terminal cuts
UNITS = (("d", 86_400), ("h", 3600), ("m", 60))


async def stored_objects(kube: Kube, namespace: str | None, name: str | None) -> list[Object]:
    """The rollouts of a namespace (None: of all), or the one of that name, as they are stored. NotFound where there is none."""
    if name is not None and namespace is not None:
        item = await kube.find(path(API_VERSION, PLURAL, namespace, name))
        if item is None:
            raise missing(Key(namespace, name))
        items = [item]
    else:
        try:
            items = await kube.list(path(API_VERSION, PLURAL, namespace))
        except NotFound as error:
            crd = "`kubectl hotfix crd | kubectl apply --server-side -f -`"
            raise NotFound(
                f"This cluster does not know HotfixRollouts; install the operator, or their definition: {crd}."
            ) from error
    return [{"apiVersion": API_VERSION, "kind": KIND, **item} for item in items]


def data(items: Sequence[Object], output: str, *, one: bool) -> str:
    """As `json` or `yaml`: one object, or a List."""
    document = items[0] if one else {"apiVersion": "v1", "kind": "List", "items": list(items)}
    return as_data(document, output)


def check(output: str | None) -> None:
    """Refused for a format that is none."""
    if output not in (None, *OUTPUTS):
        raise Refused(f"--output {output} is not known; give json, yaml or wide, or nothing for a table.")


def table(items: Sequence[Object], now: float, *, namespaces: bool, wide: bool) -> Table:
    """One line each. `now`: unix seconds. `namespaces`: with a column for them."""
    rows = [_row(item, now) for item in items]
    hidden = {*(() if namespaces else ("namespace",)), *(() if wide else WIDE)}
    drawn = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    shown = [heading for heading in HEADINGS if heading not in hidden]
    for heading in shown:
        drawn.add_column(heading.upper(), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(row[heading] or "-") for heading in shown))
    return drawn


def show(drawn: Table) -> None:
    """On the standard output; lines are broken for a terminal only."""
    Console(width=None if sys.stdout.isatty() else UNBOUND, highlight=False).print(drawn)


HEADINGS = ("namespace", "name", "phase", "weight", "verdict", "next", "incident", "age", "step", "images", "message")
WIDE = ("step", "images", "message")


def _row(item: Object, now: float) -> dict[str, str]:
    meta, status, spec = item["metadata"], item.get("status") or {}, item.get("spec") or {}
    return {
        "namespace": meta["namespace"],
        "name": meta["name"],
        "phase": str(status.get("phase") or ""),
        "weight": percent(status),
        "verdict": str((status.get("verdict") or {}).get("state") or ""),
        "next": coming(status),
        "incident": str((spec.get("incident") or {}).get("reference") or ""),
        "age": _age(now - moments.unix(meta["creationTimestamp"])),
        "step": str(status.get("step") or ""),
        "images": _images(status.get("baseline") or {}),
        "message": str(status.get("message") or ""),
    }


def _images(baseline: Object) -> str:
    """`shop/checkout:1.4.1 -> shop/checkout:1.4.2`; empty before the start."""
    sides = [", ".join(baseline.get(name) or ()) for name in ("stableImages", "patchedImages")]
    return " -> ".join(sides) if all(sides) else ""


def _age(old_seconds: float) -> str:
    """In the largest unit of which there are two or more."""
    for unit, length in UNITS:
        if old_seconds >= 2 * length:
            return f"{int(old_seconds // length)}{unit}"
    return f"{max(0, int(old_seconds))}s"
