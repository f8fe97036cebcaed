"""A cluster for a test: where it cannot run, CI fails and a person's run says so."""

import os
from typing import NoReturn

import pytest

from .binaries import Missing
from .cluster import Cluster


def cannot_run(why: object) -> NoReturn:
    """The test needs a cluster and there is none."""
    text = f"the embedded cluster cannot run here: {why}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text)
    pytest.skip(text)


def started(name: str, *, scrape_seconds: float = 2.0) -> Cluster:
    """One of the test's own, for what stops or delays parts of it."""
    try:
        return Cluster.start(name, scrape_seconds=scrape_seconds)
    except Missing as error:
        cannot_run(error)
