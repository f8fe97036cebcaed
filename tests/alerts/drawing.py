"""The dashboard as a picture, without Grafana: every panel at its place with what Prometheus answered. No tests here.

`python -m tests.alerts.drawing http://prometheus:9090 dashboard.svg [minutes]` draws what a Prometheus has.
"""

import itertools
import math
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from .asking import Line, Shown, shown
from .rules import panels

COLUMN, ROW, MARGIN, HEAD, LEGEND = 50, 30, 8, 22, 14  # pixels; a dashboard is 24 columns wide
COLOURS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300")
UNITS = {"percent": " %", "s": " s", "ops": "/s", "bytes": " MB"}


def draw(found: Sequence[Shown]) -> str:
    """An SVG."""
    places = [one.panel["gridPos"] for one in found]
    width = 24 * COLUMN
    height = max(place["y"] + place["h"] for place in places) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#111217"/>',
        *(part for one in found for part in _panel(one)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(one: Shown) -> Iterable[str]:
    place = one.panel["gridPos"]
    x, y = place["x"] * COLUMN + MARGIN / 2, place["y"] * ROW + MARGIN / 2
    width, height = place["w"] * COLUMN - MARGIN, place["h"] * ROW - MARGIN
    yield f'<g transform="translate({x:g},{y:g})"><rect width="{width}" height="{height}" fill="#181b1f" stroke="#2c3235"/>'
    yield _text(8, 15, one.panel["title"], "#d8d9da")
    if one.panel["type"] == "stat":
        value = max((line[-1][1] for line in one.lines.values()), default=math.nan)
        size = f'font-size="34" fill="{_coloured(one, value)}" text-anchor="middle"'
        yield f'<text x="{width / 2:g}" y="{height / 2 + 20:g}" {size}>{_number(value, one)}</text>'
    else:
        yield from _chart(one, width, height)
    yield "</g>"


def _coloured(one: Shown, value: float) -> str:
    steps = one.panel["fieldConfig"]["defaults"].get("thresholds", {"steps": [{"color": "white", "value": None}]})["steps"]
    return str([step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1])


def _chart(one: Shown, width: float, height: float) -> Iterable[str]:
    lines = {name: line for name, line in sorted(one.lines.items()) if line}
    if not lines:
        yield _text(width / 2 - 20, height / 2, "No data", "#8e8e8e")
        return
    left, top, right = 58, HEAD + 4, width - 10
    bottom = height - 18 - LEGEND * math.ceil(len(lines) / 2)
    begin, end = one.begin, one.end
    gap = 1.5 * one.step / (end - begin) * (right - left)
    most = max((value for line in lines.values() for _, value in line if math.isfinite(value)), default=0.0) or 1.0
    most = one.panel["fieldConfig"]["defaults"].get("max", most)
    for share in (0.0, 0.5, 1.0):
        at = bottom - share * (bottom - top)
        yield f'<line x1="{left}" x2="{right:g}" y1="{at:.1f}" y2="{at:.1f}" stroke="#2c3235"/>'
        yield _text(6, at + 4, _number(share * most, one), "#8e8e8e")
    yield _text(left, bottom + 13, f"{end - begin:.0f} s", "#8e8e8e")
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [
            (left + (at - begin) / (end - begin) * (right - left), bottom - value / most * (bottom - top))
            for at, value in line
            if math.isfinite(value)
        ]
        yield f'<path d="{_path(placed, gap)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        column, row = number % 2, number // 2
        yield _text(left + column * (width - left) / 2, bottom + 13 + LEGEND * (row + 1), f"— {name}", colour)


def _path(points: Line, gap: float) -> str:
    """Points that are further apart are not joined."""
    joined = [x - before <= gap for (before, _), (x, _) in itertools.pairwise(points)]
    return " ".join(f"{'L' if to else 'M'}{x:.1f},{y:.1f}" for (x, y), to in zip(points, [False, *joined], strict=True))


def _number(value: float, one: Shown) -> str:
    unit = one.panel["fieldConfig"]["defaults"]["unit"]
    return f"{value / 1e6 if unit == 'bytes' else value:.3g}{UNITS.get(unit, '')}"


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:g}" y="{y:.1f}" fill="{colour}">{escape(text)}</text>'


def main() -> None:
    """From the command line."""
    url, file, seconds = sys.argv[1], Path(sys.argv[2]), 60 * float(sys.argv[3] if len(sys.argv) > 3 else 60)
    file.write_text(draw([shown(url, panel, seconds=seconds, step_seconds=max(1.0, seconds / 300)) for panel in panels()]))


if __name__ == "__main__":
    main()
