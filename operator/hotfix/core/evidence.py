"""The e-process: what the bets of one question have won so far, block by block. Pure `math`, no data structure of the outside.

With n_c, n_s requests and x_c, x_s bad ones of patched (c) and stable (s) in a block and r = rho n_c / n_s, a bet f wins

    better   ln S = x_c ln(1 - f)   + x_s ln(1 + f r) + f n_c d        null: rate_c >= rho rate_s + d
    worse    ln S = x_c ln(1 + f/r) + x_s ln(1 - f)   - f n_s d / rho  null: rate_c <= rho rate_s + d

E[S] <= 1 under the null for Poisson and binomial counts, because E[z^X] <= exp(mu (z - 1)). A mixture of products of such S
is an e-process: the probability that it ever reaches 1/level is at most level (Ville's inequality), however often one looks.
For d = 0 it is the conditional binomial test of Lindon & Malek, arXiv 2011.03567. Which questions exist is decided in
judgement.py; nothing here knows a weight, a phase or a threshold of the manifest.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter

from .bets import Null, Side, bets, cell, shares
from .counting import Block, Count, Counter


@dataclass(frozen=True, slots=True)
class Question:
    """A null hypothesis, the risk of rejecting it wrongly, and how it is judged.

    `late_blocks`: a defect may begin as late as this block (late start); None: the evidence counts from the first block on.
    `warm`: the null asked instead in the warm-up; it must be the larger one, and have as many bets. `cold`: nothing is asked in
    the warm-up.
    """

    name: str
    null: Null
    level: float
    late_blocks: int | None = None
    warm: Null | None = None
    cold: bool = False
    counter: Counter = Counter.BAD
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """It is a key at every look, so its hash is computed once."""
        asked = (self.name, self.null, self.level, self.late_blocks, self.warm, self.cold, self.counter)
        object.__setattr__(self, "_hash", hash(asked))

    def __hash__(self) -> int:
        return self._hash

    @property
    def log_threshold(self) -> float:
        """What the log of the evidence must reach."""
        return -math.log(self.level)

    @property
    def cap(self) -> float:
        """Most that one block may add to ln S of a bet: one can never decide, two can when bets with half of the stake win."""
        return 0.5 * (self.log_threshold + (2 if self.late_blocks is not None else 1) * math.log(2))


@dataclass(frozen=True, slots=True)
class State:
    """What is known after some blocks. `logs`: ln of every bet's winnings, empty before the first block."""

    logs: tuple[float, ...] = ()
    blocks: int = 0
    log_now: float = 0.0
    log_max: float = 0.0


@dataclass(frozen=True, slots=True)
class Noise:
    """`sigma2`: relative variance of the rate of each counter between processes. Blocks of which most is before `warm_until` are
    warm-up."""

    sigma2: tuple[tuple[Counter, float], ...] = ()
    warm_until: float = -math.inf

    def of(self, counter: Counter) -> float:
        """The relative variance of one counter's rate; 0 where nothing is known of it."""
        return next((spread for name, spread in self.sigma2 if name is counter), 0.0)


def counts(block: Block, counter: Counter) -> tuple[int, int]:
    """Requests of that kind of patched and of stable; 0 where they are not counted."""
    return block.patched.of(counter) or 0, block.stable.of(counter) or 0


def log_wins(null: Null, requests: tuple[int, int], bad: tuple[int, int]) -> list[float]:
    """ln S of every bet for one block with requests on both sides (patched, stable), before cap and design effect."""
    (n_c, n_s), (x_c, x_s) = requests, bad
    places = bets(null, cell(n_c / n_s))
    r, log1p = null.rho * n_c / n_s, math.log1p
    if null.side is Side.BETTER:
        gain = n_c * null.margin
        return [x_c * rest + x_s * log1p(f * r) + f * gain for f, rest in places]
    cost = n_s * null.margin / null.rho
    return [x_c * log1p(f / r) + x_s * rest - f * cost for f, rest in places]


