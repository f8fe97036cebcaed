"""How many requests each side of a shop has had by a moment, and the counters that Envoys would export of them. Pure.

Counters follow the weights exactly and without noise, so that nothing is decided by chance.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

REQUESTS_A_SECOND = 20.0
FAILING = 0.02  # of the requests of both sides while patched is as good as stable
REFUSED = 0.01
SLOW = 0.005
PROXIES = ("envoy-a", "envoy-b")  # each with counters of its own
PAST_SECONDS = 7200.0

Labels = dict[str, str]
Counter = Callable[[float], float]


@dataclass
class Traffic:
    """Of one shop since `began`, unix seconds. `crashed`: since when every request of patched fails."""

    began: float
    crashed: float = math.inf
    _times: list[float] = field(default_factory=list)
    _shares: list[float] = field(default_factory=list)
    _patched: list[float] = field(default_factory=list)

    def split(self, moment: float, share: float) -> None:
        """From this moment on patched gets this share, 0..1."""
        if self._shares and self._shares[-1] == share:
            return
        self._patched.append(self.patched(moment))
        self._times.append(moment)
        self._shares.append(share)

    @property
    def served(self) -> bool:
        """Patched has had a share."""
        return any(self._shares)

    def patched(self, moment: float) -> float:
        """Requests of patched."""
        place = bisect_right(self._times, moment) - 1
        if place < 0:
            return 0.0
        return self._patched[place] + REQUESTS_A_SECOND * self._shares[place] * (moment - self._times[place])

    def stable(self, moment: float) -> float:
        """Requests of stable."""
        return REQUESTS_A_SECOND * (moment - self.began) - self.patched(moment)

    def healthy(self, side: str, moment: float) -> float:
        """Requests of a side before it crashed, of which it answered most."""
        return self.stable(moment) if side == "stable" else self.patched(min(moment, self.crashed))


def series(traffic: Traffic, side: str, metric: str, code: str | None) -> Iterator[tuple[Labels, Counter]]:
    """The series of one metric of one side, of all proxies. `code`: the class of answers that is asked for, None for all."""
    if side == "patched" and not traffic.served:
        return
    total = traffic.stable if side == "stable" else traffic.patched
    if metric.endswith("rq_total"):
        parts: dict[str, Counter] = {"": total}
    elif metric.endswith("rq_time_slow"):
        parts = {"": lambda moment: SLOW * total(moment)}
    else:
        answered = partial(traffic.healthy, side)
        parts = {
            "2": lambda moment: (1 - REFUSED - FAILING) * answered(moment),
            "4": lambda moment: REFUSED * answered(moment),
            "5": lambda moment: FAILING * answered(moment) + total(moment) - answered(moment),
        }
    for label, counter in parts.items():
        if code is None or label == code:
            for proxy in PROXIES:
                labels = {"__name__": metric, "instance": proxy, "job": "envoy"}
                yield {**labels, "envoy_response_code_class": label} if label else labels, counter
