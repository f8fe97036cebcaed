"""A write that arrives when its rollout has ended: the k-th one of a process that sleeps is kept back, another process takes
over, the rollout ends, as it goes or as a person asks, and then the write is done. For every k.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hotfix.errors import OutsideError
from tests.fakes.kube import FakeKube
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .plots import WORDS, Plot, _looks, _stage
from .plots import _gone as _gone_are_the_pods
from .tales import PATCHED, STABLE, shop, stable_dies

LONGEST_SECONDS = 1200.0
TURNS = 500  # of the event loop, within which a look comes to its end or to the write that is kept back


class KeepingBack(FakeKube):
    """Its k-th write, those of statuses left out, waits until it is let go."""

    def __init__(self, shop: Shop, number: int) -> None:
        super().__init__(shop.api)
        self.number, self.writes, self.kept, self.go = number, 0, "", asyncio.Event()

    async def _call(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        if method == "PATCH" and self.counts(url):
            self.writes += 1
            if self.writes == self.number:
                self.kept = url
                await self.go.wait()
        return await super()._call(method, url, **more)

    def counts(self, url: str) -> bool:
        """It is one of those that may be kept back."""
        return not url.endswith("/status")


@dataclass
class Late:
    """What came of it: writes that were kept back, and what was different after they were done."""

    writes: int = 0
    odd: list[str] = field(default_factory=list)


def _request(verb: str) -> Callable[[Shop], None]:
    value = {"hotfix-operator.dev/request": f"{verb}:1"}
    operations = [{"op": "add", "path": "/metadata/annotations", "value": value}]
    return lambda told: told.api.edit("HotfixRollout", NAMESPACE, KEY.name, operations)


def scaled(image: str) -> Shop:
    """Stable has an HPA of its own."""
    told = shop(image)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": STABLE}
    scaler = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    told.api.apply({"kind": "HorizontalPodAutoscaler", "metadata": {"name": STABLE, "namespace": NAMESPACE}, "spec": scaler})
    return told


SHOPS: dict[str, Callable[[], Shop]] = {
    "good": shop,
    "bad": lambda: shop("sample:crash"),
    "with an HPA": lambda: scaled("sample:1.1"),
    "kept": lambda: shop(promotion={"mode": "KeepPatched"}),
}
ASKED: dict[str, Callable[[Shop], None]] = {
    "nothing": lambda told: None,
    "its deletion": lambda told: told.api.delete("HotfixRollout", NAMESPACE, KEY.name),
    "its release": _request("release"),
    "its rollback": _request("rollback"),
}


async def late(make: Callable[[], Shop], ask: Callable[[Shop], None]) -> Late:
    """Every write of it, one after the other."""
    found = Late()
    while await _kept_back(make(), ask, found.writes + 1, found):
        found.writes += 1
    return found


async def arrives_after_the_end() -> list[str]:
    """A person takes a rollout back while a write of a process that sleeps is under way, whichever."""
    return [WORDS["kept"]] if (await late(SHOPS["good"], ASKED["its release"])).odd else []


async def arrives_while_patched_serves() -> list[str]:
    """The end of patched's pods is under way; stable is lost, and another process gives patched everything."""
    told = shop("sample:crash")
    told.kube = keeping = KeepingBack(told, 0)
    told.restart()
    await _looks(told, _stage("DrainingPatched"))
    keeping.number = keeping.writes + 1
    look = await _until_it_is_kept(told, keeping)
    assert look is not None
    told.kube = FakeKube(told.api)
    told.restart()
    stable_dies(told)
    told.controllers.step()
    await _looks(told, lambda shop: shop.weights.get(PATCHED, 0) > 0, seconds=60)
    keeping.go.set()
    await asyncio.wait({look})
    _wait(look)
    return [WORDS["lost"]] if _gone_are_the_pods(told) and told.weights.get(PATCHED) else []


LATE_PLOTS: tuple[Plot, ...] = (arrives_after_the_end, arrives_while_patched_serves)


async def _kept_back(told: Shop, ask: Callable[[Shop], None], number: int, found: Late) -> bool:
    """There is such a write; what is odd about it goes to what was found."""
    told.kube = keeping = KeepingBack(told, number)
    told.restart()
    look = await _until_it_is_kept(told, keeping)
    if look is None:
        return False
    told.kube = FakeKube(told.api)
    told.restart()
    ask(told)
    await _to_the_end(told)
    before = _left(told)
    keeping.go.set()
    try:
        await look
    except OutsideError as error:
        told.controllers.step()
        answer = type(error).__name__
    else:
        answer = "it was done"
    await _some_looks(told)
    after = _left(told)
    if before != after:
        found.odd.append(f"write {number}, {keeping.kept}: {answer}: {before} -> {after}")
    return True


async def _until_it_is_kept(told: Shop, keeping: KeepingBack) -> "asyncio.Task[float | None] | None":
    """The look whose write is kept back; None where the rollout ends before."""
    while not _over(told):
        look = asyncio.create_task(told.reconciler.reconcile(KEY))
        for _ in range(TURNS):
            if look.done() or keeping.kept:
                break
            await asyncio.sleep(0)
        if keeping.kept:
            return look
        told.advance(_wait(look))
    return None


def _wait(look: "asyncio.Task[float | None]") -> float:
    error = look.exception()
    assert error is None or isinstance(error, OutsideError)
    return 0.5 if error else max(0.1, min(look.result() or 1.0, 5.0))


async def _look(told: Shop) -> None:
    look = asyncio.create_task(told.reconciler.reconcile(KEY))
    await asyncio.wait({look})
    told.advance(_wait(look))


async def _to_the_end(told: Shop) -> None:
    end = told.clock.now() + LONGEST_SECONDS
    while not _over(told):
        assert told.clock.now() < end, f"never: {told.status.get('stage')} {told.status.get('message')}"
        await _look(told)


async def _some_looks(told: Shop) -> None:
    told.controllers.step()
    for _ in range(0 if _gone(told) else 5):
        await _look(told)


def _gone(told: Shop) -> bool:
    return not list(told.api.every("HotfixRollout", NAMESPACE))


def _over(told: Shop) -> bool:
    if _gone(told):
        return True
    item = told.api.read("HotfixRollout", NAMESPACE, KEY.name)
    return item.get("status", {}).get("stage") == "Done" and not item["metadata"].get("finalizers")


def _left(told: Shop) -> dict[str, Any]:
    """What must be the same, whatever arrives."""
    route = told.api.read("HTTPRoute", NAMESPACE, STABLE)
    names = ("weights", "ours", "stable", "patched", "floors")
    ending = told.ending()
    return {**{name: ending[name] for name in names}, "annotations": route["metadata"].get("annotations") or {}}
