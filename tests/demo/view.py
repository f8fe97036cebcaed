"""What a responder sees while it happens: weights, rates of both sides, evidence, what comes next. Drawing only."""

import datetime
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tests.cluster.load import Answer

from .ending import side

WINDOW_SECONDS = 5.0
ENDS = ("Promoted", "RolledBack")
LEGEND = "'evidence  not worse 12 of 20': a score, and the mark at which it counts as proven (with the stated risk of an error)"


@dataclass(frozen=True)
class Side:
    """One side of the table."""

    title: str
    image: str
    weight: str
    rate: float
    errors: float | None


def sides(answers: Iterable[Answer], weights: dict[str, int], images: dict[str, str]) -> list[Side]:
    """Requests and errors of the last seconds by Deployment (stable's first), told by the pods that answered."""
    recent = [answer for answer in answers if answer.sent > time.time() - WINDOW_SECONDS - 1]
    total = sum(weights.values()) or 1
    rows = []
    for role, (name, image) in zip(("stable", "patched"), images.items(), strict=True):
        mine = [answer for answer in recent if side(answer) == name]
        bad = sum(answer.bad for answer in mine) / len(mine) if mine else None
        rows.append(
            Side(f"{role}: {name}", image, f"{100 * weights.get(name, 0) / total:.0f} %", len(mine) / (WINDOW_SECONDS + 1), bad)
        )
    return rows


@dataclass
class View:
    """A live table on a terminal, plain lines elsewhere."""

    console: Console
    title: str
    live: Live | None = field(default=None, init=False)
    printed: int = field(default=0, init=False)
    started: float = field(default_factory=time.time, init=False)

    def __enter__(self) -> "View":
        if self.console.is_terminal:
            self.live = Live(console=self.console, refresh_per_second=4)
            self.live.start()
        else:
            self.console.print(f"--- {self.title}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def show(self, status: dict[str, Any], rows: list[Side]) -> None:
        """One moment."""
        decisions = status.get("decisions", [])
        if self.live:
            self.live.update(self._panel(status, rows, decisions))
            return
        for entry in [d for d in decisions if d["sequence"] > self.printed]:
            self.printed = entry["sequence"]
            self.console.print(self._told(entry), highlight=False, soft_wrap=True)

    def _told(self, entry: dict[str, Any]) -> Text:
        """A decision: when, what, and why."""
        seconds = datetime.datetime.fromisoformat(entry["time"]).timestamp() - self.started
        why = entry.get("message") or entry["reason"]
        return Text(f"{max(seconds, 0.0):5.0f} s  {entry['what']:<12} {why}", no_wrap=self.live is not None, overflow="ellipsis")

    def _panel(self, status: dict[str, Any], rows: list[Side], decisions: list[dict[str, Any]]) -> Panel:
        table = Table(expand=True, box=None)
        for heading in ("side", "image", "weight", "requests/s", "errors"):
            table.add_column(heading)
        for row in rows:
            errors = "-" if row.errors is None else f"{100 * row.errors:.1f} %"
            table.add_row(row.title, row.image, row.weight, f"{row.rate:.0f}", errors)
        verdict = status.get("verdict") or {}
        lines = [
            Text(f"{status.get('phase', '')}   {status.get('message', '')}", style="bold"),
            Text(f"next      {status.get('next') or '-'}"),
        ]
        if status.get("phase") not in ENDS:  # then the decision itself says what it rested on
            lines += [Text(f"evidence  {verdict.get('evidence', '-')}"), Text(f"proven    {verdict.get('proven', '-')}")]
        events = [self._told(entry) for entry in decisions[-6:]]
        return Panel(Group(table, Text(), *lines, Text(), *events), title=f"{self.title}  {time.time() - self.started:.0f} s")
