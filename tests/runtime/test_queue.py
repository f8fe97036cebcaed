"""The queue of keys, on an event loop whose time is a number."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from hotfix.errors import Conflict, Unavailable
from hotfix.runtime.queue import CONFLICT_SECONDS, LONGEST_BACKOFF_SECONDS, LONGEST_CONFLICT_SECONDS, LookQueue

from .virtual import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """One loop for one test."""
    loop = VirtualLoop()
    yield loop
    loop.close()


class Looks:
    """What the queue calls; answers and failures are given before."""

    def __init__(self, *answers: object, seconds: float = 0.0) -> None:
        self.answers, self.seconds = list(answers), seconds
        self.at: list[tuple[str, float]] = []
        self.under_way: set[str] = set()
        self.together = 0

    async def __call__(self, key: str) -> float | None:
        assert key not in self.under_way, "two looks at one key at once"
        self.under_way.add(key)
        self.together = max(self.together, len(self.under_way))
        self.at.append((key, asyncio.get_running_loop().time()))
        try:
            await asyncio.sleep(self.seconds)
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[return-value]
        finally:
            self.under_way.discard(key)


def run(
    loop: VirtualLoop,
    looks: Looks,
    *adds: tuple[float, str],
    until: float = 1000.0,
    workers: int = 4,
    urgent: frozenset[str] = frozenset(),
) -> Looks:
    """Run the queue while keys are added at their times."""

    async def story() -> None:
        queue: LookQueue[str] = LookQueue(looks, workers=workers, urgent=lambda key: key in urgent)
        running = asyncio.create_task(queue.run())
        for moment, key in adds:
            await asyncio.sleep(moment - loop.time())
            queue.add(key)
        await asyncio.sleep(until - loop.time())
        queue.stop()
        await running

    loop.run_until_complete(story())
    return looks


def test_a_key_is_looked_at_again_when_its_look_asks_for_it(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(5.0, 2.0, None), (0.0, "a"))
    assert [moment for _, moment in looks.at] == [0.0, 5.0, 7.0]


def test_a_change_brings_the_next_look_forward(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(60.0, None), (0.0, "a"), (3.0, "a"))
    assert [moment for _, moment in looks.at] == [0.0, 3.0]


def test_a_change_while_a_look_is_under_way_means_one_more_look_afterwards(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(None, None, seconds=4.0), (0.0, "a"), (1.0, "a"), (2.0, "a"))
    assert [moment for _, moment in looks.at] == [0.0, 4.0]


def test_no_more_looks_than_workers_at_once(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(seconds=1.0), *((0.0, f"k{number}") for number in range(9)), workers=3)
    assert looks.together == 3
    assert len(looks.at) == 9


def test_failures_wait_longer_each_time_and_are_forgotten_after_a_good_look(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(*[Unavailable("no")] * 9, 1.0, Unavailable("no"), None), (0.0, "a"))
    moments = [moment for _, moment in looks.at]
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert waits[0] < 1
    assert waits[3] > waits[1]
    assert max(waits) <= LONGEST_BACKOFF_SECONDS * 1.25
    assert waits[-1] < 1


def test_a_conflict_is_looked_at_again_at_once(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(Conflict("first"), None), (0.0, "a"))
    assert looks.at[1][1] < 0.2


def test_conflicts_without_an_end_are_looked_at_less_often_until_a_look_is_good(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(*[Conflict("first")] * 12, 1.0, Conflict("first"), None), (0.0, "a"))
    moments = [moment for _, moment in looks.at]
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert waits[0] < 0.1
    assert waits[2] > waits[0]
    assert LONGEST_CONFLICT_SECONDS <= waits[11] <= 2 * LONGEST_CONFLICT_SECONDS
    assert waits[-1] <= 2 * CONFLICT_SECONDS


def test_what_the_other_side_asks_for_is_waited(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(Unavailable("busy", retry_after_seconds=17.0), None), (0.0, "a"))
    assert looks.at[1][1] >= 17.0


def test_a_defect_in_one_look_does_not_stop_the_others(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(ZeroDivisionError("ours"), None, None), (0.0, "a"), (0.0, "b"))
    assert [key for key, _ in looks.at] == ["a", "b", "a"]


def test_stopping_waits_for_the_look_under_way(loop: VirtualLoop) -> None:
    looks = run(loop, Looks(None, seconds=10.0), (0.0, "a"), until=1.0)
    assert loop.time() >= 10.0
    assert looks.under_way == set()


class Busy(Looks):
    """The live one asks for a look every 5 s, the others are looked at once; a look takes 50 ms."""

    async def __call__(self, key: str) -> float | None:
        await super().__call__(key)
        return 5.0 if key == "live" else None


def test_ten_thousand_at_once_keep_one_with_traffic_waiting_for_no_more_than_a_look(loop: VirtualLoop) -> None:
    crowd = [f"k{number}" for number in range(10_000)]
    adds = [(0.0, "live"), *((4.0, key) for key in crowd)]
    looks = run(loop, Busy(seconds=0.05), *adds, until=60.0, workers=16, urgent=frozenset({"live"}))
    at = [moment for key, moment in looks.at if key == "live"]
    assert all(5.0 <= later - earlier <= 5.0 + 2 * 0.05 + 0.001 for earlier, later in itertools.pairwise(at))
    assert {key for key, _ in looks.at} == {"live", *crowd}
    assert len(looks.at) == len(at) + len(crowd)
    assert looks.together == 16


class Overloaded(Looks):
    """Every one with traffic asks for a look every 5 s, which is more than there is time for."""

    async def __call__(self, key: str) -> float | None:
        await super().__call__(key)
        return 5.0 if key.startswith("live") else None


def test_a_crowd_with_traffic_does_not_keep_others_waiting_for_good(loop: VirtualLoop) -> None:
    live = frozenset(f"live{number}" for number in range(150))
    adds = [*((0.0, key) for key in sorted(live)), *((10.0, f"new{number}") for number in range(8))]
    looks = run(loop, Overloaded(seconds=0.1), *adds, until=30.0, workers=2, urgent=live)
    at = {key: moment for key, moment in looks.at if key.startswith("new")}
    assert len(at) == 8
    assert max(at.values()) < 10.0 + 8 * 4 * 0.1
    with_traffic = [key for key, moment in looks.at if 10.0 <= moment < 10.0 + 8 * 2 * 0.1 and key in live]
    assert len(with_traffic) >= 3 * 7, "three of four looks are for those with traffic"
