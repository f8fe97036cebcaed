"""Short stories with one twist each, for planted bugs that random rollouts seldom meet: which promises were broken."""

from collections.abc import Awaitable, Callable
from typing import Any

from hotfix.errors import OutsideError
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .tales import PATCHED, STABLE, shop, stable_dies

Plot = Callable[[], Awaitable[list[str]]]
SETTLE_SECONDS = 3600.0
WORDS = {"settles": "settles", "lost": "no request is lost"}


async def _looks(told: Shop, until: Any, *, seconds: float = SETTLE_SECONDS) -> bool:
    """Look after look until it is so; False when it is not in time."""
    end = told.clock.now() + seconds
    while not until(told):
        if told.clock.now() > end:
            return False
        try:
            wait = await told.reconciler.reconcile(KEY)
        except OutsideError:
            wait = 0.5
        told.advance(max(0.1, min(wait or 1.0, 5.0)))
    return True


def _stage(name: str) -> Any:
    return lambda told: told.status.get("stage") == name


def _ended(told: Shop) -> bool:
    return told.status.get("phase") in ("Promoted", "RolledBack")


async def served_again_in_silence() -> list[str]:
    """While patched drains, somebody gives it requests again, and no watch tells of it: its pods must not end."""
    told = Shop.revived(shop("sample:crash").stored(), watches=True)
    await _looks(told, _stage("DrainingPatched"))
    told.kube.mute = frozenset({"httproutes"})
    for place, weight in ((0, 70), (1, 30)):
        told.edit_rules({"op": "add", "path": f"/spec/rules/0/backendRefs/{place}/weight", "value": weight})
    await _looks(told, lambda shop: _gone(shop) or shop.status.get("held") == "WeightsEdited", seconds=60)
    broken = _gone(told) and told.weights.get(PATCHED)
    await told.close()
    return [WORDS["lost"]] if broken else []


def _gone(told: Shop) -> bool:
    return bool(told.api.read("Deployment", NAMESPACE, PATCHED)["spec"]["replicas"] == 0)


async def stored_in_the_future() -> list[str]:
    """A clock that was three hours ahead noted when the drain began."""
    told = shop("sample:crash")
    await _looks(told, _stage("DrainingPatched"))
    status = {**told.status, "stageStartedAt": "2100-01-01T00:00:00Z"}
    told.api.set_status("HotfixRollout", NAMESPACE, KEY.name, status, "hotfix-operator")
    return [] if await _looks(told, _ended) else [WORDS["settles"]]


async def dropped_while_stable_is_lost() -> list[str]:
    """On the way back stable dies, so that patched gets everything; git drops patched's backend, and stable comes back."""
    told = shop("sample:crash")
    await _looks(told, _stage("WeightZero"))
    stable_dies(told)
    await _looks(told, lambda shop: shop.status.get("held") == "StableLost")
    rules = [{"backendRefs": [{"name": STABLE, "port": 80, "weight": 1}]}]
    told.api.edit(
        "HTTPRoute", NAMESPACE, STABLE, [{"op": "replace", "path": "/spec/rules", "value": rules}], "kustomize-controller"
    )
    stable_dies(told)  # pods that were never ready go, and new ones get ready
    told.controllers.never_ready.clear()
    told.controllers.step()
    return [] if await _looks(told, _ended) else [WORDS["settles"]]


PLOTS: tuple[Plot, ...] = (served_again_in_silence, stored_in_the_future, dropped_while_stable_is_lost)
