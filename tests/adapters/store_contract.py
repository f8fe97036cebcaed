"""What a RolloutStore does: a list of checks, each in a namespace of its own. They run in memory one by one; on a cluster in one
test, because an operator that looks at the same rollouts would write to them too, and a cluster without one costs a minute.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hotfix.adapters.store import KubeStore
from hotfix.errors import Conflict, NotFound, Refused, Unavailable
from hotfix.ports import Key, RolloutStore, Stored

from .faults import Faults
from .worlds import World

Check = Callable[[RolloutStore, World], Awaitable[None]]
CHECKS: list[Check] = []
FINALIZER = "hotfix-operator.dev/traffic"
BASELINE = {"intervalSeconds": 5, "lateBlocks": 720, "stableTemplate": "old", "patchedTemplate": "fixed", "stablePods": 2}


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def rollout(name: str = "fix", stable: str = "checkout", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": name},
        "spec": {"stable": {"deployment": stable}, "patched": {"deployment": f"{stable}-hotfix"}, **spec},
    }


async def loaded(store: RolloutStore, world: World, name: str = "fix") -> Stored:
    found = await store.load(Key(world.namespace, name))
    assert found is not None
    return found


@check
async def what_is_not_there_is_none(store: RolloutStore, world: World) -> None:
    assert await store.load(Key(world.namespace, "none")) is None
    assert await store.load(Key("no-such-namespace", "none")) is None


@check
async def an_object_is_read_as_it_is(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    found, raw = await loaded(store, world), world.read("HotfixRollout", "fix")
    assert found.key == Key(world.namespace, "fix")
    assert (found.uid, found.version) == (raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
    assert (found.generation, found.created) == (1, raw["metadata"]["creationTimestamp"])
    assert (found.deleting, found.finalizer, found.namespace_ending, found.owner) == (False, False, False, None)
    assert found.spec["stable"] == {"deployment": "checkout"}
    assert found.status == {}


@check
async def a_status_replaces_the_whole_one_before(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    first = await store.save_status(await loaded(store, world), {"phase": "Pending", "message": "a", "since": {"x": "y"}})
    second = await store.save_status(first, {"phase": "Analyzing", "since": {"z": "y"}})
    assert dict(second.status) == {"phase": "Analyzing", "since": {"z": "y"}}
    assert dict((await loaded(store, world)).status) == {"phase": "Analyzing", "since": {"z": "y"}}
    assert second.version == (await loaded(store, world)).version != first.version
    assert (second.generation, second.spec) == (1, first.spec), "a status is no change of what is asked"


@check
async def the_same_status_again_changes_nothing_and_is_a_conflict_when_it_is_old(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    stale = await store.save_status(await loaded(store, world), {"phase": "Pending"})
    again = await store.save_status(stale, {"phase": "Pending"})
    assert again.version == stale.version
    world.edit("HotfixRollout", "fix", {"op": "add", "path": "/spec/paused", "value": True})
    with pytest.raises(Conflict):
        await store.save_status(stale, {"phase": "Pending"})


@check
async def a_stale_status_is_a_conflict(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    stale = await loaded(store, world)
    world.edit("HotfixRollout", "fix", {"op": "add", "path": "/spec/paused", "value": True})
    with pytest.raises(Conflict):
        await store.save_status(stale, {"phase": "Analyzing"})
    latest = await loaded(store, world)
    assert (latest.status, latest.generation, latest.spec["paused"]) == ({}, 2, True)
    one = await store.save_status(latest, {"phase": "Pending"})
    with pytest.raises(Conflict):
        await store.save_status(latest, {"phase": "Analyzing"})
    assert one.version == (await loaded(store, world)).version


@check
async def a_status_of_what_is_gone_is_not_found(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    found = await loaded(store, world)
    world.delete("HotfixRollout", "fix")
    world.until(lambda: "fix" not in world.names("HotfixRollout"), "it is gone")
    with pytest.raises(NotFound):
        await store.save_status(found, {"phase": "Pending"})
    assert await store.set_finalizer(found, present=True) is None


@check
async def our_finalizer_comes_and_goes_and_others_stay(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    world.edit("HotfixRollout", "fix", {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/other"]})
    held = await store.set_finalizer(await loaded(store, world), present=True)
    assert held is not None
    assert held.finalizer
    assert world.read("HotfixRollout", "fix")["metadata"]["finalizers"] == ["example.com/other", FINALIZER]
    same = await store.set_finalizer(held, present=True)
    assert same == held
    free = await store.set_finalizer(held, present=False)
    assert free is not None
    assert not free.finalizer
    assert world.read("HotfixRollout", "fix")["metadata"]["finalizers"] == ["example.com/other"]
    with pytest.raises(Conflict):
        await store.set_finalizer(held, present=False)
    world.edit("HotfixRollout", "fix", {"op": "remove", "path": "/metadata/finalizers"})


@check
async def what_is_held_ends_when_it_is_let_go(store: RolloutStore, world: World) -> None:
    world.apply(rollout())
    await store.set_finalizer(await loaded(store, world), present=True)
    world.delete("HotfixRollout", "fix")
    ending = await loaded(store, world)
    assert (ending.deleting, ending.finalizer, ending.namespace_ending) == (True, True, False)
    saved = await store.save_status(ending, {"phase": "RolledBack"})
    assert await store.set_finalizer(saved, present=False) is None
    assert await store.load(ending.key) is None


@check
async def unfinished_and_rolled_back_rollouts_of_the_namespace_are_rivals_and_newer_ones_that_were_promoted(
    store: RolloutStore, world: World
) -> None:
    world.apply(rollout("done", "mail"))
    world.apply(
        rollout(),
        rollout("later", "mail"),
        rollout("named", "cart", traffic={"httpRoutes": [{"name": "front"}, {"name": "back"}]}),
        rollout("inferred", "search"),
        rollout("new", "login"),
        rollout("undone", "pay"),
    )
    for name, status in (
        ("named", {"phase": "Analyzing"}),
        ("inferred", {"phase": "Baking", "resolved": {"routes": [{"name": "search", "rules": [0]}]}}),
        ("done", {"phase": "Promoted"}),
        ("later", {"phase": "Promoted"}),
        ("undone", {"phase": "RolledBack", "why": "PatchedWorse", "baseline": BASELINE}),
    ):
        await store.save_status(await loaded(store, world, name), status)
    found = {rival.name: rival for rival in await store.rivals(Key(world.namespace, "fix"))}
    assert {name: (rival.stable, rival.routes, rival.phase) for name, rival in found.items()} == {
        "named": ("cart", ("front", "back"), "Analyzing"),
        "inferred": ("search", ("search",), "Baking"),
        "later": ("mail", (), "Promoted"),
        "new": ("login", (), None),
        "undone": ("pay", (), "RolledBack"),
    }
    known = {name: (rival.template, rival.why) for name, rival in found.items() if rival.template or rival.why}
    assert known == {"undone": ("fixed", "PatchedWorse")}, "by this the same patch is known"
    assert all(rival.created for rival in found.values())


@check
async def all_rollouts_are_listed(store: RolloutStore, world: World) -> None:
    assert isinstance(store, KubeStore)
    world.apply(rollout("a"), rollout("b", "cart"))
    one, other = Key(world.namespace, "a"), Key(world.namespace, "b")
    assert await store.keys(world.namespace) == {one: True, other: True}
    assert {one, other} <= set(await store.keys(None))
    found = await store.load(one)
    assert found is not None
    await store.save_status(found, {"phase": "Promoted", "observedGeneration": found.generation})
    assert await store.keys(world.namespace) == {one: False, other: True}
    world.edit("HotfixRollout", "a", {"op": "add", "path": "/spec/paused", "value": True})
    assert await store.keys(world.namespace) == {one: True, other: True}, "a new generation is something to do"


@check
async def the_owner_of_a_rollout_is_seen(store: RolloutStore, world: World) -> None:
    item = rollout()
    item["metadata"]["labels"] = {
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    world.apply(item)
    assert (await loaded(store, world)).owner == "Flux Kustomization flux-system/shop"


async def trouble_on_the_way(world: World, faults: Faults) -> tuple[Any, Any]:
    """What is refused is not done, what is lost is done and not done twice, and a look that is lost is never nothing. Returns
    what is stored in the end: the status, and the finalizers."""
    world.apply(rollout())
    store = KubeStore(faults.kube)

    def told() -> tuple[Any, Any]:
        item = world.read("HotfixRollout", "fix")
        return item.get("status"), item["metadata"].get("finalizers")

    def save(stored: Stored) -> Awaitable[Any]:
        return store.save_status(stored, {"phase": "Pending", "message": stored.version})

    def hold(stored: Stored) -> Awaitable[Any]:
        return store.set_finalizer(stored, present=True)

    for write in (save, hold):
        found, before = await loaded(KubeStore(world.kube), world), told()
        for status, error in ((403, Refused), (429, Unavailable), (500, Unavailable)):
            faults.next("PATCH", "refuse", status)
            with pytest.raises(error):
                await write(found)
            assert told() == before
        faults.next("PATCH", "lost")
        with pytest.raises(Unavailable):
            await write(found)
        done = told()
        assert done != before
        with pytest.raises(Conflict):
            await write(found)
        faults.next("PATCH", "slow")
        await write(await loaded(KubeStore(world.kube), world))
    faults.next("GET", "lost")
    with pytest.raises(Unavailable):
        await store.load(Key(world.namespace, "fix"))
    faults.none()
    return told()
