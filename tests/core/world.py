"""A tiny pure world for the state machine: two sides, one route, counters. Actions change it, looks see it, time is a number.

It counts in whole expectations instead of drawing lots, so that a story always goes the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hotfix.core import actions as act
from hotfix.core import looking, machine, spec, status
from hotfix.core.look import Look
from hotfix.core.observation import (
    Ack,
    CompanionView,
    DeploymentView,
    MetricsView,
    Observation,
    PodView,
    RivalView,
    RoutesView,
    RouteView,
    RuleView,
    ScalerView,
    Series,
    ServiceView,
    SideSeries,
    SideView,
)

START = 1_800_000_000.0
INTERVAL = 5.0
MANIFEST: dict[str, Any] = {
    "stable": {"deployment": "checkout"},
    "patched": {"deployment": "checkout-hotfix"},
    "traffic": {"drain": "10s"},
    "analysis": {"bakeTime": "1m"},
}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `more` put over it, nested."""
    result = dict(base)
    for key, value in more.items():
        result[key] = merged(result[key], value) if isinstance(value, Mapping) and isinstance(result.get(key), Mapping) else value
    return result


def a_spec(**more: Any) -> spec.Spec:
    """The short manifest with fields put over it."""
    return spec.parse(merged(MANIFEST, more))


COUNTED = ("requests", "errors", "started", "client_errors", "target", "slow")


@dataclass
class Side:
    """One Deployment, its pods and its Service."""

    name: str
    template: str
    replicas: int = 2
    ready: int | None = None  # None: as many as wanted
    ready_since: tuple[float, ...] = ()  # of the ready pods, in their order; not known of the others
    errors: float = 0.0
    hangs: bool = False
    answers: float = 0.0  # share of the requests that end although it hangs
    scraped_every: float = INTERVAL  # 0: not any more
    grpc: bool = False
    crash_looping: int = 0
    restarts: int = 0
    exists: bool = True
    service: bool = True
    owner: str | None = None
    template_manager: str | None = None
    scaler: ScalerView | None = None
    deleting: bool = False
    trouble: str | None = None
    image_ids: tuple[tuple[str, ...], ...] = ()
    selector: dict[str, str] | None = None
    client_errors: float = 0.01
    target: float = 0.0  # share of requests that fail in the way the hotfix is for
    slow: float = 0.02
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0.0))
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    def scrape(self, moment: float) -> None:
        """As Prometheus repeats the newest value until the next scrape."""
        if self.scraped_every and (moment % self.scraped_every == 0 or not self.samples):
            self.samples.append((moment, dict(self.counts)))
        elif self.scraped_every:
            self.samples.append((moment, self.samples[-1][1]))

    @property
    def serving(self) -> int:
        """Ready endpoints."""
        wanted = self.replicas if self.ready is None else min(self.ready, self.replicas)
        return wanted if self.exists else 0

    def deployment(self) -> DeploymentView | None:
        """As the API server shows it."""
        if not self.exists:
            return None
        return DeploymentView(
            name=self.name,
            uid=f"uid-{self.name}",
            version="1",
            generation=1,
            observed_generation=1,
            replicas=self.replicas,
            updated=self.replicas,
            ready=self.serving,
            total=self.replicas,
            selector=self.selector or {"app": self.name},
            pod_labels={"app": self.name},
            pod_spec={"containers": [{"name": "app", "image": self.template}]},
            template=self.template,
            images=(self.template,),
            owner=self.owner,
            progress_deadline_seconds=600,
            revision="1",
            deleting=self.deleting,
            template_manager=self.template_manager,
        )

    def view(self) -> SideView:
        """As one look sees it."""
        ids = self.image_ids or ((self.template,),)
        pods = tuple(
            PodView(
                name=f"{self.name}-{number}",
                ready=number < self.serving,
                crash_looping=number < self.crash_looping,
                restarts=self.restarts,
                image_ids=ids[number % len(ids)],
                template=ids[number % len(ids)][0],
                trouble=self.trouble,
                ready_since=self.ready_since[number] if number < min(self.serving, len(self.ready_since)) else None,
            )
            for number in range(self.replicas if self.exists else 0)
        )
        service = ServiceView(
            name=self.name,
            selector=self.selector or {"app": self.name},
            ports=(80,),
            grpc_ports=(80,) if self.grpc else (),
            session_affinity=False,
            ready_pods=tuple(pod.name for pod in pods if pod.ready),
        )
        missing = ([] if self.exists else [f"Deployment {self.name}"]) + ([] if self.service else [f"Service {self.name}"])
        return SideView(
            deployment=self.deployment(),
            service=service if self.service else None,
            pods=pods,
            scaler=self.scaler,
            missing=tuple(missing),
        )


