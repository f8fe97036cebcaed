"""Short stories of a process that sleeps right before it stores a status, while another one leads: which promises were broken.

Both believe that they may decide. What the first one wakes up with is older than what is stored by then.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.fakes.kube import FakeKube
from tests.reconcile.shop import Shop

from .late import KeepingBack, _until_it_is_kept, _wait
from .plots import Plot, _looks, _stage
from .remembered import went_back
from .tales import shop


class KeepingStatuses(KeepingBack):
    """Its k-th write of a status waits until it is let go."""

    def counts(self, url: str) -> bool:
        """Statuses alone."""
        return url.endswith("/status")


async def _sleeps_until(told: Shop, begins: Any, goes_on: Any) -> list[str]:
    """The status of a look that begins when it is so is kept back; another process leads until it is otherwise."""
    told.kube = keeping = KeepingStatuses(told, 0)
    told.restart()
    await _looks(told, begins)
    keeping.number = keeping.writes + 1
    look = await _until_it_is_kept(told, keeping)
    assert look is not None
    told.kube = FakeKube(told.api)
    told.restart()
    await _looks(told, goes_on)
    newest: Mapping[str, Any] = told.status
    keeping.go.set()
    await asyncio.wait({look})
    _wait(look)
    return list(dict.fromkeys(promise for promise, _ in went_back(newest, told.status)))


async def asleep_until_it_was_rolled_back() -> list[str]:
    """It judges a patch that another process has rolled back meanwhile."""
    return await _sleeps_until(shop("sample:crash"), _stage("Shifting"), _stage("DrainingPatched"))


async def asleep_until_it_bakes() -> list[str]:
    """It judges a patch that another process finds good meanwhile. The stage is the same: only the decision would be missing."""
    return await _sleeps_until(shop(analysis={"bakeTime": "10m"}), _stage("Shifting"), _bakes)


def _bakes(told: Shop) -> bool:
    return bool(told.status.get("phase") == "Baking")


STALE_PLOTS: tuple[Plot, ...] = (asleep_until_it_was_rolled_back, asleep_until_it_bakes)