def design_effect(null: Null, requests: tuple[int, int], bad: tuple[int, int], sigma2: float, pods: tuple[int, int]) -> float:
    """phi >= 1: how much wider the counts scatter than Poisson when processes differ from each other."""
    n_c, n_s = requests
    return widening(null, requests, (bad[0] + bad[1] - 1 - n_c * null.margin) / (null.rho * n_c + n_s), sigma2, pods)


def widening(null: Null, requests: tuple[float, float], rate: float, sigma2: float, pods: tuple[int, int]) -> float:
    """The same for requests and processes of (patched, stable) and stable's rate; a rate below 0 is 0."""
    n_c, n_s = requests
    r, rate = null.rho * n_c / n_s, max(0.0, rate)
    mu_c, mu_s = n_c * (null.rho * rate + null.margin), n_s * rate
    spread = mu_c + r * r * mu_s
    if spread <= 0:
        return 1.0
    between = mu_c * mu_c / max(1, pods[0]) + r * r * mu_s * mu_s / max(1, pods[1])
    return 1.0 + sigma2 * between / spread


def _entering(block: int, late_blocks: int) -> float:
    """ln of the stake that enters at this block (from 1 on): one half at the first, the rest evenly; none after the last."""
    if block == 1:
        return math.log(0.5)
    return math.log(0.5 / (late_blocks - 1)) if block <= late_blocks else -math.inf


def _idle(block: int, late_blocks: int) -> float:
    """The part of the stake that has not entered after this block."""
    return 0.5 * (late_blocks - block) / (late_blocks - 1) if block < late_blocks else 0.0 if late_blocks > 1 else 0.5


def _log_sum(logs: Sequence[float], stakes: Sequence[float], idle: float) -> float:
    """ln(idle + sum of stake * exp(log)), without overflow or underflow."""
    top, exp = max(logs), math.exp
    if not idle:
        return top + math.log(sum([stake * exp(log - top) for stake, log in zip(stakes, logs, strict=True)]))
    top = max(top, 0.0)
    return top + math.log(idle * exp(-top) + sum([stake * exp(log - top) for stake, log in zip(stakes, logs, strict=True)]))


def _with_entering(logs: Sequence[float], new: float, wins: Sequence[float]) -> list[float]:
    """ln(exp(log) + exp(new)) + win of every bet."""
    exp, log1p = math.exp, math.log1p
    return [
        win + (log + log1p(exp(new - log)) if log > new else new + log1p(exp(log - new)))
        for log, win in zip(logs, wins, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is the same in every block that a question is asked of."""

    sigma2: float
    cap: float
    counts: Callable[[Count], int | None]


@lru_cache(maxsize=4096)
def _prepared(question: Question, noise: Noise) -> _Prepared:
    return _Prepared(noise.of(question.counter), question.cap, attrgetter(question.counter.value))


def extend(question: Question, state: State, block: Block, noise: Noise) -> State:
    """The state after one more block with requests on both sides. The same blocks give the same state, bit by bit."""
    asked, number, late = _prepared(question, noise), state.blocks + 1, question.late_blocks
    warming = block.start + block.end < 2 * noise.warm_until
    if warming and question.cold:
        return State(state.logs, number, state.log_now, state.log_max)
    null = question.warm if warming and question.warm else question.null
    patched, stable = block.patched, block.stable
    requests, bad = (patched.requests, stable.requests), (asked.counts(patched) or 0, asked.counts(stable) or 0)
    phi, cap = design_effect(null, requests, bad, asked.sigma2, (patched.pods, stable.pods)), asked.cap
    most = cap * phi
    wins = [win / phi if win < most else cap for win in log_wins(null, requests, bad)]
    idle = 0.0
    if late is None:
        logs = [log + win for log, win in zip(state.logs, wins, strict=True)] if state.logs else wins
    elif state.logs:
        logs, idle = _with_entering(state.logs, _entering(number, late), wins), _idle(number, late)
    else:
        entering, idle = _entering(number, late), _idle(number, late)
        logs = [entering + win for win in wins]
    log_now = _log_sum(logs, shares(null), idle)
    return State(tuple(logs), number, log_now, max(state.log_max, log_now))
