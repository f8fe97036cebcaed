"""What an Announcer does, with Events in memory and on a real API server."""

import asyncio
from typing import Any

import pytest

from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.core.actions import Announce
from hotfix.core.observation import RivalView
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Announcer, Key, Stored

from .worlds import FakeWorld, World

UID = "0d7e0d7e-0000-4000-8000-0123456789ab"


def stored(world: World, name: str = "fix", uid: str = UID) -> Stored:
    created = "2026-01-01T00:00:00Z"
    return Stored(
        key=Key(world.namespace, name),
        as_rival=RivalView(name=name, created=created, phase=None, stable="checkout", routes=()),
        uid=uid,
        version="1",
        generation=1,
        created=created,
        deleting=False,
        finalizer=True,
    )


def event(sequence: int, **more: Any) -> Announce:
    values = {"reason": "WeightRaised", "message": f"decision {sequence}", "type": "Normal", "action": "weight 5"}
    return Announce(sequence=sequence, **{**values, **more})


@pytest.fixture
def announcer(world: World) -> Announcer:
    return KubeAnnouncer(world.kube, instance="operator-1")


def notes(world: World) -> list[str]:
    return sorted(world.read("Event", name).get("note", "") for name in world.names("Event"))


async def test_an_event_says_what_was_decided_about_which_rollout(announcer: Announcer, world: World) -> None:
    await announcer.announce(stored(world), event(3, type="Warning", message="5 % -> 0 %: patched is worse"))
    (name,) = world.names("Event")
    found = world.read("Event", name)
    assert name == "fix.0123456789ab.3"
    assert (found["reason"], found["type"], found["note"]) == ("WeightRaised", "Warning", "5 % -> 0 %: patched is worse")
    assert (found["action"], found["reportingInstance"]) == ("weight 5", "operator-1")
    assert (found["regarding"]["kind"], found["regarding"]["name"], found["regarding"]["uid"]) == ("HotfixRollout", "fix", UID)


async def test_the_same_decision_is_said_once_whoever_says_it(announcer: Announcer, world: World) -> None:
    restarted = KubeAnnouncer(world.kube, instance="operator-2")
    assert restarted.announced(Key(world.namespace, "fix")) is None
    for speaker in (announcer, announcer, restarted):
        await speaker.announce(stored(world), event(1))
        assert speaker.announced(Key(world.namespace, "fix")) == 1
    assert notes(world) == ["decision 1"]
    await restarted.announce(stored(world), event(2))
    assert notes(world) == ["decision 1", "decision 2"]


async def test_a_rollout_that_was_made_anew_speaks_for_itself(announcer: Announcer, world: World) -> None:
    await announcer.announce(stored(world), event(1))
    await announcer.announce(stored(world, uid=UID[:-1] + "c"), event(1, message="another one"))
    assert notes(world) == ["another one", "decision 1"]


@pytest.mark.parametrize("message", ["x" * 5000, "Größe " * 500, "😀" * 400, ""])
async def test_a_long_sentence_is_cut_where_the_api_ends(announcer: Announcer, world: World, message: str) -> None:
    await announcer.announce(stored(world), event(1, message=message, action="a" * 300))
    (note,) = notes(world)
    assert message.startswith(note)
    assert len(note.encode()) >= min(len(message.encode()), 1020)
    assert announcer.announced(Key(world.namespace, "fix")) == 1


@pytest.mark.parametrize("name", ["x" * 253, "a" * 199 + "-b" * 20, "a.b-c"])
async def test_a_rollout_of_any_name_can_speak(announcer: Announcer, world: World, name: str) -> None:
    await announcer.announce(stored(world, name), event(1))
    assert notes(world) == ["decision 1"]


# ---- nothing waits for an Event (in memory only)


@pytest.fixture
def memory() -> FakeWorld:
    return FakeWorld("shop")


async def test_an_event_that_cannot_be_published_fails_nothing_and_is_wanted_again(
    memory: FakeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    announcer, key = KubeAnnouncer(memory.kube, instance="x"), Key("shop", "fix")

    def forbidden(method: str, url: str) -> None:
        raise Refused("The operator lacks a right", reason="Forbidden")

    fine, memory.kube.before = memory.kube.before, forbidden
    await announcer.announce(stored(memory), event(1))
    assert announcer.announced(key) is None
    assert "not announced yet: WeightRaised: The operator lacks a right" in caplog.text
    memory.kube.before = fine
    await announcer.announce(stored(memory), event(1))
    assert (announcer.announced(key), notes(memory)) == (1, ["decision 1"])


async def test_a_later_event_does_not_hide_one_that_failed(memory: FakeWorld) -> None:
    announcer, key = KubeAnnouncer(memory.kube, instance="x"), Key("shop", "fix")
    await announcer.announce(stored(memory), event(1))
    fine = memory.kube.before

    def down(method: str, url: str) -> None:
        raise Unavailable("no answer")

    memory.kube.before = down
    await announcer.announce(stored(memory), event(2))
    memory.kube.before = fine
    await announcer.announce(stored(memory), event(3))
    assert announcer.announced(key) == 1, "so that 2 is wanted again"
    for sequence in (2, 3):
        await announcer.announce(stored(memory), event(sequence))
    assert (announcer.announced(key), notes(memory)) == (3, ["decision 1", "decision 2", "decision 3"])


async def test_an_event_whose_answer_got_lost_is_still_one(memory: FakeWorld) -> None:
    announcer = KubeAnnouncer(memory.kube, instance="x")
    fine = memory.kube.after

    def lost(method: str, url: str) -> None:
        raise Unavailable("no answer")

    memory.kube.after = lost
    await announcer.announce(stored(memory), event(1))
    memory.kube.after = fine
    await announcer.announce(stored(memory), event(1))
    assert (announcer.announced(Key("shop", "fix")), notes(memory)) == (1, ["decision 1"])


async def test_in_a_namespace_that_ends_nobody_is_told_and_nothing_fails(memory: FakeWorld) -> None:
    memory.api.end_namespace("shop")
    await KubeAnnouncer(memory.kube, instance="x").announce(stored(memory), event(1))
    assert notes(memory) == []


async def test_an_api_server_that_hangs_holds_nothing_up(memory: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def hang(*_: Any, **__: Any) -> dict[str, Any]:
        await never.wait()
        return {}

    monkeypatch.setattr(memory.kube, "_call", hang)
    announcer = KubeAnnouncer(memory.kube, instance="x", timeout_seconds=0.05)
    await announcer.announce(stored(memory), event(1))
    assert announcer.announced(Key("shop", "fix")) is None


async def test_only_so_many_rollouts_are_remembered(memory: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotfix.adapters.announcer.REMEMBERED", 2)
    announcer = KubeAnnouncer(memory.kube, instance="x")
    for name in ("a", "b", "a", "c"):
        await announcer.announce(stored(memory, name), event(1))
    assert [announcer.announced(Key("shop", name)) for name in ("a", "b", "c")] == [1, None, 1]
