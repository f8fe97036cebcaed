"""Short stories of waits that would never end: which promises were broken."""

from tests.reconcile.shop import NAMESPACE, Shop
from tests.reconcile.two import Two

from .plots import WORDS, Plot, _looks
from .tales import PATCHED, STABLE, shop

QUARTER_SECONDS = 900.0


def _scaled(told: Shop, **replicas: int) -> None:
    for name, wanted in replicas.items():
        told.api.edit("Deployment", NAMESPACE, name, [{"op": "replace", "path": "/spec/replicas", "value": wanted}])
    told.controllers.step()


async def shrunk_in_the_bake() -> list[str]:
    """An autoscaler of others gives stable the one pod that its few requests need, and no more without more requests."""
    told = shop()
    _scaled(told, **{STABLE: 10, PATCHED: 10})
    await _looks(told, lambda shop: shop.status.get("phase") == "Baking")
    _scaled(told, **{STABLE: 1})
    return (
        []
        if await _looks(told, lambda shop: shop.status.get("phase") != "Baking", seconds=QUARTER_SECONDS)
        else [WORDS["settles"]]
    )


async def behind_one_that_cannot_start() -> list[str]:
    """An old manifest that git brings again, and that does not fit any more, came first."""
    told = Two(expires="2020-01-01T00:00:00Z")
    await told.both(lambda shop: shop.state("fix").get("held") == "Expired")
    told.hurry()
    end = told.clock.now() + QUARTER_SECONDS
    await told.both(lambda shop: shop.phase("second") == "Promoted" or shop.clock.now() > end)
    return [] if told.phase("second") == "Promoted" else [WORDS["settles"]]


WAITING_PLOTS: tuple[Plot, ...] = (shrunk_in_the_bake, behind_one_that_cannot_start)
