"""What the world does to a rollout between two looks: each fault begins, lasts a while, and is over."""

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hotfix.ports import Key
from tests.reconcile.shop import NAMESPACE, Shop

from .operator import Operator, drawn
from .outside import STABLE, Outside
from .people import People, unanswered
from .proxies import Flaw, ProxiedRequests
from .swarm import OF_METRICS, OF_PEOPLE, OF_PODS, OF_THE_ROLLOUT, Fault

LASTS = (5.0, 20.0, 60.0)
LATE_SECONDS = 60.0  # so much is asked for again, and missing then
AT_ONCE = (OF_PEOPLE - {Fault.PAUSED}) | {Fault.COUNTERS_RESET, Fault.SIDE_RESETS, Fault.WATCH_GAP, Fault.SPEC_EDIT}
SKEWS = (-3600.0, -30.0, 30.0, 3600.0)


class Rollout:
    """One rollout, for those who do something to it."""

    def __init__(self, shop: Shop, outside: Outside) -> None:
        self.api, self.outside, self.key = shop.api, outside, Key(outside.namespace, outside.name)
        self.asked: dict[str, Any] = {}
        self.modes: set[str] = set()  # of promotion, that the manifest ever had
        self.spec()

    def spec(self) -> dict[str, Any]:
        """The manifest as it is; empty when it is gone."""
        try:
            self.asked = dict(self.api.read("HotfixRollout", *self.key_of)["spec"])
        except KeyError:
            return {}
        self.modes.add((self.asked.get("promotion") or {}).get("mode", "Auto"))
        return self.asked

    @property
    def key_of(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.key.namespace, self.key.name

    def ask(self, field: str, value: object) -> None:
        """A person edits the manifest."""
        if self.spec():
            self.api.edit("HotfixRollout", *self.key_of, [{"op": "add", "path": f"/spec/{field}", "value": value}])
            self.spec()

    def delete(self) -> None:
        """A person deletes it."""
        if self.spec():
            self.api.delete("HotfixRollout", *self.key_of)

    @property
    def ends(self) -> bool:
        """It gives the route back, or did."""
        ended = self.api.peek("Deployment", NAMESPACE, self.outside.patched)["spec"]["replicas"] == 0
        return ended or not self.spec() or self.outside.status().get("stage") in ("GivingBack", "Done")


class Weather:
    """`change` draws what begins now and ends what is over; `clear` ends all of it. Where there are several rollouts, what
    happens to one of them, or to its pods, happens to one that is drawn."""

    def __init__(
        self, shop: Shop, requests: ProxiedRequests, outside: Outside, lots: random.Random, note: Callable[[str], None]
    ) -> None:
        self.shop, self.requests, self.lots, self.note = shop, requests, lots, note
        self.original = self.route()
        self.until: dict[Fault, float] = {}
        self.edited_after_the_end = False
        self.rollouts = [Rollout(shop, outside)]
        self.struck: dict[Fault, Rollout] = {}
        self.happened: Counter[str] = Counter()
        self.people = People(shop.api, lots, note)

    def change(self, chances: dict[Fault, float], operators: list[Operator]) -> None:
        """One turn of the weather."""
        for fault in [fault for fault, until in self.until.items() if until <= self.shop.clock.now()]:
            self.end(fault, operators)
        what = drawn(self.lots, dict(chances), None)
        if what is not None and what not in self.until:
            self.note(f"-- {what}")
            seconds = self.lots.choice(LASTS)
            self.until[what] = self.shop.clock.now() + seconds
            self.struck[what] = self.rollouts[0] if len(self.rollouts) == 1 else self.lots.choice(self.rollouts)
            self.happened[what] += 1
            self._begin(what, operators, seconds)

    def _begin(self, what: Fault, operators: list[Operator], seconds: float) -> None:
        if what in OF_PEOPLE:
            self._person(what)
        elif what in OF_METRICS:
            self._flaw(what)
        elif what in OF_THE_ROLLOUT:
            self.people.begin(what, self.struck[what])
            self._noted("Deployment", self.struck[what].outside.patched)
        else:
            self._machine(what, operators, seconds)

    def _flaw(self, what: Fault) -> None:
        """Of what Prometheus has of one side: what is missing is missing altogether, or since a minute ago."""
        side, now = self.lots.choice((STABLE, self.struck[what].outside.patched)), self.shop.clock.now()
        if what is Fault.ERRORS_MISSING:
            side = STABLE  # a patch that fails without being counted cannot be told from one that does not fail
        if what is Fault.SIDE_RESETS:
            self.requests.counts[side][:] = [0.0, 0.0]
        else:
            self.requests.flaws[side] = Flaw(what, self.lots.choice((-math.inf, now - LATE_SECONDS)))

    def clear(self, operators: list[Operator]) -> None:
        """No more faults."""
        for fault in list(self.until):
            self.end(fault, operators)

    def _machine(self, fault: Fault, operators: list[Operator], seconds: float) -> None:
        controllers = self.shop.controllers
        match fault:
            case Fault.SILENT_METRICS:
                self.requests.silent = True
            case Fault.COUNTERS_RESET:
                self.requests.restart()
            case Fault.CLOCK_STEP:
                self.lots.choice(operators).clock.skew = self.lots.choice(SKEWS)
            case Fault.WATCH_GAP:
                for operator in operators:
                    operator.sleeps(seconds)
            case Fault.DEAF:
                controllers.deaf.add(STABLE)
            case _:
                struck = self.struck[fault].outside.patched if fault is Fault.PATCHED_DOWN else STABLE
                controllers.never_ready.add(self.image(struck))
                self._pods_anew()

    def _person(self, fault: Fault) -> None:
        present, struck = self.route(), self.struck[fault]
        self.edited_after_the_end |= any(rollout.ends for rollout in self.rollouts)
        match fault:
            case Fault.GIT_EDIT:
                wanted = {**present["spec"], "rules": self.original["spec"]["rules"]}
                self.edit_route([{"op": "replace", "path": "/spec", "value": wanted}], "kustomize-controller")
            case Fault.PERSON_EDIT:
                refs = present["spec"]["rules"][0]["backendRefs"]
                place = next((place for place, ref in enumerate(refs) if ref["name"] == struck.outside.patched), 0)
                at = f"/spec/rules/0/backendRefs/{place}/weight"
                self.edit_route([{"op": "add", "path": at, "value": self.lots.choice((1, 7, 30))}], "kubectl-edit")
            case Fault.FIELD_EDIT:
                self.edit_route([{"op": "add", "path": "/spec/hostnames", "value": ["a.local", "b.local"]}], "kubectl-edit")
            case Fault.PAUSED:
                struck.ask("paused", True)
            case Fault.DELETED:
                struck.delete()

    def end(self, fault: Fault, operators: list[Operator]) -> None:
        """It is over."""
        del self.until[fault]
        if fault in OF_METRICS:
            self.requests.flaws = {side: flaw for side, flaw in self.requests.flaws.items() if flaw.fault is not fault}
        elif fault in OF_THE_ROLLOUT:
            self.people.end(fault, self.struck[fault])
            self._noted("Deployment", self.struck[fault].outside.patched)
        else:
            self._end(fault, operators)
        if fault not in AT_ONCE:
            self.note(f"-- over: {fault}")

    def _end(self, fault: Fault, operators: list[Operator]) -> None:
        match fault:
            case Fault.SILENT_METRICS:
                self.requests.silent = False
            case Fault.CLOCK_STEP:
                for operator in operators:
                    operator.clock.skew = 0.0
            case Fault.DEAF:
                self.shop.controllers.deaf.clear()
            case Fault.PAUSED:
                self.struck[fault].ask("paused", False)
            case _ if fault in OF_PODS:
                self.shop.controllers.never_ready.clear()
                self._pods_anew()

    def _pods_anew(self) -> None:
        """Pods report anew whether they are ready."""
        for pod in list(self.shop.api.every("Pod", NAMESPACE)):
            self.shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
        self.shop.controllers.step()

    # ---- what people do

    def edit_route(self, operations: list[dict[str, Any]], manager: str) -> None:
        """Somebody's JSON Patch on the route."""
        self.shop.api.edit("HTTPRoute", NAMESPACE, STABLE, operations, manager)
        self._noted("HTTPRoute", STABLE)

    def _noted(self, kind: str, name: str) -> None:
        for rollout in self.rollouts:
            rollout.outside.note(kind, name)

    def commit(self, image: str) -> None:
        """Git gives stable this image, and it is synced."""
        if self.image(STABLE) != image:
            self.note("-- git has the fix")
            at = "/spec/template/spec/containers/0/image"
            self.shop.api.edit(
                "Deployment", NAMESPACE, STABLE, [{"op": "replace", "path": at, "value": image}], "kustomize-controller"
            )
            self._noted("Deployment", STABLE)

    def help(self) -> None:
        """What the messages tell a person to do."""
        for rollout in self.rollouts:
            self._help(rollout)
            if self.people.happened or self.people.scalers:
                self.people.help(rollout)
                self._noted("Deployment", STABLE)
                self._noted("Deployment", rollout.outside.patched)

    def _help(self, rollout: Rollout) -> None:
        status, spec = rollout.outside.status(), rollout.spec()
        held, mode = status.get("held"), (spec.get("promotion") or {}).get("mode")
        if held in ("PromotionFailed", "DeletionHeld") and mode != "KeepPatched":
            rollout.ask("promotion", {"mode": "KeepPatched"})
        elif _failed(status) and (status.get("resolved") or {}).get("owners") and not unanswered(rollout):
            self.people.ask(rollout, "promote")  # what git keeps cannot be left as it is
        elif held == "PatchedAlreadyServes" or (held == "WeightsEdited" and status.get("stage") == "DrainingPatched"):
            self._put_back(rollout)
        elif held == "WeightsEdited":
            asked = not spec.get("paused") if len(self.rollouts) == 1 else self.shop.clock.now() % 40 < 20
            if asked is not bool(spec.get("paused")):
                rollout.ask("paused", asked)
        elif spec.get("paused"):
            rollout.ask("paused", False)

    def _put_back(self, rollout: Rollout) -> None:
        """Everything of it to stable again; what another rollout has there stays."""
        rules = self.route()["spec"]["rules"]
        others = {other.outside.patched for other in self.rollouts if other is not rollout}
        for rule in rules:
            refs = rule["backendRefs"]
            beside = any(ref["weight"] for ref in refs if ref["name"] in others)
            for ref in refs:
                if ref["name"] == rollout.outside.patched:
                    ref["weight"] = 0
                elif ref["name"] == STABLE and not beside:
                    ref["weight"] = 100
        self.edit_route([{"op": "replace", "path": "/spec/rules", "value": rules}], "kubectl-edit")

    # ---- what is there

    def route(self) -> dict[str, Any]:
        """The route."""
        return self.shop.api.read("HTTPRoute", NAMESPACE, STABLE)

    def image(self, name: str) -> str:
        """What a Deployment runs."""
        spec = self.shop.api.peek("Deployment", NAMESPACE, name)["spec"]["template"]["spec"]
        return str(spec["containers"][0]["image"])


def _failed(status: Mapping[str, Any]) -> bool:
    """Stable is not good with the fix; a deletion does not change that."""
    return status.get("held") == "PromotionFailed" or (
        status.get("held") == "DeletionHeld" and status.get("stage") == "ReturnFailed"
    )
