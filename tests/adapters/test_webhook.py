"""What the web hook is told, against an HTTP server: CloudEvents, signatures, tries, and what is given up."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hotfix.adapters import webhook as module
from hotfix.adapters.webhook import Told, Webhook
from hotfix.core.actions import Announce
from hotfix.core.notices import Rollout, cloud_event
from hotfix.core.observation import RivalView
from hotfix.ports import Key, Stored

RIVAL = RivalView(name="fix", created="", phase=None, stable="checkout", routes=())
NOW = 1_800_000_000.0
SIDES = {"stable": {"deployment": "checkout"}, "patched": {"deployment": "checkout-hotfix"}}
SHOP = Rollout(namespace="shop", name="fix", uid="8c1f", spec=SIDES)


class Receiver:
    """Answers with the codes given, then with 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.codes: list[int] = []
        self.enough = asyncio.Event()
        self.wanted = 1

    async def post(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        code = self.codes.pop(0) if self.codes else 200
        if len(self.got) >= self.wanted:
            self.enough.set()
        return web.Response(status=code, headers={"Location": "/elsewhere"})

    async def heard(self, number: int = 1) -> list[dict[str, Any]]:
        """The events, when there have been so many requests."""
        self.wanted = number
        if len(self.got) < number:
            self.enough.clear()
            async with asyncio.timeout(10):
                await self.enough.wait()
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.post)
    async with TestServer(app) as server:
        yield receiver, str(server.make_url("/hook"))


