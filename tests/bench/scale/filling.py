"""Makes objects through the API, inside the cluster's network: `filling surroundings|rollouts SET FROM TO`.

Prints a JSON object: name of each rollout -> when its creation was answered, unix seconds.
"""

import asyncio
import json
import sys
import time
from typing import Any

from tests.cluster.api import Api, ApiError

from .objects import Object, Place, rollout, surroundings

AT_ONCE = 24
COLLECTIONS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "Service": "api/v1/namespaces/{}/services",
    "Pod": "api/v1/namespaces/{}/pods",
    "EndpointSlice": "apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "HTTPRoute": "apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "HotfixRollout": "apis/hotfix-operator.dev/v1alpha1/namespaces/{}/hotfixrollouts",
}


async def _made(api: Api, path: str, item: Object) -> None:
    """Create it; one that is there is left as it is."""
    try:
        await api.post(path, item)
    except ApiError as error:
        if error.status != 409:
            raise


async def make(api: Api, place: Place, item: Object) -> None:
    """The object, and its status where a controller or a kubelet would write it."""
    path = "/" + COLLECTIONS[item["kind"]].format(place.namespace)
    await _made(api, path, item)
    if "status" in item:
        await api.patch(f"{path}/{item['metadata']['name']}/status", {"status": item["status"]})


async def fill(api: Api, what: str, places: list[Place]) -> dict[str, float]:
    """All of it, many at once."""
    for namespace in dict.fromkeys(place.namespace for place in places):
        await _made(api, "/api/v1/namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace}})
    answered: dict[str, float] = {}
    waiting = iter(places)

    async def work() -> None:
        for place in waiting:
            items = [rollout(place)] if what == "rollouts" else surroundings(place)
            for item in items:
                await make(api, place, item)
            answered[f"{place.namespace}/{place.name}"] = time.time()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return answered


async def main(what: str, of: str, first: int, last: int) -> dict[str, Any]:
    """The rollouts with numbers FROM..TO-1."""
    async with Api() as api:
        return await fill(api, what, [Place(number, of) for number in range(first, last)])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))), flush=True)
