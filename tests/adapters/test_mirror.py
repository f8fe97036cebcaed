"""The mirror: what it answers, when it lists, and what its watch tells, in memory and on a real API server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hotfix.adapters.kube import Kube
from hotfix.adapters.mirror import FAILED_SECONDS, IDLE_SECONDS, MAX_AGE_SECONDS, UNWATCHED_SECONDS, Mirror
from hotfix.adapters.reading import Direct, Resource, Writer
from hotfix.adapters.workloads import PODS, SERVICES
from hotfix.errors import Conflict, NotFound, Refused, Unavailable
from tests.cluster import Cluster
from tests.e2e.shop import service

from .faults import until
from .worlds import FakeWorld, World

LABELLED = Resource("v1", "services", lambda item: item["metadata"]["name"], lambda item: item["spec"]["selector"].get("app"))
UNSERVED = Resource("gateway.networking.k8s.io/v1", "dreams", lambda item: item)


class Time:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def mirror(world: World, time: Time, heard: list[tuple[str, str]]) -> AsyncIterator[Mirror]:
    found = Mirror(world.kube, time, heard=lambda resource, _, name: heard.append((resource.plural, name)))
    yield found
    await found.close()


async def names(mirror: Mirror, world: World, group: str | None = None) -> list[str]:
    return await mirror.list(LABELLED, world.namespace, group)


async def test_what_changes_is_told_without_another_list(
    mirror: Mirror, world: World, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply(service("one"))
    assert await names(mirror, world) == ["one"]
    monkeypatch.setattr(type(world.kube), "list_at", None)
    world.apply(service("two"))

    async def both() -> bool:
        return await names(mirror, world) == ["one", "two"]

    await until(both, "the second is there")
    world.edit("Service", "one", {"op": "add", "path": "/spec/selector", "value": {"app": "another"}})

    async def moved() -> bool:
        return await names(mirror, world, "another") == ["one"] and await names(mirror, world, "one") == []

    await until(moved, "the first is in another group")
    world.delete("Service", "two")

    async def gone() -> bool:
        return await mirror.find(LABELLED, world.namespace, "two") is None

    await until(gone, "the second is gone")
    assert await names(mirror, world) == ["one"]
    assert {("services", "one"), ("services", "two")} == set(heard)
    assert mirror.watches == 1


async def test_it_answers_as_the_api_server_does(mirror: Mirror, world: World) -> None:
    world.apply(service("one"), service("two"))
    direct = Direct(world.kube)
    for found in (mirror, direct):
        assert await found.list(LABELLED, world.namespace) == ["one", "two"]
        assert await found.list(LABELLED, world.namespace, "two") == ["two"]
        assert await found.find(LABELLED, world.namespace, "one") == "one"
        assert await found.find(LABELLED, world.namespace, "three") is None
        assert await found.list(PODS, world.namespace) == []
    assert await mirror.find(SERVICES, world.namespace, "one") == await direct.find(SERVICES, world.namespace, "one")


async def test_what_was_written_is_seen_before_the_watch_tells_it(mirror: Mirror, world: World) -> None:
    world.apply(service("one"))
    assert await names(mirror, world, "one") == ["one"]
    url = LABELLED.path(world.namespace, "one")
    item = await world.kube.json_patch(url, [{"op": "replace", "path": "/spec/selector", "value": {"app": "two"}}])
    mirror.wrote(LABELLED, world.namespace, item)
    assert await names(mirror, world, "two") == ["one"]
    version = item["metadata"]["resourceVersion"]
    assert mirror.knows(LABELLED, world.namespace, "one", version)
    assert not mirror.knows(LABELLED, world.namespace, "one", str(int(version) + 1))
    assert not mirror.knows(LABELLED, world.namespace, "two", version)


async def test_a_watch_that_says_nothing_is_not_believed_for_ever(mirror: Mirror, world: World, time: Time) -> None:
    world.apply(service("one"))
    assert await names(mirror, world) == ["one"]
    silent: asyncio.Event = asyncio.Event()
    follow = next(iter(mirror._collections.values()))
    assert follow.watching is not None
    follow.watching.cancel()
    follow.watching = asyncio.create_task(_waits(silent))
    world.apply(service("two"))
    time.now += MAX_AGE_SECONDS
    assert await names(mirror, world) == ["one"]
    time.now += 1
    assert await names(mirror, world) == ["one", "two"]


async def _waits(event: asyncio.Event) -> None:
    await event.wait()


async def test_what_nobody_reads_is_not_watched(mirror: Mirror, world: World, time: Time) -> None:
    await names(mirror, world)
    time.now += IDLE_SECONDS
    await mirror.sweep()
    assert mirror.watches == 1
    time.now += 1
    await mirror.sweep()
    assert mirror.watches == 0
    world.apply(service("one"))
    assert await names(mirror, world) == ["one"]


async def test_a_watch_that_is_too_old_ends() -> None:
    world = FakeWorld("shop")
    world.api.log.compact()
    with pytest.raises(Unavailable, match="too old"):
        async for _ in world.kube.watch(LABELLED.path(world.namespace), version="1", seconds=5):
            pass


@pytest.mark.cluster
async def test_what_only_a_real_api_server_does(cluster: Cluster) -> None:
    url = LABELLED.path("default")
    async with await Kube.login(kubeconfig=str(cluster.kubeconfig)) as kube:
        with pytest.raises(Unavailable, match="resourceVersion"):
            async for _ in kube.watch(url, version="x", seconds=5):
                pass
        _, version = await kube.list_at(url)
        events = [event async for event in kube.watch(url, version=version, seconds=1)]
        assert {event["type"] for event in events} <= {"BOOKMARK"}, "it ends the watch when its time is over"
        mirror = Mirror(kube, Time())
        assert await mirror.find(UNSERVED, "default", "one") is None
        with pytest.raises(NotFound):
            await mirror.list(UNSERVED, "default")
        await mirror.close()


async def test_a_watch_that_breaks_off_is_replaced_by_the_next_read(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    assert await mirror.list(LABELLED, "shop") == []
    await asyncio.sleep(0)
    world.api.log.cut()
    world.apply(service("one"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert mirror.watches == 0
    assert not mirror.knows(LABELLED, "shop", "one", "1")
    mirror.wrote(LABELLED, "shop", {})  # is not even looked at
    assert await mirror.list(LABELLED, "shop") == ["one"]
    assert mirror.watches == 1
    await mirror.close()


async def test_a_list_that_fails_fails_the_read(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    await mirror.list(LABELLED, "shop")
    time.now += MAX_AGE_SECONDS + 1

    def refuse(method: str, url: str) -> None:
        raise Unavailable("The API server does not answer")

    fine, world.kube.before = world.kube.before, refuse
    with pytest.raises(Unavailable):
        await mirror.list(LABELLED, "shop")
    world.kube.before = fine
    world.apply(service("one"))
    with pytest.raises(Unavailable):
        await mirror.list(LABELLED, "shop")  # whoever asks right after it gets the same answer
    time.now += FAILED_SECONDS
    assert await mirror.list(LABELLED, "shop") == ["one"]
    await mirror.close()


async def test_many_who_ask_at_once_make_one_list(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.api.requests.clear()
    await asyncio.gather(*(mirror.list(LABELLED, "shop") for _ in range(20)))
    assert world.api.requests == [("GET", LABELLED.path("shop"))]
    await mirror.close()


async def test_events_that_come_late_change_nothing(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"))
    await mirror.list(LABELLED, "shop")
    collection = next(iter(mirror._collections.values()))
    now = world.read("Service", "one")
    newer = {**now, "metadata": {**now["metadata"], "resourceVersion": "9000"}}
    assert collection.put(newer)
    assert not collection.put(now)
    assert not collection.drop(now)
    assert collection.drop({**now, "metadata": {**now["metadata"], "resourceVersion": "9001"}})
    assert not collection.put(newer), "what was deleted does not come back"
    await mirror.close()


async def test_an_object_that_cannot_be_read_is_not_taken_for_absent(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    fragile: Resource[str] = Resource("v1", "services", lambda item: item["spec"]["selector"]["app"])
    world.apply(service("two"))
    assert await mirror.list(fragile, "shop") == ["two"]
    await asyncio.sleep(0)
    world.apply({**service("one"), "spec": {"selector": {"other": "x"}, "ports": [{"port": 80}]}})
    await settle()
    assert mirror.watches == 1
    assert "services/one cannot be read" in caplog.text
    assert await mirror.find(fragile, "shop", "two") == "two"
    for reading in (mirror.find(fragile, "shop", "one"), mirror.list(fragile, "shop"), mirror.list(fragile, "shop", "two")):
        with pytest.raises(KeyError):
            await reading
    world.edit("Service", "one", {"op": "add", "path": "/spec/selector", "value": {"app": "one"}})
    await settle()
    assert await mirror.list(fragile, "shop") == ["one", "two"]
    await mirror.close()


async def settle() -> None:
    """Let what is under way go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_who_wait_for_a_list_that_fails_get_its_error(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    lists = 0

    async def refuse(url: str) -> tuple[list[Any], str]:
        nonlocal lists
        lists += 1
        await asyncio.sleep(0)
        raise Unavailable("The API server does not answer", retry_after_seconds=30)

    fine, world.kube.list_at = world.kube.list_at, refuse  # type: ignore[method-assign,assignment]
    answers = await asyncio.gather(*(mirror.list(PODS, "shop") for _ in range(16)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 16
    time.now += 29
    with pytest.raises(Unavailable):
        await mirror.list(PODS, "shop")
    assert lists == 1
    time.now += 1
    world.kube.list_at = fine  # type: ignore[method-assign]
    assert await mirror.list(PODS, "shop") == []
    await mirror.close()


async def test_what_a_list_finds_changed_is_told(time: Time, heard: list[tuple[str, str]]) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time, heard=lambda resource, _, name: heard.append((resource.plural, name)))
    world.apply(service("one"), service("two"), service("three"))
    await mirror.list(LABELLED, "shop")
    await asyncio.sleep(0)
    heard.clear()
    world.api.log.cut()
    await settle()
    world.edit("Service", "one", {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}})
    world.delete("Service", "three")
    await mirror.list(LABELLED, "shop")
    assert heard == [("services", "one"), ("services", "three")]
    await mirror.close()


async def test_what_a_write_contradicts_is_asked_for_anew(time: Time, heard: list[tuple[str, str]]) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time, heard=lambda resource, _, name: heard.append((resource.plural, name)))
    world.apply(service("one"), service("two"))
    await mirror.list(LABELLED, "shop", "one")
    collection = next(iter(mirror._collections.values()))
    assert collection.watching is not None
    collection.watching.cancel()
    collection.watching = asyncio.create_task(_waits(asyncio.Event()))  # says nothing any more
    world.edit("Service", "one", {"op": "add", "path": "/spec/selector", "value": {"app": "moved"}})
    world.delete("Service", "two")
    assert await mirror.list(LABELLED, "shop", "one") == ["one"]
    stale = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]
    for name, error in (("one", Conflict), ("two", NotFound)):
        with pytest.raises(error):
            await Writer(world.kube, mirror).patch(LABELLED, ("shop", name), stale)
    heard.clear()
    assert await mirror.list(LABELLED, "shop", "moved") == ["one"]
    assert await mirror.find(LABELLED, "shop", "two") is None
    assert heard == [("services", "one"), ("services", "two")]
    await mirror.close()


