"""Requests of a simulation, and what Prometheus tells of them: they flow by the weights that the proxies have, which are those
of the route a moment ago, and are lost where a proxy still sends them to pods that have ended.
"""

import math
from dataclasses import dataclass
from typing import Any

from hotfix.core.observation import Series, SideSeries
from hotfix.ports import MetricsQuery
from tests.reconcile.shop import ERRORS, NAMESPACE, RATE, Requests, share_of_rule

from .swarm import Fault

LAG_SECONDS = 1.0  # from the route to the proxies; the operator waits for the ack and a second more


LOWER = 0.7  # of what a counter was; half or less is a restart


@dataclass(frozen=True)
class Flaw:
    """What is wrong with what Prometheus has of one side. `told_until`: of what is missing, samples up to then are known."""

    fault: Fault
    told_until: float


class ProxiedRequests(Requests):
    """Counts by what proxies do. `lost`: requests that were sent to a side whose pods had been ended."""

    def __init__(self, api: Any) -> None:
        super().__init__(api)
        self.lost = 0.0
        self.flaws: dict[str, Flaw] = {}
        self.halved = False  # two proxies count, half of the requests each
        self._served = self._seen = self._rules()
        self._lag = 0.0

    def _rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.peek("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]
        return found

    def flow(self, seconds: float) -> None:
        """Requests of so many seconds: by the old weights until the proxies have the new ones."""
        rules = self._rules()
        if rules != self._seen:
            self._seen, self._lag = rules, LAG_SECONDS
        old = min(self._lag, seconds)
        self._count(self._served, old)
        self._lag -= old
        if self._lag <= 0:
            self._served = self._seen
        self._count(self._served, seconds - old)

    def _count(self, rules: list[dict[str, Any]], seconds: float) -> None:
        for name, count in self.counts.items():
            requests = RATE * seconds * sum(share_of_rule(rule, name) for rule in rules) / len(rules)
            if requests <= 0:
                continue
            deployment = self.api.peek("Deployment", NAMESPACE, name)
            if deployment["spec"]["replicas"] == 0:
                self.lost += requests
            ready = (deployment.get("status") or {}).get("readyReplicas", 0)
            image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            count[0] += requests
            count[1] += requests * (ERRORS[image] if ready else 1.0)

    def restart(self) -> None:
        """The proxy counts from zero again."""
        for count in self.counts.values():
            count[:] = [0.0, 0.0]

    # ---- what Prometheus tells

    def scrape(self, moment: float) -> None:
        """Note the counters, or what a scrape that goes wrong leaves."""
        for name, (requests, errors) in self.counts.items():
            sample, flaw = (moment, float(int(requests)), float(int(errors))), self.flaws.get(name)
            match flaw.fault if flaw else None:
                case Fault.NO_SCRAPES:
                    continue
                case Fault.STALE_SCRAPES if self.samples[name]:
                    sample = (moment, *self.samples[name][-1][1:])
                case Fault.NOT_A_NUMBER:
                    sample = (moment, math.nan, sample[2])
                case Fault.COUNTERS_LOWER:
                    sample = (moment, float(int(LOWER * requests)), float(int(LOWER * errors)))
            self.samples[name].append(sample)

    def _side(self, name: str, query: MetricsQuery) -> SideSeries:
        found, flaw = super()._side(name, query), self.flaws.get(name)
        fault, until = (flaw.fault, flaw.told_until) if flaw else (None, math.inf)
        requests, errors = found.requests, found.errors
        if self.halved:
            requests, errors = _halves(requests), _halves(errors)
        if fault is Fault.PROXY_MISSING:
            requests, errors = (*requests[:1], *_cut(requests[1:], until)), (*errors[:1], *_cut(errors[1:], until))
        if fault is Fault.SIDE_MISSING:
            requests, errors = _cut(requests, until), _cut(errors, until)
        if fault is Fault.ERRORS_MISSING:
            errors = _cut(errors, until)
        return SideSeries(requests=requests, errors=errors)


def _halves(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """As two proxies would count it."""
    parts = [(one, tuple((moment, value // 2) for moment, value in one.samples)) for one in series]
    rest = [(one, tuple((moment, value - value // 2) for moment, value in one.samples)) for one in series]
    return tuple(Series(f"{number}{one.id}", samples) for number, many in enumerate((parts, rest)) for one, samples in many)


def _cut(series: tuple[Series, ...], until: float) -> tuple[Series, ...]:
    """Without the newer samples; a series without any is not there."""
    kept = (Series(one.id, tuple(sample for sample in one.samples if sample[0] <= until)) for one in series)
    return tuple(one for one in kept if one.samples)
