"""A short form of the soak: what a disturbance of each kind does to promotions and rollbacks. `make soak` has the others."""

import pytest

from tests.cluster.needed import started

from .disturbing import DISTURBANCES, Surroundings
from .rounds import soak

CHOSEN = (
    "killed after it wrote a route",
    "answers to writes are lost",
    "Prometheus knows a part",
    "a pod of each side is deleted",
)


@pytest.mark.cluster
def test_nothing_is_lost_in_a_few_rounds() -> None:
    disturbances = {one.name: one for one in DISTURBANCES}
    with started("soak") as cluster:
        around = Surroundings(cluster)
        for number, name in enumerate(CHOSEN):
            found = soak(around, number, disturbances[name], beside=4)
            assert found.odd == [], name
            assert found.requests > 400, "there was load"
            assert found.troubles or "pod" in name, f"nothing happened: {name}"
