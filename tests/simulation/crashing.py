"""A rollout of which one process dies at its k-th request, for every k: before the request, and after it was done; and one whose
k-th write is done without an answer, while its watches fall silent.

Nothing is random here, and a new process knows only what is stored. So two crashes that leave the same objects, counters and
time behind come to the same end, and that end is worked out once.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotfix.errors import OutsideError, Unavailable
from hotfix.ports import Key
from tests.fakes.api import Place
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .connection import Crash

Until = Callable[[Shop], bool]
ENDED = ("Promoted", "RolledBack", "Superseded")
LONGEST_SECONDS = 3600.0
CRASHED, UNANSWERED = "a crash changes no ending", "a lost answer changes no ending"
SILENT_SECONDS = 20.0  # that a watch is believed: longer than anything else that a tale waits for between two looks
LATER_SECONDS = 16 * SILENT_SECONDS  # than without a fault: each silent watch hides what it should tell until it is too old
WATCHED = frozenset(
    {"hotfixrollouts", "httproutes", "deployments", "services", "endpointslices", "pods", "horizontalpodautoscalers"}
)


@dataclass(frozen=True)
class Tale:
    """How a rollout goes, or several. `turns`: (when it is so, this happens), one after the other. `since`: so many turns come
    before the first crash. `every`: only so few of the writes are the last request of a process, or get no answer; 0: every
    request."""

    shop: Callable[[], Shop]
    turns: tuple[tuple[Until, Callable[[Shop], None]], ...] = ()
    keys: tuple[Key, ...] = (KEY,)
    since: int = 0
    every: int = 0
    longest_seconds: float = LONGEST_SECONDS

    def chosen(self, requests: range) -> Sequence[int]:
        """Those of the requests that a process may die at."""
        return [number for number in requests if number % (self.every or 1) == 0]


@dataclass
class Crashes:
    """What came of them. `requests`: of the rollout without a crash; `states`: different ones that crashes left behind; `odd`:
    (promise, what came instead)."""

    requests: int = 0
    points: int = 0
    states: int = 0
    odd: list[tuple[str, str]] = field(default_factory=list)

    def breach(self, promise: str, text: str) -> None:
        """Note what was broken."""
        self.odd.append((promise, text))


class Never(AssertionError):
    """It comes to no end."""


class Telling:
    """One telling of a tale, with a crash at a request or without."""

    def __init__(self, tale: Tale, shop: Shop, *, count: int = 0, turn: int = 0) -> None:
        self.tale, self.shop, self.turn = tale, shop, turn
        self.count, self.dies_at, self.after = count, -1, False
        self.shop.kube.before = lambda method, url: self._request(method, after=False)
        self.shop.kube.after = lambda method, url: self._request(method, after=True)

    def _request(self, method: str, *, after: bool) -> None:
        if self.tale.every and method == "GET":
            return
        if not after:
            self.count += 1
        if self.count == self.dies_at and after == self.after:
            raise Crash

    async def look(self) -> None:
        """One look, and the time until the next."""
        shop = self.shop
        if self.turn < len(self.tale.turns) and self.tale.turns[self.turn][0](shop):
            self.tale.turns[self.turn][1](shop)
            self.turn += 1
            shop.controllers.step()
        waits = [await self._at(key) for key in self.tale.keys]
        shop.advance(max(0.1, min(*waits, 5.0)))

    async def _at(self, key: Key) -> float:
        """One look at one rollout; seconds until the next."""
        try:
            return await self.shop.reconciler.reconcile(key) or 1.0
        except OutsideError:
            return 0.5

    def over(self) -> bool:
        """It is over, and everything of it was done."""
        return all(self._ended(self.shop.api.place("HotfixRollout", NAMESPACE, key.name)) for key in self.tale.keys)

    def _ended(self, place: Place) -> bool:
        """This rollout has come to its end, or is gone."""
        item = self.shop.api.objects.get(place)
        if item is None:
            return self.turn >= self.tale.since
        status = item.get("status") or {}
        ended = self.turn == len(self.tale.turns) and status.get("phase") in ENDED and not item["metadata"].get("finalizers")
        return ended and events(self.shop)[place.name] >= decided(status)  # Events wait while they get no answer

    @property
    def counts(self) -> bool:
        """It is told again with a crash at what is requested now."""
        return self.turn >= self.tale.since

    async def to_the_end(self) -> None:
        """Look after look."""
        end = self.shop.clock.now() + self.tale.longest_seconds
        while not self.over():
            if self.shop.clock.now() > end:
                raise Never(f"never: {self.shop.status.get('phase')} {self.shop.status.get('message')}")
            await self.look()

    async def odd_end(self, expected: dict[str, Any]) -> str | None:
        """Look after look; what is odd about the end that it comes to."""
        try:
            await self.to_the_end()
        except Never as error:
            return str(error)
        found = ending(self.shop)
        return None if found == expected else f"{found}"

    async def died(self, number: int, *, after: bool, known: set[str], expected: dict[str, Any]) -> str | None:
        """The process dies at this request; then to the end, unless what it left is known. What is odd about it."""
        self.dies_at, self.after = number, after
        try:
            await self.look()
        except Crash:
            self.dies_at = -1
            self.shop.restart()
        else:
            return "it was never made"
        state = self.left()
        if state in known:
            return None
        known.add(state)
        return await self.odd_end(expected)

    def left(self) -> str:
        """All that a new process finds."""
        api = [(str(place), item) for place, item in sorted(self.shop.api.objects.items())]
        parts = (api, self.shop.requests.counts, self.shop.requests.samples, self.shop.clock.seconds, self.turn)
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def events(shop: Shop) -> Counter[str]:
    """Of each rollout."""
    return Counter(event["regarding"]["name"] for event in shop.api.every("Event", NAMESPACE))


def decided(status: dict[str, Any]) -> int:
    """Decisions up to now."""
    return int((status.get("decisions") or [{}])[-1].get("sequence", 0))


def ending(shop: Shop) -> dict[str, Any]:
    """What must be the same however often it crashed: not how many events there were in between, but that each decision has
    one."""
    rollouts = {item["metadata"]["name"]: item["status"] for item in shop.api.every("HotfixRollout", NAMESPACE)}
    phases = {name: status["phase"] for name, status in rollouts.items()}
    told = events(shop)
    pods = {item["metadata"]["name"]: item["spec"]["replicas"] for item in shop.api.every("Deployment", NAMESPACE)}
    return {
        "phases": phases,
        "events too many": {name: told[name] - decided(status) for name, status in rollouts.items()},
        "pods": pods,
        **{key: value for key, value in shop.ending().items() if key not in ("first", "last")},
    }


async def crashes(tale: Tale, *, first: bool = False) -> Crashes:
    """Tell it once to the end, and again for every request of it. `first`: until something is odd."""
    found = Crashes()
    whole = Telling(tale, tale.shop())
    await whole.to_the_end()
    expected, known = ending(whole.shop), set[str]()
    telling = Telling(tale, tale.shop())
    while not telling.over() and not (first and found.odd):
        count, turn, before = telling.count, telling.turn, telling.shop.stored()
        await telling.look()
        for number in tale.chosen(range(count + 1, telling.count + 1)) if telling.counts else ():
            found.requests += 1
            for after in (False, True):
                found.points += 1
                again = Telling(tale, Shop.revived(before), count=count, turn=turn)
                what = await again.died(number, after=after, known=known, expected=expected)
                if what:
                    found.breach(CRASHED, f"{'after' if after else 'before'} request {number}: {what}")
    found.states = len(known)
    return found


class Losing(Telling):
    """One telling by a process with watches, which gets no answer to a write, or to none."""

    writes, loses_at = 0, 0

    def _request(self, method: str, *, after: bool) -> None:
        """Only writes count."""

    def loses(self, number: int) -> "Losing":
        """The write of this number, from now on."""
        self.loses_at = self.writes + number
        self.shop.kube.after = self._answer
        return self

    def _answer(self, method: str, url: str) -> None:
        self.writes += method not in ("GET", "WATCH")
        if method != "GET" and self.writes == self.loses_at:
            self.loses_at = 0
            self.shop.kube.mute = WATCHED
            raise Unavailable(f"{method} {url}: no answer")


async def losses(tale: Tale, *, first: bool = False) -> Crashes:
    """Tell it once to the end, and again for every write of it: the same end comes, and as soon. `first`: until something is
    odd."""
    found = Crashes()
    whole = Losing(tale, Shop.revived(tale.shop().stored(), watches=True, max_age_seconds=SILENT_SECONDS)).loses(0)
    began = whole.shop.clock.now()
    states: list[tuple[bytes, int, int]] = []
    while not whole.over():
        before, turn, writes = whole.shop.stored(), whole.turn, whole.writes
        await whole.look()
        if whole.counts:
            states += [(before, turn, number + 1) for number in range(whole.writes - writes)]
    expected, lasted = ending(whole.shop), whole.shop.clock.now() - began
    await whole.shop.close()
    states = states[:: tale.every or 1]
    for before, turn, number in states:
        found.points += 1
        again = Losing(tale, Shop.revived(before, watches=True, max_age_seconds=SILENT_SECONDS), turn=turn).loses(number)
        what = await again.odd_end(expected)
        later = again.shop.clock.now() - began - lasted
        if what or later > LATER_SECONDS:
            found.breach(UNANSWERED, f"to write {found.points}: {what or f'{later:.0f} s later'}")
        await again.shop.close()
        if first and found.odd:
            break
    found.requests = len(states)
    return found
