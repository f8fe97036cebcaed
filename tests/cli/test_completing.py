"""What kubectl is told when somebody presses Tab."""

import os
import subprocess
import sys

import pytest

from tests.tidy.tree import ROOT


def told(*words: str) -> list[str]:
    """Lines, of a process of its own: completion ends the process that it runs in."""
    program = "from hotfix.cli.completing import main; main()"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, env=env, check=True)
    return ran.stdout.splitlines()


def test_commands_are_completed() -> None:
    *found, directive = told("")
    assert {"promote", "rollback", "pause", "resume", "retry", "release", "acknowledge", "handover"} <= set(found)
    assert directive == ":4"


@pytest.mark.parametrize(
    ("words", "lines"),
    [(("pro",), ["promote", ":4"]), (("why", "--names"), ["--namespace", ":4"]), (("doctor", "-f", ""), [":0"])],
)
def test_words_are_completed_and_files_where_one_is_named(words: tuple[str, ...], lines: list[str]) -> None:
    assert told(*words) == lines
