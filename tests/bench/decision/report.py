"""The tables: for each cell what ours reached of what is asked, beside the other tools, and where ours is not the best."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from .cells import Cell
from .intervals import Measured, mean, median, share
from .runs import PROMOTED, Run

OURS = "ours"


@dataclass(frozen=True)
class Found:
    """One rule in one cell: shares that ended wrongly and rightly, seconds until the right end was had (patched's nearly all
    traffic, or its rollback; the median), and what users saw in an hour (errors of all, or bad requests of a bad patch; the mean
    over all rollouts, so that a rare disaster counts)."""

    wrong: Measured
    right: Measured
    seconds: Measured
    harm: Measured


def found(cell: Cell, runs: Sequence[Run]) -> Found:
    """The numbers of a rule in a cell."""
    good = cell.right == PROMOTED
    rightly = [run for run in runs if run.end == cell.right]
    times = [run.reached if good else run.seconds for run in rightly]
    return Found(
        wrong=cell.found(runs, cell.wrong),
        right=share(len(rightly), len(runs)),
        seconds=median([time for time in times if time is not None]),
        harm=mean([run.errors if good else run.bad for run in runs]),
    )


def better(mine: Found, theirs: Found) -> list[str]:
    """In which of the three another rule is better, its interval beyond ours. Its time counts only where it is right as often
    and not more often wrong."""
    result = []
    if theirs.wrong.high < mine.wrong.low:
        result.append("fewer wrong")
    as_often = theirs.right.high >= mine.right.low and theirs.wrong.low <= mine.wrong.high
    if as_often and theirs.seconds.high < mine.seconds.low:
        result.append("sooner")
    if theirs.harm.high < mine.harm.low:
        result.append("less harm")
    return result


def not_best(all_found: Mapping[str, Found]) -> str:
    """Who is better than ours, and in what; empty where nobody is."""
    mine = all_found[OURS]
    ways = {name: better(mine, theirs) for name, theirs in all_found.items() if name != OURS}
    return "; ".join(f"{name}: {', '.join(found)}" for name, found in ways.items() if found)


def judged(cell: Cell, runs: Sequence[Run]) -> list[dict[str, object]]:
    """Every target of a cell, what was measured, and whether the interval excludes it."""
    rows: list[dict[str, object]] = []
    for ask in cell.asks:
        measured = cell.found(runs, ask.what)
        rows.append(
            {"asked": ask.text(), "stated": ask.stated, "met": ask.met(measured), "share": ask.is_share, **asdict(measured)}
        )
    return rows


def percent(measured: Measured) -> str:
    """A share for people."""
    return Measured(*(100 * number for number in (measured.value, measured.low, measured.high))).shown("{:.1f}") + " %"


def said(row: Mapping[str, object]) -> str:
    """One target for people."""
    measured = Measured(*(float(str(row[key])) for key in ("value", "low", "high")))
    number = percent(measured) if row["share"] else measured.shown()
    return f"{row['asked']}: {number}" + ("" if row["met"] else " MISSED")


def cell_text(one: Found) -> str:
    """One rule in one cell, for people."""
    return f"{percent(one.wrong)} wrong\n{percent(one.right)} right\n{one.seconds.shown()} s\n{one.harm.shown()} bad"


def table(title: str, rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> Table:
    """The cells of one world. `rows`: as `entry` makes them."""
    made = Table("rps", "asked of ours", *names, title=title, title_justify="left", show_lines=True)
    for row in rows:
        asked = "\n".join(said(ask) for ask in row["asks"]) or "-"  # type: ignore[attr-defined]
        beaten = row["not_best"]
        texts = [str(row["texts"][name]) for name in names]  # type: ignore[index]
        made.add_row(f"{row['rps']:g}", asked + (f"\nNOT BEST: {beaten}" if beaten else "\nbest, or not told from it"), *texts)
    return made


def entry(cell: Cell, runs: Mapping[str, Sequence[Run]]) -> dict[str, object]:
    """One cell as it is written to the file and shown."""
    numbers = {name: found(cell, ended) for name, ended in runs.items()}
    return {
        "world": cell.world.name,
        "rps": cell.world.rps,
        "right": cell.right,
        "rollouts": {name: len(ended) for name, ended in runs.items()},
        "asks": judged(cell, runs[OURS]),
        "not_best": not_best(numbers),
        "rules": {name: asdict(one) for name, one in numbers.items()},
        "texts": {name: cell_text(one) for name, one in numbers.items()},
    }
