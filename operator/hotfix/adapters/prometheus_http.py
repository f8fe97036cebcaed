"""Requests to Prometheus with prometheus-api-client. What the client lets through (partial answers, errors in a 200, HTML, hangs)
is caught in our session: an answer that is not whole is unavailable, never zero. Blocking; retries belong to the next look.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from hotfix.errors import Refused, Unavailable

CONNECT_SECONDS = 3.05
# in errors of PromQL's own (promql/engine.go, promql/functions.go): the same query on the same series fails each time
FORBIDDEN = (
    "many-to-many matching not allowed",
    "many-to-one matching must be explicit",
    "grouping labels must ensure unique matches",
    "metrics with the same labelset",
    "label name in label_",
    "regular expression in label_",
)


class NotExecuted(Unavailable):
    """A query that was read and not answered, for what it asks for: one that asks for less may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How Prometheus is reached. Files are read at each use."""

    url: str
    bearer_token_file: str | None = None
    ca_file: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # (name, file)
    workers: int = 16  # queries under way at once


class _Session(requests.Session):
    """Adds credentials and lets only whole, successful answers through."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access
        self.trust_env = False  # no proxy and no .netrc: the address is the operator's setting, nobody else's

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **self._headers()}
        if self._access.ca_file:
            kwargs["verify"] = self._access.ca_file
        kwargs["allow_redirects"] = False
        try:
            response = self._twice(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise Unavailable(f"Prometheus does not answer ({type(error).__name__})") from error
        _check(response)
        return response

    def _twice(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Once more where the other end closed a connection that was kept open just when it was used."""
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.ConnectTimeout:
            raise
        except requests.ConnectionError:
            return super().request(method, url, *args, **kwargs)

    def _headers(self) -> dict[str, str]:
        files = [*self._access.headers]
        try:
            headers = {name: Path(file).read_text().strip() for name, file in files}
            if self._access.bearer_token_file:
                headers["Authorization"] = f"Bearer {Path(self._access.bearer_token_file).read_text().strip()}"
        except OSError as error:
            raise Unavailable(f"A file with credentials for Prometheus cannot be read: {error}") from error
        return headers


def _check(response: requests.Response) -> None:
    """Raise for everything but a whole, successful answer."""
    try:
        payload = response.json()
    except ValueError as error:
        raise Unavailable(f"Prometheus answered {response.status_code} with something that is not JSON") from error
    if not isinstance(payload, Mapping):
        raise Unavailable(f"Prometheus answered {response.status_code} with something that is not an object")
    if response.status_code != 200 or payload.get("status") != "success":
        raise _failure(response.status_code, payload)
    if payload.get("warnings") or payload.get("isPartial"):  # the latter is VictoriaMetrics' word
        said = "; ".join(map(str, payload.get("warnings") or ("isPartial",)))
        raise Unavailable(f"Prometheus gave a partial answer: {said[:512]}")
    if not isinstance(payload.get("data"), Mapping) or not isinstance(payload["data"].get("result"), list):
        raise Unavailable("Prometheus answered without a result")
    response.json = lambda **_: payload  # type: ignore[method-assign] # the client would read the same text once more


def _failure(status: int, payload: Mapping[str, Any]) -> Refused | Unavailable:
    """What an error is: what Prometheus could not read is wrong; what it could not execute may work another time, unless PromQL
    itself forbids it."""
    kind, said = payload.get("errorType"), str(payload.get("error", ""))
    problem, forbidden = said[:512], any(text in said for text in FORBIDDEN)
    if status in (200, 400, 422) and (kind == "bad_data" or (kind == "execution" and forbidden)):
        return Refused(
            f"Prometheus refuses the query: {problem.rstrip(chr(46))}. Correct it in spec.metrics or spec.fix.",
            reason="InvalidQuery",
        )
    if kind == "execution":
        return NotExecuted(f"Prometheus could not execute the query: {problem}")
    return Unavailable(f"Prometheus answered {status}: {problem or payload.get('status')}")


class Client:
    """Each thread keeps a connection of its own open. Raises Refused for a query that cannot be right, else Unavailable."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._of_thread = threading.local()

    def range(self, text: str, span: tuple[float, float, float], timeout_seconds: float) -> list[Any]:
        """The matrix of a range query: from first to last in steps, unix seconds."""
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in span[:2])
        params = {"timeout": f"{timeout_seconds * 1000:.0f}ms"}
        connection = self._connection(timeout_seconds)
        try:
            result: list[Any] = connection.custom_query_range(text, first, last, f"{span[2]:g}", params=params)
        except (PrometheusApiClientException, KeyError, ValueError, TypeError) as error:
            raise Unavailable(f"Prometheus gave an answer that cannot be read ({error})") from error
        return result

    def at(self, text: str, moment: float, timeout_seconds: float) -> list[Any]:
        """The vector of a query at a moment, unix seconds."""
        try:
            result: list[Any] = self._connection(timeout_seconds).custom_query(text, params={"time": f"{moment:.3f}"})
        except (PrometheusApiClientException, KeyError, ValueError, TypeError) as error:
            raise Unavailable(f"Prometheus gave an answer that cannot be read ({error})") from error
        return result

    def _connection(self, timeout_seconds: float) -> PrometheusConnect:
        wanted = (self.access, timeout_seconds)
        if getattr(self._of_thread, "wanted", None) != wanted:
            access = self.access
            self._of_thread.connection = PrometheusConnect(
                url=access.url, session=_Session(access), retry=Retry(total=0), timeout=(CONNECT_SECONDS, timeout_seconds)
            )
            self._of_thread.wanted = wanted
        found: PrometheusConnect = self._of_thread.connection
        return found
