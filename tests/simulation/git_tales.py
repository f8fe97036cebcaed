"""Rollouts beside a GitOps tool, and with what people ask for by annotation, to be told again with a crash at every request."""

from collections.abc import Callable
from typing import Any

from tests.reconcile.shop import ERRORS, KEY, NAMESPACE, Shop

from .crashing import ENDED, Tale, Until
from .tales import PATCHED, STABLE, _deleted, _shifting, _stage, shop
from .world import kept_by_git

GIT = "kustomize-controller"
REBUILT = "sample:1.1-rebuilt"
ERRORS.setdefault(REBUILT, 0.001)
PATIENT = {"bakeTime": "5s", "deadline": "1h", "onDeadline": "Rollback"}
QUIET_SECONDS = 600.0  # after which edits are forgotten
Turn = Callable[[Shop], None]


def _in_git(**spec: Any) -> Shop:
    """Flux keeps stable and the route."""
    told = shop(**spec)
    kept_by_git(told)
    return told


def requests(verb: str, number: int = 1) -> Turn:
    """A person asks for it."""
    value = {"hotfix-operator.dev/request": f"{verb}:{number}"}
    operations = [{"op": "add", "path": "/metadata/annotations", "value": value}]
    return lambda told: told.api.edit("HotfixRollout", NAMESPACE, KEY.name, operations) and None


def _answered(told: Shop) -> bool:
    return (told.status.get("lastHandledRequest") or {}).get("result") in ("Accepted", "Refused")


def git_gives(image: str) -> Turn:
    """It brings stable's pod template with this image."""
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
    return lambda told: told.api.edit("Deployment", NAMESPACE, STABLE, change, GIT) and None


def _awaited(told: Shop) -> bool:
    return _stage(told) == "AwaitingGit"


def _held(reason: str) -> Until:
    return lambda told: told.status.get("held") == reason


def _set_back(told: Shop) -> None:
    """Git's tool makes the route what it is in git: patched is not named there."""
    rules = [{"backendRefs": [{"name": STABLE, "port": 80, "weight": 1}]}]
    told.api.edit("HTTPRoute", NAMESPACE, STABLE, [{"op": "replace", "path": "/spec/rules", "value": rules}], GIT)


def _repaired(told: Shop) -> bool:
    """Patched has again what was wanted for it."""
    given = told.weights.get(PATCHED, 0)
    both = given + told.weights.get(STABLE, 0)
    return 0 < 100 * given == (told.status.get("weight") or 0) * both


def _quiet_for_long(told: Shop) -> None:
    """Nobody edits anything, and no operator looks either."""
    told.advance(QUIET_SECONDS)


def _new_base(told: Shop) -> None:
    """Git has another host and a third backend by now."""
    refs = [{"name": STABLE, "port": 80, "weight": 3}, {"name": "other", "port": 80, "weight": 1}]
    spec = told.api.read("HTTPRoute", NAMESPACE, STABLE)["spec"]
    wanted = {**spec, "hostnames": ["checkout.example"], "rules": [{"backendRefs": refs}]}
    told.api.edit("HTTPRoute", NAMESPACE, STABLE, [{"op": "replace", "path": "/spec", "value": wanted}], GIT)


def _weighed_by_hand(told: Shop) -> None:
    places = [ref["name"] for ref in told.api.read("HTTPRoute", NAMESPACE, STABLE)["spec"]["rules"][0]["backendRefs"]]
    at = f"/spec/rules/0/backendRefs/{places.index(PATCHED)}/weight"
    told.api.edit("HTTPRoute", NAMESPACE, STABLE, [{"op": "replace", "path": at, "value": 7}])


def _fails(told: Shop, image: str) -> None:
    """Its pods end, and new ones of it do not get ready."""
    told.controllers.never_ready.add(image)
    for pod in list(told.api.every("Pod", NAMESPACE)):
        if pod["spec"]["containers"][0]["image"] == image:
            told.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])


def _is_well_again(told: Shop) -> None:
    told.controllers.never_ready.clear()
    for pod in list(told.api.every("Pod", NAMESPACE)):
        told.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])


def _another_patch(told: Shop) -> None:
    """A person gives patched another image while it is judged."""
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": REBUILT}]
    told.api.edit("Deployment", NAMESPACE, PATCHED, change)


def _promoted(told: Shop) -> bool:
    return told.status.get("phase") == "Promoted"


def _silent(told: Shop) -> None:
    told.requests.silent = True


def _speaks(told: Shop) -> None:
    told.requests.silent = False


def _baking(told: Shop) -> bool:
    return bool(told.status.get("phase") == "Baking" and told.status.get("acknowledgedWeight"))


def _lowered(told: Shop) -> bool:
    """It has seen nothing for so long that patched has less."""
    return _held("MetricsUnavailable")(told) and told.status.get("phase") == "Analyzing"


def _serves_again(told: Shop) -> bool:
    return _awaited(told) and told.status.get("held") is None


