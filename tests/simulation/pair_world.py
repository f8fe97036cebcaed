"""A simulated pair of rollouts: a newer hotfix comes while an older one is under way on the same route, in the same weather."""

import random
from collections.abc import Iterator
from typing import Any

from hotfix.core.machine import Decision
from hotfix.core.observation import Observation
from hotfix.core.spec import Spec
from hotfix.core.status import Status
from hotfix.ports import Key
from tests.e2e.shop import deployment, rollout, service
from tests.fakes.api import Answer
from tests.reconcile.shop import KEY, NAMESPACE

from .crashing import ENDED
from .kin_rules import Kin
from .operator import LOOKS_AT, Operator
from .outside import PATCHED, SECOND, STABLE, placed, weights
from .pairs import BAD, FAILING, GOOD, LATEST, Pair, pair_of
from .rules import Decided
from .swarm import OF_PEOPLE, OF_PODS, Fault
from .weather import Rollout
from .world import COMMITS, Result, World

NEWER = Key(NAMESPACE, "second")
FLOOR = 1
NEVER = float("inf")


class PairWorld(World):
    """`fix` is the older one; `second` comes when its moment has come."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair.plan)
        self.pair, self.came, self.since = pair, NEVER, NEVER
        self.outsides[NEWER] = self._outside(NEWER, SECOND)
        for outside in self.outsides.values():
            outside.edited = pair.plan.has(*OF_PEOPLE)
        faults = {"edited": pair.plan.has(*OF_PEOPLE), "weighed": pair.plan.has(Fault.PERSON_EDIT)}
        self.kin = Kin(self.outside, self.outsides[NEWER], self._breach, **faults)
        self.people = _people(pair)
        self.commits = random.Random(f"commits of a pair {pair.plan.seed}")
        if pair.scaled:
            target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": STABLE}
            spec = {"scaleTargetRef": target, "minReplicas": FLOOR, "maxReplicas": 5}
            kind = "HorizontalPodAutoscaler"
            self.shop.api.apply({"kind": kind, "metadata": {"name": STABLE, "namespace": NAMESPACE}, "spec": spec})

    def _operator(self, number: int) -> Operator:
        found = super()._operator(number)
        found.due[NEWER] = NEVER
        return found

    # ---- what happens

    async def _looks(self) -> None:
        self._comes()
        now = self.shop.clock.now()
        while self.people and self.people[0][0] <= now - self.came:
            what = self.people.pop(0)[1]
            self.note(f"-- a person: {what}")
            self._person(what)
        if self.calm and self.came is not NEVER:
            self._helped()
        await super()._looks()

    def _comes(self) -> None:
        """The newer one is applied when the older one is where it was waited for, or late."""
        if self.came is not NEVER:
            return
        status, now = self.outside.status(), self.shop.clock.now()
        there = self.pair.comes in (status.get("stage"), status.get("phase"))
        if self.since is NEVER and (there or self.calm or self._elapsed() > LATEST * self.plan.fault_seconds):
            self.since = now
        if now - self.since < self.pair.after:
            return
        self.came = now
        self.note(f"-- the newer one comes: {self.pair.image}")
        items = (deployment(SECOND, self.pair.image), service(SECOND), rollout(NEWER.name, **self.pair.spec))
        for item in items:
            self.shop.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
        self.requests.counts[SECOND] = [0.0, 0.0]
        self.requests.samples[SECOND] = []
        self.shop.controllers.step()
        self.outsides[NEWER].note("Deployment", SECOND)
        self.weather.rollouts.append(Rollout(self.shop, self.outsides[NEWER]))
        for operator in self.operators:
            operator.due[NEWER] = now

    def _person(self, what: str) -> None:
        older, newer = self.weather.rollouts
        match what:
            case "delete the older":
                older.delete()
            case "delete":
                newer.delete()
            case "pause" | "resume":
                newer.ask("paused", what == "pause")
            case _:
                if newer.spec():
                    value = {"hotfix-operator.dev/request": f"{what}:1"}
                    operation = {"op": "add", "path": "/metadata/annotations", "value": value}
                    self.shop.api.edit("HotfixRollout", *newer.key_of, [operation])

    def _commits(self) -> None:
        """Git has the fix of the newer one that waits for it; that of the older one rarely, as long as the newer one may come."""
        images = ((NEWER, self.pair.image, COMMITS), (KEY, self.plan.image, COMMITS / 10 if self._expected() else COMMITS))
        for key, image, chance in images:
            if self.outsides[key].status().get("phase") == "AwaitingGit":
                if self.commits.random() < chance:
                    self.weather.commit(image)
                return

    def _expected(self) -> bool:
        """The newer one is to come, or is under way."""
        return self.came is NEVER or not self._over(NEWER)

    def _settled(self) -> bool:
        return self.came is not NEVER and super()._settled()

    def _helped(self) -> None:
        """Where the older one ended with its patch serving, and was asked to, the newer one never can start."""
        if self.keeps(0) and self.outsides[NEWER].status().get("held") == "RouteUnfit":
            self.weather.rollouts[1].delete()

    # ---- what must be true

    def _answered(self, method: str, url: str, body: Any, answer: Answer) -> None:
        kind, name = placed(url)
        writer = self.outsides[LOOKS_AT.get()]
        was = writer.known(kind, name) if kind else None
        if was is not None and method == "PATCH" and answer.status < 300:
            checks = {"HTTPRoute": self.kin.route, "HorizontalPodAutoscaler": self.kin.scaler, "HotfixRollout": self.kin.stored}
            check = checks.get(kind or "")
            if check:
                check(writer, was, answer.body)
        super()._answered(method, url, body, answer)

    def _decided(self, spec: Spec, before: Status, seen: Observation, decision: Decision) -> None:
        one = Decided(spec, before, seen, decision)
        for promise, text in self.kin.decided(one):
            self._breach(promise, f"{seen.name}: {text}")
        super()._decided(spec, before, seen, decision)

    def _line(self, seen: Observation, status: Status) -> str:
        return f"{seen.name}: {super()._line(seen, status)}"

    def phase_of(self, key: Key) -> str | None:
        """As it is stored; the last one when it is gone."""
        found = self.outsides[key].status().get("phase")
        return str(found) if found else None

    def _promoted(self, key: Key) -> bool:
        """It was, also one that was deleted meanwhile and is gone with its last status."""
        return self.phase_of(key) == "Promoted" or (self.phase_of(key) == "Promoting" and self.outsides[key].gone)

    def keeps(self, number: int) -> bool:
        """This one ended with its patch serving, as it was asked to."""
        one = self.weather.rollouts[number]
        asked = one.spec() or one.asked
        return self.phase_of(one.key) in ("Promoting", "Promoted") and (asked.get("promotion") or {}).get("mode") == "KeepPatched"

    def _ending(self) -> None:
        checks = (*self._of_the_route(), *self._of_the_patches(), *self._of_what_was_said())
        for promise, wrong, text in checks:
            if wrong:
                self._breach(promise, text)

    @property
    def ends(self) -> str:
        """Both phases."""
        return f"{self.phase_of(KEY)} and {self.phase_of(NEWER)}"

    def _of_the_route(self) -> Iterator[tuple[str, bool, str]]:
        route, original = self.weather.route(), self.weather.original
        kept = [self.weather.rollouts[number].outside.patched for number in (0, 1) if self.keeps(number)]
        patched = [{name for name in (PATCHED, SECOND) if rule.get(name)} for rule in weights(route)]
        never = {one.outside.patched for one in self.weather.rollouts if self.phase_of(one.key) in (None, "Pending")}
        wrong = any(names - set(kept) - never for names in patched) and not self.weather.edited_after_the_end
        yield "given back", wrong, f"{self.ends} with {weights(route)}"
        managers = {entry["manager"] for entry in route["metadata"].get("managedFields", [])}
        yield "given back", "hotfix-operator" in managers, "the route is still owned by the operator"
        yield "given back", "annotations" in route["metadata"], f"the route still has {route['metadata'].get('annotations')}"
        same = route["spec"] == original["spec"] or bool(kept) or self.plan.has(*OF_PEOPLE)
        yield "given back", not same, f"the route was {weights(original)} and is {weights(route)}"
        if self.pair.scaled:
            floor = self.shop.api.peek("HorizontalPodAutoscaler", NAMESPACE, STABLE)["spec"]["minReplicas"]
            yield "given back", floor != FLOOR, f"stable's floor was {FLOOR} and is {floor}"

    def _of_the_patches(self) -> Iterator[tuple[str, bool, str]]:
        older, newer, runs = self.phase_of(KEY), self.phase_of(NEWER), self.weather.image(STABLE)
        bad = {self.plan.image: older, self.pair.image: newer}
        failing = [image for image, phase in bad.items() if image in FAILING and (phase == "Promoted" or runs == image)]
        yield "a bad patch is never promoted", bool(failing), f"{self.ends}, stable runs {runs}"
        claim = self.outsides[NEWER].status().get("supersedes") or {}
        yield "superseded by one that has its share", older == "Superseded" and not claim.get("moved"), f"{self.ends}: {claim}"
        given = [(KEY, 0, self.plan.image), (NEWER, 1, self.pair.image)]
        into = [image for key, number, image in given if self._promoted(key) and not self.keeps(number)]
        yield "the fix is in", bool(into) and runs != into[-1], f"{self.ends}, stable runs {runs}"
        alone, good = self.pair.alone, self.pair.image == GOOD
        yield "a good patch is promoted whatever the API does", alone and good and newer != "Promoted", f"they ended {self.ends}"
        kept = alone and self.pair.image == BAD and self.plan.good
        yield "a good patch is promoted whatever the API does", kept and older != "Promoted", f"they ended {self.ends}"
        lost = self.requests.lost > 0 and not self.plan.has(*OF_PODS) and not self.weather.edited_after_the_end
        yield "no request is lost", lost, f"{self.requests.lost:.1f} requests went to pods that had ended"

    def _of_what_was_said(self) -> Iterator[tuple[str, bool, str]]:
        for key, outside in self.outsides.items():
            numbers = {entry["sequence"] for entry in outside.status().get("decisions") or ()}
            events = [event["metadata"]["name"] for event in self.shop.api.every("Event", NAMESPACE)]
            said = {int(name.rsplit(".", 1)[-1]) for name in events if name.startswith(f"{key.name}.")}
            missing = sorted(numbers - said) if self.phase_of(key) in ENDED and not (outside.gone and self.unsaid) else []
            yield "everything is said", bool(missing), f"no event for decisions {missing} of {key.name}"


def _people(pair: Pair) -> list[tuple[float, str]]:
    """(seconds after it came, what is done then), in order."""
    found: list[tuple[float, str]] = []
    if pair.older_deleted is not None:
        found.append((pair.older_deleted, "delete the older"))
    if pair.event:
        found.append((pair.event_after, pair.event))
    if pair.event == "pause":
        found.append((pair.event_after + 30, "resume"))
    return sorted(found)


async def simulate_pair(seed: int) -> Result:
    """The two rollouts of a seed."""
    world = PairWorld(pair_of(seed))
    try:
        result = await world.run()
        result.phase = world.ends
        return result
    finally:
        for operator in world.operators:
            await operator.close()
