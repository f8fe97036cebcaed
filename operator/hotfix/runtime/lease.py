"""Who leads: one of several operators works, the others wait. Expiry is told by this process' own monotonic clock, so that clocks
that differ do no harm.

The holder counts its right from before the request that renewed it, and gives up before the others may take over: nothing of it
can be written later (see `Elector.holds`, which the connection asks before every write).
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hotfix.adapters.leases import LeaseRecord
from hotfix.errors import Conflict, OutsideError, Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds. Others take over `lasts` after the last renewal; the holder stops `renews_within` after it; it renews every
    `retry`, and the others look twice as often. The same numbers as kube-controller-manager's."""

    lasts: int = 15
    renews_within: float = 10.0
    retry: float = 2.0


class Lease(Protocol):
    """Reads and compare-and-swap writes of one Lease."""

    async def read(self) -> LeaseRecord | None:
        """As it is now."""
        ...

    async def write(self, seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        """Hold, renew, or (an empty holder) give up."""
        ...


class Elector:
    """`acquire`, then `keep` beside the work, then `release`."""

    def __init__(self, lease: Lease, identity: str, monotonic: Callable[[], float], times: Times | None = None) -> None:
        self._lease, self.identity, self._monotonic = lease, identity, monotonic
        self._times = times or Times()
        self._good_until = float("-inf")
        self._seen: LeaseRecord | None = None
        self._changed_at = monotonic()
        self._asked_to_wait = 0.0
        self.read_once = False

    @property
    def leader(self) -> str:
        """Who holds it, as far as was read."""
        return self._seen.holder if self._seen else ""

    def holds(self) -> bool:
        """This process may write, now."""
        return self._monotonic() < self._good_until

    def write_seconds(self) -> float:
        """How long a write that is begun now may take: until others may take over. 0 where none may be begun."""
        if not self.holds():
            return 0.0
        return self._good_until - self._monotonic() + self._times.lasts - self._times.renews_within

    async def acquire(self) -> None:
        """Wait until it is ours."""
        while not await self._attempt():  # noqa: ASYNC110 - tries are spaced in time; there is no event to wait for
            await asyncio.sleep(self._pause())
        log.info("leading as %s", self.identity)

    async def keep(self) -> None:
        """Renew until it is lost; returns then."""
        while self.holds():
            await asyncio.sleep(self._times.retry)
            await self._attempt()
        log.error("the lease is lost to %s; this process ends", self.leader or "nobody yet")

    async def release(self) -> None:
        """Give it up, so that another one leads at once; also one that was just being taken."""
        self._good_until = float("-inf")
        try:
            async with asyncio.timeout(self._times.retry):
                while not await self._given_up():
                    pass
        except (OutsideError, TimeoutError) as error:
            log.warning("the lease was not given up, the others wait until it expires: %s", error or "time-out")

    async def _given_up(self) -> bool:
        """It is not ours any more; False when a renewal that was under way came before."""
        record = await self._lease.read()
        if record is None or record.holder != self.identity:
            return True
        try:
            await self._lease.write(record, "", 1)
        except Conflict:
            return False
        return True

    async def _attempt(self) -> bool:
        """Take or renew it; False when it is somebody else's, or when there is no answer."""
        began, self._asked_to_wait = self._monotonic(), 0.0
        left = self._good_until - began if self.holds() else float("inf")  # an answer after that is of no use any more
        try:
            async with asyncio.timeout(min(self._times.retry * 2, left)):
                record = await self._lease.read()
                self.read_once = True
                self._note(record)
                if self._is_others(record):
                    self._good_until = float("-inf")
                    return False
                self._note(await self._lease.write(record, self.identity, self._times.lasts))
        except (OutsideError, TimeoutError) as error:
            log.warning("the lease was not %s: %s", "renewed" if self.holds() else "taken", error or "time-out")
            self._asked_to_wait = (error.retry_after_seconds or 0.0) if isinstance(error, Unavailable) else 0.0
            return False
        self._good_until = began + self._times.renews_within
        return True

    def _pause(self) -> float:
        """Seconds until the next try to take it. One comes as the lease that was read last expires, those before and after it are
        spaced, and none is earlier than the API server asked for."""
        spaced = self._times.retry * (0.4 + 0.2 * random.random())
        expires_in = self._seen.seconds - (self._monotonic() - self._changed_at) if self._seen else 0.0
        return max(min(spaced, max(0.05, expires_in)) if expires_in > 0 else spaced, self._asked_to_wait)

    def _note(self, record: LeaseRecord | None) -> None:
        if record != self._seen:
            self._seen, self._changed_at = record, self._monotonic()

    def _is_others(self, record: LeaseRecord | None) -> bool:
        if record is None or record.holder in ("", self.identity):
            return False
        return self._monotonic() - self._changed_at < record.seconds
