"""The queue of keys: never two looks at one key at once, what is urgent first and then the earliest deadline, a back-off per
key.

Time is the event loop's, so that tests run in virtual time. What a look does is no business of this module.
"""

import asyncio
import heapq
import logging
import math
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from hotfix.errors import Conflict, OutsideError, Unavailable

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 10.0  # a rollback that waits for the API server must not wait long after it is back
IN_A_ROW = 3
CONFLICT_SECONDS = 0.05  # somebody wrote first: look again at once, with the new version
LONGEST_CONFLICT_SECONDS = 2.0  # when that goes on and on, somebody else does the same work

K = TypeVar("K")
Heap = list[tuple[float, int, K]]  # (due, number, key)


class LookQueue(Generic[K]):
    """Calls `look(key)` when the key is due; its answer is the number of seconds until the next, None for never. Of those that
    are due, the `urgent` ones come first, so that no crowd of others keeps them waiting for longer than one look; after
    `IN_A_ROW` of them comes one of the others, so that these are never left for good. `late` is told how many seconds after it
    was due each look began."""

    def __init__(
        self,
        look: Callable[[K], Awaitable[float | None]],
        *,
        workers: int,
        urgent: Callable[[K], bool],
        late: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._look = look
        self._urgent = urgent
        self._late = late
        self._workers = workers
        self._due: dict[K, float] = {}
        self._heaps: tuple[Heap[K], Heap[K]] = ([], [])  # urgent, others
        self._in_a_row = 0  # urgent ones that were begun one after the other
        self._count = 0
        self._running: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._conflicts: dict[K, int] = {}  # one after the other
        self._started_at: dict[K, float] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, key: K, *, after_seconds: float = 0.0) -> None:
        """Look at the key then, or earlier when it is due earlier; while it is being looked at, once more afterwards."""
        if key in self._running:
            if after_seconds <= 0:
                self._again.add(key)
            return
        due = asyncio.get_running_loop().time() + after_seconds
        if self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._heaps[0 if self._urgent(key) else 1], (due, self._count, key))
        self._wake.set()

    def keys(self) -> set[K]:
        """Everything that is due some time or being looked at."""
        return {*self._due, *self._running}

    def lateness_seconds(self) -> float:
        """How long the longest look under way has taken; a sign of a look that hangs."""
        now = asyncio.get_running_loop().time()
        return max((now - started for started in self._started_at.values()), default=0.0)

    async def run(self) -> None:
        """Until `stop`: start looks as they are due, at most `workers` at once; then wait for those under way."""
        while not self._stopping:
            wait = self._start_due()
            self._wake.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue
        if self._tasks:
            await asyncio.gather(*self._tasks)

    def stop(self) -> None:
        """Start nothing more; `run` returns when the looks under way have ended."""
        self._stopping = True
        self._wake.set()

    def _start_due(self) -> float | None:
        """Seconds until the next key is due; None when there is none or all workers are busy."""
        now = asyncio.get_running_loop().time()
        while len(self._running) < self._workers:
            urgent, other = (self._first_due(heap) for heap in self._heaps)
            first = min(urgent, other)
            if first == math.inf:
                return None
            if first > now:
                return first - now
            takes_other = other <= now and (urgent > now or self._in_a_row >= IN_A_ROW)
            self._in_a_row = 0 if takes_other else self._in_a_row + 1
            self._start(self._heaps[1 if takes_other else 0])
        return None

    def _first_due(self, heap: Heap[K]) -> float:
        """When the first of them is due, in the loop's time."""
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)  # moved to an earlier time
        return heap[0][0] if heap else math.inf

    def _start(self, heap: Heap[K]) -> None:
        due, _, key = heapq.heappop(heap)
        del self._due[key]
        self._running.add(key)
        task = asyncio.create_task(self._one(key, due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, key: K, due: float) -> None:
        self._started_at[key] = asyncio.get_running_loop().time()
        self._late(self._started_at[key] - due)
        try:
            wait = await self._look(key)
            self._failures.pop(key, None)
            self._conflicts.pop(key, None)
        except Conflict as error:
            log.debug("look again at %s: %s", key, error)
            times = self._conflicts[key] = self._conflicts.get(key, 0) + 1
            wait = min(CONFLICT_SECONDS * 2.0 ** min(times - 1, 10), LONGEST_CONFLICT_SECONDS) * (1 + random.random())
        except OutsideError as error:
            wait = self._backoff(key, error)
            log.warning("%s; looking again in %.1f s", error, wait, extra={"rollout": str(key)})
        except Exception as error:
            # a defect in one rollout must neither end the process nor stop the others
            wait = self._backoff(key, error)
            log.exception("a look failed; looking again in %.1f s", wait, extra={"rollout": str(key)})
        finally:
            self._running.discard(key)
            self._started_at.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            wait = 0.0 if wait is None else min(wait, self._soonest(key))
        if wait is not None:
            self.add(key, after_seconds=wait)
        self._wake.set()

    def _soonest(self, key: K) -> float:
        """A change asks for a look at once, unless the key is backing off."""
        return 0.0 if key not in self._failures else FIRST_BACKOFF_SECONDS

    def _backoff(self, key: K, error: Exception) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait = min(FIRST_BACKOFF_SECONDS * 2.0 ** (failures - 1), LONGEST_BACKOFF_SECONDS) * (0.75 + random.random() / 2)
        asked = error.retry_after_seconds if isinstance(error, Unavailable) else None
        return max(wait, asked or 0.0)
