"""What kopf asks of the machine that the operator runs on."""

import asyncio

import pytest

from hotfix.adapters.login import Credentials
from hotfix.errors import OutsideError
from hotfix.runtime.watch import Watch


async def test_a_user_without_a_name_can_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the UID is a number that no file of users knows."""

    def nameless() -> str:
        raise OSError("No username set in the environment")

    async def credentials() -> Credentials:
        raise OutsideError("none here")

    monkeypatch.setattr("getpass.getuser", nameless)
    watch, spawned = Watch(lambda *_: None, credentials), asyncio.Event()
    running = asyncio.create_task(watch.run(["shop"], spawned=spawned.set))
    try:
        await asyncio.wait({running, asyncio.create_task(spawned.wait())}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert not running.done(), running.exception()
    finally:
        watch.stop.set()
        await asyncio.gather(running, return_exceptions=True)
    assert spawned.is_set()
