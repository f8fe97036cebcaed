"""The rules of the two best-known tools, as models: a success rate of patched alone over a window against a fixed threshold.

Rule 1 moves through fixed steps with pauses while an analysis runs beside it and fails after so many bad measurements. Rule 2
checks at an interval, moves by one step when the check passes, and rolls back after so many failed checks. Each with the numbers
of its documentation's first example, and in a fast form.
"""

from dataclasses import dataclass

from .ours import Run
from .worlds import Draws, World


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`success`: least success rate over `window_seconds`. `failures`: failed checks that roll back. `steps`: weights; the next
    one after `step_seconds`, in rule 2 only when the check passed."""

    name: str
    success: float
    check_seconds: float
    window_seconds: float
    failures: int
    steps: tuple[int, ...]
    step_seconds: float
    gated: bool


RULES = (
    Rule(
        name="steps, documented",
        success=0.95,
        check_seconds=300,
        window_seconds=300,
        failures=4,
        steps=(20, 40, 60, 80),
        step_seconds=600,
        gated=False,
    ),
    Rule(
        name="steps, fast",
        success=0.99,
        check_seconds=15,
        window_seconds=60,
        failures=2,
        steps=(10, 25, 50),
        step_seconds=60,
        gated=False,
    ),
    Rule(
        name="gated, documented",
        success=0.99,
        check_seconds=60,
        window_seconds=60,
        failures=5,
        steps=(10, 20, 30, 40, 50),
        step_seconds=60,
        gated=True,
    ),
    Rule(
        name="gated, fast",
        success=0.99,
        check_seconds=15,
        window_seconds=30,
        failures=2,
        steps=(10, 25, 50),
        step_seconds=15,
        gated=True,
    ),
)


def run(world: World, seed: int, rule: Rule) -> Run:
    """One rollout under a rule."""
    draws = Draws(world, seed)
    counts: list[tuple[int, int]] = []
    place = failed = bad = errors = 0
    moved = 0.0
    for number in range(1, 1000):
        now = number * world.scrape_seconds
        found = draws.scrape(rule.steps[place])
        sums = {side: [sum(pod[column] for pod in pods) for column in (0, 1)] for side, pods in found.items()}
        counts.append((sums["patched"][0], sums["patched"][1]))
        bad += sums["patched"][1]
        errors += sums["patched"][1] + sums["stable"][1]
        passed = True
        if now % rule.check_seconds < world.scrape_seconds:
            window = counts[-max(1, round(rule.window_seconds / world.scrape_seconds)) :]
            requests, wrong = sum(n for n, _ in window), sum(x for _, x in window)
            passed = requests > 0 and 1 - wrong / requests >= rule.success
            failed += not passed
            if failed >= rule.failures:
                return Run(end="rolled back", seconds=now, reached=None, bad=bad, errors=errors)
        if now - moved >= rule.step_seconds and (passed or not rule.gated):
            moved = now
            if place + 1 == len(rule.steps):
                return Run(end="promoted", seconds=now, reached=now, bad=bad, errors=errors)
            place += 1
    return Run(end="undecided", seconds=now, reached=None, bad=bad, errors=errors)
