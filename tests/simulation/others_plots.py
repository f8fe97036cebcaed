"""Short stories of what other tools for the same job did wrong: which promises were broken."""

from typing import Any

from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .plots import SETTLE_SECONDS, WORDS, _ended, _looks, _stage
from .tales import PATCHED, STABLE, shop

CONFIRMED, EFFECTIVE, LOOKS_FIRST = "confirmed before it rises", "takes effect before it bakes", "looks first"
AWAY_SECONDS, BACK_SECONDS = 60.0, 15.0


async def _at_start(**spec: Any) -> Shop:
    """Patched has its first share, and the controllers have confirmed it; from now on they say nothing of the route."""
    told = shop(**spec)
    await _looks(told, lambda shop: _stage("Shifting")(shop) and bool(shop.status.get("acknowledgedWeight")))
    told.controllers.deaf.add(STABLE)
    return told


def _reports(told: Shop, **conditions: str) -> None:
    """The controller of the one parent that is reported on says so of the present generation."""
    route = told.api.read("HTTPRoute", NAMESPACE, STABLE)
    generation, (entry, *_) = route["metadata"]["generation"], route["status"]["parents"]
    said = [{"type": kind, "status": status, "observedGeneration": generation} for kind, status in conditions.items()]
    told.api.set_status("HTTPRoute", NAMESPACE, STABLE, {"parents": [{**entry, "conditions": said}]})


async def _rises(told: Shop, *, seconds: float = 120.0) -> bool:
    weight = told.status["weight"]
    return await _looks(told, lambda shop: shop.status["weight"] > weight, seconds=seconds)


async def with_a_parent_that_nobody_reports_on() -> list[str]:
    """The route gets a second parent, and no controller ever says a word of it: the weight that comes next is the last."""
    told = await _at_start()
    second = {"name": "internal", "namespace": "projectcontour"}
    told.edit_rules({"op": "add", "path": "/spec/parentRefs/-", "value": second})
    await _rises(told)
    await told.reconciler.reconcile(KEY)
    _reports(told, Accepted="True", ResolvedRefs="True")
    return [CONFIRMED] if await _rises(told) else []


async def with_backends_that_are_not_resolved() -> list[str]:
    """The route is accepted, and its backends are not found."""
    told = await _at_start()
    _reports(told, Accepted="True", ResolvedRefs="False")
    return [CONFIRMED] if await _rises(told) else []


async def with_sessions_that_stick() -> list[str]:
    """Whatever weight patched has, proxies send it three of four requests: the steps would be none."""
    told = await _at_start()
    told.controllers.deaf.clear()
    told.requests.shares = {STABLE: 0.25, PATCHED: 0.75}
    return [EFFECTIVE] if await _looks(told, lambda shop: shop.status["phase"] != "Analyzing", seconds=300.0) else []


async def away_while_the_patch_goes_bad() -> list[str]:
    """For a minute there is no operator; meanwhile patched begins to fail. What comes first then is a look."""
    told = await _at_start(startWeight=25)
    told.controllers.deaf.clear()
    told.requests.errors = {PATCHED: 0.6}
    told.advance(AWAY_SECONDS)
    told.restart()
    rose = await _rises(told, seconds=BACK_SECONDS)
    return [] if not rose and told.status.get("phase") in ("RollingBack", "RolledBack") else [LOOKS_FIRST]


async def with_pods_that_never_start() -> list[str]:
    told = shop(analysis={"readyGrace": "2m"})
    told.controllers.never_ready.add("sample:1.1")
    for pod in list(told.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["name"].startswith(PATCHED):
            told.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    told.controllers.step()
    return [] if await _looks(told, _ended, seconds=SETTLE_SECONDS / 4) else [WORDS["settles"]]


OTHERS_PLOTS = (
    with_a_parent_that_nobody_reports_on,
    with_backends_that_are_not_resolved,
    with_sessions_that_stick,
    away_while_the_patch_goes_bad,
    with_pods_that_never_start,
)
