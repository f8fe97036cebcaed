"""The operator's own metrics, fed with decisions. Label sets are bounded and go when their rollout does."""

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, PlatformCollector, ProcessCollector

from hotfix.core.machine import Decision
from hotfix.core.status import Phase
from hotfix.ports import Key


class Telemetry:
    """`hotfix_*` metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._phase = Gauge(
            "hotfix_rollout_phase", "1 for the phase a rollout is in.", ("namespace", "name", "phase"), registry=self.registry
        )
        self._weight = Gauge(
            "hotfix_rollout_weight_percent", "Wanted share of patched.", ("namespace", "name"), registry=self.registry
        )
        self._held = Gauge(
            "hotfix_rollout_held",
            "1 while a rollout is held, by reason.",
            ("namespace", "name", "reason"),
            registry=self.registry,
        )
        self._decisions = Counter("hotfix_decisions", "Decisions, by reason.", ("reason",), registry=self.registry)
        self._looks = Histogram(
            "hotfix_look_seconds",
            "Time of one look, from load to the last write.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._failures = Counter("hotfix_look_failures", "Looks that ended early, by error.", ("error",), registry=self.registry)
        self._last: dict[Key, tuple[Phase | None, str | None, int]] = {}

    def decided(self, key: Key, decision: Decision) -> None:
        """A status was saved."""
        status = decision.status
        phase, held, sequence = self._last.get(key, (None, None, 0))
        labels = (key.namespace, key.name)
        if phase is not None and phase != status.phase:
            self._phase.remove(*labels, phase.value)
        if status.phase is not None:
            self._phase.labels(*labels, status.phase.value).set(1)
        if held is not None and held != status.held:
            self._held.remove(*labels, held)
        if status.held is not None:
            self._held.labels(*labels, status.held).set(1)
        self._weight.labels(*labels).set(status.weight or 0)
        known = key in self._last
        for entry in status.decisions:
            if known and entry.sequence > sequence:
                self._decisions.labels(entry.reason).inc()
        newest = status.decisions[-1].sequence if status.decisions else 0
        self._last[key] = (status.phase, status.held, newest)

    def forgotten(self, key: Key) -> None:
        """The rollout is gone; so are its series."""
        last = self._last.pop(key, None)
        if last is None:
            return
        labels = (key.namespace, key.name)
        self._weight.remove(*labels)
        if last[0] is not None:
            self._phase.remove(*labels, last[0].value)
        if last[1] is not None:
            self._held.remove(*labels, last[1])

    def looked(self, seconds: float, error: Exception | None) -> None:
        """One look ended."""
        self._looks.observe(seconds)
        if error is not None:
            self._failures.labels(type(error).__name__).inc()
