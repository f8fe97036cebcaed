"""The Kubernetes API as a few verbs on raw objects, with time-outs, and every client error translated once.

Built on the asynchronous client of the `kubernetes` package; its typed models are not used (they cost memory and start-up
time, and would drop fields they do not know).
"""

import asyncio
import asyncio.sslproto
import ipaddress
import json
import math
import re
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from hotfix.errors import Conflict, NotFound, Refused, Unavailable

from .login import configuration

FIELD_MANAGER = "hotfix-operator"
# Linux' names: seconds of silence before the first probe, seconds between probes, probes without an answer until it is given up
KEEP_ALIVE = [
    (option, value)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if (option := getattr(socket, name, None)) is not None
]
TIMEOUT_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 10.0  # an answer may ask for longer; a rollback must not wait for that
# what asyncio reads at once from a TLS connection; it keeps a buffer of its size (256 KiB) for each, and each watch is one
asyncio.sslproto.SSLProtocol.max_size = 16 * 1024

Object = dict[str, Any]
Objects = list[Object]
Patch = Sequence[Mapping[str, Any]]
JSON = "application/json"
# no object has such a name; the API server splits a path after decoding it
NO_SEGMENT = re.compile(r"\.{0,2}|.*[/%].*", re.DOTALL)


class AlreadyExists(Conflict):
    """An object of that name is there."""


