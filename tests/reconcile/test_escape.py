"""Who may edit HotfixRollouts cannot send the operator into another namespace, to a Secret, or to an address of his choice.

Every place in spec and status that takes a name or text is filled with what would leave the namespace if it were pasted into a
URL; what reaches the connection is looked at as the API server does: decoded, and dot segments resolved.
"""

import copy
import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from hotfix.adapters.kube import path
from hotfix.errors import OutsideError
from tests.simulation.schema import schema

from .shop import KEY, NAMESPACE, Shop

WAYS_OUT = (
    "..",
    ".",
    "../../kube-system/secrets/token",
    "../../../v1/namespaces/kube-system/secrets",
    "..%2f..%2fkube-system",
    "kube-system/checkout",
    "checkout?dryRun=All",
    "checkout#",
    "checkout/status",
    "http://169.254.169.254/latest/meta-data",
    "//evil.example/checkout",
    "\\..\\..\\secrets",
    'x"} or vector(1) #',
    "checkout\r\nHost: evil.example",
)
OWN = re.compile(
    r"/api/v1/namespaces/shop$"  # whether the namespace is being deleted
    r"|/api/v1/namespaces/shop/(pods|services)(/[^/]+)?$"
    r"|/apis/(apps/v1|autoscaling/v2|discovery\.k8s\.io/v1|gateway\.networking\.k8s\.io/v1|networking\.k8s\.io/v1|policy/v1"
    r"|monitoring\.coreos\.com/v1|events\.k8s\.io/v1|hotfix-operator\.dev/v1alpha1)/namespaces/shop/[a-z]+(/[^/]+(/status)?)?$"
)


def places(node: dict[str, Any], at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a schema takes any text: as keys into an object that fits it, 0 for the first element of a list."""
    if node.get("type") == "string" and "enum" not in node:
        yield at
    elif node.get("type") == "array":
        yield from places(node["items"], (*at, 0))
    for name, child in (node.get("properties") or {}).items():
        yield from places(child, (*at, name))


def put(item: dict[str, Any], at: tuple[Any, ...], value: str) -> None:
    """Write it there; what is on the way is made."""
    node: Any = item
    for key, following in pairwise(at):
        made: Any = [] if following == 0 else {}
        if isinstance(node, list):
            if not node:
                node.append(made)
            node = node[0]
        else:
            node = node.setdefault(key, made)
    if isinstance(node, list):
        node[:] = [value]
    else:
        node[at[-1]] = value


async def asked_by(shop: Shop) -> set[str]:
    """The paths that a server would serve, of some looks."""
    seen: set[str] = set()

    def note(method: str, url: str) -> None:
        assert method in {"GET", "PATCH", "POST", "WATCH"}
        parts = urlsplit(url)
        assert not parts.netloc, f"an address of somebody's choice: {url}"
        seen.add(posixpath.normpath(unquote(parts.path)))

    shop.kube.before = note
    for _ in range(6):
        try:
            await shop.reconciler.reconcile(KEY)
        except OutsideError:
            shop.advance(1)
        shop.advance(2)
    return seen


@pytest.fixture(scope="module")
def beginnings() -> dict[str, bytes]:
    """Rollouts as they are stored, by stage."""
    return {}


async def stored_at(stage: str, beginnings: dict[str, bytes]) -> Shop:
    if stage not in beginnings:
        shop = await Shop().run(lambda s: stage == "new" or s.status.get("stage") == stage)
        beginnings[stage] = shop.stored()
    return Shop.revived(beginnings[stage])


@pytest.mark.parametrize("at", [*places(schema("spec"))], ids=lambda at: ".".join(map(str, at)))
async def test_no_text_in_a_manifest_leads_out_of_its_namespace(at: tuple[Any, ...], beginnings: dict[str, bytes]) -> None:
    """Not even one that the schema would not let through."""
    for way in WAYS_OUT:
        shop = await stored_at("new", beginnings)
        spec = copy.deepcopy(shop.api.read("HotfixRollout", NAMESPACE, "fix")["spec"])
        put(spec, at, way)
        shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "replace", "path": "/spec", "value": spec}])
        paths = await asked_by(shop)
        assert paths
        assert [one for one in paths if not OWN.match(one)] == [], way


@pytest.mark.parametrize("at", [*places(schema("status"))], ids=lambda at: ".".join(map(str, at)))
async def test_no_text_in_a_status_leads_out_of_its_namespace(at: tuple[Any, ...], beginnings: dict[str, bytes]) -> None:
    for way in WAYS_OUT:
        shop = await stored_at("Shifting", beginnings)
        status = copy.deepcopy(shop.status)
        put(status, at, way)
        shop.api.set_status("HotfixRollout", NAMESPACE, "fix", status, "kubectl-edit")
        paths = await asked_by(shop)
        shop.api.delete("HotfixRollout", NAMESPACE, "fix")  # what was borrowed is given back
        paths |= await asked_by(shop)
        assert paths
        assert [one for one in paths if not OWN.match(one)] == [], way


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_name_is_one_part_of_a_path_whatever_it_is(name: str) -> None:
    """The last line of defence: what was not refused before becomes a name that no object has, or is refused here."""
    try:
        url = path("apps/v1", "deployments", "shop", name)
    except OutsideError:
        return
    served = urlsplit(url)
    assert (served.query, served.fragment, served.netloc) == ("", "", "")
    parts = posixpath.normpath(unquote(served.path)).split("/")
    assert parts[:7] == ["", "apis", "apps", "v1", "namespaces", "shop", "deployments"]
    assert len(parts) == 8


def test_a_manifest_has_no_place_for_an_address_that_is_called() -> None:
    """incident.url is shown to people; that nothing is sent there is what the paths above say."""
    addresses = re.compile(r"url|address|host|endpoint|server|webhook|uri", re.IGNORECASE)
    found = {".".join(map(str, at)) for at in places(schema("spec")) if addresses.search(str(at[-1]))}
    assert found == {"incident.url"}
