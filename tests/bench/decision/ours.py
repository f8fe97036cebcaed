"""One rollout in a world, decided by the production engine: baseline, start, judgement and bounds are the operator's own, and the
few lines between them follow core/analysing.py, with acknowledgement and pods taken as instant.

The operator judges a scrape one scrape later. Times are those of the newest scrape that was judged; the requests of the scrape in
between go where they went, and are counted.
"""

from dataclasses import dataclass

from hotfix.core.baseline import baseline_of
from hotfix.core.counting import Block, Count, Counter
from hotfix.core.judging import judge
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.start_weight import HELD_BLOCKS, MINIMUM_BLOCKS, MINIMUM_SECONDS, best_start
from hotfix.core.terms import FixTerms, Terms

from .worlds import HISTORY_BLOCKS, Draws, World

BAKE_SECONDS, BAKE_WEIGHT = 600.0, 95
START = 1_700_000_000.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """How one rollout ended: `promoted`, `rolled back` or `undecided`; seconds to that, and to nearly all traffic; bad requests
    of patched; errors that clients saw."""

    end: str
    seconds: float
    reached: float | None
    bad: int
    errors: int


def history(draws: Draws) -> MetricsView:
    """An hour of stable."""
    world = draws.world
    totals: dict[int, list[int]] = {}
    samples: dict[int, list[tuple[float, list[int]]]] = {}
    for place in range(-HISTORY_BLOCKS, 1):
        moment = START + place * world.scrape_seconds
        for pod, counts in enumerate(draws.scrape(0)["stable"]):
            total = totals.setdefault(pod, [0, 0, 0])
            for column, count in enumerate(counts):
                total[column] += count
            samples.setdefault(pod, []).append((moment, list(total)))

    def series(column: int) -> tuple[Series, ...]:
        return tuple(
            Series(f"pod-{pod}|{column}", tuple((moment, float(counts[column])) for moment, counts in found))
            for pod, found in samples.items()
        )

    stable = SideSeries(requests=series(0), errors=series(1), target=series(2) if world.target else None)
    nothing = SideSeries(requests=(), errors=())
    start = START - HISTORY_BLOCKS * world.scrape_seconds
    return MetricsView(start=start, end=START, interval_seconds=world.scrape_seconds, patched=nothing, stable=stable)


def terms_of(world: World, past: MetricsView, weight: int, deadline: float) -> Terms:
    """The terms of a manifest with defaults."""
    learnt = baseline_of(past)
    return Terms(
        delta=0.005,
        alpha=0.01,
        beta=0.05,
        max_impact=0.02,
        ramp_weights=(1, 5, 25, 50),
        rates=tuple(learnt.rates.items()),
        sigma2=tuple(learnt.sigma2.items()),
        late_blocks=max(2, round(deadline / world.scrape_seconds)),
        interval_seconds=world.scrape_seconds,
        evidence_from=START,
        warm_until=START + 30,
        weight=weight,
        weight_since=START,
        bake_from=None,
        now=START,
        fix=FixTerms(min_reduction=0.5, expected_reduction=0.8, required=True) if world.target else None,
    )


def total(pods: list[tuple[int, int, int]], *, aimed: bool) -> Count:
    """One side's block."""
    requests, bad, target = (sum(pod[column] for pod in pods) for column in range(3))
    return Count(requests, bad, sum(1 for pod in pods if pod[0]), target=target if aimed else None)


def run(world: World, seed: int, *, start: int | None = None, deadline: float = 3600.0) -> Run:
    """One rollout; `start` is the first weight, the planner's where None."""
    draws = Draws(world, seed)
    past = history(draws)
    rate = baseline_of(past).request_rate or world.rps
    weight = start or best_start(terms_of(world, past, 1, deadline), rate).weight
    terms = terms_of(world, past, weight, deadline)
    blocks: list[Block] = []
    held = bad = errors = 0
    reached: float | None = None
    for number in range(round((deadline + BAKE_SECONDS) / world.scrape_seconds)):
        now = max(0, number - 1) * world.scrape_seconds
        judged = judge(terms, blocks[:-1]) if len(blocks) > 1 else None
        if judged and judged.findings.rejected:
            return Run(end="rolled back", seconds=now, reached=reached, bad=bad, errors=errors)
        if reached is not None and now - reached >= BAKE_SECONDS:
            return Run(end="promoted", seconds=now, reached=reached, bad=bad, errors=errors)
        if reached is None and now > deadline:
            break
        if judged and reached is None:
            enough = now >= max(MINIMUM_SECONDS, MINIMUM_BLOCKS * world.scrape_seconds)
            if judged.ramp_weight > weight:
                weight, held = judged.ramp_weight, -1
            elif judged.findings.proven and enough and held > HELD_BLOCKS:
                weight, reached = BAKE_WEIGHT, now
        found = draws.scrape(weight)
        held += 1
        begin = START + number * world.scrape_seconds
        aimed = world.target is not None
        patched, stable = (total(found[side], aimed=aimed) for side in ("patched", "stable"))
        blocks.append(Block(begin, begin + world.scrape_seconds, patched, stable))
        bad += patched.bad
        errors += patched.bad + stable.bad
    return Run(end="undecided", seconds=deadline, reached=reached, bad=bad, errors=errors)


__all__ = ["Counter", "Run", "run"]
