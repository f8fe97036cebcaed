"""Every cell of the small domains is decided, and no promise is broken in any of them."""

import pytest

from .cells import MEMORIES, cells, size
from .conftest import Say

pytestmark = pytest.mark.net


@pytest.mark.parametrize("memory", MEMORIES)
def test_no_look_breaks_a_promise(memory: str, say: Say) -> None:
    found = cells([memory])
    say("cells decided", found.cells)
    assert found.broken == []


def test_there_are_at_least_a_million() -> None:
    assert size() >= 1_000_000
