"""Changes of phase told to one web hook: a CloudEvent (1.0, JSON, structured mode) by POST, signed as Standard Webhooks does it.

Traffic never waits for it: messages wait in a bounded queue, are tried again for a while, in their order, and are given up after
that. An Event on the object is what stays; a message may be lost when the process is killed, and come twice when it is not sure.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hotfix.core import moments
from hotfix.core.actions import Announce
from hotfix.core.notices import Rollout, cloud_event, signing_key
from hotfix.ports import Announcer, Stored

log = logging.getLogger(__name__)

CONTENT = "application/cloudevents+json; charset=utf-8"
REMEMBERED = 20_000  # rollouts
WAITING = 1000  # messages; the oldest goes first
TRIES = 6
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 30.0  # between two tries, doubled each time
TIMEOUT = aiohttp.ClientTimeout(total=10.0, connect=3.0)
LAST_WORDS_SECONDS = 5.0


@dataclass(kw_only=True)
class Webhook:
    """`secret_file` holds the key for signatures, read at each use; without one nothing is signed. `now`: unix seconds.
    `given_up` is called for each message that was not delivered."""

    url: str
    secret_file: str | None
    now: Callable[[], float]
    given_up: Callable[[], None]
    sleep: Callable[[float], Any] = asyncio.sleep
    _waiting: deque[dict[str, Any]] = field(default_factory=deque, init=False)
    _more: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def put(self, event: dict[str, Any]) -> None:
        """To be delivered."""
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.given_up()
        self._waiting.append(event)
        self._more.set()

    async def run(self) -> None:
        """Deliver, without an end."""
        async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session:
            try:
                while True:
                    await self._more.wait()
                    await self._deliver(session, patient=True)
            except asyncio.CancelledError:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORDS_SECONDS):
                        await self._deliver(session, patient=False)
                raise

    async def _deliver(self, session: aiohttp.ClientSession, *, patient: bool) -> None:
        while self._waiting:
            event = self._waiting[0]
            if not await self._told(session, event, TRIES if patient else 1):
                log.warning("the web hook was not told of %s", event["subject"], extra={"event": event["id"]})
                self.given_up()
            if self._waiting and self._waiting[0] is event:
                self._waiting.popleft()
        self._more.clear()

    async def _told(self, session: aiohttp.ClientSession, event: dict[str, Any], tries: int) -> bool:
        """Whether it was taken. A 4xx is an answer that does not change by asking again, but for 408 and 429."""
        wait = FIRST_SECONDS
        for attempt in range(tries):
            if attempt:
                await self.sleep(wait)
                wait = min(2 * wait, LONGEST_SECONDS)
            try:
                body = json.dumps(event).encode()
                headers = {"Content-Type": CONTENT, **self._signature(event["id"], body)}
                async with session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                    status = answer.status
            except (OSError, aiohttp.ClientError, TimeoutError, ValueError) as error:  # a ValueError: the key is none any more
                log.info("the web hook cannot be told: %s", error or type(error).__name__)
                continue
            if 200 <= status < 300:
                return True
            log.info("the web hook answered %d", status)
            if 300 <= status < 500 and status not in (408, 429):
                return False
        return False

    def _signature(self, identity: str, body: bytes) -> dict[str, str]:
        """Standard Webhooks 1.0: HMAC-SHA256 over id, time and body."""
        stamp = str(int(self.now()))
        headers = {"webhook-id": identity, "webhook-timestamp": stamp}
        if self.secret_file is None:
            return headers
        key = signing_key(Path(self.secret_file).read_bytes())
        digest = hmac.new(key, b".".join((identity.encode(), stamp.encode(), body)), hashlib.sha256).digest()
        return {**headers, "webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}


class Told:
    """An Announcer that tells the web hook too, of each decision with which a phase began."""

    def __init__(self, announcer: Announcer, webhook: Webhook) -> None:
        self._announcer, self._webhook = announcer, webhook
        self._told: OrderedDict[str, Announce] = OrderedDict()  # uid -> the newest decision that was told

    async def announce(self, stored: Stored, event: Announce) -> None:
        """The Event first."""
        await self._announcer.announce(stored, event)
        newest = self._told.pop(stored.uid, None)
        # those whose Events could not be published come again and again, in their order
        new = newest is None or event.sequence > newest.sequence or _made_anew(newest, event)
        if event.phase and new:
            self._webhook.put(cloud_event(_rollout(stored), event))
        self._told[stored.uid] = event if new or newest is None else newest
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def announced(self, stored: Stored) -> int | None:
        """As the Events were."""
        return self._announcer.announced(stored)


def _made_anew(newest: Announce, event: Announce) -> bool:
    """Its number was told of another decision: the status was lost, and they are counted from the beginning."""
    return moments.unix(event.time) > moments.unix(newest.time)


def _rollout(stored: Stored) -> Rollout:
    return Rollout(namespace=stored.key.namespace, name=stored.key.name, uid=stored.uid, spec=stored.spec)
