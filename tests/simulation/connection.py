"""The connection of one simulated operator to the API server: what may go wrong with a request, and what is noted of it.

A request may be refused, time out, be done without an answer, hang until it is woken, or be the last thing the process does. A
watch may break off, or tell nothing any more without ending. Which of these happens is decided by `trouble`.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hotfix.adapters.kube import Object, passed, translated
from hotfix.errors import Unavailable
from tests.fakes.api import Answer, FakeApi, failure
from tests.fakes.kube import FakeKube


class Crash(BaseException):
    """The process dies here."""


class Trouble(StrEnum):
    """What happens to one request."""

    NONE = "answered"
    REFUSED = "refused"  # 500, 503, 429, 403: not done
    TIMED_OUT = "timed out"  # not done
    LOST = "done, but the answer was lost"
    CONFLICT = "conflict"  # not done
    STALE = "a watch tells nothing any more"
    HANGS = "hangs"  # done when it is woken
    DIES_BEFORE = "the process dies before it"
    DIES_AFTER = "the process dies after it"


CUTS = frozenset({Trouble.REFUSED, Trouble.TIMED_OUT, Trouble.LOST, Trouble.CONFLICT})
SILENT = frozenset({Trouble.STALE, Trouble.HANGS})
REFUSALS = ((503, "ServiceUnavailable"), (500, "InternalError"), (429, "TooManyRequests"), (403, "Forbidden"))


@dataclass
class Hang:
    """A request that waits to be woken."""

    what: str
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class TroubledKube(FakeKube):
    """`trouble` says what happens to a request; `answered` hears of every answer of the server with the object before."""

    def __init__(
        self,
        api: FakeApi,
        trouble: Callable[[str, str], Trouble],
        answered: Callable[[str, str, Any, Answer], None],
    ) -> None:
        super().__init__(api)
        self.trouble, self.answered = trouble, answered
        self.hanging: list[Hang] = []
        self.refusals: Iterator[tuple[int, str]] = itertools.cycle(REFUSALS)

    async def _call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Object:
        what = self.trouble(method, url)
        if what is Trouble.DIES_BEFORE:
            raise Crash
        if what is Trouble.TIMED_OUT:
            raise Unavailable(f"The API server does not answer (TimeoutError) to {method} {url}")
        if what is Trouble.HANGS:
            hang = Hang(f"{method} {url}")
            self.hanging.append(hang)
            await hang.woken.wait()
        answer = self._answer(method, url, query or {}, body, what)
        if what is Trouble.DIES_AFTER:
            raise Crash
        if what is Trouble.LOST:
            raise Unavailable(f"The API server does not answer (TimeoutError) to {method} {url}")
        if answer.status >= 300:
            raise translated(answer.status, json.dumps(answer.body), answer.headers, f"{method} {url}")
        return answer.body

    def _answer(self, method: str, url: str, query: Mapping[str, str], body: Any, what: Trouble) -> Answer:
        if what is Trouble.REFUSED:
            status, reason = next(self.refusals)
            refused = failure(status, reason, f"{reason} by a fault")
            return replace(refused, headers={"Retry-After": "1"}) if status == 429 else refused
        if what is Trouble.CONFLICT and method == "PATCH":
            return failure(409, "Conflict", "conflict by a fault")
        answer = self.api.handle(method, url, query, body, self._manager)
        if method != "GET":
            self.answered(method, url, body, answer)
        return answer

    async def watch(self, url: str, *, version: str, seconds: int) -> AsyncGenerator[Object, None]:
        """Events, until trouble ends it or makes it silent."""
        async for event in self.api.watch(url, version):
            what = self.trouble("WATCH", url)
            if what in CUTS:
                raise Unavailable(f"The watch of {url} broke off")
            if what in SILENT:
                await asyncio.Event().wait()
            yield passed(event, url)

    def wake(self) -> None:
        """Everything that hangs goes on."""
        for hang in self.hanging:
            hang.woken.set()
        self.hanging.clear()