@dataclass
class World:
    """Everything outside, and the one rollout in it."""

    asked: spec.Spec = field(default_factory=a_spec)
    rate: float = 100.0
    now: float = START
    # at 5 % exactly, the control of the bake would depend on single requests
    stable: Side = field(default_factory=lambda: Side("checkout", "v1", errors=0.048))
    patched: Side = field(default_factory=lambda: Side("checkout-hotfix", "v2", errors=0.001))
    weights: tuple[int, int | None] = (1, None)
    remembered: status.Status = field(default_factory=status.Status)
    finalizer: bool = False
    deleting: bool = False
    gone: bool = False
    ours: bool = False
    manager: str | None = "kubectl"
    generation: int = 1
    acked_at: float = 0.0
    ack_seconds: float = 0.5
    ack: Ack | None = None
    announced: list[act.Announce] = field(default_factory=list)
    blind: bool = False
    unseen: bool = False
    refused: tuple[str, str] | None = None
    problem: tuple[str, str] | None = None
    no_series: bool = False
    buckets: tuple[tuple[str, float, float], ...] | None = None
    route_exists: bool = True
    route_owner: str | None = None
    owner: str | None = None
    heeds_mark: bool = False
    reconcile: str | None = None
    lent_until: str | None = None
    refusal: str | None = None
    stamp: str | None = None
    candidates: tuple[str, ...] | None = ("shop",)
    controllers: tuple[str, ...] = ("projectcontour.io/gateway-controller",)
    rivals: tuple[RivalView, ...] | None = ()
    companions: tuple[CompanionView, ...] | None = None
    namespace_ending: bool = False
    request: str | None = None
    starts_counted: bool = True
    by_pass: float = 0.0  # share of the requests that goes to stable whatever the route says
    performed: list[act.Action] = field(default_factory=list)
    decision: machine.Decision | None = None
    refuses: tuple[type, ...] = ()  # kinds of action that fail
    written: int = 0  # how often the split was written, by anybody

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "weights":
            super().__setattr__("written", getattr(self, "written", 0) + 1)

    # ---- what is seen

    @property
    def weight(self) -> float:
        """Patched's percent at the proxies."""
        stable, patched = self.weights
        return 100.0 * (patched or 0) / (stable + (patched or 0))

    def route(self) -> RouteView:
        """The one route."""
        stable, patched = self.weights
        acked = self.now >= self.acked_at
        return RouteView(
            name="shop",
            version="1",
            generation=self.written,
            ack=self.ack or (Ack.APPLIED if acked else Ack.PENDING),
            ack_message="",
            rules=(RuleView(index=0, name=None, stable=stable, patched=patched, port=80),),
            owner=self.route_owner,
            weight_manager=self.manager,
            ours=self.ours,
            controllers=self.controllers,
            stamp=self.stamp,
            refusal=self.refusal,
            heeds_mark=self.heeds_mark,
            reconcile=self.reconcile,
            lent_until=self.lent_until,
        )

    def routes(self) -> RoutesView:
        """The look at routes."""
        present = self.route_exists
        return RoutesView(
            routes=(self.route(),) if present else (),
            missing=() if present else ("HTTPRoute shop",),
            candidates=self.candidates if self.remembered.stage in (None, status.Stage.CHECKING) else None,
        )

    def metrics(self) -> MetricsView | None:
        """Counters for the span that a look asks for; None when nothing is asked or nothing answers."""
        span = looking.metrics_span(self.asked, self.remembered, self.now, INTERVAL)
        if span is None or self.blind or self.refused:
            return None
        start, end, interval = span
        return MetricsView(
            start=start,
            end=end,
            interval_seconds=interval,
            patched=self._series(self.patched, start, end),
            stable=self._series(self.stable, start, end),
            problem=self.problem,
            buckets=self.buckets,
        )

    def _series(self, side: Side, start: float, end: float) -> SideSeries:
        inside = [s for s in side.samples if start - 3600 <= s[0] <= end]
        if not inside or self.no_series:
            return SideSeries(requests=(), errors=(), started=() if self.starts_counted else None)

        asked = {"requests", "errors", "client_errors"} | ({"started"} if self.starts_counted else set())
        asked |= {"target"} if self.asked.fix else set()
        asked |= {"slow"} if self.remembered.baseline and self.remembered.baseline.slow_bound else set()

        def one(name: str) -> tuple[Series, ...]:
            return (Series(f"proxy|{side.name}", tuple((moment, float(int(counts[name]))) for moment, counts in inside)),)

        return SideSeries(**{name: one(name) for name in COUNTED if name in asked})

    def observe(self) -> Observation:
        """One look."""
        seen = not self.unseen
        return Observation(
            now=self.now,
            generation=self.generation,
            deleting=self.deleting,
            finalizer=self.finalizer,
            scrape_interval_seconds=INTERVAL,
            stable=self.stable.view() if seen else None,
            patched=self.patched.view() if seen else None,
            routes=self.routes() if seen else None,
            metrics=self.metrics(),
            metrics_error="Prometheus does not answer" if self.blind else None,
            refused=self.refused,
            rivals=self.rivals if seen else None,
            companions=self.companions,
            announced=self.announced[-1].sequence if self.announced else None,
            namespace_ending=self.namespace_ending,
            request=self.request,
            name="fix",
            namespace="shop",
            uid="8c1f2e7a-0000",
            created="2027-01-15T08:00:00Z",
            owner=self.owner,
        )

    def shown(self) -> Look:
        """The look at what is now."""
        return Look(self.asked, self.remembered, self.observe())

    # ---- what is done

    def look(self) -> machine.Decision:
        """One look: decide, remember, act."""
        before, known = self.weight, self.remembered
        self.decision = decision = machine.decide(self.asked, known, self.observe())
        self.remembered = status.parse(status.dump(decision.status))
        for action in decision.actions:
            self._do(action)
        self._check(before, decision)
        self._check_told(known)
        return decision

    def _do(self, action: act.Action) -> None:
        if isinstance(action, self.refuses):
            return
        self.performed.append(action)
        match action:
            case act.SetFinalizer(present=present):
                self.finalizer = present
                self.gone = self.deleting and not present
            case act.Announce():
                self.announced.append(action)
            case act.AdoptRoute() | act.SetWeights() | act.ReleaseRoute():
                self._do_to_the_route(action)
            case _:
                self._do_to_workloads(action)

    def _do_to_the_route(self, action: act.AdoptRoute | act.SetWeights | act.ReleaseRoute) -> None:
        match action:
            case act.AdoptRoute(stamp=stamp):
                self._write((self.weights[0] * 100, 0))
                self.stamp = stamp
                self._mark(action.lent_until)
            case act.SetWeights(weight=weight, stamp=stamp, rules=rules):
                if rules:
                    self._write((100 - weight, weight))
                self.stamp = stamp
                self._mark(action.lent_until)
            case act.ReleaseRoute(original=original, keep_weights=keep):
                rule = original.rules[0]
                if not keep:
                    self._write((rule.stable_weight, rule.patched_weight))
                self.ours, self.stamp = False, None
                if self.lent_until:
                    self.reconcile, self.lent_until = original.reconcile, None

    def _mark(self, until: str | None) -> None:
        if until:
            self.reconcile, self.lent_until = "disabled", until

    def _do_to_workloads(self, action: act.Action) -> None:
        match action:
            case act.Scale(deployment=deployment, replicas=replicas):
                side = self.patched if deployment.name == self.patched.name else self.stable
                side.replicas = replicas
            case act.SetPodSpec(pod_spec=pod_spec):
                self.stable.template = str(pod_spec["containers"][0]["image"])
                self.stable.errors = self.after_promotion()
            case act.SetScalerFloor(scaler=scaler, min_replicas=floor):
                self.stable.scaler = replace(scaler, min_replicas=floor)

    after_promotion: Callable[[], float] = field(default=lambda: 0.001)

    def _write(self, weights: tuple[int, int | None]) -> None:
        self.weights, self.ours, self.manager = weights, True, None
        self.acked_at = self.now + self.ack_seconds

    def _check(self, before: float, decision: machine.Decision) -> None:
        """Rules that hold at every look of every story."""
        stable, patched = self.weights
        assert stable + (patched or 0) > 0, "all weights are zero"
        raised = any(isinstance(action, act.SetWeights) for action in decision.actions) and self.weight > before
        if raised:
            assert self.patched.serving > 0, "a weight was raised for a side that cannot serve"
            lost = self.remembered.stable_lost is not None
            # what was proven already gets everything back when pods tell that it can serve
            promoting = self.remembered.phase in (status.Phase.PROMOTING, status.Phase.AWAITING_GIT)
            if (self.blind or self.problem) and not lost and not promoting:
                raise AssertionError("a weight was raised blind")
            if self.remembered.phase is status.Phase.ROLLING_BACK and not lost:
                raise AssertionError("a weight rose after a rollback began")

    def _check_told(self, before: status.Status) -> None:
        """No phase begins without a decision that says why; only a namespace that is ending takes no more events."""
        after = self.remembered
        if before.phase in (None, after.phase) or self.namespace_ending:
            return
        known = before.decisions[-1].sequence if before.decisions else 0
        new = [entry.phase for entry in after.decisions if entry.sequence > known]
        assert after.phase in new, f"{after.phase} began without a decision"

    # ---- time

    def advance(self, seconds: float) -> None:
        """Requests flow as the route says; counters are scraped on the grid."""
        end = self.now + seconds
        while self.now < end:
            edge = (self.now // INTERVAL + 1) * INTERVAL
            until = min(edge, end)
            self._flow(until - self.now)
            self.now = until
            if until == edge:
                for side in (self.stable, self.patched):
                    side.scrape(edge)

    def _flow(self, seconds: float) -> None:
        weight = self.weight / 100 * (1 - self.by_pass)
        for side, weighed in ((self.patched, weight), (self.stable, 1 - weight)):
            count = self.rate * seconds * weighed
            side.counts["started"] += count
            count *= side.answers if side.hangs else 1.0
            failing = 1.0 if not side.serving else side.errors + side.target
            shares = {"requests": 1.0, "errors": failing, "client_errors": side.client_errors}
            for name, share in {**shares, "target": side.target, "slow": side.slow}.items():
                side.counts[name] += count * share

    def run(self, until: Callable[["World"], bool], *, seconds: float = 1200.0) -> "World":
        """Look and let time pass until it is so; AssertionError with the story when it never is."""
        end = self.now + seconds
        while not until(self):
            if self.now >= end:
                raise AssertionError(f"not within {seconds:g} s:\n{self.story()}")
            decision = self.look()
            if (self.gone or decision.look_again_seconds is None) and until(self):
                return self
            if self.gone:
                raise AssertionError(f"it is gone before that:\n{self.story()}")
            self.advance(max(0.1, min(decision.look_again_seconds or 1.0, 5.0)))
        return self

    def phase(self, phase: status.Phase, **more: Any) -> "World":
        """Until this phase."""
        return self.run(lambda world: world.remembered.phase is phase, **more)

    def stage(self, stage: status.Stage, **more: Any) -> "World":
        """Until this stage."""
        return self.run(lambda world: world.remembered.stage is stage, **more)

    def held(self, reason: str, **more: Any) -> "World":
        """Until it is held for this reason."""
        return self.run(lambda world: world.remembered.held == reason, **more)

    def rest(self, seconds: float) -> "World":
        """Let looks and time go on."""
        end = self.now + seconds
        return self.run(lambda world: world.now >= end, seconds=seconds + 10)

    def story(self) -> str:
        """What happened."""
        memory = self.remembered
        lines = [f"{d.time} {d.what}: {d.reason}: {d.message}" for d in memory.decisions]
        return "\n".join([f"{memory.phase} {memory.stage} {memory.weight} held={memory.held} {memory.message}", *lines])

    @property
    def reasons(self) -> list[str]:
        """Reasons of all announcements so far."""
        return [entry.reason for entry in self.announced]


def ready_world(**more: Any) -> World:
    """A world that has been under load for a minute."""
    world = World(**more)
    world.advance(60)
    return world
