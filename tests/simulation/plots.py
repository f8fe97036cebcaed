"""Short stories with one twist each, for planted bugs that random rollouts seldom meet: which promises were broken."""

from collections.abc import Awaitable, Callable
from typing import Any

from hotfix.core import moments
from hotfix.errors import OutsideError
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .tales import PATCHED, STABLE, shop, stable_dies

Plot = Callable[[], Awaitable[list[str]]]
SETTLE_SECONDS = 3600.0
WORDS = {
    "settles": "settles",
    "lost": "no request is lost",
    "kept": "given back",
    "bad": "a bad patch is never promoted",
}


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


async def served_again_while_the_server_is_slow() -> list[str]:
    """The decision to end patched's pods takes long to be stored; meanwhile somebody gives patched requests again."""
    told = shop("sample:crash")
    slowed: list[str] = []

    def slow(method: str, url: str) -> None:
        if not slowed and method == "PATCH" and url.endswith("/status") and _stage("ScalingDown")(told):
            slowed.append(url)
            told.clock.advance(8)
            told.edit_rules({"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 30})

    told.kube.after = slow
    await _looks(told, lambda shop: _gone(shop) or shop.status.get("held") == "WeightsEdited", seconds=600)
    return [WORDS["lost"]] if _gone(told) and told.weights.get(PATCHED) else []


async def served_until_a_moment_ago() -> list[str]:
    """While patched drains, somebody gives it requests for longer than the drain: its pods must not end right after these."""
    told = shop("sample:crash", traffic={"drain": "30s"})
    await _looks(told, _stage("DrainingPatched"))
    told.edit_rules({"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 30})
    await _looks(told, lambda shop: shop.status.get("held") == "WeightsEdited", seconds=60)
    told.advance(60)
    told.edit_rules({"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 0})
    await _looks(told, _gone, seconds=25)
    return [WORDS["lost"]] if _gone(told) else []


async def an_hour_behind_while_it_drains() -> list[str]:
    """The clock goes back by an hour right after the drain began, and is put right again: the drain has not lasted an hour."""
    told = shop("sample:crash", traffic={"drain": "30s"})
    await _looks(told, _stage("DrainingPatched"))
    told.clock.seconds -= 3600
    await told.reconciler.reconcile(KEY)
    told.clock.seconds += 3600
    await _looks(told, _gone, seconds=25)
    return [WORDS["lost"]] if _gone(told) else []


async def reset_while_it_is_given_back() -> list[str]:
    """Patched is to keep everything; right before the route is given back, git resets it."""
    told = shop(promotion={"mode": "KeepPatched"})
    rules = [{"backendRefs": [{"name": STABLE, "port": 80, "weight": 1}]}]
    await _looks(told, _stage("AllToPatched"))

    def reset(method: str, url: str) -> None:
        if method == "PATCH" and url.endswith("/status") and _stage("GivingBack")(told):
            told.kube.after = lambda method, url: None
            told.edit_rules({"op": "replace", "path": "/spec/rules", "value": rules})

    told.kube.after = reset
    await _looks(told, _ended)
    return [] if told.weights.get(PATCHED) else [WORDS["kept"]]


async def an_hour_ahead_at_the_deadline() -> list[str]:
    """A clock an hour ahead finds the deadline passed right after the start, of a patch that fails everything."""
    told = shop("sample:crash", startWeight=1, analysis={"bakeTime": "5s", "onDeadline": "Promote"})
    await _looks(told, lambda shop: shop.weights.get(PATCHED, 0) > 0 and bool(shop.status.get("acknowledgedWeight")))
    told.advance(5)
    ahead = moments.rfc3339(told.clock.now() - 3600)
    status = {**told.status, "startedAt": ahead, "phaseStartedAt": ahead, "evidenceFrom": ahead}
    told.api.set_status("HotfixRollout", NAMESPACE, KEY.name, status, "hotfix-operator")
    await _looks(told, lambda shop: shop.status.get("phase") != "Analyzing", seconds=120)
    return [WORDS["bad"]] if told.status.get("phase") in ("Baking", "Promoting") else []


PLOTS: tuple[Plot, ...] = (
    served_again_in_silence,
    stored_in_the_future,
    dropped_while_stable_is_lost,
    served_again_while_the_server_is_slow,
    served_until_a_moment_ago,
    an_hour_behind_while_it_drains,
    reset_while_it_is_given_back,
    an_hour_ahead_at_the_deadline,
)
