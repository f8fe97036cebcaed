"""A rollout on an API server in memory for commands that wait: time passes only while they sleep, and each sleep is one step of
what others do meanwhile. No tests here."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hotfix.adapters.kube import Object
from hotfix.adapters.store import REQUEST
from hotfix.cli.following import Follower, Pace
from hotfix.errors import Unavailable
from hotfix.ports import Key
from tests.fakes.api import FakeApi
from tests.fakes.clock import FakeClock
from tests.fakes.kube import FakeKube

MOST_SLEEPS = 1000
KEY = Key("shop", "fix")
PLACE = ("HotfixRollout", "shop", "fix")
OBJECT = {
    "apiVersion": "hotfix-operator.dev/v1alpha1",
    "kind": "HotfixRollout",
    "metadata": {"name": "fix", "namespace": "shop"},
    "spec": {"stable": {"deployment": "checkout"}, "patched": {"deployment": "checkout-hotfix"}},
}


def ended(succeeded: str, phase: str, message: str = "It is over.", *, generation: int = 1) -> dict[str, Any]:
    """A status with the conditions of an end."""
    facts = {"Completed": "True", "Succeeded": succeeded}
    conditions = [{"type": kind, "status": state, "observedGeneration": generation} for kind, state in facts.items()]
    return {"phase": phase, "stage": "Done", "message": message, "conditions": conditions}


class Connection(FakeKube):
    """It remembers under which field managers was written."""

    def __init__(self, api: FakeApi) -> None:
        super().__init__(api)
        self.managers: list[str] = []

    async def _call(self, method: str, url: str, *, query: Mapping[str, str] | None = None, **rest: Any) -> Object:
        self.managers += [query["fieldManager"]] if query and "fieldManager" in query else []
        return await super()._call(method, url, query=query, **rest)


class Patience:
    """The cluster, the clock, and what is said to a person."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.api = FakeApi(self.clock)
        self.kube = Connection(self.api)
        self.said: list[str] = []
        self.noted: list[str] = []
        self.steps: list[Callable[[], object]] = []
        self.sleeps = 0
        self.api.apply({"kind": "Namespace", "metadata": {"name": "shop"}})
        self.api.apply(OBJECT)

    @property
    def pace(self) -> Pace:
        """One step each time somebody sleeps."""
        return Pace(self.clock, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sleeps += 1
        assert self.sleeps < MOST_SLEEPS, "it waits for ever"
        if self.steps:
            self.steps.pop(0)()

    def follower(self) -> Follower:
        """Of the rollout."""
        return Follower(self.kube, KEY, self.noted.append, self.pace)

    def then(self, *steps: Callable[[], object]) -> "Patience":
        """What happens in the sleeps that follow."""
        self.steps += steps
        return self

    @property
    def asked(self) -> str | None:
        """The annotation."""
        return (self.api.read(*PLACE)["metadata"].get("annotations") or {}).get(REQUEST)

    @property
    def times_asked(self) -> int:
        """How often somebody wrote through the connection."""
        return len(self.api.writes)

    def status(self, **fields: Any) -> None:
        """The operator writes these fields of the status."""
        self.api.set_status(*PLACE, {**self.api.read(*PLACE).get("status", {}), **fields})

    def answers(self, result: str, message: str = "", request: str | None = None) -> Callable[[], None]:
        """The operator takes up what is asked now (or `request`)."""

        def answered() -> None:
            handled = {"request": request or self.asked, "result": result, "message": message, "time": "2030-01-01T00:00:00Z"}
            self.status(lastHandledRequest=handled)

        return answered

    def annotate(self, text: str | None) -> Callable[[], None]:
        """Somebody else asks for something; None: a GitOps tool takes the annotation away."""

        def annotated() -> None:
            self.api.edit(*PLACE, [{"op": "add", "path": "/metadata/annotations", "value": {REQUEST: text} if text else {}}])

        return annotated

    def delete(self) -> None:
        """The rollout is gone."""
        self.api.delete(*PLACE)

    def replace(self) -> None:
        """Another rollout has its name."""
        self.delete()
        self.api.apply(OBJECT)

    def silent(self, method: str = "GET") -> Callable[[], None]:
        """The API server does not answer such requests any more."""

        def refuse(asked: str, url: str) -> None:
            if asked == method:
                raise Unavailable(f"The API server does not answer to {method}")

        def silenced() -> None:
            self.kube.before = refuse

        return silenced

    def back(self) -> None:
        """It answers again."""
        self.kube.before = lambda method, url: None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """The connection as the commands open it."""
        yield self.kube


def both(*steps: Callable[[], object]) -> Callable[[], None]:
    """In one sleep."""

    def done() -> None:
        for step in steps:
            step()

    return done


def nothing() -> None:
    """A sleep in which nobody does anything."""
