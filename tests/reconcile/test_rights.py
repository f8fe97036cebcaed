"""Writes that do not come through as asked: what is asked for after them is allowed too, and nothing waits for it.

That every request of every story here is within deploy/base/rbac.yaml is checked by shop.py's connection.
"""

import asyncio

import pytest

from hotfix.errors import Conflict, OutsideError, Refused, Unavailable

from .shop import NAMESPACE, Shop
from .test_reconcile import ended

SCALERS = "horizontalpodautoscalers"
WRITTEN = (SCALERS, "httproutes", "deployments", "hotfixrollouts")
ENDS = {"sample:1.1": "Promoted", "sample:crash": "RolledBack"}


class Once:
    """The first write to each resource goes wrong, with `error`."""

    def __init__(self, *resources: str, error: OutsideError) -> None:
        self.due, self.error = set(resources), error

    def __call__(self, method: str, url: str) -> None:
        found = next((resource for resource in self.due if method == "PATCH" and f"/{resource}/" in url), None)
        if found:
            self.due.remove(found)
            raise self.error


def scaled(image: str, *, watches: bool) -> Shop:
    """Stable has an HPA, whose floor is raised for the time of the rollout."""
    shop = Shop(image)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 10}
    shop.api.apply({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "checkout", "namespace": NAMESPACE}, "spec": spec})
    shop.restart(watches=watches)
    return shop


async def to_its_end(shop: Shop) -> Shop:
    """The story; all is given back at its end."""
    try:
        await shop.run(ended)
    finally:
        await shop.close()
    assert shop.ending()["floors"] == {"checkout": 1}
    return shop


@pytest.mark.parametrize("watches", [True, False])
@pytest.mark.parametrize("error", [Conflict("somebody wrote first"), Unavailable("no answer")], ids=["conflict", "no answer"])
@pytest.mark.parametrize("image", ENDS)
async def test_a_write_that_goes_wrong_is_followed_by_nothing_that_is_not_allowed(
    image: str, error: OutsideError, watches: bool
) -> None:
    shop = scaled(image, watches=watches)
    shop.kube.before = fault = Once(*WRITTEN, error=error)
    await to_its_end(shop)
    assert fault.due == set()
    assert shop.status["phase"] == ENDS[image]


async def test_a_rollout_goes_on_where_a_scaler_may_be_listed_and_not_read() -> None:
    shop = scaled("sample:1.1", watches=True)
    once = Once(SCALERS, error=Conflict("the object has been modified"))

    def role_of_before(method: str, url: str) -> None:
        once(method, url)
        if method == "GET" and f"/{SCALERS}/" in url:
            raise Refused("The operator lacks a right", reason="Forbidden")

    shop.kube.before = role_of_before
    await to_its_end(shop)
    assert shop.status["phase"] == "Promoted"
    assert "Forbidden" not in {decision.status.held for decision in shop.decisions}


async def test_a_request_beyond_the_rights_of_deploy_ends_a_story() -> None:
    shop = Shop()
    for method, path, right in (
        ("GET", "/api/v1/namespaces/shop/secrets/checkout", "get secrets"),
        ("GET", "/api/v1/namespaces/shop/pods/checkout-1", "get pods"),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/checkout/scale", "patch deployments/scale"),
    ):
        with pytest.raises(AssertionError, match=f"no right to {right}"):
            await shop.kube._call(method, path)
    events = shop.kube.watch("/apis/networking.k8s.io/v1/namespaces/shop/ingresses", version="0", seconds=1)
    watching = asyncio.create_task(anext(events))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.wait({watching})
    with pytest.raises(AssertionError, match="no right to watch ingresses"):
        await shop.close()
