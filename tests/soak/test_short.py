"""A short form of the soak: two of its disturbances, on the way to the API server and to Prometheus."""

import pytest

from tests.cluster.needed import started

from .disturbing import DISTURBANCES, Surroundings
from .rounds import soak

CHOSEN = ("answers to writes are lost", "Prometheus knows a part")


@pytest.mark.cluster
def test_nothing_is_lost_in_a_few_rounds() -> None:
    disturbances = {one.name: one for one in DISTURBANCES}
    with started("soak") as cluster:
        around = Surroundings(cluster)
        for number, name in enumerate(CHOSEN):
            found = soak(around, number, disturbances[name], beside=4)
            assert found.odd == [], name
            assert found.requests > 400, "there was load"
            assert found.troubles, f"nothing happened: {name}"
