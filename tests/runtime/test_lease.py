"""The elector, on an event loop whose time is a number: never two that may write, and a new leader soon."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hotfix.adapters.leases import LeaseRecord
from hotfix.errors import Conflict, Refused, Unavailable
from hotfix.runtime.lease import Elector, Times

from .virtual import VirtualLoop

TIMES = Times()


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


class Stored:
    """The Lease as an API server keeps it."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.versions = 0


class Connection:
    """One operator's way to it, which may be cut, or slow."""

    def __init__(self, stored: Stored) -> None:
        self.stored, self.cut, self.slow_seconds = stored, False, 0.0

    async def read(self) -> LeaseRecord | None:
        await self._pass()
        return self.stored.record

    async def write(self, seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        await self._pass()
        if seen != self.stored.record:
            raise Conflict("somebody wrote first")
        self.stored.versions += 1
        transitions = (seen.transitions if seen else 0) + (bool(holder) and seen is not None and seen.holder != holder)
        self.stored.record = LeaseRecord(
            holder=holder, seconds=seconds, transitions=transitions, version=str(self.stored.versions)
        )
        return self.stored.record

    async def _pass(self) -> None:
        await asyncio.sleep(self.slow_seconds)
        if self.cut:
            raise Unavailable("no answer")


class Two:
    """Two electors on one Lease."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop, self.stored = loop, Stored()
        self.ways = [Connection(self.stored), Connection(self.stored)]
        self.electors = [Elector(way, name, loop.time) for way, name in zip(self.ways, "ab", strict=True)]
        self.skew = 0.0

    def run(self, *parts: object, seconds: float) -> None:
        """All of them side by side, with a look at every tenth of a second that not both may write."""

        async def watching() -> None:
            tasks = [asyncio.ensure_future(part) for part in parts]  # type: ignore[arg-type]
            end = self.loop.time() + seconds
            while self.loop.time() < end:
                assert not all(elector.holds() for elector in self.electors), "two lead"
                await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.loop.run_until_complete(watching())


async def lead(elector: Elector) -> None:
    await elector.acquire()
    await elector.keep()


def test_one_leads_and_the_other_waits_for_as_long_as_it_renews(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), lead(two.electors[1]), seconds=120)
    assert [elector.holds() for elector in two.electors].count(True) == 1
    assert two.stored.record is not None
    assert two.stored.record.transitions == 0


def test_a_leader_that_is_cut_off_stops_before_the_other_takes_over(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    two.ways[0].cut = True
    cut, taken = loop.time(), []

    async def other() -> None:
        await two.electors[1].acquire()
        taken.append(loop.time() - cut)

    two.run(two.electors[0].keep(), other(), seconds=40)
    assert not two.electors[0].holds()
    assert TIMES.renews_within < taken[0] <= TIMES.lasts + 2 * TIMES.retry


def test_a_leader_that_slept_past_its_lease_may_not_write_from_the_first_moment_on(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    assert two.electors[0].holds()
    loop.moment += 10.0  # it was stopped; nothing of it ran
    assert not two.electors[0].holds()


def test_a_write_that_begins_with_the_last_of_the_right_ends_before_others_may_take_over(loop: VirtualLoop) -> None:
    two = Two(loop)
    assert two.electors[0].write_seconds() == 0
    loop.run_until_complete(two.electors[0].acquire())
    assert two.electors[0].write_seconds() == pytest.approx(TIMES.lasts, abs=0.1)
    loop.moment += TIMES.renews_within - 0.1
    assert two.electors[0].write_seconds() == pytest.approx(TIMES.lasts - TIMES.renews_within + 0.1, abs=0.1)
    loop.moment += 0.2
    assert two.electors[0].write_seconds() == 0


def test_a_lease_that_is_given_up_is_taken_at_the_next_try(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    loop.run_until_complete(two.electors[0].release())
    assert not two.electors[0].holds()
    released = loop.time()
    loop.run_until_complete(two.electors[1].acquire())
    assert loop.time() - released <= TIMES.retry
    assert two.electors[1].holds()


def test_what_is_not_held_is_not_given_up(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    loop.run_until_complete(two.electors[1].release())
    assert two.stored.record is not None
    assert two.stored.record.holder == "a"


def test_giving_up_without_an_answer_is_no_error(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    two.ways[0].cut = True
    loop.run_until_complete(two.electors[0].release())
    assert not two.electors[0].holds()


def test_keeping_ends_when_somebody_else_took_it(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    assert two.stored.record is not None
    two.stored.record = replace(two.stored.record, holder="b", version="99")
    loop.run_until_complete(asyncio.wait_for(two.electors[0].keep(), timeout=10))
    assert not two.electors[0].holds()
    assert two.electors[0].leader == "b"


def test_slow_answers_shorten_the_right_because_it_counts_from_before_the_write(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.ways[0].slow_seconds = 1.5
    loop.run_until_complete(two.electors[0].acquire())
    assert two.electors[0].holds()
    loop.moment += TIMES.renews_within - 1.5 - 0.1
    assert two.electors[0].holds()
    loop.moment += 0.2
    assert not two.electors[0].holds()


@pytest.mark.parametrize("seconds", [1.9, 2.5, 4.5])
def test_an_api_server_that_takes_seconds_for_a_request_has_one_leader_who_stays(loop: VirtualLoop, seconds: float) -> None:
    two = Two(loop)
    for way in two.ways:
        way.slow_seconds = seconds
    two.run(*map(lead, two.electors), seconds=120)
    assert [elector.holds() for elector in two.electors].count(True) == 1
    assert two.stored.record is not None
    assert two.stored.record.transitions == 0


def test_a_leader_stays_when_the_api_server_becomes_slow(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    two.ways[0].slow_seconds = 4.5
    two.run(two.electors[0].keep(), seconds=120)
    assert two.electors[0].holds()


def test_a_leader_whose_renewal_gets_no_answer_renews_by_another_one(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    way, lost = two.ways[0], [True]
    write = way.write

    async def losing(seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        record = await write(seen, holder, seconds)
        if lost.pop() if lost else False:
            await asyncio.sleep(3600.0)  # it was done, and nobody was told
        return record

    way.write = losing  # type: ignore[method-assign]
    two.run(two.electors[0].keep(), seconds=60)
    assert not lost
    assert two.electors[0].holds()


def test_a_leader_that_is_told_late_of_its_last_renewal_stops_before_the_other_takes_over(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    way, ended = two.ways[0], []
    write = way.write

    async def late(seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        record = await write(seen, holder, seconds)
        way.cut = True
        await asyncio.sleep(4.9)
        return record

    async def leading() -> None:
        await two.electors[0].keep()
        ended.append(loop.time())

    way.write = late  # type: ignore[method-assign]
    two.run(leading(), lead(two.electors[1]), seconds=40)
    assert two.electors[1].holds()
    assert ended


def test_an_expired_lease_is_tried_at_once_and_then_now_and_then(loop: VirtualLoop) -> None:
    """Here by one who may not write it."""
    two = Two(loop)
    two.stored.record = LeaseRecord(holder="dead", seconds=15, transitions=3, version="7")
    tries: list[float] = []

    async def refused(seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        tries.append(loop.time())
        raise Refused("no right")

    two.ways[0].write = refused  # type: ignore[method-assign]
    two.run(two.electors[0].acquire(), seconds=75)
    assert tries[0] - TIMES.lasts == pytest.approx(0, abs=0.1)
    assert min(later - earlier for earlier, later in itertools.pairwise(tries)) > 0.3 * TIMES.retry


def test_an_api_server_that_asks_to_wait_is_not_asked_before(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.stored.record = LeaseRecord(holder="dead", seconds=15, transitions=3, version="7")
    asked: list[float] = []
    read = two.ways[0].read

    async def busy() -> LeaseRecord | None:
        if loop.time() < TIMES.lasts - 1:
            return await read()
        asked.append(loop.time())
        raise Unavailable("too many requests", retry_after_seconds=7.0)

    two.ways[0].read = busy  # type: ignore[method-assign]
    two.run(two.electors[0].acquire(), seconds=75)
    assert len(asked) > 2
    assert min(later - earlier for earlier, later in itertools.pairwise(asked)) == pytest.approx(7.0)


def test_an_expired_lease_of_a_process_that_is_gone_is_waited_for_by_the_own_clock(loop: VirtualLoop) -> None:
    """Whatever time is written in it: its clock may be an hour ahead."""
    two = Two(loop)
    two.stored.record = LeaseRecord(holder="dead", seconds=15, transitions=3, version="7")
    began = loop.time()
    loop.run_until_complete(two.electors[1].acquire())
    assert TIMES.lasts <= loop.time() - began <= TIMES.lasts + 2 * TIMES.retry
    assert two.stored.record.transitions == 4


def test_a_renewal_that_comes_between_is_given_up_too(loop: VirtualLoop) -> None:
    """It was cancelled here, and the API server does it all the same."""
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    way, late = two.ways[0], [True]
    read = way.read

    async def overtaken() -> LeaseRecord | None:
        seen = await read()
        if late.pop() if late else False:
            await way.write(seen, "a", 15)
        return seen

    way.read = overtaken  # type: ignore[method-assign]
    loop.run_until_complete(two.electors[0].release())
    assert two.stored.record is not None
    assert two.stored.record.holder == ""


def test_what_was_just_being_taken_is_given_up(loop: VirtualLoop) -> None:
    """The answer to its write did not come before it was told to end."""
    two = Two(loop)
    write = two.ways[0].write

    async def slow(seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        record = await write(seen, holder, seconds)
        await asyncio.sleep(0.3)
        return record

    two.ways[0].write = slow  # type: ignore[method-assign]

    async def told_to_end() -> None:
        acquiring = asyncio.create_task(two.electors[0].acquire())
        await asyncio.sleep(0.1)
        acquiring.cancel()
        await asyncio.wait({acquiring})
        await two.electors[0].release()

    loop.run_until_complete(told_to_end())
    began = loop.time()
    loop.run_until_complete(two.electors[1].acquire())
    assert loop.time() - began <= TIMES.retry


def test_keeping_ends_with_the_right_though_an_answer_hangs(loop: VirtualLoop) -> None:
    two = Two(loop)
    two.run(lead(two.electors[0]), seconds=5)
    two.ways[0].slow_seconds = 3600.0
    ends = two.electors[0]._good_until
    loop.run_until_complete(two.electors[0].keep())
    assert loop.time() <= ends + 0.01
