"""Hundreds of pairs of rollouts on one route, with faults: a newer hotfix comes while an older one is under way."""

import pytest

from .conftest import Say
from .pair_world import simulate_pair

pytestmark = pytest.mark.net
PAIRS, EACH = 200, 20


@pytest.mark.parametrize("first", range(0, PAIRS, EACH))
async def test_whatever_fails_two_rollouts_break_no_promise_and_both_settle(first: int, say: Say) -> None:
    for seed in range(first, first + EACH):
        result = await simulate_pair(seed)
        say("pairs of rollouts simulated", 1)
        assert result.breaches == [], f"make replay SEED={seed} PAIRS=1"


async def test_a_seed_tells_the_same_story_of_two_again() -> None:
    first, second = await simulate_pair(3), await simulate_pair(3)
    assert first.story == second.story
    assert len(first.story) > 20
