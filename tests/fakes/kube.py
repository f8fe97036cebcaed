"""The connection to the API server in memory: the real verbs and the real translation of errors over another transport."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from hotfix.adapters.kube import FIELD_MANAGER, Kube, Object, passed, translated

from .api import FakeApi

Fault = Callable[[str, str], None]  # (method, path): raises what shall go wrong


def _fine(method: str, url: str) -> None:
    """Nothing goes wrong."""


class FakeKube(Kube):
    """`before` may raise instead of the request, `after` instead of its answer: the request was done, but nobody hears of it."""

    def __init__(self, api: FakeApi, *, manager: str = FIELD_MANAGER) -> None:
        self.api, self._manager = api, manager
        self.before: Fault = _fine
        self.after: Fault = _fine

    async def _call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Object:
        await asyncio.sleep(0)  # others get their turn, as they do while a request is under way
        self.before(method, url)
        answer = self.api.handle(method, url, query or {}, body, self._manager)
        self.after(method, url)
        if answer.status >= 300:
            raise translated(answer.status, json.dumps(answer.body), answer.headers, f"{method} {url}")
        return answer.body

    async def watch(self, url: str, *, version: str, seconds: int) -> AsyncGenerator[Object, None]:
        """Events as the real one tells them; a fault at the start is one of the request, later ones cut it."""
        self.before("WATCH", url)
        async for event in self.api.watch(url, version):
            self.after("WATCH", url)
            yield passed(event, url)
