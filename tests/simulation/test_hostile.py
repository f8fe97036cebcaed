"""Whatever the schema lets through: no look ends in a defect, nothing is raised for it, and what cannot be read is said."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotfix.errors import OutsideError
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .schema import drawn, schema

pytestmark = pytest.mark.net
EXAMPLES = 400
hostile = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ITS_NAMES = {"stable": {"deployment": "checkout"}, "patched": {"deployment": "checkout-hotfix"}}


@pytest.fixture(scope="module")
def beginnings() -> dict[str, bytes]:
    """A rollout at different stages, as it is stored."""
    return {}


async def at(stage: str, beginnings: dict[str, bytes]) -> Shop:
    if stage not in beginnings:
        image = "sample:crash" if stage == "WeightZero" else "sample:1.1"
        shop = Shop(image, traffic={"drain": "5s"}, analysis={"bakeTime": "5s"})
        await shop.run(lambda s: s.status.get("stage") == stage)
        beginnings[stage] = shop.stored()
    return Shop.revived(beginnings[stage])


async def looks(shop: Shop, count: int = 4) -> None:
    """A few looks; only what is the outside's fault may be raised."""
    for _ in range(count):
        try:
            await shop.reconciler.reconcile(KEY)
        except OutsideError:
            shop.advance(1)
        shop.advance(1)


@hostile
@given(spec=drawn(schema("spec")), own=st.booleans())
async def test_any_manifest_is_answered(beginnings: dict[str, bytes], spec: dict[str, Any], own: bool) -> None:
    shop = Shop.revived(beginnings["new"]) if "new" in beginnings else Shop()
    beginnings.setdefault("new", shop.stored())
    asked = {**spec, **ITS_NAMES} if own else spec
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "replace", "path": "/spec", "value": asked}])
    await looks(shop)
    if not shop.gone:
        assert shop.status["message"], "it says what it does or what is wrong"
        assert {entry["type"] for entry in shop.status["conditions"]} >= {"Ready"}


@hostile
@given(
    status=drawn(schema("status"), always=frozenset({"stage", "phase"})),
    stage=st.sampled_from(["Shifting", "Returning", "WeightZero", "DrainingPatched"]),
    names=st.sets(st.sampled_from(sorted(schema("status")["properties"])), min_size=1, max_size=6),
)
async def test_a_status_edited_to_nonsense_raises_no_weight_and_is_no_defect(
    beginnings: dict[str, bytes], status: dict[str, Any], stage: str, names: set[str]
) -> None:
    """Some fields of a real status become something else that the schema lets through, or go."""
    shop = await at(stage, beginnings)
    before = copy.deepcopy(shop.status)
    changed = {name: value for name, value in before.items() if name not in names}
    changed |= {name: status[name] for name in names if name in status}
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", changed, "kubectl-edit")
    had = _share(shop)
    await looks(shop, 2)
    allowed = max(had, changed.get("weight") or 0)
    assert _share(shop) <= allowed + 0.5 or _decided(shop, changed), f"{had} % became {_share(shop)} % by what nobody decided"


def _share(shop: Shop) -> float:
    """Patched's percent in the route."""
    weights = shop.weights
    return 100 * weights.get("checkout-hotfix", 0) / (sum(weights.values()) or 1)


def _decided(shop: Shop, edited: dict[str, Any]) -> bool:
    """A decision that was made since the edit says this weight."""
    known = max((entry.get("sequence", 0) for entry in edited.get("decisions") or ()), default=0)
    made = [entry["what"] for entry in shop.status.get("decisions", []) if entry["sequence"] > known]
    return f"weight {_share(shop):.0f}" in made


@pytest.mark.parametrize("length", [63, 253])
async def test_names_at_their_limits_are_fine(length: int) -> None:
    shop = Shop()
    name = "x" * length
    item = shop.api.read("HotfixRollout", NAMESPACE, "fix")
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    shop.api.apply({"kind": "HotfixRollout", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": item["spec"]})
    key = type(KEY)(NAMESPACE, name)
    for _ in range(20):
        await shop.reconciler.reconcile(key)
        shop.advance(1)
    found = shop.api.read("HotfixRollout", NAMESPACE, name)
    assert found["status"]["phase"] == "Analyzing"
    assert shop.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"]["annotations"]["hotfix-operator.dev/stamp"].startswith(
        name
    )
