"""A short form of the soak: two of its disturbances, on the way to the API server and to Prometheus."""

import pytest

from tests.cluster.needed import started

from .disturbing import DISTURBANCES, Surroundings
from .rounds import soak

CHOSEN = ("answers to writes are lost", "Prometheus knows a part")


@pytest.mark.cluster
@pytest.mark.long
@pytest.mark.parametrize("name", CHOSEN)
def test_nothing_is_lost_in_a_few_rounds(name: str) -> None:
    disturbances = {one.name: one for one in DISTURBANCES}
    with started("soak") as cluster:
        found = soak(Surroundings(cluster), CHOSEN.index(name), disturbances[name], beside=4)
        assert found.odd == []
        assert found.requests > 400, "there was load"
        assert found.troubles, "nothing happened"
