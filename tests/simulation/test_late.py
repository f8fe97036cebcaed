"""What was under way when a rollout ended changes nothing any more."""

import pytest

from .conftest import Say
from .late import ASKED, SHOPS, late

pytestmark = pytest.mark.net


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", SHOPS)
async def test_a_write_that_arrives_after_the_end_changes_nothing(name: str, asked: str, say: Say) -> None:
    found = await late(SHOPS[name], ASKED[asked])
    say("writes that came too late", found.writes)
    assert found.odd == []
    assert found.writes >= 6
