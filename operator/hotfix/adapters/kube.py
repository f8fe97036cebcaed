"""The Kubernetes API as a few verbs on raw objects: login, time-outs, and every client error translated once.

Built on the asynchronous client of the `kubernetes` package; its typed models are not used (they cost memory and start-up
time, and would drop fields they do not know).
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from hotfix.errors import Conflict, NotFound, Refused, Unavailable

log = logging.getLogger(__name__)

FIELD_MANAGER = "hotfix-operator"
TIMEOUT_SECONDS = 10.0
TOKEN_SECONDS = 60.0  # a token is read again after this long: files are rotated, programs that log in hand out short-lived ones
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
OWN_NAMESPACE = SERVICE_ACCOUNT.with_name("namespace")

Object = dict[str, Any]
Patch = Sequence[Mapping[str, Any]]


class AlreadyExists(Conflict):
    """An object of that name is there."""


def path(api_version: str, plural: str, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
    """The URL path of a resource: `path("apps/v1", "deployments", "shop", "checkout")`."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [f"namespaces/{quote(namespace, safe='')}" if namespace else "", plural, quote(name or "", safe=""), subresource]
    return "/".join([root, *(part for part in parts if part)])


# not logged in (a token that is being rotated), time-out, a list that went stale, too early, too many: another time it may work
PASSING = frozenset({401, 408, 410, 425, 429})
# the last four are what the client makes of a kubeconfig of another shape
LOGIN_ERRORS = (config.ConfigException, OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)


def in_a_pod() -> bool:
    """This process has a pod's service account."""
    return SERVICE_ACCOUNT.exists()


def own_namespace() -> str | None:
    """The namespace of this process' pod; None outside of one."""
    return OWN_NAMESPACE.read_text().strip() if OWN_NAMESPACE.exists() else None


async def configuration(*, kubeconfig: str | None = None, context: str | None = None) -> Configuration:
    """The pod's service account where there is one, else the kubeconfig (`KUBECONFIG`, ~/.kube/config); Refused without any."""
    found = Configuration()
    try:
        if kubeconfig is None and context is None and in_a_pod():
            config.load_incluster_config(client_configuration=found)
        else:
            await _load(found, kubeconfig, context)
            found.refresh_api_key_hook = _reread(kubeconfig, context)  # type: ignore[assignment]  # its stub knows None only
    except LOGIN_ERRORS as error:
        raise Refused(f"No way to log in to a cluster: {error}", reason="NoCredentials") from error
    return found


async def _load(found: Configuration, kubeconfig: str | None, context: str | None) -> None:
    await config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=found, persist_config=False)


def _reread(kubeconfig: str | None, context: str | None) -> Callable[[Configuration], Coroutine[Any, Any, None]]:
    """A hook that reads the kubeconfig's token anew now and then; where that fails, the old one may still do."""
    due = time.monotonic() + TOKEN_SECONDS

    async def hook(present: Configuration) -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        due = time.monotonic() + TOKEN_SECONDS
        anew = Configuration()
        try:
            await _load(anew, kubeconfig, context)
        except LOGIN_ERRORS as error:
            log.warning("the kubeconfig cannot be read again: %s", error)
            return
        present.api_key = anew.api_key

    return hook


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
        self.may_write: Callable[[], bool] = lambda: True

    @classmethod
    async def login(cls, *, kubeconfig: str | None = None, context: str | None = None) -> Self:
        """A connection with the credentials of `configuration`."""
        return cls(await configuration(kubeconfig=kubeconfig, context=context))

    async def __aenter__(self) -> Self:
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
        items: list[Object] = []
        more = ""
        while True:
            page = await self._call("GET", url, query={**query, "limit": "500", **({"continue": more} if more else {})})
            items += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue") or ""
            if not more:
                return items

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
        content: str = "application/json",
    ) -> Object:
        assert self._client is not None, "use Kube as an async context manager"
        target = f"{self._configuration.host}{url}" + (f"?{urlencode(query)}" if query else "")
        if method != "GET" and not self.may_write():
            raise Unavailable("This operator does not hold the lease any more; nothing is written.")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                headers = await self._headers(content)
                answer = await self._client.rest_client.request(method, target, headers=headers, body=body)
                text = (await answer.read()).decode(errors="replace")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"The API server does not answer ({type(error).__name__}) to {method} {url}") from error
        except config.ConfigException as error:
            raise Unavailable(f"The login to the API server cannot be renewed: {error}") from error
        if answer.status >= 300:
            raise translated(answer.status, text, answer.headers, f"{method} {url}")
        parsed = _parsed(text)
        if parsed is None:
            raise Unavailable(f"The API server answered {method} {url} with something that is not a JSON object")
        return parsed

    async def _headers(self, content: str) -> dict[str, str]:
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": FIELD_MANAGER}
        return {**headers, "Authorization": token.strip()} if token else headers


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
    return Unavailable(f"The API server answered {status}: {text}", retry_after_seconds=float(wait) if wait.isdigit() else None)
