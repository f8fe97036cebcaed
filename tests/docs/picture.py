"""A recorded rollout as an SVG: failed requests, evidence, and patched's share over time. Nothing is computed about it here.

The picture has a background of its own, so that it can be read on pages of any colour.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from hotfix.core.reasons import Reason

from .evidence import Curve, Decision, Points, Story

WIDTH, LEFT, RIGHT, HEIGHT = 920, 64, 690, 656
TOP, FAILED, EVIDENCE, SERVED = 92, 90, 300, 80  # heights of what stands above the panels, and of the panels
GAP = 26
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
INK, GREY, PALE = "#1f2328", "#59636e", "#d1d9e0"
FOR = ("#0550ae", "#1a7f37", "#0e7490", "#3b5bdb", "#2f6f4f")
AGAINST = ("#b3261e", "#9a6700", "#a0348f", "#7d4e24")
DOTTED = "2 3"
SIDES = {"patched": INK, "stable": "#6e7781"}
WORDS: dict[str, str] = {
    Reason.ROLLING_BACK: "rolled back",
    Reason.EVIDENCE_SUFFICIENT: "proven: bake",
    Reason.PROMOTING: "promoted",
}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A rectangle with two axes. `low` and `high`: values at its bottom and top; `longest`: seconds at its right end."""

    top: float
    height: float
    low: float
    high: float
    longest: float

    def x(self, seconds: float) -> float:
        """Place of a moment."""
        return LEFT + (RIGHT - LEFT) * max(0.0, seconds) / self.longest

    def y(self, value: float) -> float:
        """Place of a value."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def frame(self, title: str, ticks: dict[float, str]) -> Iterator[str]:
        """Title, border, and lines at the ticks."""
        yield text(LEFT + 10, self.top - 7, title, colour=INK, weight="bold")
        for value, name in ticks.items():
            at = self.y(value)
            yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{PALE}"/>'
            yield text(LEFT - 6, at + 4, name, anchor="end")
        yield f'<rect x="{LEFT}" y="{self.top}" width="{RIGHT - LEFT}" height="{self.height}" fill="none" stroke="{GREY}"/>'

    def line(self, points: Points, colour: str, *, dashes: str = "", dots: bool = False) -> Iterator[str]:
        """Points joined by a line."""
        placed = [(self.x(at), self.y(value)) for at, value in points]
        path = " ".join(f"{'M' if not number else 'L'}{x:.1f},{y:.1f}" for number, (x, y) in enumerate(placed))
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
        if dots:
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in placed)


def text(x: float, y: float, words: str, *, colour: str = GREY, anchor: str = "start", weight: str = "normal") -> str:
    """Words at a place."""
    style = f'fill="{colour}" text-anchor="{anchor}"' + (' font-weight="bold"' if weight == "bold" else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def draw(told: Story, title: str, about: str) -> str:
    """The whole picture."""
    longest = max(told.seconds, *(at for curve in told.curves for at, _ in curve.points)) * 1.02
    top = TOP
    failed = Panel(top=top, height=FAILED, low=0, high=_round_up(told), longest=longest)
    top += FAILED + GAP
    low, high = _powers(told.curves)
    evidence = Panel(top=top, height=EVIDENCE, low=low, high=high, longest=longest)
    top += EVIDENCE + GAP
    served = Panel(top=top, height=SERVED, low=0, high=100, longest=longest)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        text(LEFT, 20, title, colour=INK, weight="bold"),
        text(LEFT, 36, about),
        *_failed(failed, told),
        *_evidence(evidence, told.curves),
        *_served(served, told),
        *_decided(told.decisions, failed, served.top + SERVED),
        *_seconds(served),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _powers(curves: Iterable[Curve]) -> tuple[int, int]:
    """Of ten, below and above everything, both even."""
    logs = [value for curve in curves for value in (curve.threshold, *(log for _, log in curve.points))]
    return 2 * math.floor(min(logs) / 2), 2 * math.ceil(max(logs) / 2)


def _power(exponent: int) -> str:
    """100 and 0.01 as they are, what is further from 1 as a power of ten."""
    return f"{10.0**exponent:g}" if -4 < exponent < 4 else f"10{str(exponent).translate(RAISED)}"


def _round_up(told: Story) -> float:
    most = max(value for points in told.failed.values() for _, value in points)
    return next(step for step in (1, 2, 5, 10, 20, 50, 100) if step >= most)


def _failed(panel: Panel, told: Story) -> Iterator[str]:
    yield from panel.frame("failed requests in each scrape", {share: f"{share:g} %" for share in (0, panel.high / 2, panel.high)})
    for number, (side, points) in enumerate(told.failed.items()):
        yield from panel.line(points, SIDES[side])
        yield from _legend(panel.top + 14 + 18 * number, side, SIDES[side])


def _evidence(panel: Panel, curves: Sequence[Curve]) -> Iterator[str]:
    step = 2 if panel.high - panel.low > 8 else 1
    yield from panel.frame("evidence", {power: _power(power) for power in range(int(panel.low), int(panel.high) + 1, step)})
    groups = (("for the patch", "proven", FOR, "", False), ("against it", "harm proven", AGAINST, "6 3", True))
    place = panel.top + 14
    for title, reached, colours, dashes, against in groups:
        some = [curve for curve in curves if curve.against is against]
        yield text(RIGHT + 14, place, title, colour=INK, weight="bold")
        for curve, colour in zip(some, colours, strict=False):
            place += 18
            yield from panel.line(curve.points, colour, dashes=dashes, dots=True)
            yield from _legend(place, curve.name, colour, dashes)
        for threshold in sorted({curve.threshold for curve in some}):
            place += 18
            yield from panel.line(((0.0, threshold), (panel.longest, threshold)), colours[0], dashes=DOTTED)
            yield from _legend(place, f"{reached} from {10**threshold:.0f} on", colours[0], DOTTED)
        place += 28


def _served(panel: Panel, told: Story) -> Iterator[str]:
    yield from panel.frame("patched's share of the requests", {share: f"{share} %" for share in (0, 50, 100)})
    steps: list[tuple[float, float]] = []
    for before, after in pairwise(told.decisions):
        steps += [(before.seconds, before.weight), (after.seconds, before.weight)]
    last = told.decisions[-1]
    steps += [(last.seconds, last.weight), (panel.longest, last.weight)]
    yield from panel.line(tuple(steps), INK)
    yield from panel.line(told.served, FOR[0], dashes="3 3")
    yield from _legend(panel.top + 14, "weight asked for", INK)
    yield from _legend(panel.top + 32, "served in each scrape", FOR[0], "3 3")


def _decided(decisions: Iterable[Decision], panel: Panel, bottom: float) -> Iterator[str]:
    """A line through all panels for each decision, with its words above."""
    for decision in decisions:
        x = panel.x(decision.seconds)
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{panel.top:.1f}" y2="{bottom:.1f}" stroke="{INK}" stroke-dasharray="1 3"/>'
            f'<path d="M{x:.1f},{panel.top:.1f} l-4,-6 h8 z" fill="{INK}"/>'
        )
        words = WORDS.get(decision.reason, "")
        anchor = "end" if x > RIGHT - 2 * GAP else "middle"
        yield text(x, panel.top - 24, f"{decision.weight} %" + (f" ({words})" if words else ""), colour=INK, anchor=anchor)


def _seconds(panel: Panel) -> Iterator[str]:
    step = next(step for step in (5, 10, 20, 30, 60) if panel.longest / step <= 10)
    bottom = panel.top + panel.height
    for number in range(int(panel.longest / step) + 1):
        yield text(panel.x(number * step), bottom + 15, f"{number * step}", anchor="middle")
    yield text((LEFT + RIGHT) / 2, bottom + 32, "seconds since the first weight", anchor="middle")


def _legend(y: float, name: str, colour: str, dashes: str = "") -> Iterator[str]:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    place = f'x1="{RIGHT + 14}" x2="{RIGHT + 40}" y1="{y - 4:.1f}" y2="{y - 4:.1f}"'
    yield f'<line {place} stroke="{colour}" stroke-width="2"{dashed}/>'
    yield text(RIGHT + 46, y, name, colour=colour)
