"""Worlds of counts: requests split by a weight, errors by each side's rate, scattered between pods. Data and draws only.

A world says what is true; how it is counted is one number of it: by the pods themselves, or by one or two proxies in front of
them, whose series mix the requests of all pods.
"""

from dataclasses import dataclass

import numpy

PODS = 6
FEWEST, MOST = 4, 64  # scrapes drawn at once while the weight stays
Array = "numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float64]]"


@dataclass(frozen=True, kw_only=True)
class World:
    """Rates are shares of requests in 0..1, pairs are (patched, stable), times seconds since the first weight.

    `target`: the errors the hotfix is for, on top of the others. `noise`: relative variance of a pod's rate, drawn anew every
    `sticky` scrapes. `outage`: (from, to, share) of requests that fail on both sides besides. `burn`: (from, to, rise): patched's
    rate rises evenly by that much and stays there. `proxies`: 0 where pods count their own requests.
    """

    name: str
    rps: float
    patched: float
    stable: float
    target: tuple[float, float] | None = None
    client_errors: tuple[float, float] = (0.01, 0.01)
    slow: tuple[float, float] = (0.02, 0.02)
    noise: float = 0.0
    sticky: int = 1
    outage: tuple[float, float, float] | None = None
    burn: tuple[float, float, float] | None = None
    proxies: int = 0
    scrape_seconds: float = 15.0

    def rates(self, at: float) -> tuple[float, float]:
        """Other errors than the target's, of (patched, stable), at a moment; before pods differ."""
        besides, rise = 0.0, 0.0
        if self.outage and self.outage[0] <= at < self.outage[1]:
            besides = self.outage[2]
        if self.burn:
            begin, full, most = self.burn
            rise = most * min(1.0, max(0.0, (at - begin) / (full - begin)))
        return min(1.0, self.patched + besides + rise), min(1.0, self.stable + besides)

    def failing(self, at: float) -> tuple[float, float]:
        """All errors that users see, the target's among them, of (patched, stable)."""
        other, target = self.rates(at), self.target or (0.0, 0.0)
        one, two = (rate + (1 - rate) * aimed for rate, aimed in zip(other, target, strict=True))
        return one, two

    def expected(self, begin: float, end: float, share: float) -> tuple[float, float]:
        """(bad requests of patched, errors of all clients) to be expected from one moment to another at patched's share in
        0..1."""
        bad = errors = 0.0
        while begin < end:
            until = min(end, (begin // self.scrape_seconds + 1) * self.scrape_seconds)
            patched, stable = self.failing((begin + until) / 2)
            requests = self.rps * (until - begin)
            bad += requests * share * patched
            errors += requests * (share * patched + (1 - share) * stable)
            begin = until
        return bad, errors


@dataclass(frozen=True, slots=True)
class Drawn:
    """One side in one scrape: counts of requests, and how many processes counted any."""

    requests: int
    bad: int
    target: int
    client_errors: int
    slow: int
    processes: int


class Draws:
    """The random side of one rollout in a world. `everything`: client errors and slow requests too, and which processes count;
    without, `Drawn` says 0 of these."""

    def __init__(self, world: World, seed: int, *, everything: bool = True) -> None:
        self.world, self.everything, self.place = world, everything, 0
        self.random = numpy.random.default_rng(seed)
        self._pods = PODS if everything or world.noise else 1  # pods that are alike add up to one
        self._factors: dict[int, Array] = {}
        self._drawn: list[tuple[Drawn, Drawn]] = []
        self._weight, self._size = -1.0, FEWEST

    def scrape(self, weight: float) -> tuple[Drawn, Drawn]:
        """(patched, stable) in the next scrape at this weight (percent)."""
        if weight != self._weight:
            self._drawn, self._weight, self._size = [], weight, FEWEST
        if not self._drawn:
            self._drawn = self._next(weight / 100, self._size)[::-1]
            self._size = min(MOST, 2 * self._size)
        self.place += 1
        return self._drawn.pop()

    def cells(self, share: float, size: int) -> list[Array]:
        """Counts of the next scrapes by (scrape, side, pod, proxy): requests, bad, target, client errors, slow."""
        world, random = self.world, self.random
        counters = max(1, world.proxies)
        mean = world.rps * world.scrape_seconds / (self._pods * counters)
        split = numpy.array([share, 1 - share]).reshape(1, 2, 1, 1)
        requests = random.poisson(mean * split, (size, 2, self._pods, counters))
        other = random.binomial(requests, numpy.minimum(1.0, self._rates(size) * self._scatter(size)))
        target = random.binomial(requests - other, self._pair(world.target)) if world.target else numpy.zeros_like(other)
        bad = other + target
        if not self.everything:
            return [requests, bad, target, requests[:0], requests[:0]]
        refused = random.binomial(requests - bad, self._pair(world.client_errors))
        return [requests, bad, target, refused, random.binomial(requests, self._pair(world.slow))]

    def _next(self, share: float, size: int) -> list[tuple[Drawn, Drawn]]:
        cells = self.cells(share, size)
        sums = [found.sum(axis=(2, 3)).tolist() if len(found) else [[0, 0]] * size for found in cells]
        counting = (cells[0].sum(axis=2 if self.world.proxies else 3) > 0).sum(axis=2).tolist()
        rows = zip(*sums, counting, strict=True)
        return [(Drawn(*(c[0] for c in row)), Drawn(*(c[1] for c in row))) for row in rows]

    @staticmethod
    def _pair(pair: tuple[float, float]) -> Array:
        return numpy.array(pair).reshape(1, 2, 1, 1)

    def _rates(self, size: int) -> Array:
        world = self.world
        if world.outage is None and world.burn is None:
            return self._pair((world.patched, world.stable))
        moments = [(self.place + after + 0.5) * world.scrape_seconds for after in range(size)]
        return numpy.array([world.rates(moment) for moment in moments]).reshape(size, 2, 1, 1)

    def _scatter(self, size: int) -> Array:
        """Factors of every pod's rate; the same for as many scrapes as they stick, whatever the weight does."""
        noise = self.world.noise
        if not noise:
            return numpy.ones((1, 1, 1, 1))
        found = []
        for after in range(size):
            epoch = (self.place + after) // self.world.sticky
            if epoch not in self._factors:
                self._factors[epoch] = self.random.gamma(1 / noise, noise, (2, self._pods))
            found.append(self._factors[epoch])
        return numpy.stack(found).reshape(size, 2, self._pods, 1)
