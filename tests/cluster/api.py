"""A few verbs of the Kubernetes API for the node and the supervisor, as the cluster's admin, inside the namespace."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Self

import aiohttp

from .components import ADMIN_TOKEN, API, unchecked


class ApiError(Exception):
    """The API server said no, or nothing."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:300]}")
        self.status = status


class Api:
    """JSON in, JSON out."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            API,
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
            connector=aiohttp.TCPConnector(ssl=unchecked(), limit=0),
            read_bufsize=2**22,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def get(self, path: str) -> Any:
        """One object or list."""
        return await self._call("GET", path)

    async def post(self, path: str, body: Any) -> Any:
        """Create."""
        return await self._call("POST", path, body)

    async def patch(self, path: str, body: Any) -> Any:
        """Merge patch."""
        return await self._call("PATCH", path, body, "application/merge-patch+json")

    async def delete_now(self, path: str, uid: str) -> None:
        """Delete without grace, only this very object."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        await self._call("DELETE", path, body)

    async def _call(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        assert self._session is not None
        data = None if body is None else json.dumps(body)
        try:
            async with (
                asyncio.timeout(10),
                self._session.request(method, path, data=data, headers={"Content-Type": content}) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, repr(error)) from error
        if answer.status >= 300:
            raise ApiError(answer.status, text)
        return json.loads(text)

    async def watch(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Events until the server ends the stream."""
        assert self._session is not None
        async with self._session.get(path, timeout=aiohttp.ClientTimeout(total=None, sock_read=None)) as answer:
            if answer.status >= 300:
                raise ApiError(answer.status, await answer.text())
            async for line in answer.content:
                yield json.loads(line)
