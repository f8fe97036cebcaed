"""The connection to the API server, against a server of our own that gives every answer there is, over real HTTP."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from hotfix.adapters import kube as module
from hotfix.adapters import login as login_module
from hotfix.adapters.kube import AlreadyExists, Kube, path, translated
from hotfix.adapters.login import configuration, credentials
from hotfix.errors import Conflict, NotFound, Refused, Unavailable

LOGIN = "from-the-kubeconfig"
POD = path("v1", "pods", "shop", "web-0")
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers as the test says, and remembers what was asked."""

    def __init__(self) -> None:
        self.answer: Answering = self.echo
        self.asked: list[web.Request] = []
        self.url = ""
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.read())
        return await self.answer(request)

    @staticmethod
    async def echo(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"name": "web-0"}})

    def says(self, status: int, body: Any, **headers: str) -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            text = body if isinstance(body, str) else json.dumps(body)
            return web.Response(status=status, text=text, headers=headers, content_type="application/json")

        self.answer = answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def kubeconfig(file: Path, server: str, **user: Any) -> str:
    """Write one with this user."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(content))
    return str(file)


@pytest.fixture
async def kube(server: Server, tmp_path: Path) -> AsyncIterator[Kube]:
    found = await configuration(kubeconfig=kubeconfig(tmp_path / "config", server.url, token=LOGIN))
    async with Kube(found, timeout_seconds=0.5) as kube:
        yield kube


def status(reason: str, message: str = "because") -> dict[str, Any]:
    return {"kind": "Status", "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ((404, status("NotFound")), NotFound, "because"),
        ((409, status("Conflict")), Conflict, "because"),
        ((409, status("AlreadyExists")), AlreadyExists, "because"),
        ((403, status("Forbidden")), Refused, "The operator lacks a right: because"),
        ((400, status("BadRequest")), Refused, "because"),
        ((413, "too large"), Refused, "too large"),
        ((422, status("Invalid")), Refused, "because"),
        ((401, status("Unauthorized")), Unavailable, "answered 401"),
        ((410, status("Expired")), Unavailable, "answered 410"),
        ((429, status("TooManyRequests")), Unavailable, "answered 429"),
        ((500, "<html>oops</html>"), Unavailable, "answered 500: <html>oops"),
        ((503, status("ServiceUnavailable")), Unavailable, "answered 503"),
        ((200, "<html>a proxy</html>"), Unavailable, "not a JSON object"),
        ((200, "[1]"), Unavailable, "not a JSON object"),
        ((200, ""), Unavailable, "not a JSON object"),
    ],
)
async def test_every_answer_is_one_of_ours(
    kube: Kube, server: Server, answer: tuple[int, Any], error: type[Exception], says: str
) -> None:
    server.says(*answer)
    with pytest.raises(error, match=says) as caught:
        await kube.get(POD)
    assert type(caught.value) is error
    assert f"GET {POD}" in str(caught.value)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("3600", 10.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)])
async def test_how_long_to_wait_is_passed_on(kube: Kube, server: Server, header: str, seconds: float | None) -> None:
    server.says(429, status("TooManyRequests"), **{"Retry-After": header})
    with pytest.raises(Unavailable) as caught:
        await kube.get(POD)
    assert caught.value.retry_after_seconds == seconds


def test_reasons_are_fit_for_a_condition() -> None:
    assert [translated(code, "", {}, "GET /").reason for code in (403, 422, 404)] == [  # type: ignore[union-attr]
        "Forbidden",
        "InvalidRequest",
        "TargetNotFound",
    ]


def test_a_long_answer_does_not_fill_a_status() -> None:
    assert len(str(translated(500, "x" * 10_000, {}, "GET /"))) < 600


async def test_a_server_that_hangs_is_given_up(kube: Kube, server: Server) -> None:
    ended = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await ended.wait()
        return web.json_response({})

    server.answer = hang
    with pytest.raises(Unavailable, match="TimeoutError"):
        await kube.get(POD)
    ended.set()


async def test_an_answer_that_never_ends_is_given_up(kube: Kube, server: Server) -> None:
    ended = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"metadata"')
        await ended.wait()
        return answer

    server.answer = drip
    with pytest.raises(Unavailable, match="TimeoutError"):
        await kube.get(POD)
    ended.set()


async def test_a_connection_that_breaks_is_unavailable(kube: Kube, server: Server) -> None:
    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.answer = reset
    with pytest.raises(Unavailable, match="does not answer"):
        await kube.json_patch(POD, [])
    assert len(server.asked) == 1, "a write is not sent again by itself"


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with await Kube.login(kubeconfig=kubeconfig(tmp_path / "config", url)) as kube:
            with pytest.raises(Unavailable, match="does not answer"):
                await kube.get(POD)


async def test_what_is_not_there_is_none_where_that_is_asked(kube: Kube, server: Server) -> None:
    assert await kube.find(POD) == {"metadata": {"name": "web-0"}}
    server.says(404, status("NotFound"))
    assert await kube.find(POD) is None


async def test_a_list_is_read_to_its_end(kube: Kube, server: Server) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        start = int(request.query.get("continue", 0))
        more = str(start + 2) if start < 4 else ""
        return web.json_response({"metadata": {"continue": more}, "items": [{"n": start}, {"n": start + 1}]})

    server.answer = page
    found = await kube.list(path("v1", "pods", "shop"), labelSelector="app in (a,b)")
    assert [item["n"] for item in found] == [0, 1, 2, 3, 4, 5]
    assert {request.query["labelSelector"] for request in server.asked} == {"app in (a,b)"}
    server.says(200, {"items": None})
    assert await kube.list(path("v1", "pods", "shop")) == []


async def test_a_list_that_breaks_in_the_middle_is_no_list(kube: Kube, server: Server) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        if "continue" in request.query:
            return web.json_response(status("Expired"), status=410)
        return web.json_response({"metadata": {"continue": "x"}, "items": [{}]})

    server.answer = page
    with pytest.raises(Unavailable):
        await kube.list(path("v1", "pods", "shop"))


async def test_writes_say_who_writes_and_what_they_are(kube: Kube, server: Server) -> None:
    operations = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}]
    await kube.json_patch(POD, operations)
    await kube.create(path("v1", "pods", "shop"), {"metadata": {"name": "web-1"}})
    patch, create = server.asked
    assert (patch.method, patch.content_type, patch.query["fieldManager"]) == (
        "PATCH",
        "application/json-patch+json",
        "hotfix-operator",
    )
    assert json.loads(server.bodies[0]) == operations
    assert (create.method, create.path, create.query["fieldManager"]) == (
        "POST",
        "/api/v1/namespaces/shop/pods",
        "hotfix-operator",
    )
    assert {request.headers["User-Agent"] for request in server.asked} == {"hotfix-operator"}
    assert {request.headers["Authorization"] for request in server.asked} == {f"Bearer {LOGIN}"}


PODS = path("v1", "pods", "shop")
WRITES: dict[str, Callable[[Kube], Awaitable[object]]] = {
    "create": lambda kube: kube.create(PODS, {}),
    "json patch": lambda kube: kube.json_patch(POD, []),
    "merge patch": lambda kube: kube.merge_patch(POD, {}, "hotfix-cli"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_who_does_not_hold_the_lease_any_more_reads_and_never_writes(
    kube: Kube, server: Server, write: Callable[[Kube], Awaitable[object]]
) -> None:
    kube.write_seconds = lambda: 0.0
    with pytest.raises(Unavailable, match="does not hold the lease any more; nothing is written"):
        await write(kube)
    assert server.asked == []
    assert await kube.get(POD)
    kube.write_seconds = lambda: 5.0
    await write(kube)
    assert [request.method == "GET" for request in server.asked] == [True, False]


async def test_a_write_is_given_up_before_others_may_take_over(kube: Kube, server: Server) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server.answer = hang
    kube.write_seconds = lambda: 0.02
    kube._timeout_seconds = 3600.0
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="does not answer"):
            await kube.json_patch(POD, [])


async def test_a_rotated_token_is_used_once_it_is_read_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    monkeypatch.setattr(login_module, "TOKEN_SECONDS", 0.0)
    login = kubeconfig(tmp_path / "config", server.url, tokenFile=str(token))
    async with await Kube.login(kubeconfig=login) as kube:
        await kube.get(POD)
        token.write_text("new\n")
        await kube.get(POD)
        token.unlink()
        await kube.get(POD)
    assert [request.headers["Authorization"] for request in server.asked] == ["Bearer old", "Bearer new", "Bearer new"]


async def test_a_token_is_not_read_at_every_request(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    async with await Kube.login(kubeconfig=kubeconfig(tmp_path / "config", server.url, tokenFile=str(token))) as kube:
        token.write_text("new")
        await kube.get(POD)
    assert server.asked[0].headers["Authorization"] == "Bearer old"


async def test_the_kubeconfig_of_the_environment_is_found(server: Server, tmp_path: Path) -> None:
    """In a process of its own, because the client reads the variable when it is imported."""
    login = kubeconfig(tmp_path / "config", server.url, token=LOGIN)
    program = (
        "import asyncio\nfrom hotfix.adapters.login import credentials\n"
        "found = asyncio.run(credentials())\nprint(found.server, found.token, found.insecure, found.ca_file)"
    )
    env = {**os.environ, "KUBECONFIG": login, "PYTHONPATH": str(Path(module.__file__).parents[2])}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env=env,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await started.communicate()
    assert out.decode().split() == [server.url, LOGIN, "False", "None"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No way to log in"), ("{", "No way to log in"), ("a: b", "No way to log in"), ("", "No way to log in")],
)
async def test_without_a_login_there_is_a_sentence(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Refused, match=says) as caught:
        await configuration(kubeconfig=str(file))
    assert caught.value.reason == "NoCredentials"


async def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    found = await configuration(kubeconfig=kubeconfig(tmp_path / "config", "https://127.0.0.1:1"))
    (tmp_path / "ca.crt").write_text("nonsense")
    found.ssl_ca_cert = str(tmp_path / "ca.crt")
    with pytest.raises(Refused, match="certificates of the login"):
        async with Kube(found):
            raise AssertionError("never here")


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("host", "around", "proxy"),
    [
        ("https://10.96.0.1:443", "", PROXY),
        ("https://10.96.0.1:443", "10.0.0.0/8", None),
        ("https://10.96.0.1:443", "127.0.0.1,.svc, 10.96.0.5/12 ,.example", None),
        ("https://11.96.0.1:443", "127.0.0.1,10.0.0.0/8", PROXY),
        ("https://10.96.0.1", "10.96.0.1", None),
        ("https://10.96.0.1", "10.96.0.1/64,fd00::/8,nonsense/8,,", PROXY),
        ("https://[fd00::1]:6443", "10.0.0.0/8,fd00::/8", None),
        ("https://[fd00::1]:6443", "[fd00:0::1]", None),
        ("https://[fe80::1]:6443", "fd00::/8", PROXY),
        ("https://api.example:6443", ".example", None),
        ("https://api.example:6443", "10.0.0.0/8,0.0.0.0/0", PROXY),
        ("https://10.96.0.1:443", "*", None),
        ("http://10.96.0.1:8001", "", None),
        ("https://10.96.0.1:443", "10.96.0.1:443", None),
        ("https://10.96.0.1:443", "10.96.0.1:6443", PROXY),
        ("https://127.0.0.1:6443", "", None),
        ("https://localhost:6443", "", None),
        ("https://[::1]:6443", "", None),
    ],
)
async def test_what_the_environment_excepts_is_asked_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, around: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", around)
    found = await configuration(kubeconfig=kubeconfig(tmp_path / "config", host))
    async with Kube(found):
        assert found.proxy == proxy


async def test_in_a_pod_the_service_account_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from-the-pod")
    (tmp_path / "ca.crt").write_text("any")
    monkeypatch.setattr(login_module, "SERVICE_ACCOUNT", tmp_path / "token")
    loader = "kubernetes.aio.config.incluster_config"
    monkeypatch.setattr(f"{loader}.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{loader}.SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = await credentials()
    assert (found.server, found.token, found.ca_file) == ("https://10.96.0.1:443", "from-the-pod", str(tmp_path / "ca.crt"))


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        (("v1", "namespaces", None, "shop"), "/api/v1/namespaces/shop"),
        (("apps/v1", "deployments", "shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web"),
        (("x.dev/v1", "things", "shop", "a", "status"), "/apis/x.dev/v1/namespaces/shop/things/a/status"),
        (("x.dev/v1", "things"), "/apis/x.dev/v1/things"),
        (("v1", "pods", "shop", "a b#c?d"), "/api/v1/namespaces/shop/pods/a%20b%23c%3Fd"),
    ],
)
def test_a_path_means_one_resource(arguments: Any, url: str) -> None:
    assert path(*arguments) == url


@pytest.mark.parametrize("name", [".", "..", "../../secrets", "a/status", "..%2fsecrets"])
def test_a_name_that_would_lead_elsewhere_in_the_path_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="No object can have the name"):
        path("v1", "pods", "shop", name)
    with pytest.raises(Refused, match="No object can have the name"):
        path("v1", "pods", name)


def test_an_empty_name_is_not_the_collection() -> None:
    with pytest.raises(Refused, match="No object can have the name ''"):
        path("v1", "pods", "shop", "")
