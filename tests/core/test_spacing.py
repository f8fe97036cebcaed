"""How often counters are really scraped, whatever grid they are asked on."""

import pytest

from hotfix.core.observation import Series, SideSeries
from hotfix.core.spacing import block_seconds, spacing_seconds

from .world import ready_world


def side(*, scrape: float, grid: float, per_second: float = 10.0, seconds: float = 900.0) -> SideSeries:
    """A counter scraped every `scrape` seconds, as a range query of this grid shows it."""
    samples = []
    for number in range(int(seconds / grid)):
        moment = 1000.0 + number * grid
        samples.append((moment, float(int(moment // scrape * scrape * per_second))))
    return SideSeries(requests=(Series("pod-a|", tuple(samples)),), errors=())


@pytest.mark.parametrize(
    ("scrape", "grid", "block"), [(5, 5, 5), (15, 5, 15), (30, 15, 30), (60, 15, 60), (5, 15, 15), (16, 15, 15)]
)
def test_a_block_is_as_long_as_real_samples_are_apart_and_never_shorter_than_asked(scrape: int, grid: int, block: int) -> None:
    seen = side(scrape=scrape, grid=grid)
    assert block_seconds(grid, spacing_seconds(seen, 1900)) == block


def test_a_counter_that_seldom_grows_tells_nothing_of_its_scrapes() -> None:
    assert spacing_seconds(side(scrape=5, grid=5, per_second=0.05), 1900) is None
    assert spacing_seconds(side(scrape=60, grid=5, seconds=240), 1240) is None
    assert block_seconds(15, None) == 15


def test_counters_scraped_less_often_than_said_are_judged_in_longer_blocks() -> None:
    world = ready_world()
    for _ in range(60):
        world.advance(20)
        for part in (world.stable, world.patched):
            part.samples = [sample for sample in part.samples if sample[0] % 20 == 0]
    slow = [(moment + step, counts) for moment, counts in world.stable.samples for step in (0.0, 5.0, 10.0, 15.0)]
    world.stable.samples = slow  # the last sample, repeated on the grid
    world.run(lambda w: w.remembered.started_at is not None)
    assert world.remembered.baseline is not None
    assert world.remembered.baseline.interval_seconds == 20
    assert world.remembered.baseline.late_blocks == 180
    assert "scraped every 20 s" in world.remembered.message
