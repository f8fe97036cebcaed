"""Rounds of a soak: several rollouts side by side under load, one disturbance, and what must be true at the end of each."""

import contextlib
import time
from dataclasses import dataclass, field

from tests.cluster import Load
from tests.e2e.shop import Shop, autoscaler, rollout, so_far, untouched

from .disturbing import Disturbance, Surroundings

RATE = 20.0
LONGEST_SECONDS = 300.0
HOTFIXES = (("sample:1.1", "Promoted"), ("sample:crash", "RolledBack"))


@dataclass
class Round:
    """What came of it."""

    disturbance: str
    rollouts: int = 0
    requests: int = 0
    lost: int = 0
    seconds: float = 0.0
    troubles: int = 0
    odd: list[str] = field(default_factory=list)


def soak(around: Surroundings, number: int, disturbance: Disturbance, *, beside: int) -> Round:
    """`beside` rollouts at once, every other one bad; disturbed when the first weights are there."""
    found, began, before = Round(disturbance.name), time.monotonic(), len(around.happened())
    shops = [Shop(around.cluster, f"soak-{number}-{place}") for place in range(beside)]
    around.namespaces = [shop.namespace for shop in shops]
    wanted = [HOTFIXES[place % len(HOTFIXES)] for place in range(beside)]
    with contextlib.ExitStack() as stack:
        routes, loads = [], list[Load]()
        for shop, (image, _) in zip(shops, wanted, strict=True):
            shop.open(patched=image)
            shop.apply(autoscaler("checkout"))
            routes.append(untouched(shop.read("httproute", "checkout")))
            loads.append(stack.enter_context(shop.load(RATE)))
        for shop in shops:
            shop.apply(rollout(startWeight=10, analysis={"bakeTime": "8s", "metricsGrace": "2m"}))
        around.cluster.until(lambda: any(_started(shop) for shop in shops), "the first weight", seconds=60)
        troubled = time.time()
        disturbance.begin(around)
        if disturbance.again:
            around.cluster.until(lambda: any(_leaving(shop) for shop in shops), "a rollout on its way to its end", seconds=120)
            disturbance.begin(around)
        for shop, (_, phase), route in zip(shops, wanted, routes, strict=True):
            found.odd += _ended(shop, phase, route)
        around.trouble()
        found.requests = sum(len(load.answers()) for load in loads)
        found.lost = sum(len(load.lost()) for load in loads)
        if found.lost and disturbance.lossless:
            found.odd += _lost(shops, loads, troubled)
    if disturbance.told and len(around.happened()) == before:
        found.odd.append("nothing happened")
    for shop in shops:
        around.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    found.rollouts, found.seconds, found.troubles = beside, time.monotonic() - began, len(around.happened()) - before
    return found


def _lost(shops: list[Shop], loads: list[Load], troubled: float) -> list[str]:
    """What was lost, of which shop and how, and what was decided there meanwhile."""
    told = []
    for shop, load in zip(shops, loads, strict=True):
        if lost := load.lost():
            began = load.answers()[0].sent
            told.append(f"{shop.namespace}, troubled {troubled - began:.1f} s after the first request at {began:.0f}, lost:")
            told += [*load.told(lost), so_far(_status(shop)), shop.cluster_log()]
    return told


def _started(shop: Shop) -> bool:
    return bool(_status(shop).get("startedAt"))


def _leaving(shop: Shop) -> bool:
    return _status(shop).get("phase") in ("Promoting", "RollingBack", "Promoted", "RolledBack")


def _status(shop: Shop) -> dict[str, object]:
    """The stored status; empty while nobody answers."""
    with contextlib.suppress(RuntimeError):
        return shop.status()
    return {}


def _ended(shop: Shop, phase: str, route: object) -> list[str]:
    """What is not as it must be."""
    try:
        shop.cluster.until(
            lambda: _status(shop).get("phase") in ("Promoted", "RolledBack") and not shop.finalizers(),
            "the end",
            seconds=LONGEST_SECONDS,
        )
    except TimeoutError:
        return [f"{shop.namespace} did not end: {_status(shop).get('phase')} {_status(shop).get('message')}"]
    status = _status(shop)
    odd = [f"{shop.namespace} ended {status['phase']}: {status.get('message')}"] if status["phase"] != phase else []
    if untouched(shop.read("httproute", "checkout")) != route:
        odd.append(f"{shop.namespace}: the route is not as it was")
    if (floor := shop.read("hpa", "checkout")["spec"]["minReplicas"]) != 1:
        odd.append(f"{shop.namespace}: the autoscaler's floor is {floor} instead of 1")
    return odd