def path(api_version: str, plural: str, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
    """The URL path of a resource: `path("apps/v1", "deployments", "shop", "checkout")`. Raises Refused for names that would
    be more than one step of it, one up, or none, which would be the collection."""
    for one in (namespace or None, name):
        if one is not None and NO_SEGMENT.fullmatch(one):
            raise Refused(f"No object can have the name {one!r}.", reason="InvalidName")
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [f"namespaces/{quote(namespace, safe='')}" if namespace else "", plural, quote(name or "", safe=""), subresource]
    return "/".join([root, *(part for part in parts if part)])


# not logged in (a token that is being rotated), time-out, a list that went stale, too early, too many: another time it may work
PASSING = frozenset({401, 408, 410, 425, 429})


class Kube:
    """One connection pool. Raises only what hotfix.errors names; use as an async context manager."""

    def __init__(self, configuration: Configuration, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._configuration = configuration
        self._timeout_seconds = timeout_seconds
        self._client: ApiClient | None = None
        self.write_seconds: Callable[[], float] = lambda: math.inf  # within which a write that begins now must end

    @classmethod
    async def login(cls, *, kubeconfig: str | None = None, context: str | None = None, connections: int | None = None) -> Self:
        """A connection with the credentials of `configuration`; `connections`: at most so many at once, 0 for no limit."""
        found = await configuration(kubeconfig=kubeconfig, context=context)
        if connections is not None:
            found.connection_pool_maxsize = connections
        return cls(found)

    async def __aenter__(self) -> Self:
        # else the client asks for a proxy and for .netrc in a thread of their own, at each request
        self._configuration.client_session_kwargs = {"trust_env": False}
        self._configuration.proxy = self._configuration.proxy or _proxy(self._configuration.host)
        try:
            self._client = ApiClient(configuration=self._configuration)
        except OSError as error:  # ssl.SSLError is one
            raise Refused(f"The certificates of the login cannot be used: {error}", reason="NoCredentials") from error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._client is not None:
            await self._client.close()

    async def get(self, url: str) -> Object:
        """One object; NotFound when there is none."""
        return await self._call("GET", url)

    async def find(self, url: str) -> Object | None:
        """One object; None when there is none."""
        try:
            return await self._call("GET", url)
        except NotFound:
            return None

    async def list(self, url: str, **query: str) -> list[Object]:
        """The items of a list, whole; `query` may hold labelSelector, fieldSelector."""
        return (await self.list_at(url, **query))[0]

    async def list_at(self, url: str, **query: str) -> tuple[Objects, str]:
        """The items of a list, whole, and the version at which it was so."""
        items: list[Object] = []
        more = ""
        while True:
            page = await self._call("GET", url, query={**query, "limit": "500", **({"continue": more} if more else {})})
            items += page.get("items") or []
            meta = page.get("metadata") or {}
            more = meta.get("continue") or ""
            if not more:
                return items, meta.get("resourceVersion") or ""

    async def watch(self, url: str, *, version: str, seconds: int) -> AsyncGenerator[Object, None]:
        """What changes in a collection after `version`: {"type": ADDED, MODIFIED, DELETED or BOOKMARK, "object": ...}, until the
        server ends it after so many seconds. Unavailable when it breaks off, also for a version that is too old (410)."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "1", "timeoutSeconds": str(seconds)}
        try:
            answer = await self._send("GET", f"{url}?{urlencode(query)}", whole_seconds=seconds + self._timeout_seconds)
            with closing(answer.response):
                if answer.status >= 300:
                    raise translated(
                        answer.status, (await answer.read()).decode(errors="replace"), answer.headers, f"watch {url}"
                    )
                _keep_alive(answer.response)
                async for line in answer.response.content:
                    yield passed(_parsed(line.decode(errors="replace")), url)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"The watch of {url} broke off ({type(error).__name__})") from error

    async def create(self, url: str, body: Object) -> Object:
        """Create; AlreadyExists (a Conflict) when it is there."""
        return await self._call("POST", url, body=body, query={"fieldManager": FIELD_MANAGER})

    async def json_patch(self, url: str, operations: Patch) -> Object:
        """RFC 6902. Carry the version as `replace /metadata/resourceVersion`: a stale one is a Conflict."""
        return await self._call(
            "PATCH",
            url,
            body=[dict(operation) for operation in operations],
            query={"fieldManager": FIELD_MANAGER},
            content="application/json-patch+json",
        )

    async def merge_patch(self, url: str, body: Object, manager: str) -> Object:
        """RFC 7386, at whatever version: for what no other writer sets."""
        return await self._call("PATCH", url, body=body, query={"fieldManager": manager}, content="application/merge-patch+json")

    async def _call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content: str = JSON,
    ) -> Object:
        target = url + (f"?{urlencode(query)}" if query else "")
        seconds = self._timeout_seconds if method == "GET" else min(self._timeout_seconds, self.write_seconds())
        if seconds <= 0:
            raise Unavailable("This operator does not hold the lease any more; nothing is written.")
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(method, target, body=body, content=content)
                text = (await answer.read()).decode(errors="replace")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"The API server does not answer ({type(error).__name__}) to {method} {url}") from error
        if answer.status >= 300:
            raise translated(answer.status, text, answer.headers, f"{method} {url}")
        parsed = _parsed(text)
        if parsed is None:
            raise Unavailable(f"The API server answered {method} {url} with something that is not a JSON object")
        return parsed

    async def _send(self, method: str, target: str, *, body: Any = None, content: str = JSON, whole_seconds: float = 60.0) -> Any:
        """One request, bounded until its answer begins; the whole of it, with the answer read, by `whole_seconds`."""
        assert self._client is not None, "use Kube as an async context manager"
        try:
            headers = await self._headers(content)
        except config.ConfigException as error:
            raise Unavailable(f"The login to the API server cannot be renewed: {error}") from error
        url = f"{self._configuration.host}{target}"
        async with asyncio.timeout(self._timeout_seconds):
            return await self._client.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=aiohttp.ClientTimeout(total=whole_seconds)
            )

    async def _headers(self, content: str) -> dict[str, str]:
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": FIELD_MANAGER}
        return {**headers, "Authorization": token.strip()} if token else headers


def _proxy(host: str) -> str | None:
    """The proxy that the environment names for this address; kubectl asks none for this machine itself, whatever it says."""
    address, named = urlsplit(host), getproxies()
    name, port = address.hostname or "", address.port
    with_port = bool(port and ":" not in name and proxy_bypass(f"{name}:{port}"))
    if name and (_is_loopback(name) or with_port or proxy_bypass(name) or _in_a_range(name, named.get("no", ""))):
        return None
    return named.get(address.scheme)


def _is_loopback(name: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost"


def _in_a_range(name: str, ranges: str) -> bool:
    """It is an IP address in one of these, as of NO_PROXY: urllib compares text, kubectl and curl know 10.0.0.0/8 too."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    for one in ranges.split(","):
        with suppress(ValueError):  # the others are names
            if address in ipaddress.ip_network(one.strip().strip("[]"), strict=False):
                return True
    return False


def _keep_alive(answer: aiohttp.ClientResponse) -> None:
    """A peer that vanished is noticed within half a minute, instead of never: nothing is sent on a watch."""
    transport = answer.connection.transport if answer.connection else None
    found = transport.get_extra_info("socket") if transport else None
    if found is not None:
        for option, value in KEEP_ALIVE:
            found.setsockopt(socket.IPPROTO_TCP, option, value)


def passed(event: Object | None, url: str) -> Object:
    """An event of a watch, unless it is an error or nothing that can be read."""
    if event is None or "object" not in event:
        raise Unavailable(f"The watch of {url} told something that is no event")
    if event.get("type") == "ERROR":
        status = event["object"]
        raise Unavailable(f"The watch of {url} ended: {status.get('message') or status.get('reason')}")
    return event


def _parsed(text: str) -> Object | None:
    """A JSON object; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def translated(status: int, body: str, headers: Mapping[str, str], asked: str) -> Unavailable | Conflict | Refused:
    """The error of hotfix.errors for an HTTP answer; `asked` is the method and the path. Codes: Kubernetes API conventions."""
    answer = _parsed(body) or {}
    text = f"{str(answer.get('message') or body)[:512]} ({asked})"
    if status == 404:
        return NotFound(text)
    if status == 409:
        return AlreadyExists(text) if answer.get("reason") == "AlreadyExists" else Conflict(text)
    if status == 403:
        return Refused(f"The operator lacks a right: {text}", reason="Forbidden")
    if 400 <= status < 500 and status not in PASSING:
        return Refused(text, reason="InvalidRequest")
    wait = str(headers.get("Retry-After", ""))
    after = min(float(wait), LONGEST_RETRY_SECONDS) if wait.isdigit() else None
    return Unavailable(f"The API server answered {status}: {text}", retry_after_seconds=after)
