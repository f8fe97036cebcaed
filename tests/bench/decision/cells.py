"""The table of worlds, what is right and wrong in each, and what is asked of ours there.

Targets without a word after them are those of the design; `stated risk` marks what a manifest with defaults promises in every
world: at most 1 % of good patches rolled back, at most 5 % of bad ones promoted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .intervals import Measured, median, share
from .runs import PROMOTED, ROLLED_BACK, Run
from .worlds import World

RATES = (1, 10, 100, 1000)
HEALTHY, BUG = 0.001, 0.05
FALSE_ROLLBACK, FALSE_PROMOTION = 0.01, 0.05
CURED = 0.02  # of the bug's errors that a good fix leaves


@dataclass(frozen=True, kw_only=True)
class Ask:
    """`what`: the share that ended so, or the median of `seconds`, `reached` or `bad` over those that ended rightly. At most
    `limit`, or at least where `least`."""

    what: str
    limit: float
    least: bool = False
    stated: bool = False  # a risk that the manifest states, and no further target

    @property
    def is_share(self) -> bool:
        """A share of the rollouts."""
        return self.what in (PROMOTED, ROLLED_BACK)

    def met(self, found: Measured) -> bool:
        """The interval does not exclude it."""
        return found.high >= self.limit if self.least else found.low <= self.limit

    def text(self) -> str:
        """For people."""
        sign, word = ">=" if self.least else "<=", {"seconds": "decided after", "reached": "80 % after"}.get(self.what, self.what)
        number = f"{100 * self.limit:g} %" if self.is_share else f"{self.limit:g}" + ("" if self.what == "bad" else " s")
        return f"{word} {sign} {number}" + (" (stated risk)" if self.stated else "")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A world, which end is right and which is wrong in it, and what is asked of ours. `start`: the first weight where it is not
    left to the planner. Seconds."""

    world: World
    right: str
    asks: tuple[Ask, ...]
    start: int | None = None
    deadline: float = 3600.0

    @property
    def wrong(self) -> str:
        """The end that is wrong."""
        return PROMOTED if self.right == ROLLED_BACK else ROLLED_BACK

    @property
    def many(self) -> bool:
        """A target below 1 % needs four times the rollouts."""
        return any(ask.is_share and not ask.least and ask.limit < 0.01 for ask in self.asks)

    def found(self, runs: Sequence[Run], what: str) -> Measured:
        """What was measured of these runs."""
        if what in (PROMOTED, ROLLED_BACK):
            return share(sum(run.end == what for run in runs), len(runs))
        rightly = [run for run in runs if run.end == self.right]
        values = [getattr(run, what) for run in rightly]
        return median([value for value in values if value is not None])


def at_most(what: str, limit: float, *, stated: bool = False) -> Ask:
    return Ask(what=what, limit=limit, stated=stated)


def at_least(what: str, limit: float) -> Ask:
    return Ask(what=what, limit=limit, least=True)


def world(name: str, rps: float, patched: float, stable: float, **more: object) -> World:
    return World(name=name, rps=rps, patched=patched, stable=stable, **more)  # type: ignore[arg-type]


NO_FALSE_ROLLBACK = at_most(ROLLED_BACK, FALSE_ROLLBACK)
STATED_ROLLBACK = at_most(ROLLED_BACK, FALSE_ROLLBACK, stated=True)
STATED_PROMOTION = at_most(PROMOTED, FALSE_PROMOTION, stated=True)
FOUND_OUT = at_least(ROLLED_BACK, 0.99)


def cells() -> list[Cell]:
    """Every cell of the table."""
    return [*_bad(), *_healthy(), *_fixes(), *_edges(), *_proxies()]


SWIFT = (FOUND_OUT, at_most("seconds", 90), at_most("bad", 25))
RISKS = (STATED_PROMOTION,)


def _bad() -> Iterator[Cell]:
    """Patched is worse than stable, or no better where it claims to be."""
    crash = (FOUND_OUT, at_most("seconds", 60), at_most("bad", 60))
    yield Cell(world=world("crash, 1 % start", 100, 1.0, HEALTHY), right=ROLLED_BACK, asks=crash, start=1)
    for name, patched, more in (
        ("crash", 1.0, {}),
        ("+50 pp", HEALTHY + 0.5, {}),
        ("+5 pp", HEALTHY + 0.05, {}),
        ("+0.5 pp", HEALTHY + 0.005, {}),
        ("slow burn", HEALTHY, {"burn": (300.0, 900.0, 0.1)}),
        ("cures 0.5 %, breaks 2 %", HEALTHY + 0.02, {"target": (CURED * 0.005, 0.005)}),
        ("cures 5 %, refuses 10 % (4xx)", HEALTHY, {"target": (CURED * BUG, BUG), "client_errors": (0.11, 0.01)}),
        ("no effect", HEALTHY, {"target": (BUG, BUG)}),
    ):
        for rps in RATES:
            yield Cell(world=world(name, rps, patched, HEALTHY, **more), right=ROLLED_BACK, asks=_asked_of_bad(name, rps))


