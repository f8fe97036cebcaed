"""`kubectl hotfix watch`: a rollout while it happens. A picture that changes on a terminal, else one line per change."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hotfix.core import moments
from hotfix.ports import Clock, Stored

from .following import Follower
from .shown import UNSEEN, Outcome, coming, outcome, rates, sentence, state

NEWEST = 6  # decisions in the picture
CHANGING = ("phase", "stage", "weight", "held")


async def watch(follower: Follower, console: Console, clock: Clock) -> Outcome:
    """Show it until it has ended, and how it did. Raises NotFound when it is not there, or is deleted meanwhile."""
    lines = Lines(console, clock)
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    stored: Stored | None = await follower.first()
    with live or nullcontext():
        while stored is not None:
            if live:
                live.update(picture(stored), refresh=True)
            else:
                lines.show(stored)
            if (ended := outcome(stored)) is not Outcome.GOING:
                return ended
            stored = await follower.next()
    return Outcome.GOING


class Lines:
    """What changed since the last look: decisions, then what the status says. Numbers alone are no change."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._known: set[tuple[Any, Any]] | None = None  # decisions; None before the first look, whose decisions are history
        self._last: list[Any] = []

    def show(self, stored: Stored) -> None:
        """One look."""
        status = stored.status
        decisions = {(entry.get("sequence"), entry.get("time")): entry for entry in status.get("decisions") or ()}
        for known, entry in decisions.items():
            if self._known is not None and known not in self._known:
                self._print(decided(entry))
        self._known = {*(self._known or ()), *decisions}
        present = [*map(status.get, CHANGING), (status.get("verdict") or {}).get("state")]
        if present != self._last:
            self._print(f"{moments.whole_seconds(self._clock.now())}  {sentence(status, verdict=True)}")
        self._last = present

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def decided(entry: dict[str, Any]) -> str:
    """A decision: when, what, and why."""
    return f"{entry.get('time')}  {entry.get('what')}: {entry.get('message') or entry.get('reason')}"


def picture(stored: Stored) -> Panel:
    """All that matters of one moment."""
    status = stored.status
    facts = Table(box=None, show_header=False, pad_edge=False)
    for what, text in _facts(status):
        facts.add_row(Text(what), Text(text))
    newest = [Text(decided(entry)) for entry in (status.get("decisions") or ())[-NEWEST:]]
    head = (Text(state(status), style="bold"), Text(status.get("message") or UNSEEN), Text())
    return Panel(Group(*head, facts, Text(), *newest), title=Text(str(stored.key)))


def _facts(status: Any) -> Iterator[tuple[str, str]]:
    verdict = status.get("verdict") or {}
    named = (
        ("held", status.get("held")),
        ("verdict", verdict.get("state")),
        *rates(status),
        ("evidence", verdict.get("evidence")),
        ("proven", verdict.get("proven")),
        ("next", coming(status)),
    )
    for what, text in named:
        if text:
            yield what, str(text)
