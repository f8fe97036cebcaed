"""The laws of traffic, for any route, any weights and any edit in between: what is computed is tried by applying it."""

import copy
import itertools
from fractions import Fraction
from typing import Any

import jsonpatch
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hotfix.adapters.routers import route_patch, route_return
from hotfix.adapters.routers.route_patch import factor_for, split, weights_of
from hotfix.adapters.routers.route_view import refusal, view_of
from hotfix.core.actions import AdoptRoute, SetWeights
from hotfix.core.status import BorrowedRoute, BorrowedRule
from hotfix.errors import Refused

SERVICES = ("stable", "patched")
Route = dict[str, Any]
# a busy machine is no failure
law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

percents = st.integers(0, 100)
weights = st.one_of(st.integers(0, 20), st.integers(0, 1000), st.integers(0, 1_000_000))


def ref(name: str, weight: int) -> Route:
    return {"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight}


@st.composite
def backends(draw: st.DrawFn, *, patched: bool | None = None) -> list[Route]:
    """Stable with a weight, third backends, and patched at 0 where it is prepared; in any order."""
    found = [ref("stable", draw(weights.filter(bool)))]
    found += [ref(f"third-{number}", draw(weights)) for number in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()) if patched is None else patched:
        found.append(ref("patched", 0))
    return draw(st.permutations(found))


@st.composite
def routes(draw: st.DrawFn, *, fit: bool = True) -> Route:
    """A route with rules that name stable and others that do not; `fit`: every percent of its sub-totals can be expressed."""
    rules: list[Route] = [{"backendRefs": draw(backends())} for _ in range(draw(st.integers(1, 3)))]
    rules += [{"backendRefs": [ref("elsewhere", draw(weights))]} for _ in range(draw(st.integers(0, 2)))]
    rules = draw(st.permutations(rules))
    for index, rule in enumerate(rules):
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{index}"}}]
        if draw(st.booleans()):
            rule["name"] = f"rule-{index}"
    meta = {"name": "shop", "namespace": "shop", "resourceVersion": "7", "generation": 1}
    route = {"metadata": meta, "spec": {"hostnames": ["shop.example"], "rules": rules}}
    assume(refusal(route, SERVICES, None) is None)
    assume(not fit or all(expressible(rule) for rule in rules))
    return route


def of(rule: Route, name: str) -> int:
    return sum(entry["weight"] for entry in rule["backendRefs"] if entry["name"] == name)


def expressible(rule: Route) -> bool:
    total = of(rule, "stable")
    return not total or total * factor_for(total, weights_of(rule), 1) >= route_patch.FINE


def applied(route: Route, operations: list[Route]) -> Route:
    return jsonpatch.apply_patch(route, operations)


def indexes(route: Route) -> list[int]:
    return [rule.index for rule in view_of(route, SERVICES, None).rules]


def borrowed(route: Route) -> BorrowedRoute:
    rules = view_of(route, SERVICES, None).rules
    originals = [
        BorrowedRule(index=r.index, name=r.name, stable_weight=r.stable, patched_weight=r.patched, others=list(r.others))
        for r in rules
    ]
    return BorrowedRoute(name="shop", rules=originals)


def adopting(route: Route) -> list[dict[str, Any]]:
    change = AdoptRoute(route=view_of(route, SERVICES, None), rules=tuple(indexes(route)), stamp="fix.0.1")
    return route_patch.adopt(route, SERVICES, change)


def adopted(route: Route) -> Route:
    return applied(route, adopting(route))


def weighed(route: Route, percent: int, original: BorrowedRoute | None = None) -> Route:
    return applied(route, weighing(route, percent, original))


def weighing(route: Route, percent: int, original: BorrowedRoute | None = None) -> list[dict[str, Any]]:
    change = SetWeights(route=view_of(route, SERVICES, None), rules=tuple(indexes(route)), weight=percent, stamp="fix.0.1")
    return route_patch.weigh(route, SERVICES, change, route_return.was_of(route, original, SERVICES))


def released(route: Route, original: BorrowedRoute) -> Route:
    return applied(route, route_return.release(route, original, SERVICES))


@law
@given(routes(), st.lists(percents, min_size=1, max_size=5))
def test_what_is_set_twice_is_written_once(route: Route, steps: list[int]) -> None:
    route = adopted(route)
    assert adopting(route) == []
    for percent in steps:
        route = weighed(route, percent)
        assert weighing(route, percent) == []


@law
@given(routes(), st.lists(percents, max_size=5))
def test_every_split_is_the_wanted_one_and_never_all_zero(route: Route, steps: list[int]) -> None:
    route = adopted(route)
    for percent in steps:
        route = weighed(route, percent)
        for index in indexes(route):
            rule = route["spec"]["rules"][index]
            total = of(rule, "stable") + of(rule, "patched")
            assert total > 0
            assert abs(Fraction(100 * of(rule, "patched"), total) - percent) < Fraction(1, 2)
            assert (of(rule, "patched") == 0) == (percent == 0)
            assert (of(rule, "stable") == 0) == (percent == 100)
            assert all(0 <= weight <= route_patch.MOST_WEIGHT for weight in weights_of(rule))


@law
@given(routes(), st.lists(percents, max_size=5))
def test_third_backends_keep_exactly_their_share(route: Route, steps: list[int]) -> None:
    def shares(found: Route) -> list[list[tuple[str, Fraction]]]:
        rules = found["spec"]["rules"]
        sums = [sum(weights_of(rule)) or 1 for rule in rules]
        return [
            [(r["name"], Fraction(r["weight"], total)) for r in rule["backendRefs"] if r["name"] not in SERVICES]
            for rule, total in zip(rules, sums, strict=True)
        ]

    before = shares(route)
    route = adopted(route)
    for percent in steps:
        route = weighed(route, percent)
        assert shares(route) == before


@law
@given(routes(), st.lists(percents, max_size=6))
def test_given_back_a_route_is_what_it_was(route: Route, steps: list[int]) -> None:
    original, found = borrowed(route), adopted(route)
    for percent in steps:
        found = weighed(found, percent)
    found = released(found, original)
    assert found == route
    assert route_return.release(found, original, SERVICES) == [], "and giving it back again is no write"


@law
@given(routes(), percents, st.randoms(use_true_random=False))
def test_given_back_after_the_backends_were_shuffled_every_weight_is_what_it_was(route: Route, percent: int, random: Any) -> None:
    original, found = borrowed(route), weighed(adopted(route), percent)
    for rule in found["spec"]["rules"]:
        sides = [entry for entry in rule["backendRefs"] if entry["name"] in SERVICES]
        places = [place for place, entry in enumerate(rule["backendRefs"]) if entry["name"] in SERVICES]
        random.shuffle(sides)
        for place, entry in zip(places, sides, strict=True):
            rule["backendRefs"][place] = entry
    found = released(found, original)
    for before, after in zip(route["spec"]["rules"], found["spec"]["rules"], strict=True):
        assert {r["name"]: r["weight"] for r in after["backendRefs"]} == {r["name"]: r["weight"] for r in before["backendRefs"]}


@law
@given(routes(), percents, st.integers(0, 3), st.booleans())
def test_what_somebody_else_changed_survives_the_way_back(route: Route, percent: int, place: int, at_the_top: bool) -> None:
    original, found = borrowed(route), weighed(adopted(route), percent)
    rules = found["spec"]["rules"]
    rules[place % len(rules)]["timeouts"] = {"request": "5s"}
    found["spec"]["hostnames"].append("more.example")
    extra = {"backendRefs": [ref("new", 3)]}
    rules.insert(0 if at_the_top else len(rules), extra)
    found = released(found, original)
    expected = copy.deepcopy(route)
    expected["spec"]["rules"][place % len(route["spec"]["rules"])]["timeouts"] = {"request": "5s"}
    expected["spec"]["hostnames"].append("more.example")
    rules = expected["spec"]["rules"]
    assert found["spec"]["hostnames"] == expected["spec"]["hostnames"]
    rest = [rule for rule in found["spec"]["rules"] if rule != extra]
    assert sorted(map(str, rest)) == sorted(map(str, rules))


def unnamed(*rules: list[Route]) -> Route:
    """A route whose rules have no names."""
    meta = {"name": "shop", "namespace": "shop", "resourceVersion": "7", "generation": 1}
    return {"metadata": meta, "spec": {"rules": [{"backendRefs": refs} for refs in rules]}}


def stable_weights(route: Route) -> list[int]:
    return [of(rule, "stable") for rule in route["spec"]["rules"]]


def test_weights_that_somebody_changed_are_given_back_too_where_no_third_backend_has_a_share() -> None:
    route = unnamed([ref("stable", 100)])
    found = weighed(adopted(route), 25)
    for entry in found["spec"]["rules"][0]["backendRefs"]:
        entry["weight"] = 33
    assert released(found, borrowed(route)) == route


def test_a_rule_put_before_others_moves_them_in_their_order() -> None:
    route = unnamed([ref("stable", 1)], [ref("stable", 1)], [ref("stable", 2)])
    found = weighed(adopted(route), 1)
    found["spec"]["rules"].insert(0, {"backendRefs": [ref("new", 3)]})
    assert stable_weights(released(found, borrowed(route))) == [0, 1, 1, 2]


def test_rules_that_changed_places_are_known_by_their_weights() -> None:
    route = unnamed([ref("stable", 9), ref("x", 1)], [ref("stable", 4), ref("y", 1)])
    found = weighed(adopted(route), 25)
    found["spec"]["rules"].reverse()
    found = released(found, borrowed(route))
    assert [{r["name"]: r["weight"] for r in rule["backendRefs"]} for rule in found["spec"]["rules"]] == [
        {"stable": 4, "y": 1},
        {"stable": 9, "x": 1},
    ]


def test_a_rule_with_a_name_is_known_by_it_even_when_patched_is_gone_from_it() -> None:
    route = unnamed([ref("stable", 2), ref("x", 1)], [ref("stable", 4), ref("y", 1)])
    route["spec"]["rules"][0]["name"] = "main"
    found = weighed(adopted(route), 25)
    first, second = found["spec"]["rules"]
    first["backendRefs"] = [ref("stable", 100), ref("x", 50)]
    found["spec"]["rules"] = [second, first]
    found = released(found, borrowed(route))
    assert [{r["name"]: r["weight"] for r in rule["backendRefs"]} for rule in found["spec"]["rules"]] == [
        {"stable": 4, "y": 1},
        {"stable": 2, "x": 1},
    ]


@law
@given(routes(), percents, weights)
def test_the_weight_that_somebody_gave_a_third_backend_is_kept_in_proportion(route: Route, percent: int, given: int) -> None:
    original, found = borrowed(route), weighed(adopted(route), percent)
    edited = next((r for rule in found["spec"]["rules"] for r in rule["backendRefs"] if r["name"].startswith("third")), None)
    assume(edited is not None and edited["weight"] != given)
    edited["weight"] = given
    for index, was in route_return.was_of(found, original, SERVICES).items():
        rule = found["spec"]["rules"][index]
        made = route_patch.untouched_factor(weights_of(rule), route_patch.sides(rule, SERVICES, "shop"), was)
        assume(not any(entry is edited for entry in rule["backendRefs"]) or not made)  # just what we would have made of it
    before = [(of(r, "stable") + of(r, "patched"), [e for e in r["backendRefs"] if e is edited]) for r in found["spec"]["rules"]]
    found = released(found, original)
    for (total, mine), rule in zip(before, found["spec"]["rules"], strict=True):
        if mine:
            assert Fraction(of(rule, mine[0]["name"]), of(rule, "stable")) == Fraction(given, total)


@law
@given(routes(), percents)
def test_the_split_that_is_kept_leaves_third_backends_as_they_were(route: Route, percent: int) -> None:
    original, found = borrowed(route), weighed(weighed(adopted(route), percent), 100)
    kept = applied(found, route_return.keep(found, original, SERVICES))
    for index in indexes(kept):
        before, after = route["spec"]["rules"][index], kept["spec"]["rules"][index]
        assert (of(after, "stable"), of(after, "patched") > 0) == (0, True)
        third = {r["name"]: r["weight"] for r in before["backendRefs"] if r["name"] not in SERVICES}
        assert {r["name"]: r["weight"] for r in after["backendRefs"] if r["name"] not in SERVICES} == third


@law
@given(routes(), percents, percents)
def test_every_write_carries_the_version_and_names_what_it_weighs(route: Route, first: int, second: int) -> None:
    found = weighed(adopted(route), first)
    for operations in (
        route_patch.guarded(route, adopting(route)),
        route_patch.guarded(found, weighing(found, second)),
        route_patch.guarded(found, route_return.release(found, borrowed(route), SERVICES)),
    ):
        if operations:
            assert operations[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
        for before, operation in itertools.pairwise(operations):
            if operation["path"].endswith("/weight"):
                assert (before["op"], before["path"]) == ("test", operation["path"].removesuffix("weight") + "name")


@law
@given(routes(fit=False), percents)
def test_a_sub_total_that_is_tiny_beside_the_others_is_split_too_and_given_back(route: Route, percent: int) -> None:
    """Third backends lose less than a fiftieth of a percent of the rule to it meanwhile."""
    original = borrowed(route)
    found = weighed(adopted(route), percent, original)
    for index in indexes(found):
        before, after = route["spec"]["rules"][index], found["spec"]["rules"][index]
        assert abs(100 * of(after, "patched") - percent * (of(after, "stable") + of(after, "patched"))) * 2 < sum(sides(after))
        assert max(weights_of(after)) <= route_patch.MOST_WEIGHT
        for was, now in zip(weights_of(before), weights_of(after), strict=False):
            if was not in sides(before):
                assert abs(was / sum(weights_of(before)) - now / sum(weights_of(after))) <= 2e-4
    assert released(found, original) == route


def sides(rule: Route) -> tuple[int, int]:
    return of(rule, "stable"), of(rule, "patched")


@law
@given(routes(fit=False), st.lists(st.tuples(percents, weights), min_size=1, max_size=8))
def test_however_often_somebody_weighs_patched_third_backends_keep_their_share(
    route: Route, edits: list[tuple[int, int]]
) -> None:
    """Neither their share nor any weight grows by it, and all is given back. Rules have names where there are several: without,
    and without third backends, weights that nobody knows are all that could tell them apart."""
    rules = route["spec"]["rules"]
    assume(len(indexes(route)) == 1 or all("name" in rule for rule in rules))
    original, found = borrowed(route), adopted(route)
    for percent, by_hand in edits:
        for rule in found["spec"]["rules"]:
            for entry in rule["backendRefs"]:
                if entry["name"] == "patched":
                    entry["weight"] = by_hand
        found = weighed(found, percent, original)
    for before, after in zip(route["spec"]["rules"], found["spec"]["rules"], strict=True):
        third = [(of(before, name), of(after, name)) for name in {r["name"] for r in before["backendRefs"]} - set(SERVICES)]
        if any(was for was, _ in third):
            for was, now in third:
                assert abs(was / sum(weights_of(before)) - now / sum(weights_of(after))) <= 2e-4
    assert released(found, original) == route


def test_a_rule_without_weights_can_only_be_given_none() -> None:
    assert split([0, 0, 5], (0, 1, None), 0) == [0, 0, 5]
    with pytest.raises(Refused, match="give one to stable"):
        split([0, 0, 5], (0, 1, None), 10)
    assert split([0, 0], (0, 1, None), 10) == [90, 10]


@pytest.mark.parametrize(
    ("total", "rest", "percent", "factor"),
    [
        (1, 0, 1, 100),
        (1, 0, 50, 100),  # as for any other percent: the sub-total changes once only
        (20, 0, 5, 1),
        (20, 0, 1, 5),
        (1, 10_000, 1, 100),
        (1, 10_001, 1, 99),  # 1 : 10 001 leaves a sub-total of 99 at most
        (2, 12_000, 1, 50),
        (3, 20_000, 1, 50),  # 300 would not fit, 150 is fine enough
        (1, 1_000_000, 100, 1),
        (1, 1_000_000, 0, 1),
        (333, 1_000_000, 1, 1),
    ],
)
def test_all_weights_grow_no_more_than_a_percent_needs(total: int, rest: int, percent: int, factor: int | None) -> None:
    assert factor_for(total, [total, 0, rest], percent) == factor


def test_ownership_is_dropped_without_touching_that_of_others() -> None:
    ours, theirs = {"manager": "hotfix-operator"}, {"manager": "kubectl"}
    meta = {"resourceVersion": "7", "managedFields": [ours, theirs]}
    assert route_return.disown({"metadata": meta}, "hotfix-operator")[0]["value"] == [theirs]
    assert route_return.disown({"metadata": {**meta, "managedFields": [theirs]}}, "hotfix-operator") == []
    alone = route_return.disown({"metadata": {**meta, "managedFields": [ours]}}, "hotfix-operator")
    assert alone[0]["value"] == [{}], "an empty list would be ignored"


def test_without_stable_in_a_rule_the_last_backend_is_not_taken_out() -> None:
    route = {
        "metadata": {"namespace": "shop", "resourceVersion": "7"},
        "spec": {"rules": [{"backendRefs": [ref("patched", 25)]}]},
    }
    original = BorrowedRoute(name="shop", rules=[BorrowedRule(index=0, stable_weight=1)])
    assert route_return.release(route, original, SERVICES) == []
    route["spec"]["rules"][0]["backendRefs"].append(ref("third", 75))
    assert [r["name"] for r in released(route, original)["spec"]["rules"][0]["backendRefs"]] == ["third"]
