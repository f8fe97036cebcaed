"""A simulated rollout: a seed's hotfix in a world with faults, until faults stop and everything must come to an end.

Safety phase: faults happen, and no promise may be broken. Liveness phase: faults stop, people put right what they can, and the
rollout must settle within a bound. `run` returns what was broken and a story of one line per event.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hotfix.core import machine
from hotfix.core.machine import Decision
from hotfix.core.observation import Observation
from hotfix.core.spec import Spec
from hotfix.core.status import Status
from hotfix.ports import Key
from tests.fakes.api import Answer
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .connection import Trouble, TroubledKube
from .crashing import ENDED
from .operator import LOOKS_AT, Operator, drawn
from .outside import PATCHED, STABLE, Outside, placed, share, weights
from .people import unanswered
from .proxies import ProxiedRequests
from .rules import Decided, broken
from .scaling import FLOOR, Autoscaler
from .swarm import OF_PEOPLE, OF_PODS, Fault, Plan, plan_of, widened
from .weather import Weather

SETTLE_SECONDS = 3600.0
COMMITS = 0.05  # chance in each turn that git gives stable the fix that it is waited for
WAKES = 0.05  # chance in each turn that a hanging request goes on
Hear = Callable[[Spec, Status, Observation, Decision], None]


@dataclass
class Result:
    """How it ended. `breaches`: (promise, what was done)."""

    plan: Plan
    phase: str | None = None
    breaches: list[tuple[str, str]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    looks: int = 0
    settled_seconds: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)  # faults, and what people did


class World:
    """Everything of one simulated rollout."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lots = random.Random(plan.seed + 1)
        self.result = Result(plan)
        self.shop = Shop(plan.image, rules=plan.rules, **plan.spec)
        self.requests = self.shop.requests = ProxiedRequests(self.shop.api)
        if plan.git:
            kept_by_git(self.shop)
        self.shop.advance(60)
        self.began = self.shop.clock.now()
        self.commits = random.Random(f"commits {plan.seed}")
        self.calm = self.unsaid = False  # unsaid: an Event met trouble
        self.last: dict[str, str] = {}
        self.outside = self._outside(KEY, PATCHED)
        self.outsides = {KEY: self.outside}
        self.weather = Weather(self.shop, self.requests, self.outside, self.lots, self.note)
        self.requests.halved = plan.has(Fault.PROXY_MISSING)
        self.weather.people.scalers = [Autoscaler(self.shop.api, name, self.note) for name in plan.scaled]
        self.operators = [self._operator(number) for number in range(plan.operators)]

    def _outside(self, key: Key, patched: str) -> Outside:
        found = Outside(self.shop.api, NAMESPACE, key.name, patched)
        for kind, name in (("HTTPRoute", STABLE), ("Deployment", STABLE), ("Deployment", patched)):
            found.note(kind, name)
        return found

    def _operator(self, number: int) -> Operator:
        kube = TroubledKube(self.shop.api, self._trouble, self._answered)
        return Operator(number, kube, self.requests, self.shop.clock, self.note, max_age_seconds=self.plan.max_age_seconds)

    def note(self, text: str) -> None:
        """One line of the story."""
        self.result.story.append(f"{self._elapsed():8.1f} {text}")

    def _elapsed(self) -> float:
        return self.shop.clock.now() - self.began

    # ---- requests of operators

    def _trouble(self, method: str, url: str) -> Trouble:
        if method != "GET":
            for kind, name in (("httproutes", "HTTPRoute"), ("deployments", "Deployment")):
                if f"/{kind}/" in url:
                    for outside in self.outsides.values():
                        outside.sent(name, url.rsplit("/", 1)[-1])
        if self.calm:
            return Trouble.NONE
        what: Trouble = drawn(self.lots, self.plan.per_call, Trouble.NONE)
        if what is not Trouble.NONE:
            self.note(f"{method} {url.rsplit('/namespaces/', maxsplit=1)[-1]}: {what}")
            self.unsaid |= url.endswith("/events")
        return what

    def _answered(self, method: str, url: str, body: Any, answer: Answer) -> None:
        kind, name = placed(url)
        for key, outside in self.outsides.items():
            if key == LOOKS_AT.get():
                outside.wrote(method, url, body, answer)
            elif kind is not None:
                outside.note(kind, name)
        if kind == "HotfixRollout" and answer.status < 300:
            self.weather.people.read(answer.body.get("status") or {})
        if method == "PATCH" and answer.status < 300 and "/httproutes/" in url:
            self.note(f"route {' | '.join(str(rule) for rule in weights(answer.body))}")

    # ---- time

    async def run(self) -> Result:
        """Both phases, then what must be true at the end."""
        with deciding(self._decided):
            while self._elapsed() < self.plan.fault_seconds and not self.breached:
                self.weather.change(self.plan.per_look, self.operators)
                await self._looks()
            self.note("== no more faults")
            self.calm = True
            self.weather.clear(self.operators)
            await self._settle()
        if not self.breached:
            self._ending()
        for outside in self.outsides.values():
            self.result.breaches += outside.breaches
        self.result.phase = self.phase
        self.result.happened = self.weather.happened + self.weather.people.happened
        return self.result

    @property
    def breached(self) -> bool:
        """It is not worth going on."""
        return bool(self.result.breaches or any(outside.breaches for outside in self.outsides.values()))

    @property
    def phase(self) -> str | None:
        """As it is stored; the last one when the object is gone."""
        found = self.outside.status().get("phase")
        return str(found) if found else None

    async def _looks(self) -> None:
        """Every operator that is due looks; then time passes until the next one is."""
        now = self.shop.clock.now()
        self._commits()
        self._scales()
        for operator in self.operators:
            if operator.hangs and (self.calm or self.lots.random() < WAKES):
                self.note(f"operator {operator.number} wakes up")
                await operator.wake()
            else:
                await self._look(operator, now)
        waiting = (due for one in self.operators for key, due in one.due.items() if key not in one.tasks)
        due = min(waiting, default=now + 1.0)
        self.shop.advance(min(5.0, max(0.1, due - now)))

    def _commits(self) -> None:
        """Git may give stable the fix that is waited for."""
        keeps = self.plan.git or "AwaitGit" in self.weather.rollouts[0].modes
        if keeps and self.phase == "AwaitingGit" and self.commits.random() < COMMITS:
            self.weather.commit(self.plan.image)

    def _scales(self) -> None:
        """HPAs do their work."""
        for scaler in self.weather.people.scalers:
            if scaler.step(self.shop.clock.now()):
                self.weather.happened[f"an HPA scales {scaler.name}"] += 1
                for outside in self.outsides.values():
                    outside.note("Deployment", scaler.name)

    async def _look(self, operator: Operator, now: float) -> None:
        """At every rollout that it is time for."""
        for key, due in list(operator.due.items()):
            if key not in operator.tasks and due <= now:
                self.result.looks += 1
                await operator.look(key)

    async def _settle(self) -> None:
        since = self.shop.clock.now()
        while not self.breached and not self._settled():
            if self.shop.clock.now() - since > SETTLE_SECONDS:
                self._breach("settles", f"{self._unsettled()} after an hour without faults")
            self.weather.help()
            await self._looks()
        self.result.settled_seconds = self.shop.clock.now() - since

    def _unsettled(self) -> str:
        found = (outside.status() for key, outside in self.outsides.items() if not self._over(key))
        return ", ".join(f"{status.get('phase')} {status.get('message')}" for status in found)

    def _settled(self) -> bool:
        return not any(operator.hangs for operator in self.operators) and all(self._over(key) for key in self.outsides)

    def _over(self, key: Key) -> bool:
        """This rollout has come to its end, or is gone."""
        try:
            item = self.shop.api.peek("HotfixRollout", key.namespace, key.name)
        except KeyError:
            return True
        status = item.get("status") or {}
        announced = (status.get("decisions") or [{}])[-1].get("sequence", 0) <= status.get("announced", 0)
        return status.get("phase") in ENDED and not item["metadata"].get("finalizers") and announced and self._answers(key)

    def _answers(self, key: Key) -> bool:
        """Who asked for something has an answer."""
        return not any(rollout.key == key and unanswered(rollout) for rollout in self.weather.rollouts)

    # ---- what must be true

    def _decided(self, spec: Spec, before: Status, seen: Observation, decision: Decision) -> None:
        for promise, text in broken(Decided(spec, before, seen, decision)):
            self._breach(promise, text)
        line = self._line(seen, decision.status)
        if line[:60] != self.last.get(seen.name, "")[:60]:
            self.note(line[:200])
        self.last[seen.name] = line

    def _line(self, seen: Observation, status: Status) -> str:
        return f"{status.phase} {status.stage} {status.weight} {status.held or ''} {status.message}"

    def _breach(self, promise: str, text: str) -> None:
        self.note(f"!! {promise}: {text}")
        self.result.breaches.append((promise, text))

    def _ending(self) -> None:
        """Everything is as it was, or as it was asked to be."""
        for promise, wrong, text in (*self._of_the_route(), *self._of_the_patch(), *self._of_people()):
            if wrong:
                self._breach(promise, text)

    @property
    def keeps(self) -> bool:
        """A person, or the manifest, chose to end with patched."""
        self.weather.rollouts[0].spec()
        return self.phase == "Promoted" and "KeepPatched" in self.weather.rollouts[0].modes

    def _of_the_route(self) -> Iterator[tuple[str, bool, str]]:
        """(promise, broken, what)."""
        route, original, edited = self.weather.route(), self.weather.original, self.weather.edited_after_the_end
        given = [percent for rule in weights(route) if (percent := share(rule)) is not None]
        # asked for only after stable had the fix, it comes too late, and is no loss
        wanted = (100, 0) if self.keeps and self.weather.image(STABLE) == self.plan.image else (100,) if self.keeps else (0,)
        edited |= not self.outside.status().get("startedAt")  # it never began, and what patched has is what a person gave it
        wrong = self.phase in ENDED and not edited and not any(all(percent == one for percent in given) for one in wanted)
        yield "given back", wrong, f"{self.phase} with {weights(route)}"
        managers = {entry["manager"] for entry in route["metadata"].get("managedFields", [])}
        yield "given back", "hotfix-operator" in managers, "the route is still owned by the operator"
        yield "given back", "annotations" in route["metadata"], "the route still has the stamp"
        same = route["spec"] == original["spec"] or self.keeps or self.plan.has(*OF_PEOPLE)
        yield "given back", not same, f"the route was {weights(original)} and is {weights(route)}"

    def _of_the_patch(self) -> Iterator[tuple[str, bool, str]]:
        """(promise, broken, what)."""
        plan, phase, runs = self.plan, self.phase, self.weather.image(STABLE)
        bad = not plan.good and (phase == "Promoted" or runs == plan.image)
        yield "a bad patch is never promoted", bad, f"{phase}, stable runs {runs}"
        yield "the fix is in", phase == "Promoted" and not self.keeps and runs != plan.image, f"{phase}, stable runs {runs}"
        left = plan.good and not plan.per_look and phase != "Promoted"
        yield "a good patch is promoted whatever the API does", left, f"it ended {phase}"
        numbers = {entry["sequence"] for entry in self.outside.status().get("decisions") or ()}
        said = {int(event["metadata"]["name"].rsplit(".", 1)[-1]) for event in self.shop.api.every("Event", NAMESPACE)}
        excused = self.outside.gone and self.unsaid  # a deletion waits for no Event
        missing = sorted(numbers - said) if self.phase in ENDED and not excused else []
        yield "everything is said", bool(missing), f"no event for decisions {missing}"
        excused = plan.has(*OF_PODS) or self.weather.edited_after_the_end or self.weather.people.ended_pods
        lost = self.requests.lost > 0 and not excused
        yield "no request is lost", lost, f"{self.requests.lost:.1f} requests went to pods that had ended"

    def _of_people(self) -> Iterator[tuple[str, bool, str]]:
        """(promise, broken, what)."""
        people, why = self.weather.people, self.outside.status().get("why")
        asked = "rollback" in people.accepted
        yield "done as it was answered", why == "Requested" and not asked, f"rolled back for {why}, which nobody was granted"
        kept = asked and self.phase in ENDED and self.phase != "RolledBack"
        yield "done as it was answered", kept, f"a rollback was granted, and it ended {self.phase}"
        for scaler in people.scalers:
            floors = (FLOOR, scaler.floor)
            yield "given back", scaler.minimum not in floors, f"the HPA of {scaler.name} has at least {scaler.minimum} pods now"


def kept_by_git(shop: Shop) -> None:
    """Flux has made the route and stable."""
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    for kind in ("HTTPRoute", "Deployment"):
        shop.api.edit(
            kind, NAMESPACE, STABLE, [{"op": "add", "path": "/metadata/labels", "value": labels}], "kustomize-controller"
        )


@contextmanager
def deciding(hear: Hear) -> Iterator[None]:
    """`hear(spec, before, seen, decision)` of every decision that is made."""
    original = machine.decide

    def heard(spec: Spec, status: Status, seen: Observation) -> Decision:
        decision = original(spec, status, seen)
        hear(spec, status, seen, decision)
        return decision

    machine.decide = heard
    try:
        yield
    finally:
        machine.decide = original


async def simulate(seed: int) -> Result:
    """The rollout of a seed."""
    world = World(widened(plan_of(seed)))
    try:
        return await world.run()
    finally:
        for operator in world.operators:
            await operator.close()
