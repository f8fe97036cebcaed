"""What a responder sees while it happens: weights, rates of both sides, evidence, what comes next. Drawing only."""

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

WINDOW_SECONDS = 5.0


@dataclass(frozen=True)
class Side:
    """One side of the table."""

    title: str
    image: str
    weight: str
    rate: float
    errors: float | None


def sides(answers: Iterable[Answer], weights: dict[str, int], images: dict[str, str]) -> list[Side]:
    """Requests and errors of the last seconds by Deployment, told by the pods that answered."""
    recent = [answer for answer in answers if answer.sent > time.time() - WINDOW_SECONDS - 1]
    total = sum(weights.values()) or 1
    rows = []
    for name, image in images.items():
        mine = [answer for answer in recent if answer.backend.rsplit("-", 2)[0] == name]
        bad = sum(answer.bad for answer in mine) / len(mine) if mine else None
        rows.append(Side(name, image, f"{100 * weights.get(name, 0) / total:.0f} %", len(mine) / (WINDOW_SECONDS + 1), bad))
    return rows


@dataclass
class View:
    """A live table on a terminal, plain lines elsewhere."""

    console: Console
    title: str
    live: Live | None = field(default=None, init=False)
    printed: int = field(default=0, init=False)
    started: float = field(default_factory=time.monotonic, init=False)

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
            self.console.print(
                f"{time.monotonic() - self.started:6.1f} s  {entry['what']}: {entry['reason']}: {entry.get('message', '')}"
            )

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
            Text(f"next      {status.get('next', '')}"),
            Text(f"evidence  {verdict.get('evidence', '-')}   proven: {verdict.get('proven', '-')}"),
        ]
        events = [Text(f"{entry['time'][11:19]}  {entry['what']:<12} {entry['reason']}") for entry in decisions[-5:]]
        return Panel(
            Group(table, Text(), *lines, Text(), *events), title=f"{self.title}  {time.monotonic() - self.started:.0f} s"
        )
