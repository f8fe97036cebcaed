"""Beside a GitOps tool, and with what people ask for, a process that dies at any of its writes changes no ending."""

import pytest

from .conftest import Say
from .crashing import crashes, losses
from .git_tales import GIT_TALES

pytestmark = pytest.mark.net


@pytest.mark.parametrize("name", GIT_TALES)
async def test_beside_git_and_people_a_crash_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await crashes(GIT_TALES[name])
    say("crash points beside git and people", found.points)
    say("different states after a crash", found.states)
    assert found.odd == []
    assert found.points >= 2 * found.requests
    assert found.states > 5


@pytest.mark.parametrize("name", GIT_TALES)
async def test_beside_git_and_people_a_write_without_an_answer_comes_to_the_same_end(name: str, say: Say) -> None:
    found = await losses(GIT_TALES[name])
    say("writes without an answer", found.points)
    assert found.odd == []
    assert found.points == found.requests > 4
