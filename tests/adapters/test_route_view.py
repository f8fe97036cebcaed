"""What an HTTPRoute says: the word of its controllers, and why it cannot be shifted. Tables."""

from typing import Any

import pytest

from hotfix.adapters.routers.route_view import acknowledgement, ingress_names, refusal, view_of
from hotfix.core.observation import Ack
from hotfix.core.spec import HttpRoute

SERVICES = ("stable", "patched")
PARENT = {"name": "gw"}
Raw = dict[str, Any]


def route(*rules: Raw, parents: list[Raw] | None = None, status: list[Raw] | None = None, **meta: Any) -> Raw:
    metadata = {"name": "shop", "namespace": "shop", "resourceVersion": "1", "generation": 3, **meta}
    spec = {"parentRefs": [PARENT] if parents is None else parents, "rules": list(rules)}
    return {"metadata": metadata, "spec": spec, "status": {"parents": status or []}}


def rule(*names: str, **weights: int) -> Raw:
    return {"backendRefs": [{"name": name, "port": 80, "weight": weights.get(name, 1)} for name in names]}


def said(ref: Raw = PARENT, accepted: str = "True", resolved: str = "True", generation: int = 3) -> Raw:
    conditions = [
        {"type": "Accepted", "status": accepted, "observedGeneration": generation, "message": "not by me"},
        {"type": "ResolvedRefs", "status": resolved, "observedGeneration": generation, "message": "no such Service"},
    ]
    return {"parentRef": ref, "controllerName": "example.com/gw", "conditions": conditions}


FULL = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop", "name": "gw"}
LISTENER = {**PARENT, "sectionName": "https"}


@pytest.mark.parametrize(
    ("parents", "status", "ack", "says"),
    [
        ([PARENT], [said()], Ack.APPLIED, ""),
        ([PARENT], [said(FULL)], Ack.APPLIED, ""),
        ([PARENT], [], Ack.PENDING, "no controller reports on parent gw"),
        ([], [], Ack.PENDING, "no parent is named"),
        ([PARENT], [said(generation=2)], Ack.PENDING, "Accepted is not reported for generation 3 yet"),
        ([PARENT], [said(generation=4)], Ack.APPLIED, ""),
        ([PARENT], [{"parentRef": PARENT}], Ack.PENDING, "Accepted is not reported for generation 3 yet"),
        ([PARENT], [said(accepted="False")], Ack.REJECTED, "Accepted is False: not by me"),
        ([PARENT], [said(resolved="False")], Ack.REJECTED, "ResolvedRefs is False: no such Service"),
        ([PARENT], [said(resolved="Unknown")], Ack.REJECTED, "ResolvedRefs is Unknown: no such Service"),
        ([PARENT], [said(accepted="False", generation=2)], Ack.PENDING, "Accepted is not reported for generation 3 yet"),
        ([PARENT, {"name": "two"}], [said()], Ack.PENDING, "no controller reports on parent two"),
        ([{"name": "two"}, PARENT], [said(resolved="False")], Ack.REJECTED, "ResolvedRefs is False: no such Service"),
        ([PARENT], [said(), said(accepted="False")], Ack.REJECTED, "Accepted is False: not by me"),
        ([PARENT, LISTENER], [said()], Ack.PENDING, "no controller reports on parent gw"),
        ([PARENT, LISTENER], [said(), said(LISTENER)], Ack.APPLIED, ""),
        ([PARENT], [said({**PARENT, "namespace": "elsewhere"})], Ack.PENDING, "no controller reports on parent gw"),
        ([{**PARENT, "port": 80}], [said()], Ack.PENDING, "no controller reports on parent gw"),
        ([PARENT], [said(), said({"name": "former"}, accepted="False")], Ack.APPLIED, ""),
    ],
)
def test_the_word_of_the_controllers(parents: list[Raw], status: list[Raw], ack: Ack, says: str) -> None:
    assert acknowledgement(route(rule("stable"), parents=parents, status=status)) == (ack, says)


