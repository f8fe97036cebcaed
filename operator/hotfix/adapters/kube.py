"""The Kubernetes API as a few verbs on raw objects: login, time-outs, and every client error translated once.

Built on the asynchronous client of the `kubernetes` package; its typed models are not used (they cost memory and start-up
time, and would drop fields they do not know).
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.exceptions import ApiException

from hotfix.errors import Conflict, NotFound, Refused, Unavailable

FIELD_MANAGER = "hotfix-operator"
JSON = "application/json"
TIMEOUT_SECONDS = 10.0
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

Object = dict[str, Any]
Patch = Sequence[Mapping[str, Any]]


def path(api_version: str, plural: str, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
    """The URL path of a resource: `path("apps/v1", "deployments", "shop", "checkout")`."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [root, f"namespaces/{namespace}" if namespace else "", plural, name or "", subresource]
    return "/".join(part for part in parts if part)


def in_a_pod() -> bool:
    """This process has a pod's service account."""
    return SERVICE_ACCOUNT.exists()


async def configuration(*, kubeconfig: str | None = None, context: str | None = None) -> Configuration:
    """The pod's service account where there is one, else the kubeconfig (`KUBECONFIG`, ~/.kube/config); Refused without any."""
    found = Configuration()
    try:
        if kubeconfig is None and context is None and in_a_pod():
            config.load_incluster_config(client_configuration=found)
        else:
            await config.load_kube_config(
                config_file=kubeconfig, context=context, client_configuration=found, persist_config=False
            )
    except (config.ConfigException, OSError) as error:
        raise Refused(f"No way to log in to a cluster: {error}", reason="NoCredentials") from error
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to reach the API server, for a client other than ours. File names and a token as it is now."""

    server: str
    ca_file: str | None
    insecure: bool
    token: str | None
    certificate_file: str | None
    key_file: str | None


async def credentials() -> Credentials:
    """What `configuration` finds, as plain values."""
    found = await configuration()
    token = await found.get_api_key_with_prefix("BearerToken") or ""
    return Credentials(
        server=found.host,
        ca_file=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        token=token.partition(" ")[2] or None,
        certificate_file=found.cert_file,
        key_file=found.key_file,
    )


class Kube:
    """One connection pool. Raises only what hotfix.errors names; use as an async context manager."""

    def __init__(self, configuration: Configuration, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._configuration = configuration
        self._timeout_seconds = timeout_seconds
        self._client: ApiClient | None = None

    @classmethod
    async def login(cls, *, kubeconfig: str | None = None, context: str | None = None) -> Self:
        """A connection with the credentials of `configuration`."""
        return cls(await configuration(kubeconfig=kubeconfig, context=context))

    async def __aenter__(self) -> Self:
        self._client = ApiClient(configuration=self._configuration)
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
        items: list[Object] = []
        more = ""
        while True:
            page = await self._call("GET", url, query={**query, "limit": "500", **({"continue": more} if more else {})})
            items += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue") or ""
            if not more:
                return items

    async def create(self, url: str, body: Object) -> Object:
        """Create; Conflict when it exists."""
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

    async def _call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Object:
        assert self._client is not None, "use Kube as an async context manager"
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": FIELD_MANAGER}
        if token:
            headers["Authorization"] = token
        target = f"{self._configuration.host}{url}" + (f"?{urlencode(query)}" if query else "")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._client.rest_client.request(method, target, headers=headers, body=body)
                text = await answer.read()
        except ApiException as error:
            raise _translated(error.status or 0, str(error.body or error.reason), {}, method, url) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"The API server does not answer ({type(error).__name__}) to {method} {url}") from error
        if answer.status >= 300:
            raise _translated(answer.status, text.decode(errors="replace"), answer.headers, method, url)
        try:
            parsed: Object = json.loads(text)
        except ValueError as error:
            raise Unavailable(f"The API server answered {method} {url} with something that is not JSON") from error
        return parsed


def _translated(status: int, body: str, headers: Mapping[str, str], method: str, url: str) -> Unavailable | Conflict | Refused:
    """The error of hotfix.errors for an HTTP status (0: none)."""
    try:
        message = str(json.loads(body).get("message") or body)
    except (ValueError, AttributeError):
        message = body
    text = f"{message[:512]} ({method} {url})"
    if status == 404:
        return NotFound(text)
    if status == 409:
        return Conflict(text)
    if status == 403:
        return Refused(f"The operator lacks a right: {text}", reason="Forbidden")
    if status in (400, 405, 415, 422):
        return Refused(text, reason="InvalidRequest")
    wait = str(headers.get("Retry-After", ""))
    return Unavailable(f"The API server answered {status}: {text}", retry_after_seconds=float(wait) if wait.isdigit() else None)