def _asked_of_bad(name: str, rps: float) -> tuple[Ask, ...]:
    if name == "+5 pp" and rps >= 10:
        return SWIFT
    if "4xx" in name:
        return ()  # the risk that is stated is that of failed requests; client errors are a rollback test alone
    if name == "+0.5 pp":
        return (at_most(PROMOTED, 0.005 if rps >= 100 else FALSE_PROMOTION),)
    if name == "no effect" and rps >= 100:
        return at_most("seconds", 135), at_most(PROMOTED, 0.002)
    return RISKS


def _healthy() -> Iterator[Cell]:
    """Patched is as good as stable; noise is that of single pods."""
    kinds = {"healthy": (0.005, {}), "noisy": (0.02, {"noise": 0.3}), "sticky noise": (0.02, {"noise": 0.3, "sticky": 4})}
    for name, (rate, more) in kinds.items():
        for rps in RATES:
            yield Cell(world=world(name, rps, rate, rate, **more), right=PROMOTED, asks=(NO_FALSE_ROLLBACK,))


def _fixes() -> Iterator[Cell]:
    """Patched cures what it is for."""
    for rps in RATES:
        cure = world("good hotfix", rps, HEALTHY, HEALTHY, target=(CURED * BUG, BUG))
        asks = (at_least(PROMOTED, 0.95), at_most("reached", 90)) if rps >= 10 else ()
        yield Cell(world=cure, right=PROMOTED, asks=(*asks, STATED_ROLLBACK))
    for rps in RATES:
        rare = world("good fix of a rare bug", rps, 0.0005, 0.0005, target=(CURED * 0.0005, 0.0005))
        yield Cell(world=rare, right=PROMOTED, asks=(STATED_ROLLBACK,))
    for rps in RATES:
        more = {"target": (CURED * BUG, BUG), "outage": (30.0, 930.0, 0.02)}
        outage = world("good, 2 % outage beside it", rps, HEALTHY, HEALTHY, **more)
        asks = (at_least(PROMOTED, 0.95),) if rps >= 10 else ()
        yield Cell(world=outage, right=PROMOTED, asks=(*asks, STATED_ROLLBACK))


def _edges() -> Iterator[Cell]:
    """On the exact boundary, at 50/50 for two hours."""
    for rps in (10, 100):
        edge = world("boundary, +0.5 pp, 50/50", rps, 0.01, 0.005)
        yield Cell(world=edge, right=ROLLED_BACK, asks=(at_most(PROMOTED, FALSE_PROMOTION),), start=50, deadline=7200.0)
        edge = world("boundary, +0.1 pp, 50/50", rps, 0.006, 0.005)
        yield Cell(world=edge, right=PROMOTED, asks=(NO_FALSE_ROLLBACK,), start=50, deadline=7200.0)


def _proxies() -> Iterator[Cell]:
    """One or two proxies count the requests of all pods; what pods differ by cannot be seen in their series."""
    for proxies, word in ((1, "1 proxy"), (2, "2 proxies")):
        for rps in (10, 100, 1000):
            more = {"noise": 0.3, "sticky": 4, "proxies": proxies}
            sticky = world(f"sticky noise, {word}", rps, 0.02, 0.02, **more)
            yield Cell(world=sticky, right=PROMOTED, asks=(NO_FALSE_ROLLBACK,))
        worse = world(f"+5 pp, {word}", 100, HEALTHY + 0.05, HEALTHY, proxies=proxies)
        yield Cell(world=worse, right=ROLLED_BACK, asks=SWIFT)
        cure = world(f"good hotfix, {word}", 100, HEALTHY, HEALTHY, target=(CURED * BUG, BUG), proxies=proxies)
        yield Cell(world=cure, right=PROMOTED, asks=(at_least(PROMOTED, 0.95), at_most("reached", 90), STATED_ROLLBACK))
