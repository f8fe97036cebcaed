"""A rollout of which one process dies at its k-th request, for every k: before the request, and after it was done.

Nothing is random here, and a new process knows only what is stored. So two crashes that leave the same objects, counters and
time behind come to the same end, and that end is worked out once.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hotfix.errors import OutsideError
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .connection import Crash

Until = Callable[[Shop], bool]
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Tale:
    """How a rollout goes. `turns`: (when it is so, this happens), one after the other."""

    shop: Callable[[], Shop]
    turns: tuple[tuple[Until, Callable[[Shop], None]], ...] = ()


@dataclass
class Crashes:
    """What came of them. `requests`: of the rollout without a crash; `states`: different ones that crashes left behind."""

    requests: int = 0
    points: int = 0
    states: int = 0
    odd: list[str] = field(default_factory=list)


class Telling:
    """One telling of a tale, with a crash at a request or without."""

    def __init__(self, tale: Tale, shop: Shop, *, count: int = 0, turn: int = 0) -> None:
        self.tale, self.shop, self.turn = tale, shop, turn
        self.count, self.dies_at, self.after = count, -1, False
        self.shop.kube.before = lambda method, url: self._request(after=False)
        self.shop.kube.after = lambda method, url: self._request(after=True)

    def _request(self, *, after: bool) -> None:
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
        try:
            wait = await shop.reconciler.reconcile(KEY)
        except OutsideError:
            wait = 0.5
        shop.advance(max(0.1, min(wait or 1.0, 5.0)))

    def over(self) -> bool:
        """It is over, and everything of it was done."""
        place = self.shop.api.place("HotfixRollout", NAMESPACE, KEY.name)
        if place not in self.shop.api.objects:
            return True
        held = self.shop.api.objects[place]["metadata"].get("finalizers")
        return self.turn == len(self.tale.turns) and self.shop.status.get("phase") in ("Promoted", "RolledBack") and not held

    async def to_the_end(self) -> None:
        """Look after look."""
        end = self.shop.clock.now() + LONGEST_SECONDS
        while not self.over():
            assert self.shop.clock.now() < end, f"never: {self.shop.status.get('phase')} {self.shop.status.get('message')}"
            await self.look()

    def left(self) -> str:
        """All that a new process finds."""
        api = [(str(place), item) for place, item in sorted(self.shop.api.objects.items())]
        parts = (api, self.shop.requests.counts, self.shop.requests.samples, self.shop.clock.seconds, self.turn)
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def ending(shop: Shop) -> dict[str, Any]:
    """What must be the same however often it crashed: not how many events there were in between."""
    return {key: value for key, value in shop.ending().items() if key not in ("first", "last")}


async def crashes(tale: Tale) -> Crashes:
    """Tell it once to the end, and again for every request of it."""
    found = Crashes()
    whole = Telling(tale, tale.shop())
    await whole.to_the_end()
    expected, known = ending(whole.shop), set[str]()
    telling = Telling(tale, tale.shop())
    while not telling.over():
        first, turn, before = telling.count + 1, telling.turn, telling.shop.stored()
        await telling.look()
        for number in range(first, telling.count + 1):
            for after in (False, True):
                found.points += 1
                again = Telling(tale, Shop.revived(before), count=first - 1, turn=turn)
                again.dies_at, again.after = number, after
                try:
                    await again.look()
                except Crash:
                    again.dies_at = -1
                    again.shop.restart()
                else:
                    found.odd.append(f"request {number} was never made")
                    continue
                state = again.left()
                if state in known:
                    continue
                known.add(state)
                await again.to_the_end()
                if ending(again.shop) != expected:
                    found.odd.append(f"crash {'after' if after else 'before'} request {number}: {ending(again.shop)}")
    found.requests, found.states = telling.count, len(known)
    return found
