"""Whatever people and other controllers may store beside a rollout, or on it: no look ends in a defect, and nothing is raised."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotfix.adapters.store import FINALIZER, REQUEST
from hotfix.core.verbs import Verb
from hotfix.errors import OutsideError
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .foreign import CHANGES, FIELDS, LABELS, NAMES, TEXTS, changed

pytestmark = pytest.mark.net
STAGES = st.sampled_from([None, "Shifting", "WeightZero", "DrainingPatched"])
BESIDE = ("Ingress", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor")
hostile = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Beginnings(dict[str | None, bytes]):
    """A rollout at different stages, as it is stored; a failure is told without these bytes."""

    def __repr__(self) -> str:
        return "Beginnings()"


@pytest.fixture(scope="module")
def beginnings() -> Beginnings:
    """Filled by whoever needs one first."""
    return Beginnings()


async def at(stage: str | None, beginnings: Beginnings, *, watches: bool = False) -> Shop:
    """With an HPA of stable, and what else the operator looks at; nobody counts requests, so no evidence can raise anything."""
    if stage not in beginnings:
        bad = stage in ("WeightZero", "DrainingPatched")
        shop = Shop("sample:crash" if bad else "sample:1.1", traffic={"drain": "5s"}, startWeight=25)
        target = {"kind": "Deployment", "name": "checkout"}
        scaler = {"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": target}
        for kind, spec in (("HorizontalPodAutoscaler", scaler), *((kind, {}) for kind in BESIDE)):
            shop.api.apply({"kind": kind, "metadata": {"name": "checkout", "namespace": NAMESPACE}, "spec": spec})
        if stage:
            await shop.run(lambda shop: shop.status.get("stage") == stage and shop.status.get("acknowledgedWeight") is not None)
        beginnings[stage] = shop.stored()
    shop = Shop.revived(beginnings[stage], watches=watches)
    shop.requests.silent = True
    return shop


async def looks(shop: Shop, count: int = 4) -> None:
    """Only what is the outside's fault may be raised. No controller works meanwhile: they would put things right."""
    for _ in range(count):
        try:
            await shop.reconciler.reconcile(KEY)
        except OutsideError:
            shop.clock.advance(1)
        shop.clock.advance(1)
    assert shop.refusals == [], "what it stored itself can be read"


def share(shop: Shop) -> float:
    """The most that patched has of what it and stable have, in percent of a rule."""
    place = shop.api.place("HTTPRoute", NAMESPACE, "checkout")
    rules = shop.api.objects[place]["spec"].get("rules") or () if place in shop.api.objects else ()
    found = [0.0]
    for rule in rules:
        sides = dict.fromkeys(("checkout", "checkout-hotfix"), 0)
        for ref in rule.get("backendRefs") or ():
            if ref["name"] in sides:
                sides[ref["name"]] += ref["weight"]
        found.append(100 * sides["checkout-hotfix"] / (sum(sides.values()) or 1))
    return max(found)


def store(shop: Shop, change: tuple[str, int, dict[str, Any]]) -> None:
    """Somebody writes some fields of one object."""
    kind, which, fields = change
    items = list(shop.api.every(kind, NAMESPACE))
    for path, value in fields.items() if items else ():
        place = shop.api.place(kind, NAMESPACE, items[which % len(items)]["metadata"]["name"])
        item = changed(shop.api.read(kind, NAMESPACE, place.name), path, value)
        shop.api.update(place, item, "somebody", "status" if path == "status" else "")


@hostile
@given(
    stage=STAGES,
    changes=CHANGES,
    gone=st.none() | st.tuples(st.sampled_from(sorted(FIELDS)), NAMES),
    watches=st.booleans(),
)
async def test_objects_of_others_are_no_defect_and_raise_no_weight(
    beginnings: Beginnings, stage: str | None, changes: list[Any], gone: tuple[str, str] | None, watches: bool
) -> None:
    shop = await at(stage, beginnings, watches=watches)
    if watches:
        await looks(shop, 1)  # from now on it hears of what changes
    for change in changes:
        store(shop, change)
    if gone and shop.api.place(gone[0], NAMESPACE, gone[1]) in shop.api.objects:
        shop.api.delete(gone[0], NAMESPACE, gone[1])
    had = max(share(shop), shop.status.get("weight") or 0)
    await looks(shop)
    await shop.close()
    assert share(shop) <= had + 0.5 or shop.status.get("stableLost"), f"{had} % became {share(shop)} %"
    assert shop.status["message"], "it says what it does or what is wrong"


REQUESTS = st.one_of(TEXTS, st.tuples(st.sampled_from([*Verb, ""]), TEXTS).map(":".join))
WRITTEN = st.fixed_dictionaries(
    {
        "annotations": st.fixed_dictionaries({REQUEST: REQUESTS, "mine": TEXTS}),
        "finalizers": st.lists(st.sampled_from([FINALIZER, "example.com/holds", "foregroundDeletion", "x" * 63]), unique=True),
        "labels": LABELS,
    }
)


@hostile
@given(stage=STAGES, written=WRITTEN, deleted=st.booleans())
async def test_whatever_stands_on_the_rollout_is_no_defect(
    beginnings: Beginnings, stage: str | None, written: dict[str, Any], deleted: bool
) -> None:
    shop = await at(stage, beginnings)
    store(shop, ("HotfixRollout", 0, {f"metadata.{name}": value for name, value in written.items()}))
    if deleted:
        shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    had = max(share(shop), shop.status.get("weight") or 0)
    await looks(shop)
    accepted = (shop.status.get("lastHandledRequest") or {}).get("result") == "Accepted"
    assert share(shop) <= had + 0.5 or accepted, f"{had} % became {share(shop)} %"
