"""The nets say how much went through them; tests/conftest.py adds it up."""

from collections.abc import Callable

import pytest

from tests.conftest import NET

from .garbage import collect_rarely

Say = Callable[[str, int], None]


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Count something of a net: `say("cells decided", 1200)`."""
    return lambda what, number: record_property(NET + what, number)


@pytest.fixture(autouse=True, scope="session")
def _collecting_rarely() -> None:
    collect_rarely()