class Hook:
    """A web hook that runs, does not wait between tries, and counts what it gave up."""

    def __init__(self, url: str, secret_file: str | None = None) -> None:
        self.given_up, self.gave_up = 0, asyncio.Event()
        self.waits: list[float] = []
        self.sleep_begins: Callable[[], object] = lambda: None
        self.webhook = Webhook(url=url, secret_file=secret_file, now=lambda: NOW, given_up=self._give_up, sleep=self._sleep)

    def _give_up(self) -> None:
        self.given_up += 1
        self.gave_up.set()

    async def _sleep(self, seconds: float) -> None:
        self.sleep_begins()
        self.waits.append(seconds)

    async def __aenter__(self) -> "Hook":
        self.task = asyncio.create_task(self.webhook.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def stored(**spec: Any) -> Stored:
    return Stored(
        key=Key("shop", "fix"),
        uid="8c1f",
        version="1",
        generation=1,
        created="2027-01-15T08:00:00Z",
        deleting=False,
        finalizer=True,
        as_rival=RIVAL,
        spec={**SIDES, **spec},
        status={},
    )


def event(sequence: int = 3, phase: str | None = "Baking", time: str = "2030-01-31T17:00:00.000Z") -> Announce:
    return Announce(
        sequence=sequence,
        time=time,
        reason="EvidenceSufficient",
        message="It is proven.",
        type="Normal",
        action="weight 95",
        phase=phase,
    )


class Silent:
    """Publishes nothing."""

    async def announce(self, stored: Stored, event: Announce) -> None:
        """Done."""

    def announced(self, stored: Stored) -> int | None:
        """Always."""
        return 7


async def test_a_phase_that_began_is_told_as_a_cloud_event(receiver: tuple[Receiver, str]) -> None:
    async with Hook(receiver[1]) as hook:
        told = Told(Silent(), hook.webhook)
        await told.announce(stored(incident={"reference": "INC-4711"}), event())
        (got,) = await receiver[0].heard()
    headers, _ = receiver[0].got[0]
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    assert {key: got[key] for key in ("specversion", "id", "type", "subject")} == {
        "specversion": "1.0",
        "id": "8c1f.1b978ea5280.3",
        "type": "dev.hotfix-operator.rollout.baking",
        "subject": "shop/fix",
    }
    assert got["data"]["text"] == "INC-4711: shop/fix: Baking. It is proven."
    assert got["data"]["incident"] == {"reference": "INC-4711"}
    assert told.announced(stored()) == 7


async def test_after_a_status_is_lost_its_phases_are_told_although_they_are_numbered_anew(receiver: tuple[Receiver, str]) -> None:
    async with Hook(receiver[1]) as hook:
        told, later = Told(Silent(), hook.webhook), "2030-01-31T18:00:00.000Z"
        for made in (event(3), event(4), event(1, time=later), event(2, time=later), event(1, time=later)):
            await told.announce(stored(), made)
        heard = await receiver[0].heard(4)
    assert [got["id"].rpartition(".")[2] for got in heard] == ["3", "4", "1", "2"]


async def test_a_decision_within_a_phase_is_not_told(receiver: tuple[Receiver, str]) -> None:
    async with Hook(receiver[1]) as hook:
        told = Told(Silent(), hook.webhook)
        await told.announce(stored(), event(3, phase=None))
        await told.announce(stored(), event(4))
        assert [got["id"] for got in await receiver[0].heard()] == ["8c1f.1b978ea5280.4"]


async def test_what_was_told_is_not_told_again_while_its_event_cannot_be_published(receiver: tuple[Receiver, str]) -> None:
    async with Hook(receiver[1]) as hook:
        told = Told(Silent(), hook.webhook)
        for sequence in (3, 3, 4, 3, 4, 3, 4, 5):
            await told.announce(stored(), event(sequence))
        assert [got["id"] for got in await receiver[0].heard(3)] == [
            "8c1f.1b978ea5280.3",
            "8c1f.1b978ea5280.4",
            "8c1f.1b978ea5280.5",
        ]


async def test_a_signature_can_be_checked_with_the_key_as_it_is_now(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("old\n")
    async with Hook(receiver[1], str(secret)) as hook:
        secret.write_text("new\n")
        hook.webhook.put(cloud_event(SHOP, event()))
        await receiver[0].heard()
    headers, body = receiver[0].got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"new", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize("key", ["whsec_c2VjcmV0", "plain"])
async def test_what_is_documented_verifies_a_signature(receiver: tuple[Receiver, str], tmp_path: Path, key: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    (snippet,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    scope: dict[str, Any] = {}
    exec(snippet, scope)  # noqa: S102 - it is this repository's
    (tmp_path / "key").write_text(f"{key}\n")
    async with Hook(receiver[1], str(tmp_path / "key")) as hook:
        hook.webhook.put(cloud_event(SHOP, event()))
        await receiver[0].heard()
    headers, body = receiver[0].got[0]
    verified = partial(scope["verified"], headers={name.lower(): value for name, value in headers.items()})
    assert verified(key, body=body, now=NOW)
    wrong = [verified("other", body=body, now=NOW), verified(key, body=body + b" ", now=NOW), verified(key, body=body)]
    assert wrong == [False, False, False]


async def test_a_key_that_is_none_for_a_while_is_waited_for(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("\n")
    async with Hook(receiver[1], str(secret)) as hook:
        hook.sleep_begins = lambda: secret.write_text("whsec_c2VjcmV0")
        hook.webhook.put(cloud_event(SHOP, event()))
        await receiver[0].heard()
    assert (hook.waits, hook.given_up) == ([1.0], 0)


async def test_it_is_tried_again_in_order_until_it_is_taken(receiver: tuple[Receiver, str]) -> None:
    receiver[0].codes = [503, 429, 500]
    async with Hook(receiver[1]) as hook:
        for sequence in (1, 2):
            hook.webhook.put(cloud_event(SHOP, event(sequence)))
        got = await receiver[0].heard(5)
    assert [entry["id"] for entry in got] == ["8c1f.1b978ea5280.1"] * 4 + ["8c1f.1b978ea5280.2"]
    assert hook.waits == [1.0, 2.0, 4.0]
    assert hook.given_up == 0


@pytest.mark.parametrize("code", [302, 400, 404])
async def test_what_is_refused_is_given_up_and_the_next_is_told(receiver: tuple[Receiver, str], code: int) -> None:
    receiver[0].codes = [code]
    async with Hook(receiver[1]) as hook:
        for sequence in (1, 2):
            hook.webhook.put(cloud_event(SHOP, event(sequence)))
        assert [entry["id"] for entry in await receiver[0].heard(2)] == ["8c1f.1b978ea5280.1", "8c1f.1b978ea5280.2"]
    assert hook.given_up == 1


async def test_a_web_hook_that_is_away_is_given_up_after_a_while(unused_tcp_port: int) -> None:
    async with Hook(f"http://127.0.0.1:{unused_tcp_port}/hook") as hook:
        hook.webhook.put(cloud_event(SHOP, event()))
        await asyncio.wait_for(hook.gave_up.wait(), 10)
    assert len(hook.waits) == module.TRIES - 1


async def test_what_waits_is_bounded_and_the_oldest_goes_first() -> None:
    hook = Hook("http://127.0.0.1:1")
    for sequence in range(module.WAITING + 2):
        hook.webhook.put(cloud_event(SHOP, event(sequence + 1)))
    assert hook.given_up == 2


async def test_what_waits_is_told_once_more_at_the_end(receiver: tuple[Receiver, str]) -> None:
    async with Hook(receiver[1]) as hook:
        await asyncio.sleep(0)
        hook.webhook.put(cloud_event(SHOP, event()))
    assert len(receiver[0].got) == 1
