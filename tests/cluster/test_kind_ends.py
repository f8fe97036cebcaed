"""`make test-kind` says what it lacks, and its cluster goes whatever happens."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .kind.cluster import NEEDS_DOCKER, NEEDS_KIND, Kind, missing
from .provider import ROOT

PROGRAM = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case "$*" in
*delete*) sleep 1; echo ended >> "$CALLS";;
*create*) exec sleep 600;;
esac
"""
# stands in for the stories, in a cluster that nobody made
TELLING = """
import os, pathlib, sys
from tests.cluster.kind import __main__ as kind
home = pathlib.Path(os.environ["HOME_OF_CLUSTER"])
kind.Kind.start = classmethod(lambda cls, name: cls(home, "hotfix-kind-x", {"gateway": "", "prometheus": ""}))
kind.Kind.version = "v0"
kind.sys.executable = os.environ["STORIES"]
sys.exit(kind.main())
"""
# a cluster whose making takes long
MAKING = """
import pathlib, sys
from tests.cluster.kind import __main__ as kind
kind.binaries.ensure = lambda log, needed: pathlib.Path()
kind.images.build = lambda programs, log: []
sys.exit(kind.main())
"""
STORIES = """#!/bin/sh
echo begun >> "$CALLS"
exec sleep 600
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was called, where `docker` and `kind` are the ones of this test."""
    found = tmp_path / "calls"
    found.touch()
    for name, text in (("docker", PROGRAM), ("kind", PROGRAM), ("stories", STORIES)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(found))
    return found


def _telling(folder: Path, home: Path, text: str, output: int) -> subprocess.Popen[bytes]:
    told = {"HOME_OF_CLUSTER": str(home), "STORIES": str(folder / "stories"), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    env = {**os.environ, **told}
    return subprocess.Popen([sys.executable, "-c", text], env=env, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_cluster_goes_although_somebody_is_impatient(calls: Path, tmp_path: Path, ending: signal.Signals) -> None:
    home = tmp_path / "home"
    home.mkdir()
    named = Kind(home, "hotfix-kind-x", {"gateway": "", "prometheus": ""})
    with _telling(tmp_path, home, TELLING, subprocess.DEVNULL) as running:
        named.until(lambda: "begun" in calls.read_text(), "the stories have begun")
        running.send_signal(ending)
        named.until(lambda: "delete cluster --name hotfix-kind-x" in calls.read_text(), "it is deleted")
        running.send_signal(ending)
        assert running.wait(timeout=60) == 130
    assert "ended" in calls.read_text(), "the deletion came to its end"
    assert not home.exists()


def test_the_cluster_goes_although_nobody_reads_what_is_said(calls: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    named = Kind(home, "hotfix-kind-x", {"gateway": "", "prometheus": ""})
    with _telling(tmp_path, home, TELLING, subprocess.PIPE) as running:
        named.until(lambda: "begun" in calls.read_text(), "the stories have begun")
        assert running.stdout is not None
        running.stdout.close()
        running.send_signal(signal.SIGINT)
        running.wait(timeout=60)
    assert "ended" in calls.read_text(), "the deletion came to its end"
    assert not home.exists()


def test_a_cluster_that_is_being_made_goes_although_somebody_is_impatient(calls: Path, tmp_path: Path) -> None:
    named = Kind(tmp_path, "", {"gateway": "", "prometheus": ""})
    with _telling(tmp_path, tmp_path, MAKING, subprocess.DEVNULL) as running:
        named.until(lambda: "create cluster" in calls.read_text(), "it is being made")
        running.send_signal(signal.SIGINT)
        named.until(lambda: "delete cluster --name hotfix-kind-" in calls.read_text(), "it is deleted")
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
    assert "ended" in calls.read_text(), "the deletion came to its end"
    assert not list(tmp_path.glob("hotfix-kind-*"))


@pytest.mark.parametrize("lacking", ["docker", "kind"])
def test_what_is_lacking_is_named_with_how_to_get_it(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    assert missing() == ""
    (tmp_path / lacking).unlink()
    for tool in ("make", "bash", "sed"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing() == f"{NEEDS_DOCKER}\n{NEEDS_KIND}"
    assert bool(missing(images_alone=True)) == (lacking == "docker")
    make = ["make", "-C", str(ROOT), "--no-print-directory", "test-kind"]
    made = subprocess.run(make, capture_output=True, text=True, check=False)
    assert made.returncode
    assert f"{NEEDS_DOCKER}\n{NEEDS_KIND}\n" in made.stderr
    assert "setting up" not in made.stdout
