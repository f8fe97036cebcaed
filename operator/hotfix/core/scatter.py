"""How much more than by chance error rates scatter: between processes, and of a whole side from moment to moment. Pure.

Both are given as the relative variance that one process would have in every block if its blocks were independent. What lasts
over several blocks counts as often as it does in their sum: the long-run variance of Newey and West (Econometrica 55, 1987),

    sigma2 = c_0 + 2 sum_{k=1..K} (1 - k/L) c_k,  K < L,  L = five minutes of blocks,  not below c_0

with the autocovariances c_k of relative deviations. The sum ends with the last group of lags (1, 2 to 3, 4 to 7, ...) that is
more than chance explains: what is beyond would only add noise, and waiting.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul

MEMORY_SECONDS = 300.0  # what lasts longer counts as if it lasted so long
PIECE_MEMORIES = 3  # a straight line is taken out of every quarter of an hour: the errors of a day rise and fall
SEVERAL_PIECES = 3  # of so many or more the wildest one is left out: in it, what the hotfix is for may have begun
LINE_FREEDOM = 2  # numbers that a line takes from the data
CHANCE = 2.5  # standard errors

Counts = Mapping[int, Mapping[str, tuple[int, int]]]  # number of the block -> process -> (requests, those that are bad)


@dataclass(slots=True)
class _Deviations:
    """By block and process: (bad ones beyond the expected, expected). `excess` and `weight` add up to c_0."""

    found: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict)
    excess: float = 0.0
    weight: float = 0.0
    informative: int = 0


class _Line:
    """One process, block by block; 0 where it had no requests."""

    __slots__ = ("deviations", "expected")

    def __init__(self, size: int) -> None:
        self.deviations, self.expected = [0.0] * size, [0.0] * size


@dataclass(frozen=True, slots=True)
class Scatter:
    """Relative variances, 0 or more: `at_once` is c_0, learnt from so many `blocks`, `lasting` what the lags add to it.
    `seen`: there was anything to learn from."""

    at_once: float = 0.0
    lasting: float = 0.0
    blocks: int = 0
    seen: bool = False

    def times(self, factor: float) -> "Scatter":
        """So many times as much."""
        return Scatter(factor * self.at_once, factor * self.lasting, self.blocks, self.seen)


def memory_blocks(interval_seconds: float) -> int:
    """L, at least 1."""
    return max(1, round(MEMORY_SECONDS / interval_seconds))


def between_processes(counts: Counts, memory: int) -> Scatter:
    """Of processes around the rate of all in the same block, so what happens to all of them at once is not in it.

    c_0 = sum(chi2/(P-1) - 1) / sum((e-1)/P) over blocks of P processes with e errors: given e, processes that differ by a
    relative variance s give E[chi2/(P-1)] = 1 + (e-1) s/P, near enough, as for a Dirichlet-multinomial. c_k = P/(P-1) sum(r r')
    / sum(e e') over the same process k blocks apart, r = x - e around the block's rate: these are smaller by (P-1)/P.
    """
    seen = _Deviations()
    for number, processes in counts.items():
        requests, bad, many = sum(n for n, _ in processes.values()), sum(x for _, x in processes.values()), len(processes)
        if many < 2 or not bad:
            continue
        expected = {name: n * bad / requests for name, (n, _) in processes.items()}
        shrunk = math.sqrt(many / (many - 1))
        for name, (_, x) in processes.items():
            seen.found[number, name] = shrunk * (x - expected[name]), expected[name]
        if bad >= 2:
            chi2 = sum((x - expected[name]) ** 2 / expected[name] for name, (_, x) in processes.items())
            seen.excess += chi2 / (many - 1) - 1
            seen.weight += (bad - 1) / many
            seen.informative += 1
    return _scatter(seen, memory)


@dataclass(slots=True)
class _Piece:
    """A stretch of time around its line: (block, bad ones beyond the expected, expected), and the sums of what is in it."""

    found: list[tuple[int, float, float]]
    freedom: float
    squares: float
    expected: float
    weight: float

    @property
    def excess(self) -> float:
        """Beyond what chance makes of the squares."""
        return self.squares / self.freedom - self.expected


def over_time(counts: Counts, memory: int) -> Scatter:
    """Of the whole side around a straight line through a quarter of an hour, scaled to one process by their number: all that is
    left to see where one process, a proxy, counts for many pods. What happens to all pods at once is in it, so the wildest
    quarter is left out: errors that began in it are no noise."""
    pieces = [piece for totals in _pieces(counts, PIECE_MEMORIES * memory) if (piece := _around_a_line(totals, memory))]
    if len(pieces) >= SEVERAL_PIECES:
        pieces.remove(max(pieces, key=lambda piece: piece.excess / piece.weight))
    seen = _Deviations(
        found={(number, ""): (deviation, expected) for piece in pieces for number, deviation, expected in piece.found},
        excess=sum(piece.excess for piece in pieces),
        weight=sum(piece.weight for piece in pieces),
        informative=sum(len(piece.found) for piece in pieces),
    )
    # a line bends towards what it is drawn through: neighbours in time seem less alike than they are
    lost = sum(piece.squares * (1 - piece.freedom) for piece in pieces) / seen.weight if seen.weight else 0.0
    pods = [len(processes) for processes in counts.values() if processes]
    return _scatter(seen, memory, lost=lost).times(sum(pods) / len(pods) if pods else 1.0)


def _around_a_line(totals: Sequence[tuple[int, int, int]], memory: int) -> _Piece | None:
    """None where there is too little to draw a line through."""
    if len(totals) < max(memory, LINE_FREEDOM + 1) or sum(x for _, _, x in totals) < 2:
        return None
    found = [(number, x - expected, expected) for number, _, x, expected in _along_a_line(totals) if expected > 0]
    return _Piece(
        found=found,
        freedom=1 - LINE_FREEDOM / len(totals),
        squares=sum(deviation * deviation for _, deviation, _ in found),
        expected=sum(expected for _, _, expected in found),
        weight=sum(expected * expected for _, _, expected in found),
    )


def _pieces(counts: Counts, size: int) -> Iterator[Sequence[tuple[int, int, int]]]:
    """(block, requests, bad) of all processes together, in equally long stretches of time of at most `size` blocks."""
    if not counts:
        return
    first, last = min(counts), max(counts)
    length = math.ceil((last - first + 1) / math.ceil((last - first + 1) / size))
    pieces: dict[int, list[tuple[int, int, int]]] = {}
    for number, processes in counts.items():
        n, x = (sum(one[place] for one in processes.values()) for place in (0, 1))
        pieces.setdefault((number - first) // length, []).append((number, n, x))
    yield from pieces.values()


def _along_a_line(totals: Sequence[tuple[int, int, int]]) -> Iterable[tuple[int, int, int, float]]:
    """The same with the bad ones that are expected: their rate is a straight line in time, by least squares."""
    requests, bad = sum(n for _, n, _ in totals), sum(x for _, _, x in totals)
    middle = sum(number * n for number, n, _ in totals) / requests
    width = sum(n * (number - middle) ** 2 for number, n, _ in totals)
    slope = sum(x * (number - middle) for number, _, x in totals) / width if width else 0.0
    return [(number, n, x, n * max(0.0, bad / requests + slope * (number - middle))) for number, n, x in totals]


def _scatter(seen: _Deviations, memory: int, *, lost: float = 0.0) -> Scatter:
    """`lost`: relative variance that was taken from every autocovariance."""
    if not seen.found:
        return Scatter()
    first, last = min(block for block, _ in seen.found), max(block for block, _ in seen.found)
    lines: dict[str, _Line] = {}
    for (block, name), (deviation, expected) in seen.found.items():
        line = lines.setdefault(name, _Line(last - first + 1))
        line.deviations[block - first], line.expected[block - first] = deviation, expected
    lasting = found = 0.0
    for nearest, farthest in _lags(memory):
        alike, certain = _alike(list(lines.values()), nearest, farthest, memory)
        lasting += alike + 2 * lost * _weight(nearest, farthest, memory)
        if certain:
            found = lasting
    at_once = max(0.0, seen.excess / seen.weight) if seen.weight else 0.0
    return Scatter(at_once, max(0.0, found), seen.informative, seen=True)


def _lags(memory: int) -> Iterator[tuple[int, int]]:
    """1, 2 to 3, 4 to 7 and so on, below `memory`."""
    nearest = 1
    while nearest < memory:
        yield nearest, min(2 * nearest, memory) - 1
        nearest *= 2


def _weight(nearest: int, farthest: int, memory: int) -> float:
    """Sum of 1 - k/L over these lags."""
    return sum(1 - lag / memory for lag in range(nearest, farthest + 1))


def _alike(lines: Sequence[_Line], nearest: int, farthest: int, memory: int) -> tuple[float, bool]:
    """2 sum (1 - k/L) c_k over these lags, and whether it is more than chance explains."""
    size = len(lines[0].deviations)
    together, weight = [0.0] * size, 0.0
    for line in lines:
        ahead = _ahead(line.deviations, nearest, farthest, memory)
        together = [sum_ + here * later for sum_, here, later in zip(together, line.deviations, ahead, strict=True)]
        weight += math.fsum(map(mul, line.expected, _ahead(line.expected, nearest, farthest, memory)))
    if weight <= 0:
        return 0.0, False
    total = math.fsum(together)
    certain = total > CHANCE * math.sqrt(math.fsum(one * one for one in together))
    return 2 * total / weight * _weight(nearest, farthest, memory), certain


def _ahead(values: Sequence[float], nearest: int, farthest: int, memory: int) -> list[float]:
    """For every block the sum of (1 - k/L) times the value k blocks later, over these lags: by running sums, as long histories of
    many processes have millions of pairs."""
    plain, placed = [0.0, *accumulate(values)], [0.0, *accumulate(place * value for place, value in enumerate(values))]
    edges = (_later(plain, nearest), _later(plain, farthest + 1), _later(placed, nearest), _later(placed, farthest + 1))
    return [
        (1 + here / memory) * (until - since) - (placed_until - placed_since) / memory
        for here, (since, until, placed_since, placed_until) in enumerate(zip(*edges, strict=True))
    ]


def _later(sums: Sequence[float], places: int) -> Sequence[float]:
    """Of every block the running sum up to so many places later; up to the last one where there are no more."""
    size = len(sums) - 1
    found = sums[places : places + size]
    return [*found, *[sums[-1]] * (size - len(found))]
