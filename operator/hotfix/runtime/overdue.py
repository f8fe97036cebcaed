"""Routes that an operator marked and never came back to: the mark has an end, and whoever leads takes it away after it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hotfix.errors import OutsideError
from hotfix.ports import Key

log = logging.getLogger(__name__)
EVERY_SECONDS = 3600.0


class Routes(Protocol):
    """What can free routes."""

    async def take_back(self, namespace: str | None, live: Callable[[Key], bool], now: float) -> Sequence[str]:
        """Free what is overdue and of no live rollout; the routes, as namespace/name."""


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """`listing`: key -> whether the rollout has not ended yet. `namespaces`: None is all of them. `now`: unix seconds."""

    routes: Routes
    listing: Callable[[], Awaitable[Mapping[Key, bool]]]
    namespaces: Sequence[str | None]
    now: Callable[[], float]

    async def run(self) -> None:
        """Without an end; what cannot be done now is tried again the next time."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """Every namespace."""
        try:
            found = await self.listing()
            for namespace in self.namespaces:
                for route in await self.routes.take_back(namespace, lambda key: found.get(key, False), self.now()):
                    log.warning("HTTPRoute %s was still marked for a rollout that is gone; Flux keeps it again", route)
        except OutsideError as error:
            log.warning("overdue marks cannot be looked for: %s", error)
