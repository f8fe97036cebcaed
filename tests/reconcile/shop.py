"""The production Reconciler with its real adapters on an API server in memory; requests and time are numbers.

Everything goes through the real store, router, workloads and announcer; only the transport, Prometheus and the clock are ours.
"""

import asyncio
import pickle
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.kube import Object
from hotfix.adapters.mirror import MAX_AGE_SECONDS, Mirror
from hotfix.adapters.reading import Direct, Reader
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import KubeStore
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.core.machine import Decision
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.reasons import Reason
from hotfix.errors import OutsideError, Unavailable
from hotfix.lookout import Ports
from hotfix.ports import Key, MetricsQuery
from hotfix.reconcile import Reconciler
from hotfix.settings import ReconcileSettings
from tests.e2e.shop import deployment, rollout, route, service
from tests.fakes.api import FakeApi
from tests.fakes.clock import FakeClock
from tests.fakes.controllers import Controllers
from tests.fakes.kube import FakeKube
from tests.fakes.rights import lacked

NAMESPACE, INTERVAL, RATE = "shop", 5.0, 100.0
ERRORS = {"sample:1.0": 0.05, "sample:1.1": 0.001, "sample:crash": 1.0}
KEY = Key(NAMESPACE, "fix")


class Requests:
    """MetricsSource: requests flow as the route's weights say, and fail as the Deployments' images do."""

    def __init__(self, api: FakeApi, names: Sequence[str] = ("checkout", "checkout-hotfix")) -> None:
        self.api = api
        self.counts = {name: [0.0, 0.0] for name in names}
        self.samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in self.counts}
        self.silent = False
        self.shares: dict[str, float] = {}  # what proxies serve whatever the route says
        self.errors: dict[str, float] = {}  # of a Deployment, whatever its image

    def flow(self, seconds: float) -> None:
        """Requests of so many seconds."""
        rules = self.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]
        for name, count in self.counts.items():
            share = self.shares.get(name, sum(share_of_rule(rule, name) for rule in rules) / len(rules))
            image = self.api.read("Deployment", NAMESPACE, name)["spec"]["template"]["spec"]["containers"][0]["image"]
            count[0] += RATE * seconds * share
            count[1] += RATE * seconds * share * self.errors.get(name, ERRORS[image])

    def scrape(self, moment: float) -> None:
        """Note the counters."""
        for name, count in self.counts.items():
            self.samples[name].append((moment, float(int(count[0])), float(int(count[1]))))

    async def collect(self, query: MetricsQuery) -> MetricsView:
        """What Prometheus would answer."""
        if self.silent:
            raise Unavailable("Prometheus does not answer")
        return MetricsView(
            start=query.start,
            end=query.end,
            interval_seconds=query.interval_seconds,
            patched=self._side(query.patched_deployment, query),
            stable=self._side(query.stable_deployment, query),
        )

    def _side(self, name: str, query: MetricsQuery) -> SideSeries:
        inside = [s for s in self.samples.get(name, ()) if query.start - 3600 <= s[0] <= query.end]
        both = [(Series(f"proxy|{name}", tuple((s[0], s[column]) for s in inside)),) if inside else () for column in (1, 2)]
        return SideSeries(requests=both[0], errors=both[1])


class WatchingKube(FakeKube):
    """With the rights of deploy/base: a request beyond them ends the story. Its watches tell nothing any more of what is in
    `mute` (plurals)."""

    def __init__(self, api: FakeApi) -> None:
        super().__init__(api)
        self.mute: frozenset[str] = frozenset()
        self.lacked: list[str] = []  # rights without which a watch began, which nobody waits for

    async def _call(self, method: str, url: str, **more: Any) -> Object:
        missing = lacked(method, url)
        assert missing is None, missing
        return await super()._call(method, url, **more)

    async def watch(self, url: str, *, version: str, seconds: int) -> AsyncGenerator[Object, None]:
        """Events, as long as it speaks."""
        if missing := lacked("WATCH", url):
            self.lacked.append(missing)
        async for event in super().watch(url, version=version, seconds=seconds):
            if url.rsplit("/", 1)[-1] in self.mute:
                await asyncio.Event().wait()
            yield event


def share_of_rule(rule: dict[str, Any], name: str) -> float:
    """Part of a rule's requests that go to the Service; every rule gets as many requests."""
    refs = rule["backendRefs"]
    return float(sum(ref["weight"] for ref in refs if ref["name"] == name) / (sum(ref["weight"] for ref in refs) or 1))


