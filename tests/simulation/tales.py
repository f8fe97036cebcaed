"""The rollouts that are told again with a crash at every request."""

from typing import Any

from tests.reconcile.shop import ERRORS, KEY, NAMESPACE, Shop

from .crashing import Tale

QUICK: dict[str, Any] = {"traffic": {"drain": "5s"}, "analysis": {"bakeTime": "5s", "deadline": "10m", "onDeadline": "Rollback"}}
STABLE, PATCHED = "checkout", "checkout-hotfix"
ERRORS.setdefault("sample:same", 0.05)  # neither better nor worse, so that nothing is decided


def shop(image: str = "sample:1.1", **spec: Any) -> Shop:
    """A shop whose rollout is quick."""
    return Shop(image, **{**QUICK, **spec})


def _scaled() -> Shop:
    """Stable has an HPA."""
    found = shop()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": STABLE}
    scaler = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    found.api.apply({"kind": "HorizontalPodAutoscaler", "metadata": {"name": STABLE, "namespace": NAMESPACE}, "spec": scaler})
    return found


def _stage(shop: Shop) -> str:
    return str(shop.status.get("stage"))


def _shifting(shop: Shop) -> bool:
    return _stage(shop) == "Shifting" and bool(shop.status.get("acknowledgedWeight"))


def _ask(shop: Shop, field: str, value: object) -> None:
    shop.api.edit("HotfixRollout", NAMESPACE, KEY.name, [{"op": "add", "path": f"/spec/{field}", "value": value}])


def _deleted(shop: Shop) -> None:
    shop.api.delete("HotfixRollout", NAMESPACE, KEY.name)


def _released(shop: Shop) -> None:
    annotations = {"hotfix-operator.dev/request": "release:1"}
    shop.api.edit("HotfixRollout", NAMESPACE, KEY.name, [{"op": "add", "path": "/metadata/annotations", "value": annotations}])


def _edited(shop: Shop) -> None:
    added = {"op": "add", "path": "/spec/rules/0/backendRefs/-", "value": {"name": "other", "port": 80, "weight": 0}}
    shop.api.edit("HTTPRoute", NAMESPACE, STABLE, [added])


def stable_dies(shop: Shop, image: str = "sample:1.0") -> None:
    """Its pods end, and new ones of the image do not get ready."""
    shop.controllers.never_ready.add(image)
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["name"].startswith(f"{STABLE}-") and not pod["metadata"]["name"].startswith(f"{PATCHED}-"):
            shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])


def _fix_is_bad_in_stable(shop: Shop) -> None:
    """Stable's pods do not start again with the fix; a person ends it with patched."""
    stable_dies(shop, "sample:1.1")
    _ask(shop, "promotion", {"mode": "KeepPatched"})


def _undecided() -> Shop:
    return shop(
        "sample:same", analysis={"bakeTime": "5s", "deadline": "1m", "onDeadline": "Rollback", "maxErrorRateIncrease": "0.1%"}
    )


def _stable_is_back(shop: Shop) -> None:
    stable_dies(shop)
    shop.controllers.never_ready.clear()


def _lost(shop: Shop) -> bool:
    return bool(shop.status.get("held") == "StableLost" and shop.status.get("acknowledgedWeight") == 100)


def _resumed(shop: Shop) -> None:
    _ask(shop, "paused", False)


TALES: dict[str, Tale] = {
    "good": Tale(shop),
    "good, patched kept": Tale(lambda: shop(promotion={"mode": "KeepPatched"})),
    "bad": Tale(lambda: shop("sample:crash")),
    "undecided": Tale(_undecided),
    "deleted": Tale(shop, ((_shifting, _deleted),)),
    "released": Tale(shop, ((_shifting, _released),)),
    "released with the fix in stable": Tale(shop, ((lambda s: _stage(s) == "Returning", _released),)),
    "scaled by an HPA": Tale(_scaled),
    "scaled by an HPA, deleted": Tale(_scaled, ((lambda s: _stage(s) == "Adopting", _deleted),)),
    "deleted before traffic": Tale(shop, ((lambda s: _stage(s) == "Adopting", _deleted),)),
    "paused and resumed": Tale(lambda: shop(paused=True), ((lambda s: s.status.get("held") == "Paused", _resumed),)),
    "route edited": Tale(shop, ((_shifting, _edited),)),
    "stable lost": Tale(shop, ((_shifting, stable_dies), (_lost, _stable_is_back))),
    "promotion failed": Tale(shop, ((lambda s: _stage(s) == "Returning", _fix_is_bad_in_stable),)),
}
