"""How the demo ends: what happened as a table, and one sentence and an exit code for whatever broke it off."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.cluster.binaries import Missing
from tests.cluster.load import Answer

STOPPED = 130  # what a shell says of a program that Ctrl-C ended
DETAILS = 6


@dataclass(frozen=True)
class Outcome:
    """One story, for the closing table."""

    story: str
    ended: str
    right: bool
    seconds: float
    answers: Sequence[Answer]  # to the requests sent meanwhile
    patched: str
    note: str

    @property
    def bad(self) -> int:
        """Requests that failed, whoever answered them."""
        return sum(answer.bad for answer in self.answers)

    @property
    def bad_by_patch(self) -> int:
        """Requests that patched's pods failed."""
        return sum(answer.bad for answer in self.answers if side(answer) == self.patched)

    @property
    def lost(self) -> int:
        """Requests that no pod answered."""
        return sum(bool(answer.lost) for answer in self.answers)


def side(answer: Answer) -> str:
    """The Deployment whose pod answered; empty when none did."""
    return answer.backend.rsplit("-", 2)[0]


def report(console: Console, outcomes: Sequence[Outcome], *, before: float, after: float, lost: int) -> bool:
    """The closing table; True when everything went as it should. `lost` is of the whole demo, not only of its stories."""
    table = Table(title="What happened")
    for heading in ("", *(one.story for one in outcomes)):
        table.add_column(heading)
    rows: dict[str, Callable[[Outcome], str]] = {
        "ended": lambda one: f"{one.ended}, {'[green]as it should[/]' if one.right else '[red]WRONG[/]'}",
        "time": lambda one: f"{one.seconds:.0f} s",
        "requests": lambda one: str(len(one.answers)),
        "failed": lambda one: str(one.bad),
        "failed by the patch": lambda one: str(one.bad_by_patch),
        "lost": lambda one: str(one.lost),
        "afterwards": lambda one: one.note,
    }
    for name, told in rows.items():
        table.add_row(name, *map(told, outcomes))
    console.print(table)
    console.print(
        f"errors users saw: {100 * before:.1f} % before, {100 * after:.2f} % now; requests lost from start to end: {lost}"
    )
    good = all(one.right for one in outcomes) and lost == 0 and after < before / 5
    console.print("[green]All of it went as it should.[/]" if good else "[red]Not all of it went as it should.[/]")
    return good


def exit_code(console: Console, story: Callable[[Console], bool]) -> int:
    """0 when the story is told and true; else 1, or 130 when it was stopped, after one sentence that says why."""
    try:
        return 0 if story(console) else 1
    except KeyboardInterrupt:
        console.print("\n[yellow]Stopped.[/] The cluster has ended, and nothing is left behind.")
        return STOPPED
    except Missing as error:
        console.print(f"[red]This cannot run here:[/] {escape(str(error))}", highlight=False)
    except Exception as error:  # whatever it is, a newcomer gets a sentence and not a traceback
        if os.environ.get("TRACEBACK"):
            raise
        _broken_off(console, error)
    return 1


def _broken_off(console: Console, error: Exception) -> None:
    first, *more = str(error).strip().split("\n")
    what = first if isinstance(error, RuntimeError | OSError) and first else f"{type(error).__name__}: {first}"
    console.print(f"\n[red]The demo broke off:[/] {escape(what)}", highlight=False)
    for line in more[-DETAILS:]:
        console.print(f"  {escape(line)}", style="dim", highlight=False)
    console.print("The cluster has ended. TRACEBACK=1 make demo says where it was; HOTFIX_KEEP_LOGS=1 keeps the logs.")
