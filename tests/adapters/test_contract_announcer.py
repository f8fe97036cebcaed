"""What an Announcer does, with Events in memory and on a real API server."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hotfix.adapters.announcer import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, UNTOLD, KubeAnnouncer
from hotfix.core.actions import Announce
from hotfix.core.observation import RivalView
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Announcer, Key, Stored
from tests.fakes.clock import FakeClock

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
    values: dict[str, Any] = {
        "time": "2026-01-01T00:00:05.000Z",
        "reason": "WeightRaised",
        "message": f"decision {sequence}",
        "type": "Normal",
        "action": "weight 5",
    }
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
    assert name == "fix.0123456789ab.19b76dabb88.3"
    assert (found["reason"], found["type"], found["note"]) == ("WeightRaised", "Warning", "5 % -> 0 %: patched is worse")
    assert (found["action"], found["reportingInstance"]) == ("weight 5", "operator-1")
    assert (found["regarding"]["kind"], found["regarding"]["name"], found["regarding"]["uid"]) == ("HotfixRollout", "fix", UID)


async def test_the_same_decision_is_said_once_whoever_says_it(announcer: Announcer, world: World) -> None:
    restarted = KubeAnnouncer(world.kube, instance="operator-2")
    assert restarted.announced(stored(world)) is None
    for speaker in (announcer, announcer, restarted):
        await speaker.announce(stored(world), event(1))
        assert speaker.announced(stored(world)) == 1
    assert notes(world) == ["decision 1"]
    await restarted.announce(stored(world), event(2))
    assert notes(world) == ["decision 1", "decision 2"]


async def test_a_rollout_that_was_made_anew_speaks_for_itself(announcer: Announcer, world: World) -> None:
    await announcer.announce(stored(world), event(1))
    await announcer.announce(stored(world, uid=UID[:-1] + "c"), event(1, message="another one"))
    assert notes(world) == ["another one", "decision 1"]


async def test_what_was_told_of_another_one_of_that_name_or_of_a_status_that_is_lost_does_not_count(
    announcer: Announcer, world: World
) -> None:
    for uid, sequences in ((UID, (1, 2, 3)), (UID[:-1] + "c", (1, 2)), (UID[:-1] + "c", (1,))):
        for sequence in sequences:
            await announcer.announce(stored(world, uid=uid), event(sequence))
        assert announcer.announced(stored(world, uid=uid)) == sequences[-1]


@pytest.mark.parametrize("message", ["x" * 5000, "Größe " * 500, "😀" * 400, ""])
async def test_a_long_sentence_is_cut_where_the_api_ends(announcer: Announcer, world: World, message: str) -> None:
    await announcer.announce(stored(world), event(1, message=message, action="a" * 300))
    (note,) = notes(world)
    assert message.startswith(note)
    assert len(note.encode()) >= min(len(message.encode()), 1020)
    assert announcer.announced(stored(world)) == 1


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
    announcer = KubeAnnouncer(memory.kube, instance="x")

    def forbidden(method: str, url: str) -> None:
        raise Refused("The operator lacks a right", reason="Forbidden")

    fine, memory.kube.before = memory.kube.before, forbidden
    await announcer.announce(stored(memory), event(1))
    assert announcer.announced(stored(memory)) is None
    assert "not announced yet: WeightRaised: The operator lacks a right" in caplog.text
    memory.kube.before = fine
    await announcer.announce(stored(memory), event(1))
    assert (announcer.announced(stored(memory)), notes(memory)) == (1, ["decision 1"])


async def test_a_later_event_does_not_hide_one_that_failed(memory: FakeWorld) -> None:
    announcer = KubeAnnouncer(memory.kube, instance="x")
    await announcer.announce(stored(memory), event(1))
    fine = memory.kube.before

    def refused(method: str, url: str) -> None:
        raise Refused("not this one")

    memory.kube.before = refused
    await announcer.announce(stored(memory), event(2))
    memory.kube.before = fine
    await announcer.announce(stored(memory), event(3))
    assert announcer.announced(stored(memory)) == 1, "so that 2 is wanted again"
    for sequence in (2, 3):
        await announcer.announce(stored(memory), event(sequence))
    assert (announcer.announced(stored(memory)), notes(memory)) == (3, ["decision 1", "decision 2", "decision 3"])


async def test_an_event_whose_answer_got_lost_is_still_one(memory: FakeWorld) -> None:
    clock = FakeClock()
    announcer = KubeAnnouncer(memory.kube, instance="x", monotonic=clock.monotonic)
    fine = memory.kube.after

    def lost(method: str, url: str) -> None:
        raise Unavailable("no answer")

    memory.kube.after = lost
    await announcer.announce(stored(memory), event(1))
    memory.kube.after = fine
    clock.advance(FIRST_PAUSE_SECONDS)
    await announcer.announce(stored(memory), event(1))
    assert (announcer.announced(stored(memory)), notes(memory)) == (1, ["decision 1"])


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
    assert announcer.announced(stored(memory)) is None


async def test_only_so_many_rollouts_are_remembered(memory: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotfix.adapters.announcer.REMEMBERED", 2)
    announcer = KubeAnnouncer(memory.kube, instance="x")
    for name in ("a", "b", "a", "c"):
        await announcer.announce(stored(memory, name), event(1))
    assert [announcer.announced(stored(memory, name)) for name in ("a", "b", "c")] == [1, None, 1]


# ---- while the API server gives no answer to Events (in memory only)


class Silent:
    """Events get no answer until `error` is None; the moments at which one was tried."""

    def __init__(self, memory: FakeWorld) -> None:
        self.memory, self.clock, self.tried = memory, FakeClock(), list[float]()
        self.error: Exception | None = Unavailable("no answer")
        self.answer_seconds = 0.0
        self.announcer = KubeAnnouncer(memory.kube, instance="x", monotonic=self.clock.monotonic)
        memory.kube.before = self._before

    def _before(self, method: str, url: str) -> None:
        self.tried.append(self.clock.monotonic())
        self.clock.advance(self.answer_seconds)
        if self.error is not None:
            raise self.error

    async def look(self, sequences: Sequence[int], name: str = "fix") -> None:
        """At one rollout whose status has these decisions."""
        said = self.announcer.announced(stored(self.memory, name)) or 0
        for sequence in sequences:
            if sequence > said:
                await self.announcer.announce(stored(self.memory, name), event(sequence, message=f"{name} {sequence:03}"))

    async def until_told(self, sequences: Sequence[int], name: str = "fix") -> None:
        """Looks, after the longest pause, until nothing is untold."""
        self.error = None
        self.clock.advance(LONGEST_PAUSE_SECONDS)
        for _ in range(3):
            await self.look(sequences, name)
        assert self.announcer.announced(stored(self.memory, name)) == sequences[-1]


@pytest.fixture
def silent(memory: FakeWorld) -> Silent:
    return Silent(memory)


async def test_one_event_of_all_rollouts_is_tried_now_and_then(silent: Silent) -> None:
    for _ in range(600):
        for name in ("a", "b", "c"):
            await silent.look(range(1, 11), name)
        silent.clock.advance(1.0)
    pauses = [later - earlier for earlier, later in itertools.pairwise(silent.tried)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert set(pauses[6:]) == {LONGEST_PAUSE_SECONDS}


async def test_each_event_that_was_not_tried_is_told_once_when_there_are_answers(silent: Silent, memory: FakeWorld) -> None:
    for name in ("a", "b"):
        await silent.look((1, 2), name)
    for name in ("a", "b"):
        await silent.until_told((1, 2, 3), name)
    assert notes(memory) == [f"{name} {sequence:03}" for name in ("a", "b") for sequence in (1, 2, 3)]
    assert len(silent.tried) == 1 + 6


async def test_an_answer_ends_the_pauses(silent: Silent) -> None:
    for _ in range(10):
        await silent.look((1,))
        silent.clock.advance(10.0)
    await silent.until_told((1,))
    silent.error = Unavailable("no answer")
    silent.tried.clear()
    for _ in range(2):
        await silent.look((2,))
        silent.clock.advance(FIRST_PAUSE_SECONDS)
    assert len(silent.tried) == 2


async def test_what_a_status_has_no_room_for_meanwhile_is_told_before_the_rest(silent: Silent, memory: FakeWorld) -> None:
    for first in range(1, 6):
        await silent.look(range(first, first + 10))
    await silent.until_told(range(5, 15))
    assert notes(memory) == [f"fix {sequence:03}" for sequence in range(1, 15)]


async def test_what_is_refused_and_wanted_no_more_keeps_nothing_from_being_told(silent: Silent, memory: FakeWorld) -> None:
    silent.error = Refused("invalid")
    await silent.look((1, 2))
    await silent.look((2, 3))
    await silent.until_told((3, 4))
    assert silent.announcer.announced(stored(memory)) == 4
    assert notes(memory) == ["fix 002", "fix 003", "fix 004"]


async def test_only_so_many_untold_ones_are_kept_in_mind(silent: Silent, memory: FakeWorld) -> None:
    for first in range(1, 101):
        await silent.look(range(first, first + 10))
    await silent.until_told(range(100, 110))
    assert notes(memory) == [f"fix {sequence:03}" for sequence in range(110 - UNTOLD, 110)]


async def test_a_look_waits_for_one_slow_answer_and_no_more(silent: Silent, memory: FakeWorld) -> None:
    silent.error, silent.answer_seconds = None, 2.5
    for told in (1, 2, 3):
        await silent.look((1, 2, 3))
        assert len(silent.tried) == told
        silent.clock.advance(2.5)
    assert notes(memory) == ["fix 001", "fix 002", "fix 003"]


async def test_nothing_is_tried_before_the_api_server_asked_for_it(silent: Silent) -> None:
    silent.error = Unavailable("too many requests", retry_after_seconds=7.0)
    for _ in range(30):
        await silent.look((1,))
        silent.clock.advance(1.0)
    assert [later - earlier for earlier, later in itertools.pairwise(silent.tried)][:3] == [7, 7, 7]


async def test_events_that_hang_side_by_side_count_as_one_and_later_only_one_hangs(
    memory: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    never, hanging, clock = asyncio.Event(), list[str](), FakeClock()

    async def hang(method: str, url: str, *_: Any, **__: Any) -> dict[str, Any]:
        hanging.append(url)
        await never.wait()
        return {}

    monkeypatch.setattr(memory.kube, "_call", hang)
    announcer = KubeAnnouncer(memory.kube, instance="x", timeout_seconds=0.05, monotonic=clock.monotonic)

    async def all_of_them() -> int:
        hanging.clear()
        await asyncio.gather(*(announcer.announce(stored(memory, name), event(1)) for name in "abcdefgh"))
        return len(hanging)

    assert await all_of_them() == 8
    assert await all_of_them() == 0
    clock.advance(FIRST_PAUSE_SECONDS)
    assert await all_of_them() == 1


async def test_so_many_slow_answers_as_fit_into_a_second_are_waited_for_in_one_look(silent: Silent, memory: FakeWorld) -> None:
    silent.error, silent.answer_seconds = None, 0.4
    await silent.look(range(1, 11))
    assert len(silent.tried) == 3
    for _ in range(3):
        await silent.look(range(1, 11))
    assert notes(memory) == [f"fix {sequence:03}" for sequence in range(1, 11)]


async def test_what_earlier_looks_spent_keeps_none_of_a_later_one_from_being_told(silent: Silent, memory: FakeWorld) -> None:
    silent.error, silent.answer_seconds = None, 0.4
    for sequence in range(1, 7):
        await silent.look((sequence,))
        assert silent.announcer.announced(stored(memory)) == sequence
        silent.clock.advance(5)


async def test_where_one_namespace_gets_no_answers_the_others_are_told_at_once(silent: Silent, memory: FakeWorld) -> None:
    def before(method: str, url: str) -> None:
        if "/broken/" in url:
            raise Unavailable("failed calling webhook")

    memory.kube.before = before
    elsewhere = replace(stored(memory, "old"), key=Key("broken", "old"))
    for sequence in range(1, 601):
        await silent.announcer.announce(elsewhere, event(1))
        await silent.announcer.announce(stored(memory), event(sequence))
        assert silent.announcer.announced(stored(memory)) == sequence
        silent.clock.advance(0.5)


async def test_what_got_no_answer_is_not_taken_for_refused(memory: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The try of one hangs while that of another is refused a connection, and outlasts the pause that comes of it."""
    clock, hangs, fine, going = FakeClock(), asyncio.Event(), memory.kube._call, set[str]()
    announcer = KubeAnnouncer(memory.kube, instance="x", monotonic=clock.monotonic)

    async def call(method: str, url: str, *, body: Any = None, **more: Any) -> Any:
        name = body["regarding"]["name"]
        if name == "a" and name in going:
            await hangs.wait()
        if name not in going or name == "a":
            raise Unavailable("no answer")
        return await fine(method, url, body=body, **more)

    async def look(name: str, first: int) -> None:
        for sequence in range(first, first + 3):
            await announcer.announce(stored(memory, name), event(sequence, message=f"{name} {sequence}"))

    monkeypatch.setattr(memory.kube, "_call", call)
    await look("a", 1)
    await look("a", 2)
    clock.advance(LONGEST_PAUSE_SECONDS)
    going.add("b")
    await look("b", 1)  # answered: the pause is over
    going.symmetric_difference_update(("a", "b"))
    hanging = asyncio.create_task(look("a", 2))
    await asyncio.sleep(0)
    await look("b", 2)
    clock.advance(LONGEST_PAUSE_SECONDS)
    hangs.set()
    await hanging
    monkeypatch.setattr(memory.kube, "_call", fine)
    clock.advance(LONGEST_PAUSE_SECONDS)
    await look("a", 2)
    await look("a", 2)
    assert [note for note in notes(memory) if note.startswith("a")] == ["a 1", "a 2", "a 3", "a 4"]


async def test_an_event_says_when_it_was_decided_however_late_it_is_told(announcer: Announcer, world: World) -> None:
    await announcer.announce(stored(world), event(1))
    (name,) = world.names("Event")
    assert world.read("Event", name)["eventTime"] == "2026-01-01T00:00:05.000000Z"


async def test_after_a_status_is_lost_its_decisions_are_told_although_they_are_numbered_anew(
    announcer: Announcer, world: World
) -> None:
    for sequence in (1, 2):
        await announcer.announce(stored(world), event(sequence))
    await announcer.announce(stored(world), event(1, message="its status is lost", time="2026-01-01T01:00:00.000Z"))
    assert notes(world) == ["decision 1", "decision 2", "its status is lost"]
