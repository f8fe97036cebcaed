"""Ten thousand rollouts made at once in somebody's namespace, beside one that sends requests to a patch that crashes."""

import pytest

from hotfix.adapters.kube import FIELD_MANAGER
from hotfix.adapters.mirror import Mirror
from hotfix.adapters.store import KubeStore
from hotfix.ports import Key
from tests.e2e.shop import rollout
from tests.fakes.kube import FakeKube

from .shop import KEY, Shop

CROWD, MANY, LOOKED_AT = "crowd", 10_000, 40


@pytest.fixture
async def crowded() -> Shop:
    shop = await Shop("sample:crash").run(lambda s: s.status.get("stage") == "Shifting")
    shop.api.apply({"kind": "Namespace", "metadata": {"name": CROWD}})
    for number in range(MANY):
        name = f"fix-{number}"
        shop.api.apply({**rollout(name), "metadata": {"name": name, "namespace": CROWD}})
    shop.restart(watches=True)
    return shop


async def test_each_is_told_what_is_wrong_and_the_live_one_is_rolled_back_meanwhile(crowded: Shop) -> None:
    shop, requests = crowded, 0

    def counted(method: str, url: str) -> None:
        nonlocal requests
        requests += 1

    names = [f"fix-{number}" for number in range(0, MANY, MANY // LOOKED_AT)]
    await shop.reconciler.reconcile(Key(CROWD, names[0]))  # lists what all of them need
    shop.kube.before = counted
    for name in names[1:]:
        await shop.reconciler.reconcile(Key(CROWD, name))
        found = shop.api.read("HotfixRollout", CROWD, name)["status"]
        assert found["held"] == "TargetNotFound"
        assert "Deployment checkout" in found["message"]
    assert requests / len(names) < 6, "others are not asked for again at each look"
    await shop.run(lambda s: s.status.get("phase") == "RolledBack")
    assert shop.weights.get("checkout-hotfix", 0) == 0
    await shop.close()


async def test_a_new_process_knows_at_once_which_one_has_traffic(crowded: Shop) -> None:
    kube = FakeKube(crowded.api, manager=FIELD_MANAGER)
    store = KubeStore(kube, Mirror(kube, crowded.clock.monotonic))
    keys = await store.keys(None)
    assert len(keys) == MANY + 1
    assert [key for key in keys if store.moves_traffic(key)] == [KEY]
    store.told({"metadata": {"namespace": KEY.namespace, "name": KEY.name}}, deleted=True)
    assert not store.moves_traffic(KEY)
    await crowded.close()
