"""The operator's own metrics, fed with decisions. Label sets are bounded and go when their rollout does.

Only the replica that leads decides, so only it has series of rollouts; a replica that leads no more ends.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, PlatformCollector, ProcessCollector

from hotfix.core import moments
from hotfix.core.machine import Decision
from hotfix.core.reasons import Reason
from hotfix.core.status import Phase, Status
from hotfix.ports import Key

# holds that end without anybody's decision; every other one waits for a person
PASSING = frozenset(
    {
        Reason.NO_TRAFFIC,
        Reason.METRICS_UNAVAILABLE,
        Reason.CLUSTER_UNAVAILABLE,
        Reason.ROUTE_PENDING,
        Reason.WEIGHT_NOT_CONFIRMED,
        Reason.INSUFFICIENT_CAPACITY,
        Reason.SEVERAL_VERSIONS,
        Reason.STABLE_LOST,
        Reason.BOTH_UNREADY,
        Reason.ROUTE_BUSY,
        Reason.SUPERSEDING,
    }
)
Series = dict[tuple[Gauge, tuple[str, ...]], float]


class Telemetry:
    """`hotfix_*` metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._phase = self._gauge("phase", "1 for the phase a rollout is in.", "phase")
        self._began = self._gauge("phase_started_timestamp_seconds", "When a rollout entered its phase.", "phase")
        self._weight = self._gauge("weight_percent", "Wanted share of patched.")
        self._held = self._gauge("held", "1 while a rollout is held, by reason.", "reason")
        self._waiting = self._gauge(
            "waiting_since_timestamp_seconds",
            "While a rollout is held until a person decides: since when it has stood still, by reason.",
            "reason",
        )
        self._lost = self._gauge("stable_lost", "1 while stable cannot serve and patched has all traffic.")
        self._ended = self._gauge("rolled_back_timestamp_seconds", "When a rollout ended as rolled back, by reason.", "reason")
        self._reverted = self._gauge(
            "fix_reverted_timestamp_seconds", "When stable of a promoted rollout was seen to run the broken version again."
        )
        self._drifts = Counter(
            "hotfix_rollout_drift_corrections",
            "How often a manager's weights were written over.",
            ("namespace", "name"),
            registry=self.registry,
        )
        self._decisions = Counter("hotfix_decisions", "Decisions, by reason.", ("reason",), registry=self.registry)
        for reason in Reason:
            self._decisions.labels(reason.value)  # a count that begins at 1 is no increase for Prometheus
        self._looks = Histogram(
            "hotfix_look_seconds",
            "Time of one look, from load to the last write.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._lateness = Histogram(
            "hotfix_look_lateness_seconds",
            "How much later than it was due a look began.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._failures = Counter("hotfix_look_failures", "Looks that ended early, by error.", ("error",), registry=self.registry)
        self._untold = Counter("hotfix_webhook_failures", "Messages that the web hook did not take.", registry=self.registry)
        self._watches = Gauge("hotfix_watches", "Watches of namespaces with live rollouts.", registry=self.registry)
        self._leads = Gauge("hotfix_leader", "1 while this replica leads.", registry=self.registry)
        self._last: dict[Key, tuple[Series, int]] = {}

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"hotfix_rollout_{name}", text, ("namespace", "name", *labels), registry=self.registry)

    def decided(self, key: Key, decision: Decision) -> None:
        """A status was saved."""
        status = decision.status
        sequence = self._last[key][1] if key in self._last else None
        drifts = self._drifts.labels(key.namespace, key.name)
        for entry in status.decisions:
            if sequence is not None and entry.sequence > sequence:
                self._decisions.labels(entry.reason).inc()
                drifts.inc(entry.reason == Reason.TRAFFIC_DRIFT_CORRECTED)
        self._tell(key, self._series(key, status), status.decisions[-1].sequence if status.decisions else 0)

    def refused(self, key: Key, reason: Reason, since: float) -> None:
        """It is held for that, and waits for a person; what else was told of it still holds."""
        of, (before, sequence) = (key.namespace, key.name), self._last.get(key, ({}, 0))
        self._drifts.labels(*of)
        others = {place: value for place, value in before.items() if place[0] not in (self._held, self._waiting)}
        self._tell(key, {**others, (self._held, (*of, reason)): 1, (self._waiting, (*of, reason)): since}, sequence)

    def _tell(self, key: Key, series: Series, sequence: int) -> None:
        """These instead of those that were told."""
        before, _ = self._last.get(key, ({}, 0))
        for gauge, labels in before.keys() - series.keys():
            gauge.remove(*labels)
        for (gauge, labels), value in series.items() - before.items():
            gauge.labels(*labels).set(value)
        self._last[key] = (series, sequence)

    def _series(self, key: Key, status: Status) -> Series:
        """What is told of a rollout with this status."""
        of = (key.namespace, key.name)
        series: Series = {(self._weight, of): status.weight or 0, **self._standing(of, status)}
        if status.phase is not None:
            series[self._phase, (*of, status.phase)] = 1
            if status.phase_started_at:
                series[self._began, (*of, status.phase)] = moments.unix(status.phase_started_at)
        if status.phase is Phase.ROLLED_BACK and status.phase_started_at:
            series[self._ended, (*of, status.why or "")] = moments.unix(status.phase_started_at)
        if status.fix_reverted_at is not None:
            series[self._reverted, of] = moments.unix(status.fix_reverted_at)
        if status.stable_lost is not None:
            series[self._lost, of] = 1
        return series

    def _standing(self, of: tuple[str, str], status: Status) -> Series:
        """What it is held for, and since when it waits for a person."""
        if status.held is None:
            return {}
        series: Series = {(self._held, (*of, status.held)): 1}
        since = standing_since(status)
        if status.held not in PASSING and since:
            series[self._waiting, (*of, status.held)] = moments.unix(since)
        return series

    def counts(self, watches: Callable[[], int], leads: Callable[[], bool]) -> None:
        """What is asked for at each scrape."""
        self._watches.set_function(watches)
        self._leads.set_function(leads)

    def known(self) -> set[Key]:
        """The rollouts that have series."""
        return set(self._last)

    def forgotten(self, key: Key) -> None:
        """The rollout is gone; so are its series."""
        last = self._last.pop(key, None)
        if last is None:
            return
        for gauge, labels in last[0]:
            gauge.remove(*labels)
        self._drifts.remove(key.namespace, key.name)

    def late(self, seconds: float) -> None:
        """A look begins, so much later than it was due."""
        self._lateness.observe(seconds)

    def untold(self) -> None:
        """A message for the web hook was given up."""
        self._untold.inc()

    def looked(self, seconds: float, error: Exception | None) -> None:
        """One look ended."""
        self._looks.observe(seconds)
        if error is not None:
            self._failures.labels(type(error).__name__).inc()


def standing_since(status: Status) -> str | None:
    """Since when a held rollout has stood still, whatever it was held for in between: its conditions remember that over a change
    of the leader. Where they tell no hold (before traffic moves, on the way back) it is the start of the phase."""
    states = {(entry.type, entry.status): entry.last_transition_time for entry in status.conditions}
    return states.get(("Stalled", "True")) or states.get(("Ready", "Unknown")) or status.phase_started_at
