"""A process that dies at any of its requests changes no ending."""

import pytest

from .conftest import Say
from .crashing import crashes, losses
from .pair_tales import PAIR_TALES
from .tales import TALES

pytestmark = pytest.mark.net


@pytest.mark.parametrize("name", TALES)
async def test_a_crash_at_any_request_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await crashes(TALES[name])
    say("crash points", found.points)
    say("different states after a crash", found.states)
    assert found.odd == []
    assert found.points >= 2 * found.requests
    assert found.states > 20


@pytest.mark.parametrize("name", PAIR_TALES)
async def test_of_two_rollouts_a_crash_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await crashes(PAIR_TALES[name])
    say("crash points of two rollouts", found.points)
    say("different states after a crash", found.states)
    assert found.odd == []
    assert found.states > 5


@pytest.mark.parametrize("name", PAIR_TALES)
async def test_of_two_rollouts_a_write_without_an_answer_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await losses(PAIR_TALES[name])
    say("writes without an answer", found.points)
    assert found.odd == []
    assert found.points == found.requests > 4


@pytest.mark.parametrize("name", TALES)
async def test_a_write_that_is_done_without_an_answer_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await losses(TALES[name])
    say("writes without an answer", found.points)
    assert found.odd == []
    assert found.points == found.requests > 4
