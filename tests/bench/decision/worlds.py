"""Worlds of counts: requests split by a weight, errors by each side's rate, scattered between pods. Data and draws only."""

from dataclasses import dataclass

import numpy

PODS = 6
HISTORY_BLOCKS = 240


@dataclass(frozen=True, kw_only=True)
class World:
    """Rates are shares of requests. `noise`: relative variance of a pod's rate, drawn anew every `sticky` scrapes. `target`: the
    errors the hotfix is for, (patched, stable), on top of the others."""

    name: str
    rps: float
    patched: float
    stable: float
    target: tuple[float, float] | None = None
    noise: float = 0.0
    sticky: int = 1
    scrape_seconds: float = 15.0


class Draws:
    """The random side of one rollout in a world."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, numpy.random.default_rng(seed)
        self._factors = {"patched": numpy.ones(PODS), "stable": numpy.ones(PODS)}
        self._scrape = 0

    def _factor(self, side: str) -> "numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]":
        if self.world.noise and self._scrape % self.world.sticky == 0:
            self._factors[side] = self.random.gamma(1 / self.world.noise, self.world.noise, PODS)
        return self._factors[side]

    def side(self, side: str, share: float) -> list[tuple[int, int, int]]:
        """(requests, bad, target errors) of every pod in one scrape."""
        world = self.world
        requests = self.random.poisson(world.rps * world.scrape_seconds * share / PODS, PODS)
        rate = world.patched if side == "patched" else world.stable
        target = 0.0 if world.target is None else world.target[0 if side == "patched" else 1]
        bad = self.random.binomial(requests, numpy.minimum(1.0, rate * self._factor(side)))
        aimed = self.random.binomial(requests - bad, target)
        return [(int(n), int(x + t), int(t)) for n, x, t in zip(requests, bad, aimed, strict=True)]

    def scrape(self, weight: float) -> dict[str, list[tuple[int, int, int]]]:
        """Both sides in one scrape at this weight (percent)."""
        found = {"patched": self.side("patched", weight / 100), "stable": self.side("stable", 1 - weight / 100)}
        self._scrape += 1
        return found
