"""Who leads: one of several operators works, the others wait. Expiry is told by this process' own monotonic clock, so that clocks
that differ do no harm.

The holder counts its right from before the request that renewed it, and gives up before the others may take over: nothing of it
can be written later (see `Elector.holds`, which the connection asks before every write).
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from hotfix.adapters.leases import LeaseRecord
from hotfix.errors import Conflict, OutsideError, Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds. Others take over `lasts` after the last renewal; the holder stops `renews_within` after it began; it renews every
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
        self._wrote_last = False  # what was seen last is what this process wrote
        self._tried_at, self._asked_to_wait = float("-inf"), 0.0
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
        while not await self._attempt(self._times.renews_within):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(self._pause())
        log.info("leading as %s", self.identity)

    async def keep(self) -> None:
        """Renew until it is lost; returns then."""
        while self.holds():
            # where the last attempt took longer than that, as an answer was slow or lost, there is no time for a pause
            await asyncio.sleep(max(0.0, self._tried_at + self._times.retry - self._monotonic()))
            # an answer after the end of the right is of no use any more; one that slept through it may still find it its own
            await self._attempt(self._good_until - self._monotonic() if self.holds() else self._times.retry)
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

    async def _attempt(self, seconds: float) -> bool:
        """Take or renew it, in so many seconds; False when it is somebody else's, or when there is no answer."""
        self._tried_at, self._asked_to_wait = self._monotonic(), 0.0
        try:
            async with asyncio.timeout(seconds):
                if self._wrote_last:  # one request instead of two; the version in it shows whether somebody wrote since
                    with suppress(Conflict):
                        return await self._written()
                return await self._taken()
        except (OutsideError, TimeoutError) as error:
            log.warning("the lease was not %s: %s", "renewed" if self.holds() else "taken", error or "time-out")
            self._asked_to_wait = (error.retry_after_seconds or 0.0) if isinstance(error, Unavailable) else 0.0
            return False

    async def _taken(self) -> bool:
        async with asyncio.timeout(self._request_seconds()):
            record = await self._lease.read()
        self.read_once = True
        self._note(record)
        if self._is_others(record):
            self._good_until = float("-inf")
            return False
        return await self._written()

    async def _written(self) -> bool:
        """Over what was seen last. The right counts from before the request: the others cannot see it earlier."""
        began = self._monotonic()
        self._wrote_last = False
        async with asyncio.timeout(self._request_seconds()):
            self._note(await self._lease.write(self._seen, self.identity, self._times.lasts))
        self._wrote_last, self._good_until = True, began + self._times.renews_within
        return True

    def _request_seconds(self) -> float:
        """Both requests of an attempt fit into the time for it, and a renewal that gets no answer leaves time for another one."""
        return self._times.renews_within / 2

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
