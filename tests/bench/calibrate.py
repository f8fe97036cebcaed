"""`make calibrate`: how often each question is answered wrongly on its exact boundary, at 50/50, beside the stated risk.

ROLLOUTS (1000) is the number of rollouts of each kind, SEED (1) the first seed. A reduced form is a test in tests/core.
"""

import math
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy
from rich.console import Console
from rich.table import Table

from hotfix.core.counting import Block, Count, Counter
from hotfix.core.evidence import Noise, Question, State, extend
from hotfix.core.questions import questions
from hotfix.core.terms import CLIENT_ERRORS_MARGIN, FixTerms, SlowTerms, Terms
from tests.core.made import INTERVAL, START, terms

PODS, BLOCKS = 6, 100
Z95 = 1.959964


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A question on its boundary: rates of (patched, stable) of its counter, requests a scrape of both sides together."""

    name: str
    requests: int
    rates: tuple[float, float]

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.name}, {self.requests} requests a scrape, stable {100 * self.rates[1]:g} %"


def asked(stable: float) -> Terms:
    """Everything is asked, with the defaults of a manifest; stable's rate of every counter is the same."""
    known = tuple((counter, stable) for counter in (Counter.BAD, Counter.TARGET, Counter.CLIENT_ERRORS, Counter.SLOW))
    return terms(
        rates=known,
        sigma2=tuple((counter, 0.02) for counter, _ in known),
        late_blocks=BLOCKS,
        fix=FixTerms(min_reduction=0.5, expected_reduction=0.8, required=True),
        client_errors=True,
        slow=SlowTerms(delta=0.02, required=True),
    )


def question(name: str, stable: float) -> Question:
    """By the name of its field."""
    found = getattr(questions(asked(stable)), name)
    assert isinstance(found, Question)
    return found


def edges() -> Iterator[Edge]:
    """Every question at two rates and two amounts of traffic."""
    for requests in (20, 2000):
        for stable in (0.001, 0.05):
            yield Edge(name="worse", requests=requests, rates=(stable + 0.001, stable))
            yield Edge(name="not_worse", requests=requests, rates=(stable + 0.005, stable))
            yield Edge(name="fixed", requests=requests, rates=(0.5 * stable, stable))
            yield Edge(name="not_fixed", requests=requests, rates=(0.2 * stable, stable))
            yield Edge(name="client_errors", requests=requests, rates=(stable + CLIENT_ERRORS_MARGIN, stable))
            yield Edge(name="slow", requests=requests, rates=(stable + 0.004, stable))
            yield Edge(name="not_slow", requests=requests, rates=(stable + 0.02, stable))


def fires(edge: Edge, seed: int) -> bool:
    """Whether the wrong answer is given in one rollout of 100 scrapes."""
    random, put = numpy.random.default_rng(seed), question(edge.name, edge.rates[1])
    noise, state = Noise(asked(edge.rates[1]).sigma2, START), State()
    for place in range(BLOCKS):
        n = [int(random.poisson(edge.requests / 2)) for _ in edge.rates]
        x = [int(random.binomial(count, rate)) for count, rate in zip(n, edge.rates, strict=True)]
        if not all(n):
            continue
        sides = [Count(c, b, PODS, client_errors=b, target=b, slow=b) for c, b in zip(n, x, strict=True)]
        state = extend(put, state, Block(START + place * INTERVAL, START + (place + 1) * INTERVAL, *sides), noise)
        if state.log_max >= put.log_threshold:
            return True
    return False


def main() -> None:
    """Measure and print."""
    rollouts, seed = int(os.environ.get("ROLLOUTS", "1000")), int(os.environ.get("SEED", "1"))
    table = Table("wrong answer to", "stated", "measured", "95 % Monte-Carlo interval")
    kept = True
    with multiprocessing.Pool() as pool:
        for edge in edges():
            hits = sum(pool.map(partial(fires, edge), range(seed, seed + rollouts), chunksize=16))
            level, p = question(edge.name, edge.rates[1]).level, hits / rollouts
            half = Z95 * math.sqrt(max(p * (1 - p), 1 / rollouts) / rollouts)
            kept = kept and p - half <= level
            interval = f"{100 * max(0, p - half):.2f} to {100 * (p + half):.2f} %"
            table.add_row(edge.label, f"{100 * level:g} %", f"{100 * p:.2f} %", interval)
    Console(width=120).print(table)
    verdict = "no risk is larger than stated" if kept else "A RISK IS LARGER THAN STATED"
    print(f"{rollouts} rollouts of {BLOCKS} scrapes each; {verdict}")
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
