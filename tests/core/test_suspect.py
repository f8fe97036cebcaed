"""A patch that is about to be found out gets no more requests meanwhile."""

import pytest

from hotfix.core.status import Phase

from .world import World, a_spec


@pytest.mark.parametrize(("rate", "raised"), [(2000.0, False), (30.0, True)])
def test_a_patch_that_is_about_to_be_found_out_gets_no_more_requests(rate: float, raised: bool) -> None:
    """So much worse is safe by maxUserImpact for a moment, yet a rollback is only scrapes away. At little traffic it is not held
    back: there it costs a few requests, and more of them tell it sooner."""
    world = World(asked=a_spec(startWeight=1), rate=rate)
    world.stable.errors, world.patched.errors = 0.001, 0.04
    world.advance(600)
    weights, held = set[int](), False
    while world.remembered.phase is not Phase.ROLLING_BACK:
        world.look()
        weights.add(world.remembered.weight or 0)
        held = held or "looks bad" in world.remembered.message
        world.advance(0.5)
    assert weights == ({0, 1, 5} if raised else {0, 1})
    assert held is not raised
