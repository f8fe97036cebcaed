"""Two rollouts on one route, through the production Reconciler: an older hotfix, and a newer one that takes its place."""

from collections.abc import Callable

from hotfix.errors import OutsideError
from hotfix.ports import Key
from tests.e2e.shop import deployment, rollout, service

from .shop import ERRORS, NAMESPACE, Requests, Shop

OLDER, NEWER = Key(NAMESPACE, "fix"), Key(NAMESPACE, "second")


class Two(Shop):
    """`fix` is the older one, of checkout-hotfix; `second` the newer one, of checkout-second. Both are looked at in turns."""

    def __init__(self, patched: str = "sample:1.1", **spec: object) -> None:
        super().__init__(patched, **spec)
        self.least_stable: list[float] = []
        self.due = {OLDER: 0.0, NEWER: 0.0}

    def hurry(self, image: str = "sample:good", name: str = "second", **spec: object) -> None:
        """A newer hotfix is applied."""
        ERRORS.setdefault(image, 0.0)
        patched = f"checkout-{name}"
        items = (deployment(patched, image), service(patched), rollout(name, **{"patched": {"deployment": patched}, **spec}))
        self.advance(5)
        for item in items:
            self.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
        self.requests.counts[patched] = [0.0, 0.0]
        self.requests.samples[patched] = []
        self.due[Key(NAMESPACE, name)] = 0.0
        self.controllers.step()

    async def both(self, until: Callable[["Two"], bool], *, seconds: float = 1800.0) -> "Two":
        """Looks at whichever is due, until it is so."""
        end = self.clock.now() + seconds
        while not until(self):
            assert self.clock.now() < end, "\n".join(self.story())
            for key in list(self.due):
                if self.due[key] <= self.clock.now() and self.of(key.name):
                    await self._look(key)
            self.least_stable.append(self.share("checkout"))
            self.advance(0.5)
        return self

    async def _look(self, key: Key) -> None:
        try:
            wait = await self.reconciler.reconcile(key)
        except OutsideError:
            wait = 0.5
        self.due[key] = self.clock.now() + (3600.0 if wait is None else max(0.1, wait))

    def wake(self) -> None:
        """Something changed: both are looked at."""
        self.due = dict.fromkeys(self.due, 0.0)

    def of(self, name: str) -> dict[str, object]:
        """A rollout as it is stored; empty when it is gone."""
        try:
            return dict(self.api.read("HotfixRollout", NAMESPACE, name))
        except KeyError:
            return {}

    def state(self, name: str) -> dict[str, object]:
        """Its status."""
        return dict(self.of(name).get("status") or {})  # type: ignore[call-overload]

    def phase(self, name: str) -> object:
        """Its phase; None when it has none, or is gone."""
        return self.state(name).get("phase")

    def share(self, name: str) -> float:
        """Percent of the requests that go to a Service."""
        weights = self.weights
        return 100.0 * weights.get(name, 0) / (sum(weights.values()) or 1)

    def story(self) -> list[str]:
        """Both, for a test that fails."""
        found = [f"weights {self.weights}"]
        for name in (key.name for key in self.due):
            status = self.state(name)
            found.append(f"{name}: {status.get('phase')} {status.get('stage')} {status.get('weight')} held {status.get('held')}")
            found += [f"   {d['time']} {d['what']}: {d['reason']}: {d.get('message')}" for d in status.get("decisions", ())]  # type: ignore[attr-defined]
            found.append(f"   {status.get('message')} | {status.get('supersedes')} | {status.get('supersededBy')}")
        return found


__all__ = ["NEWER", "OLDER", "Requests", "Two"]
