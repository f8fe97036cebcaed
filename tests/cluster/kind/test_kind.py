"""`make test-kind` without a cluster: what is missing is named, and the cluster goes however often its end is asked for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.provider import ROOT

from .cluster import missing

RUN = """
import pathlib, subprocess, sys, tempfile
from tests.cluster.kind import __main__ as run
cluster = run.Kind(pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1])), "fake", {})
cluster.version = "v0"
run.Kind.start = classmethod(lambda cls: cluster)
real = subprocess.Popen
SLEEPER = "import time; print('sleeps', flush=True); time.sleep(60)"
def popen(command, **more):
    return real(command if command[0] in ("docker", "kind") else [sys.executable, "-c", SLEEPER], **more)
run.subprocess.Popen = popen
sys.argv[1:] = []
sys.exit(run.main())
"""


def program(folder: Path, name: str, text: str) -> None:
    """One on the PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("there", ["docker", "kind"])
def test_what_lacks_one_of_the_two_is_told_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str) -> None:
    program(tmp_path, there, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "make test-kind needs Docker" in missing()
    program(tmp_path, "kind" if there == "docker" else "docker", "exit 0")
    assert missing() == ""


def test_a_second_interrupt_does_not_keep_the_cluster(tmp_path: Path) -> None:
    asked, deleting = tmp_path / "asked", tmp_path / "deleting"
    os.mkfifo(deleting)
    program(tmp_path, "docker", "exit 0")
    program(tmp_path, "kind", f'echo deletes >{deleting}; cat {deleting} >/dev/null; echo "$@" >>{asked}')
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sleeps\n"
        os.killpg(process.pid, signal.SIGINT)
        assert deleting.read_text() == "deletes\n"
        os.killpg(process.pid, signal.SIGINT)
        deleting.write_text("go on")
        assert process.wait(20) == 130
    assert asked.read_text() == "delete cluster --name fake\n"
