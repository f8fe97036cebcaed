"""A cluster for a test: where it cannot run, CI fails and a person's run says so; what one lacks is left out, and named."""

import os
from typing import NoReturn

import pytest

from . import chosen
from .binaries import Missing
from .provider import NEEDS, Provider


def cannot_run(why: object) -> NoReturn:
    """The test needs a cluster and there is none."""
    text = f"the embedded cluster cannot run here: {why}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text)
    pytest.skip(text)


def started(name: str, *, scrape_seconds: float = 2.0) -> Provider:
    """One of the test's own, for what stops or delays parts of it."""
    try:
        return chosen.PROVIDER.borrow(chosen.FOLDER, name, scrape_seconds)
    except Missing as error:
        cannot_run(error)


def leave_out(item: pytest.Item) -> None:
    """Skip what needs something that the chosen provider says it lacks; on the embedded one, where CI runs, nothing may be."""
    assert not (chosen.EMBEDDED and chosen.PROVIDER.lacks), "every story can be told on the embedded cluster"
    for need in (need for marker in item.iter_markers("needs") for need in marker.args):
        assert need in NEEDS, f"{item.nodeid}: nobody knows what {need!r} is"
        if need in chosen.PROVIDER.lacks:
            item.add_marker(pytest.mark.skip(reason=f"{LEFT_OUT} {chosen.NAME}: {chosen.PROVIDER.lacks[need]}"))


LEFT_OUT = "left out on"
