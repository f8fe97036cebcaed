"""What is planted for the nets of crash points is found by a crash, or by a lost answer, and by nothing else."""

from typing import Any

import pytest

from tests.reconcile.shop import Shop

from .conftest import Say
from .crash_mutants import CRASH_MUTANTS
from .crashing import Tale, Telling, crashes, ending, losses
from .mutants import Mutant

pytestmark = pytest.mark.net
NETS = {(mutant.net.__name__, mutant.tale): mutant for mutant in CRASH_MUTANTS}


async def _undisturbed(tale: Tale, *, watches: bool) -> dict[str, Any]:
    """How it ends when nothing dies, and every request is answered."""
    told = Telling(tale, Shop.revived(tale.shop().stored(), watches=watches))
    await told.to_the_end()
    await told.shop.close()
    return ending(told.shop)


@pytest.mark.parametrize("mutant", CRASH_MUTANTS, ids=lambda mutant: mutant.bug)
async def test_where_nothing_fails_nobody_notices_the_bug(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mutant.tale is not None
    watches = mutant.net is losses
    sound = await _undisturbed(mutant.tale, watches=watches)
    mutant.plant(monkeypatch)
    assert await _undisturbed(mutant.tale, watches=watches) == sound


@pytest.mark.parametrize("mutant", NETS.values(), ids=lambda mutant: mutant.net.__name__)
async def test_without_a_bug_the_same_tale_comes_to_the_same_end(mutant: Mutant, say: Say) -> None:
    assert mutant.tale is not None
    found = await mutant.net(mutant.tale)
    say("crash points" if mutant.net is crashes else "writes without an answer", found.points)
    assert found.odd == []
    assert found.points > 15


async def test_each_net_has_two_that_only_it_can_find() -> None:
    for net in (crashes, losses):
        assert len({mutant.plant for mutant in CRASH_MUTANTS if mutant.net is net}) >= 2
