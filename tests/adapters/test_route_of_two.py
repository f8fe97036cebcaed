"""The laws of traffic where one rollout takes the place of another: three sides in a rule, of which an edit may take two out."""

from fractions import Fraction

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.adapters.routers import route_patch
from hotfix.adapters.routers.route_patch import Services
from hotfix.adapters.routers.route_view import view_of
from hotfix.core.actions import AdoptRoute, SetWeights

from .test_route_patch import Route, law, of, percents, routes

BESIDE: Services = ("stable", "patched", "older")  # the older patch keeps what it has
AGAINST: Services = ("older", "patched", "stable")  # it is the control, and stable keeps what it has
shares = st.integers(1, 99)


def small(route: Route) -> Route:
    """Every share of a share can be expressed within the limit of a weight."""
    for rule in route["spec"]["rules"]:
        for entry in rule["backendRefs"]:
            entry["weight"] = min(entry["weight"], 50)
    return route


def restored(route: Route, services: Services, weight: int, kept_percent: int) -> Route:
    """The sides that an edit took out are named again, and have their shares again."""
    rules = tuple(rule.index for rule in view_of(route, services, None).rules)
    named = AdoptRoute(route=view_of(route, services, None), rules=rules, restores=rules, stamp="fix.0.1")
    route = jsonpatch.apply_patch(route, route_patch.adopt(route, services, named))
    asked = {"rules": rules, "restores": rules, "weight": weight, "kept_percent": kept_percent, "stamp": "fix.0.1"}
    change = SetWeights(route=view_of(route, services, None), **asked)
    return jsonpatch.apply_patch(route, route_patch.weigh(route, services, change, {}))


def sides(rule: Route, services: Services) -> tuple[int, int, int]:
    """Their weights."""
    first, second, third = (of(rule, service) for service in services)
    return first, second, third


@law
@pytest.mark.parametrize("services", [BESIDE, AGAINST], ids=["beside", "against"])
@given(routes(), percents, shares)
def test_what_git_left_is_split_between_three_sides_again(services: Services, route: Route, weight: int, kept: int) -> None:
    for rule in restored(small(route), services, weight, kept)["spec"]["rules"]:
        first, second, third = sides(rule, services)
        if of(rule, "stable") or of(rule, "older"):
            assert abs(Fraction(100 * third, first + second + third) - kept) <= Fraction(1, 2)
            assert abs(Fraction(100 * second, first + second) - weight) <= Fraction(1, 2)
            names = [entry["name"] for entry in rule["backendRefs"]]
            assert len(names) == len(set(names))


@law
@given(routes(), percents, shares)
def test_whatever_git_left_other_rules_and_fields_stay(route: Route, weight: int, kept: int) -> None:
    after = restored(route, BESIDE, weight, kept)
    assert after["metadata"] == route["metadata"]
    for old, new in zip(route["spec"]["rules"], after["spec"]["rules"], strict=True):
        assert {**new, "backendRefs": None} == {**old, "backendRefs": None}
        if not any(entry["name"] == "stable" for entry in old["backendRefs"]):
            assert new == old


@law
@given(routes(), percents, shares)
def test_the_share_that_was_put_back_is_put_back_once(route: Route, weight: int, kept: int) -> None:
    after = restored(route, BESIDE, weight, kept)
    rules = tuple(rule.index for rule in view_of(after, BESIDE, None).rules)
    again = SetWeights(route=view_of(after, BESIDE, None), rules=rules, weight=weight, stamp="fix.0.1")
    assert route_patch.weigh(after, BESIDE, again, {}) == []
