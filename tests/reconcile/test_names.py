"""Names as long as Kubernetes lets them be, of everything at once, through the real adapters to each end."""

from typing import Any

import pytest

from hotfix.core import spec, status
from hotfix.errors import OutsideError
from hotfix.ports import Key
from tests.e2e.shop import deployment, rollout, route, service

from .shop import ERRORS, NAMESPACE, RATE, Requests, Shop, share_of_rule

MOST, MOST_OF_A_SERVICE = 253, 63
MOST_OF_A_DEPLOYMENT = MOST - len("-0123456789")  # its ReplicaSets have its name and the hash of their template
SIDES = ("stable", "patched")
DEPLOYMENTS = {side: ("d" * MOST)[: MOST_OF_A_DEPLOYMENT - len(side)] + side for side in SIDES}
SERVICES = {side: ("s" * MOST)[: MOST_OF_A_SERVICE - len(side)] + side for side in SIDES}
ROUTE, NAME = "r" * MOST, "f" * MOST
FLUX = {"kustomize.toolkit.fluxcd.io/name": "k" * 63, "kustomize.toolkit.fluxcd.io/namespace": "n" * 63}
ENDS = {"Promoted": "sample:1.1", "RolledBack": "sample:crash"}


class LongRequests(Requests):
    """Services are not named as their Deployments are."""

    def flow(self, seconds: float) -> None:
        """Requests of so many seconds."""
        (rule,) = self.api.read("HTTPRoute", NAMESPACE, ROUTE)["spec"]["rules"]
        for side, name in DEPLOYMENTS.items():
            count, share = self.counts[name], share_of_rule(rule, SERVICES[side])
            image = self.api.read("Deployment", NAMESPACE, name)["spec"]["template"]["spec"]["containers"][0]["image"]
            count[0] += RATE * seconds * share
            count[1] += RATE * seconds * share * ERRORS[image]


class LongShop(Shop):
    """The shop beside which everything stands again with the longest names that work."""

    def __init__(self, patched: str, labels: dict[str, str]) -> None:
        super().__init__()
        self.api.delete("HotfixRollout", NAMESPACE, "fix")
        self.requests = LongRequests(self.api, tuple(DEPLOYMENTS.values()))
        made: list[dict[str, Any]] = [route(ROUTE, "long.local", {"backendRefs": [{"name": SERVICES["stable"], "port": 80}]})]
        for side, image in zip(SIDES, ("sample:1.0", patched), strict=True):
            selected = {"app": side}
            made += [deployment(DEPLOYMENTS[side], image), service(SERVICES[side], selector=selected)]
            made[-2]["spec"]["selector"]["matchLabels"] = made[-2]["spec"]["template"]["metadata"]["labels"] = selected
        sides = {side: {"deployment": DEPLOYMENTS[side], "service": SERVICES[side]} for side in SIDES}
        for item in [*made, rollout(NAME, **sides)]:
            self.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE, "labels": labels}})
        self.controllers.step()
        self.advance(60)
        self.restart()

    async def to(self, *phases: str) -> dict[str, Any]:
        """The stored status, in one of these phases; each one on the way can be read again."""
        for _ in range(1000):
            try:
                wait = await self.reconciler.reconcile(Key(NAMESPACE, NAME))
            except OutsideError:
                wait = 0.5
            self.advance(max(0.1, min(wait or 1.0, 5.0)))
            found = self.api.read("HotfixRollout", NAMESPACE, NAME)
            status.parse(found["status"])
            if found["status"]["phase"] in phases and found["status"]["stage"] in ("Done", "AwaitingGit"):
                return dict(found["status"])
        raise AssertionError(f"never {phases}: {found['status']['phase']}: {found['status']['message']}")

    def left_over(self) -> tuple[dict[str, int], list[str], bool]:
        """(Weights, annotations, whether our finalizer is there) in the end."""
        found = self.api.read("HTTPRoute", NAMESPACE, ROUTE)
        weights = {ref["name"]: ref["weight"] for ref in found["spec"]["rules"][0]["backendRefs"]}
        meta = self.api.read("HotfixRollout", NAMESPACE, NAME)["metadata"]
        return weights, sorted(found["metadata"].get("annotations") or ()), bool(meta.get("finalizers"))


def test_these_names_are_the_longest() -> None:
    assert {len(name) for name in (ROUTE, NAME)} == {MOST}
    assert {len(name) for name in SERVICES.values()} == {MOST_OF_A_SERVICE}
    spec.parse({side: {"deployment": "d" * MOST, "service": SERVICES[side]} for side in SIDES})


@pytest.mark.parametrize(("end", "labels"), [("Promoted", {}), ("RolledBack", {}), ("Promoted", FLUX), ("RolledBack", FLUX)])
async def test_names_at_their_limits_come_to_an_end(end: str, labels: dict[str, str]) -> None:
    shop = LongShop(ENDS[end], labels)
    found = await shop.to("AwaitingGit", end)
    if found["phase"] == "AwaitingGit":
        assert len(found["resolved"]["owners"]) == 4
        assert DEPLOYMENTS["stable"] in found["promotion"]["handover"]["sentence"]
        fixed = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": ENDS[end]}
        shop.api.edit("Deployment", NAMESPACE, DEPLOYMENTS["stable"], [fixed])
        shop.controllers.step()
        found = await shop.to(end)
    assert found["phase"] == end
    assert shop.left_over() == ({SERVICES["stable"]: 1}, [], False)
    assert {event["regarding"]["name"] for event in shop.api.every("Event", NAMESPACE)} == {NAME}