def _named(old: str, new: str) -> Turn:
    """Somebody gives a backend of the route another name."""

    def edit(told: Shop) -> None:
        places = [ref["name"] for ref in told.api.read("HTTPRoute", NAMESPACE, STABLE)["spec"]["rules"][0]["backendRefs"]]
        told.edit_rules({"op": "replace", "path": f"/spec/rules/0/backendRefs/{places.index(old)}/name", "value": new})

    return edit


def _away(told: Shop) -> bool:
    """Stable serves everything, as patched cannot."""
    return _held("PatchedLost")(told) and told.status.get("acknowledgedWeight") == 0


HAS_THE_FIX = (_awaited, git_gives("sample:1.1"))
BROUGHT_ANOTHER = (_awaited, git_gives(REBUILT))
CONTESTED = ((_shifting, _set_back), (_repaired, _set_back), (_repaired, _set_back))


def _after(first: int, make: Callable[[], Shop], *turns: tuple[Until, Turn], every: int = 1) -> Tale:
    """Only the writes since so many turns, or few of them, are the last ones of a process: the others are in other tales."""
    return Tale(make, turns, since=first, every=every)


def _by_git(**spec: Any) -> Callable[[], Shop]:
    return lambda: _in_git(**spec)


def _alone(**analysis: str) -> Callable[[], Shop]:
    return lambda: shop(analysis={**PATIENT, **analysis})


GIT_TALES: dict[str, Tale] = {
    "left to git": _after(0, _in_git, HAS_THE_FIX),
    "git is awaited as the manifest says": _after(0, lambda: shop(promotion={"mode": "AwaitGit"}), HAS_THE_FIX, every=3),
    "git brings another pod spec, which a person accepts": _after(
        1, _in_git, BROUGHT_ANOTHER, (_held("StableChanged"), requests("promote"))
    ),
    "git brings another pod spec, and then the fix": _after(
        1, _in_git, BROUGHT_ANOTHER, (_held("StableChanged"), git_gives("sample:1.1"))
    ),
    "deleted while git is awaited": _after(1, _in_git, (_awaited, _deleted), (_held("DeletionHeld"), git_gives("sample:1.1"))),
    "rolled back while git is awaited": _after(1, _in_git, (_awaited, requests("rollback"))),
    "patched lost while git is awaited": _after(
        1,
        _in_git,
        (_awaited, lambda told: _fails(told, "sample:1.1")),
        (_away, _is_well_again),
        (_serves_again, git_gives("sample:1.1")),
    ),
    "a promotion that failed is tried again": _after(
        1,
        _in_git,
        HAS_THE_FIX,
        (lambda told: _stage(told) == "Returning", lambda told: told.requests.errors.update({STABLE: 0.6})),
        (_held("PromotionFailed"), lambda told: told.requests.errors.clear()),
        (_held("PromotionFailed"), requests("promote")),
    ),
    "weights set back by git": _after(1, _in_git, (_shifting, _set_back), HAS_THE_FIX, every=3),
    "weights set back by git while it is awaited": _after(
        1, _in_git, (_awaited, _set_back), (_repaired, git_gives("sample:1.1"))
    ),
    "weights contested, then a new base": _after(
        4,
        _by_git(analysis=PATIENT),
        *CONTESTED,
        (_held("TrafficContested"), _new_base),
        (_repaired, _quiet_for_long),
        HAS_THE_FIX,
        every=3,
    ),
    "weights contested, and rolled back": _after(
        1, _by_git(analysis=PATIENT), *CONTESTED, (_held("TrafficContested"), requests("rollback"))
    ),
    "weights set by a person": _after(
        1,
        shop,
        (_shifting, _weighed_by_hand),
        (_held("WeightsEdited"), requests("pause")),
        (_answered, requests("resume", 2)),
        every=3,
    ),
    "the route lost and put back": _after(
        1, shop, (_shifting, _named(STABLE, "nobody")), (_held("RouteMissing"), _named("nobody", STABLE)), every=3
    ),
    "promoted by request": _after(1, lambda: shop("sample:same", analysis=PATIENT), (_shifting, requests("promote"))),
    "rolled back by request": _after(1, shop, (_shifting, requests("rollback"))),
    "tried again after it was rolled back": _after(
        1,
        shop,
        (_shifting, requests("rollback")),
        (lambda told: told.status.get("phase") in ENDED, requests("retry-same", 2)),
        (_promoted, lambda told: None),
        every=3,
    ),
    "deleted on its way back": _after(
        1, lambda: shop("sample:crash"), (lambda told: _stage(told) == "DrainingPatched", _deleted)
    ),
    "patched lost in the bake": _after(1, shop, (_baking, lambda told: _fails(told, "sample:1.1"))),
    "patched changed in the bake": _after(1, shop, (_baking, _another_patch), every=3),
    "blind for a while": _after(1, _alone(metricsGrace="30s"), (_baking, _silent), (_lowered, _speaks), every=3),
    "blind, and rolled back for it": _after(1, _alone(metricsGrace="30s", onMetricsUnavailable="Rollback"), (_shifting, _silent)),
}
