"""Selectors select as the Kubernetes API says."""

from typing import Any

import pytest

from hotfix.core.labels import selector_of, selects, service_selects
from hotfix.core.observation import CompanionView, LabelSelector

from .world import World, ready_world

LABELS = {"app": "checkout", "tier": "web"}


@pytest.mark.parametrize(
    ("operator", "key", "values", "so"),
    [
        ("In", "tier", ("web", "api"), True),
        ("In", "tier", ("api",), False),
        ("In", "absent", ("web",), False),
        ("NotIn", "tier", ("api",), True),
        ("NotIn", "tier", ("web",), False),
        ("NotIn", "absent", ("web",), True),
        ("Exists", "tier", (), True),
        ("Exists", "absent", (), False),
        ("DoesNotExist", "tier", (), False),
        ("DoesNotExist", "absent", (), True),
        ("Gt", "tier", ("1",), False),
    ],
)
def test_a_requirement_holds_or_not(operator: str, key: str, values: tuple[str, ...], so: bool) -> None:
    assert selects(LabelSelector(expressions=((key, operator, values),)), LABELS) is so


def test_a_selector_is_read_as_the_api_server_stores_it() -> None:
    raw = {"matchLabels": {"app": "checkout"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}
    assert selects(selector_of(raw), LABELS)
    assert not selects(selector_of(raw), {**LABELS, "tier": "api"})
    assert selects(selector_of({}), LABELS)


def test_an_empty_selector_selects_everything_but_a_service_without_one_selects_nothing() -> None:
    assert selects(LabelSelector(), LABELS)
    assert not service_selects({}, LABELS)
    assert service_selects({"app": "checkout"}, LABELS)
    assert not selects(LabelSelector(labels={"app": "checkout"}, expressions=(("tier", "DoesNotExist", ()),)), LABELS)


def companion(kind: str, name: str, **selector: Any) -> CompanionView:
    return CompanionView(kind=kind, name=name, selector=LabelSelector(**selector))


def said(world: World) -> str:
    world.look()
    return world.remembered.message


def test_what_selects_stables_pods_but_not_patcheds_is_named() -> None:
    world = ready_world()
    world.companions = (
        companion("PodDisruptionBudget", "checkout", labels={"app": "checkout"}),
        companion("NetworkPolicy", "all"),
        companion("PodMonitor", "both", expressions=(("app", "In", ("checkout", "checkout-hotfix")),)),
        companion("PodMonitor", "stable-only", expressions=(("app", "NotIn", ("checkout-hotfix",)),)),
    )
    assert "PodDisruptionBudget checkout, PodMonitor stable-only select stable's pods but not patched's" in said(world)


def test_what_selects_both_is_not_worth_a_word() -> None:
    world = ready_world()
    world.companions = (companion("NetworkPolicy", "all"),)
    assert "stable's pods" not in said(world)