class Shop:
    """One rollout in a namespace, its operator, and time."""

    def __init__(self, patched: str = "sample:1.1", rules: tuple[dict[str, Any], ...] = (), **spec: Any) -> None:
        self.clock = FakeClock()
        self.api = FakeApi(self.clock)
        self.kube = WatchingKube(self.api)
        self.mirror: Mirror | None = None
        self.controllers = Controllers(self.api)
        self.requests = Requests(self.api)
        self.decisions: list[Decision] = []
        self.refusals: list[tuple[Reason, float]] = []
        self.gone = False
        self.api.apply({"kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for item in (
            deployment("checkout", "sample:1.0"),
            service("checkout"),
            deployment("checkout-hotfix", patched),
            service("checkout-hotfix"),
            route("checkout", "checkout.local", *rules),
            rollout("fix", **spec),
        ):
            self.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
        self.controllers.step()
        self.advance(60)
        self.restart()

    def stored(self) -> bytes:
        """Everything that is left when the process dies: objects, requests, time."""
        return pickle.dumps((self.clock, self.api, self.controllers, self.requests, self.gone))

    @classmethod
    def revived(cls, stored: bytes, *, watches: bool = False, max_age_seconds: float = MAX_AGE_SECONDS) -> "Shop":
        """A shop as it was `stored`, with a new process."""
        shop = cls.__new__(cls)
        shop.clock, shop.api, shop.controllers, shop.requests, shop.gone = pickle.loads(stored)  # noqa: S301 - from `stored`
        shop.decisions, shop.refusals = [], []
        shop.kube = WatchingKube(shop.api)
        shop.mirror = None
        shop.restart(watches=watches, max_age_seconds=max_age_seconds)
        return shop

    def restart(self, *, watches: bool = False, max_age_seconds: float = MAX_AGE_SECONDS) -> None:
        """A new process: nothing is remembered but what is stored. `watches`: it reads by watches, to be closed at the end, each
        believed for so long while it is silent; else each read is a request."""
        self.mirror = Mirror(self.kube, self.clock.monotonic, max_age_seconds=max_age_seconds) if watches else None
        reader: Reader = self.mirror or Direct(self.kube)
        ports = Ports(
            store=KubeStore(self.kube, reader),
            router=GatewayApiRouter(self.kube, reader),
            workloads=KubeWorkloads(self.kube, reader),
            metrics=self.requests,
            announcer=KubeAnnouncer(self.kube, instance="test", monotonic=self.clock.monotonic),
            clock=self.clock,
        )
        settings = ReconcileSettings(scrape_interval_seconds=INTERVAL, metrics_timeout_seconds=2.0)
        self.reconciler = Reconciler(ports, settings, self)

    async def close(self) -> None:
        """End the watches; each of them was allowed."""
        if self.mirror is not None:
            await self.mirror.close()
        assert not self.kube.lacked, self.kube.lacked

    def decided(self, key: Key, decision: Decision) -> None:
        """Observer: a status was saved."""
        self.decisions.append(decision)

    def refused(self, key: Key, reason: Reason, since: float) -> None:
        """Observer: what is stored cannot be read."""
        self.refusals.append((reason, since))

    def forgotten(self, key: Key) -> None:
        """Observer: the rollout is gone."""
        self.gone = True

    def advance(self, seconds: float) -> None:
        """Requests flow, counters are scraped, controllers work."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            edge = (self.clock.now() // INTERVAL + 1) * INTERVAL
            step = min(edge, end) - self.clock.now()
            self.requests.flow(step)
            self.clock.advance(step)
            if self.clock.now() == edge:
                self.requests.scrape(edge)
        self.controllers.step()

    async def run(self, until: Callable[["Shop"], bool], *, seconds: float = 900.0) -> "Shop":
        """Look after look, with back-off after failures, until it is so."""
        end = self.clock.now() + seconds
        while not until(self):
            assert self.clock.now() < end, (
                f"never: {self.status.get('phase')} {self.status.get('stage')} {self.status.get('message')}"
            )
            try:
                wait = await self.reconciler.reconcile(KEY)
            except OutsideError:
                wait = 0.5
            if self.gone:
                break
            self.advance(max(0.1, min(wait or 1.0, 5.0)))
        return self

    # ---- what is seen

    @property
    def status(self) -> dict[str, Any]:
        """The stored status."""
        try:
            return dict(self.api.read("HotfixRollout", *(NAMESPACE, "fix")).get("status") or {})
        except KeyError:
            return {}

    @property
    def weights(self) -> dict[str, int]:
        """Backend -> weight in the first rule."""
        return self.rules[0]

    @property
    def rules(self) -> list[dict[str, int]]:
        """Backend -> weight of every rule."""
        rules = self.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]
        return [{ref["name"]: ref["weight"] for ref in rule["backendRefs"]} for rule in rules]

    def edit_rules(self, *operations: dict[str, Any]) -> None:
        """A person's JSON Patch on the route; the controllers take note."""
        self.api.edit("HTTPRoute", NAMESPACE, "checkout", list(operations))
        self.controllers.step()

    def ending(self) -> dict[str, Any]:
        """All that must be the same however often something crashed on the way."""
        raw = self.api.read("HTTPRoute", NAMESPACE, "checkout")
        managers = {entry["manager"] for entry in raw["metadata"].get("managedFields", [])}
        events = [event["reason"] for event in self.api.every("Event", NAMESPACE)]
        scalers = self.api.every("HorizontalPodAutoscaler", NAMESPACE)
        return {
            "phase": self.status.get("phase"),
            "weights": self.weights,
            "ours": "hotfix-operator" in managers,
            "stable": self.api.read("Deployment", NAMESPACE, "checkout")["spec"]["template"]["spec"]["containers"][0]["image"],
            "patched": self.api.read("Deployment", NAMESPACE, "checkout-hotfix")["spec"]["replicas"],
            "floors": {scaler["metadata"]["name"]: scaler["spec"]["minReplicas"] for scaler in scalers},
            "first": events[:1],
            "last": sorted(events)[-1:],
        }