def test_a_condition_without_a_generation_is_not_about_this_one() -> None:
    entry = said()
    for condition in entry["conditions"]:
        del condition["observedGeneration"]
    assert acknowledgement(route(rule("stable"), status=[entry]))[0] is Ack.PENDING


SIXTEEN = ("stable", *(f"s{number}" for number in range(15)))


@pytest.mark.parametrize(
    ("found", "asked", "says"),
    [
        (route(rule("stable")), None, None),
        (route(rule("stable"), deletionTimestamp="2026-01-01T00:00:00Z"), None, "it is being deleted."),
        (route(rule("other")), None, "no rule of it names Service stable; correct its backendRefs"),
        (route(), None, "no rule of it names Service stable"),
        (route(rule("stable")), [1], "it has no rule 1;"),
        (route(rule("stable")), ["main"], "it has no rule 'main';"),
        (route({**rule("stable"), "name": "main"}), ["main"], None),
        (route(rule("stable"), rule("other")), [1], "rule 1 does not name Service stable;"),
        (route(rule("stable"), rule("other")), None, None),
        (route(rule("stable", "stable")), None, "rule 0 names the same Service twice"),
        (route(rule("stable"), rule("stable", "stable")), [0], None),
        (route(rule("stable", "patched", "patched")), None, "rule 0 names the same Service twice"),
        (route(rule(*SIXTEEN)), None, "rule 0 has 16 backends already"),
        (route(rule(*SIXTEEN[:15], "patched")), None, None),
        (route(rule("stable", "big", big=500_000)), None, None),
        (route(rule("stable", "big", stable=50, big=500_000)), None, None),
        (route({"backendRefs": [{"name": "stable", "namespace": "else"}]}), None, "(only a Service of namespace else)"),
        (route({"backendRefs": [{"name": "stable", "kind": "ServiceImport", "group": "x"}]}), None, "(only a ServiceImport)"),
        (route({"backendRefs": [{"name": "stable", "namespace": "shop"}]}), None, None),
        (route({"backendRefs": [{"name": "stable", "group": "", "kind": "Service"}]}), None, None),
        (route({"backendRefs": [{"name": "stable", "group": "example.com"}]}), None, "no rule of it names Service stable"),
        (route({"filters": [{"type": "RequestRedirect"}]}, rule("stable")), None, None),
    ],
)
def test_why_a_route_cannot_be_shifted(found: Raw, asked: list[int | str] | None, says: str | None) -> None:
    why = refusal(found, SERVICES, HttpRoute(name="shop", rules=asked))
    assert (says in why) if says and why else why is None
    assert (why is None) == (says is None)


def test_a_view_has_the_rules_that_name_stable_and_what_is_beside_it() -> None:
    first = {"backendRefs": [{"name": "x", "weight": 5}, {"name": "stable", "port": 81}, {"name": "y"}], "name": "main"}
    view = view_of(route(rule("other"), first, rule("patched", "stable", stable=9, patched=0), status=[said()]), SERVICES, None)
    assert [(r.index, r.name, r.stable, r.patched, r.port, r.others) for r in view.rules] == [
        (1, "main", 1, None, 81, (5, 1)),
        (2, None, 9, 0, 80, ()),
    ]
    assert (view.controllers, view.generation, view.version) == (("example.com/gw",), 3, "1")


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({}, False),
        ({"defaultBackend": {"service": {"name": "stable"}}}, True),
        ({"defaultBackend": {"resource": {"name": "stable"}}}, False),
        ({"rules": [{"host": "x"}]}, False),
        ({"rules": [{"http": {"paths": [{"backend": {"service": {"name": "other"}}}]}}]}, False),
        ({"rules": [{}, {"http": {"paths": [{}, {"backend": {"service": {"name": "stable"}}}]}}]}, True),
    ],
)
def test_an_ingress_by_passes_the_weights_when_it_names_stable(spec: Raw, names: bool) -> None:
    assert ingress_names({"spec": spec}, "stable") is names
