"""What the demo says at its end. That it promotes and rolls back is seen by running it."""

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.cluster.binaries import Missing
from tests.cluster.load import Answer

from .ending import Outcome, exit_code, report

ROOT = Path(__file__).parents[2]


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def broken(error: BaseException) -> Callable[[Console], bool]:
    def story(_: Console) -> bool:
        raise error

    return story


FAILURES = [
    (Missing("the program `ip` is missing"), 1, "This cannot run here: the program `ip` is missing"),
    (
        RuntimeError("kubectl apply: no such [thing]\nthe first line\nthe last line"),
        1,
        "broke off: kubectl apply: no such [thing]",
    ),
    (TimeoutError("not within 60 s: checkout is ready"), 1, "broke off: not within 60 s: checkout is ready"),
    (KeyError("status"), 1, "broke off: KeyError: 'status'"),
    (KeyboardInterrupt(), 130, "Stopped."),
]


@pytest.mark.parametrize(("error", "code", "sentence"), FAILURES, ids=[type(row[0]).__name__ for row in FAILURES])
def test_whatever_breaks_it_off_is_said_in_a_sentence(error: BaseException, code: int, sentence: str) -> None:
    to = console()
    assert exit_code(to, broken(error)) == code
    assert sentence in said(to)
    assert "Traceback" not in said(to)


def test_the_place_of_a_failure_is_shown_to_whom_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="as it was"):
        exit_code(console(), broken(RuntimeError("as it was")))


def test_the_last_lines_of_a_long_failure_are_shown() -> None:
    to = console()
    exit_code(to, broken(RuntimeError("building contour failed:\n" + "\n".join(f"line {number}" for number in range(30)))))
    assert "line 29" in said(to)
    assert "line 3\n" not in said(to)


def answer(status: int, backend: str, lost: str = "") -> Answer:
    return Answer(0.0, 0.1, status, backend, "", lost, 0)


GOOD = [answer(200, "checkout-5f4-x2x")] * 9
MIXED = [answer(500, "checkout-5f4-x2x"), answer(500, "checkout-hotfix-77d-abc"), answer(0, "", "timeout")]


def outcome(answers: list[Answer], *, right: bool = True) -> Outcome:
    return Outcome("a story", "Promoted", right, 30.0, answers, "checkout-hotfix", "stable runs sample:1.1")


def test_what_failed_and_what_was_lost_is_counted_for_each_story_alone() -> None:
    first, second = outcome(GOOD + MIXED), outcome(GOOD)
    assert (first.bad, first.bad_by_patch, first.lost) == (3, 1, 1)
    assert (second.bad, second.bad_by_patch, second.lost) == (0, 0, 0)


@pytest.mark.parametrize(
    ("right", "lost", "after", "good"),
    [(True, 0, 0.001, True), (False, 0, 0.001, False), (True, 1, 0.001, False), (True, 0, 0.04, False)],
)
def test_it_is_good_only_when_all_of_it_is(right: bool, lost: int, after: float, good: bool) -> None:
    to = console()
    assert report(to, [outcome(GOOD), outcome(GOOD, right=right)], before=0.05, after=after, lost=lost) is good
    assert ("All of it went as it should." in said(to)) is good
    assert f"requests lost from start to end: {lost}" in said(to)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: the path of a socket has at most 107 characters, and tmp_path is longer under xdist."""
    with tempfile.TemporaryDirectory(prefix="stop-") as name:
        yield Path(name)


@pytest.mark.cluster
def test_ctrl_c_in_the_middle_ends_everything_and_leaves_nothing(short: Path) -> None:
    env = {**os.environ, "TMPDIR": str(short), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tests.demo"]
    lines = []
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:  # until it has ended
            lines.append(line)
            if "A shop under" in line and lines.count(line) == 1:  # what was being written may be written again
                running.send_signal(signal.SIGINT)
    text = "".join(lines)
    assert running.returncode == 130, text
    assert "Stopped." in text
    assert "Traceback" not in text
    assert list(short.iterdir()) == []
