"""`kubectl hotfix get`: the table, and objects as they are stored."""

import io
import json
from typing import Any

import pytest
import yaml
from rich.console import Console

from hotfix.cli import listing
from hotfix.core.status import Phase, dump
from hotfix.errors import NotFound, Refused
from tests.core.world import ready_world

from .patience import OBJECT, Patience


def rows(items: list[Any], now: float, **how: bool) -> list[list[str]]:
    """Cells of the table, heads first."""
    text = io.StringIO()
    Console(file=text, width=listing.UNBOUND).print(listing.table(items, now, **{"namespaces": False, "wide": False, **how}))
    return [[cell.strip() for cell in line.split("   ") if cell.strip()] for line in text.getvalue().splitlines()]


async def listed(patience: Patience, namespace: str | None = "shop", name: str | None = None) -> list[Any]:
    return await listing.stored_objects(patience.kube, namespace, name)


async def test_a_table_shows_what_the_status_says() -> None:
    patience = Patience()
    incident = {"incident": {"reference": "INC-[red]"}}
    patience.api.apply({**OBJECT, "spec": {**OBJECT["spec"], **incident}})  # type: ignore[dict-item]
    world = ready_world().phase(Phase.ANALYZING)
    world.rest(10)
    status = dump(world.remembered)
    patience.status(**status)
    patience.clock.advance(90)
    items = await listed(patience)
    heads, row = rows(items, patience.clock.now())
    assert heads == ["NAME", "PHASE", "WEIGHT", "VERDICT", "NEXT", "INCIDENT", "AGE"]
    assert row == ["fix", "Analyzing", "5 %", "Undecided", status["next"], "INC-[red]", "90s"]
    wide_heads, wide = rows(items, patience.clock.now(), wide=True, namespaces=True)
    assert wide_heads == ["NAMESPACE", *heads, "STEP", "IMAGES", "MESSAGE"]
    assert wide == ["shop", *row, "2/4", "v1 -> v2", status["message"]]


async def test_what_is_not_known_yet_is_a_dash_and_what_ended_has_nothing_next() -> None:
    patience = Patience()
    wide = rows(await listed(patience), patience.clock.now(), wide=True)
    assert wide[1] == ["fix", "-", "-", "-", "-", "-", "0s", "-", "-", "-"]
    patience.status(phase="RolledBack", weight=0, next="look again")
    assert rows(await listed(patience), patience.clock.now())[1] == ["fix", "RolledBack", "0 %", "-", "-", "-", "0s"]


@pytest.mark.parametrize(
    ("seconds", "age"), [(-5, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d"), (864_000, "10d")]
)
async def test_an_age_is_in_the_largest_unit_that_says_enough(seconds: float, age: str) -> None:
    patience = Patience()
    assert rows(await listed(patience), patience.clock.now() + seconds)[1][-1] == age


async def test_rollouts_of_one_namespace_of_all_or_one_by_name() -> None:
    patience = Patience()
    patience.api.apply({"kind": "Namespace", "metadata": {"name": "other"}})
    patience.api.apply({**OBJECT, "metadata": {"name": "cart", "namespace": "other"}})
    patience.api.apply({**OBJECT, "metadata": {"name": "late", "namespace": "shop"}})

    def names(items: list[Any]) -> list[str]:
        return [item["metadata"]["name"] for item in items]

    assert names(await listed(patience)) == ["fix", "late"]
    assert names(await listed(patience, None)) == ["cart", "fix", "late"]
    assert names(await listed(patience, "other", "cart")) == ["cart"]
    with pytest.raises(NotFound, match="There is no HotfixRollout fix in namespace other"):
        await listed(patience, "other", "fix")


async def test_a_cluster_that_does_not_know_them_is_told_apart_from_an_empty_one() -> None:
    patience = Patience()

    def refuse(method: str, url: str) -> None:
        raise NotFound("the server could not find the requested resource")

    patience.kube.before = refuse
    with pytest.raises(NotFound, match="does not know HotfixRollouts; install the operator"):
        await listed(patience)


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
async def test_data_is_what_is_stored(output: str, read: Any) -> None:
    patience = Patience()
    patience.status(phase="Pending")
    stored = patience.api.read("HotfixRollout", "shop", "fix")
    items = await listed(patience)
    assert read(listing.data(items, output, one=True)) == stored
    assert read(listing.data(items, output, one=False)) == {"apiVersion": "v1", "kind": "List", "items": [stored]}
    assert read(listing.data([], output, one=False))["items"] == []


def test_another_format_is_refused() -> None:
    for known in (None, "json", "yaml", "wide"):
        listing.check(known)
    with pytest.raises(Refused, match="--output text is not known; give json, yaml or wide"):
        listing.check("text")
