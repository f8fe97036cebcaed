"""New versions of objects, by the real adapters: few writes, whatever does not answer, and nothing of them is left anywhere."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hotfix.errors import Unavailable

from .shop import NAMESPACE, Shop

STABLE, PATCHED = "checkout", "checkout-hotfix"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/"


def ours(item: dict[str, Any]) -> dict[str, str]:
    """What the operator says on an object."""
    meta = item["metadata"]
    said = {**(meta.get("annotations") or {}), **(meta.get("labels") or {})}
    return {name: value for name, value in said.items() if name.startswith("hotfix-operator.dev/")}


def marks(shop: Shop) -> dict[str, dict[str, str]]:
    """It, on all objects."""
    kinds = ("Deployment", "HorizontalPodAutoscaler", "HTTPRoute")
    return {item["metadata"]["name"]: ours(item) for kind in kinds for item in shop.api.every(kind, NAMESPACE) if ours(item)}


def over(shop: Shop) -> bool:
    item = shop.api.read("HotfixRollout", NAMESPACE, "fix")
    return item["status"].get("stage") == "Done" and not item["metadata"].get("finalizers")


def release(shop: Shop) -> None:
    value = {"hotfix-operator.dev/request": "release:1"}
    operations = [{"op": "add", "path": "/metadata/annotations", "value": value}]
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", operations)


def stable_starts_again(shop: Shop, *, dies: bool) -> None:
    shop.controllers.never_ready = {"sample:1.0"} if dies else set()
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["ownerReferences"][0]["name"].rsplit("-", 1)[0] == STABLE:
            shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()


async def being_promoted() -> Shop:
    return await Shop().run(lambda s: s.status.get("stage") == "PatchingStable")


async def being_drained() -> Shop:
    shop = await Shop("sample:crash").run(lambda s: s.status.get("stage") == "DrainingPatched")
    stable_starts_again(shop, dies=True)
    return shop


async def test_a_turn_that_nobody_confirms_does_not_write_on_and_on() -> None:
    shop, writes = await being_promoted(), []

    def noted(method: str, url: str) -> None:
        if method == "PATCH" and url == DEPLOYMENTS + STABLE:
            writes.append(url)

    release(shop)
    shop.controllers.deaf.add(STABLE)
    shop.kube.before = noted
    end = shop.clock.now() + 60
    await shop.run(lambda s: s.clock.now() >= end)
    assert shop.status["stage"] == "WeightZero"
    assert 1 <= len(writes) <= 2


@pytest.mark.parametrize("begins", [being_promoted, being_drained])
async def test_a_process_that_dies_with_a_version_half_moved_on_leaves_nothing_behind(
    begins: Callable[[], Awaitable[Shop]],
) -> None:
    shop = await begins()
    if begins is being_promoted:
        release(shop)
    deployment = DEPLOYMENTS + (STABLE if begins is being_promoted else PATCHED)
    died: list[str] = []

    def dies(method: str, url: str) -> None:
        if method == "PATCH" and url == deployment and not died:
            died.append(url)
            raise Unavailable("the process died")

    shop.kube.after = dies
    await shop.run(lambda _: bool(died))
    shop.advance(10)  # the controllers confirm the route meanwhile
    shop.restart()
    stable_starts_again(shop, dies=False)
    await shop.run(over)
    assert marks(shop) == {}


async def test_what_the_deployment_controller_copies_into_replica_sets_is_nothing_of_ours() -> None:
    shop, copied = await being_promoted(), set()

    def copies(method: str, url: str) -> None:
        if method == "PATCH" and url.startswith(DEPLOYMENTS):
            copied.update((shop.api.read("Deployment", NAMESPACE, STABLE)["metadata"].get("annotations") or {}).keys())

    release(shop)
    shop.kube.after = copies
    await shop.run(over)
    assert not {name for name in copied if name.startswith("hotfix-operator.dev/")}


@pytest.mark.parametrize("unseen", ["/httproutes", "/deployments"])
async def test_what_cannot_be_seen_at_the_end_is_waited_for(unseen: str) -> None:
    shop = await Shop().run(lambda s: s.status.get("stage") == "Adopting")
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    tried: list[str] = []
    done: list[str] = []

    def silent(method: str, url: str) -> None:
        if shop.status.get("stage") != "Done" or unseen not in url:
            return
        if method == "PATCH" and not tried:
            tried.append(url)
            raise Unavailable("the API server does not answer")
        if method == "GET" and len(tried) < 8:
            tried.append(url)
            raise Unavailable("the API server does not answer")
        done.append(method)

    shop.kube.before = silent
    await shop.run(lambda s: s.gone, seconds=60)
    assert "PATCH" in done
