"""Thousands of rollouts with faults: no promise is broken while they last, and everything settles when they are over."""

import pytest

from .conftest import Say
from .world import simulate

pytestmark = pytest.mark.net
ROLLOUTS, EACH = 5000, 100


@pytest.mark.parametrize("first", range(0, ROLLOUTS, EACH))
async def test_whatever_fails_no_promise_is_broken_and_it_settles(first: int, say: Say) -> None:
    for seed in range(first, first + EACH):
        result = await simulate(seed)
        say("rollouts simulated", 1)
        say("looks simulated", result.looks)
        assert result.breaches == [], f"make replay SEED={seed}"


async def test_a_seed_tells_the_same_story_again() -> None:
    first, second = await simulate(7), await simulate(7)
    assert first.story == second.story
    assert len(first.story) > 20