async def test_an_object_that_is_made_anew_while_the_old_one_is_asked_for_is_kept(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"))
    await mirror.list(LABELLED, "shop")
    await settle()
    find = world.kube.find

    async def slow(url: str) -> Any:
        """Its answer is looked at when the watch has told what came after it."""
        answer = await find(url)
        world.apply(service("one"))
        await settle()
        return answer

    monkeypatch.setattr(world.kube, "find", slow)
    world.delete("Service", "one")
    mirror.doubt(LABELLED, "shop", "one")
    assert await mirror.find(LABELLED, "shop", "one") == "one"
    assert mirror.watches == 1
    await mirror.close()


async def test_where_single_objects_may_not_be_read_what_a_write_contradicts_is_listed_anew(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"), service("two"))
    await mirror.list(LABELLED, "shop")

    def refuse(method: str, url: str) -> None:
        if url == LABELLED.path("shop", "one"):
            raise Refused("The operator lacks a right", reason="Forbidden")

    world.kube.before = refuse
    world.edit("Service", "one", {"op": "add", "path": "/spec/selector", "value": {"app": "moved"}})
    mirror.doubt(LABELLED, "shop", "one")
    assert await mirror.list(LABELLED, "shop", "moved") == ["one"]
    world.api.requests.clear()
    assert await mirror.find(LABELLED, "shop", "two") == "two"
    assert world.api.requests == [], "the doubt is over"
    await mirror.close()


async def test_a_list_does_not_undo_what_is_known_to_be_newer(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"), service("two"), service("three"))
    await mirror.list(LABELLED, "shop")
    collection = next(iter(mirror._collections.values()))
    old, version = await world.kube.list_at(LABELLED.path("shop"))
    written = {**old[0], "spec": {"selector": {"app": "new"}}}
    written = {**written, "metadata": {**written["metadata"], "resourceVersion": str(int(version) + 1)}}
    assert collection.put(written)
    ended = {**old[1], "metadata": {**old[1]["metadata"], "resourceVersion": str(int(version) + 2)}}
    assert collection.drop(ended)
    made = {"metadata": {"name": "four", "resourceVersion": str(int(version) + 3)}, "spec": {"selector": {"app": "four"}}}
    assert collection.put(made)
    assert collection.fill(old, int(version)) == []
    assert sorted(collection.entries) == sorted({old[0]["metadata"]["name"], old[2]["metadata"]["name"], "four"})
    assert list(collection.list("new")) == [old[0]["metadata"]["name"]]
    await mirror.close()


async def test_what_cannot_be_watched_is_read_at_each_look(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"))

    def refuse(method: str, url: str) -> None:
        if method == "WATCH":
            raise Refused("The operator lacks a right", reason="Forbidden")

    world.kube.before = refuse
    assert await mirror.list(LABELLED, "shop") == ["one"]
    await settle()
    assert "cannot be watched" in caplog.text
    world.apply(service("two"))
    assert await mirror.find(LABELLED, "shop", "two") == "two"
    assert await mirror.list(LABELLED, "shop") == ["one", "two"]
    assert mirror.watches == 0
    time.now += UNWATCHED_SECONDS
    world.kube.before = lambda method, url: None
    assert await mirror.list(LABELLED, "shop") == ["one", "two"]
    assert mirror.watches == 1
    await mirror.close()


async def test_there_are_only_so_many_watches(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time, most_watches=1)
    world.apply(service("one"))
    assert await mirror.list(LABELLED, "shop") == ["one"]
    assert await mirror.list(PODS, "shop") == []
    assert mirror.watches == 1
    await mirror.close()


async def test_who_reads_after_the_end_begins_nothing(time: Time) -> None:
    world = FakeWorld("shop")
    mirror = Mirror(world.kube, time)
    world.apply(service("one"))
    await mirror.close()
    assert await mirror.list(LABELLED, "shop") == ["one"]
    assert mirror.watches == 0
