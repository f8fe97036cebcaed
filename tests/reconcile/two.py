"""Two rollouts on one route, through the production Reconciler: an older hotfix, and a newer one that takes its place."""

from collections.abc import Callable
from typing import Any, TypeVar

from hotfix.errors import OutsideError
from hotfix.ports import Key
from tests.e2e.shop import deployment, rollout, service

from .shop import ERRORS, NAMESPACE, Requests, Shop

OLDER, NEWER = Key(NAMESPACE, "fix"), Key(NAMESPACE, "second")
FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
SLOWLY: dict[str, Any] = {"startWeight": 25, "steps": [25, 50]}
WAITS = {"mode": "AwaitGit"}

Seen = TypeVar("Seen")


class Two(Shop):
    """`fix` is the older one, of checkout-hotfix; `second` the newer one, of checkout-second. Both are looked at in turns."""

    def __init__(self, patched: str = "sample:1.1", **spec: Any) -> None:
        super().__init__(patched, **spec)
        self.least_stable: list[float] = []
        self.due = {OLDER: 0.0, NEWER: 0.0}
        self.after_look: list[Callable[[], object]] = []

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
                    await self.look(key)
            self.least_stable.append(self.share("checkout"))
            self.advance(0.5)
        return self

    async def look(self, key: Key) -> None:
        """One look at one of them."""
        try:
            wait = await self.reconciler.reconcile(key)
        except OutsideError:
            wait = 0.5
        self.due[key] = self.clock.now() + (3600.0 if wait is None else max(0.1, wait))
        for act in self.after_look:
            act()

    async def wait(self, seconds: float) -> None:
        """So much time passes."""
        end = self.clock.now() + seconds
        await self.both(lambda shop: shop.clock.now() >= end)

    async def takes_over(self) -> None:
        """The older one stands still for the newer; from now on requests are counted."""
        await self.both(Two.stands_still)
        self.requests.silent = False

    def noting(self, what: Callable[["Two"], Seen]) -> list[Seen]:
        """What it is after each look from now on."""
        seen: list[Seen] = []
        self.after_look.append(lambda: seen.append(what(self)))
        return seen

    # ---- what people, git and nodes do

    def wake(self) -> None:
        """Something changed: both are looked at."""
        self.due = dict.fromkeys(self.due, 0.0)

    def ask(self, name: str, verb: str) -> None:
        """A person asks something of a rollout."""
        value = {"hotfix-operator.dev/request": f"{verb}:{self.clock.now()}"}
        self.api.edit("HotfixRollout", NAMESPACE, name, [{"op": "add", "path": "/metadata/annotations", "value": value}])
        self.wake()

    def respec(self, name: str, **spec: object) -> None:
        """A person edits the spec of a rollout."""
        operations = [{"op": "add", "path": f"/spec/{field}", "value": value} for field, value in spec.items()]
        self.api.edit("HotfixRollout", NAMESPACE, name, operations)
        self.wake()

    def delete(self, name: str) -> None:
        """A rollout is deleted."""
        self.api.delete("HotfixRollout", NAMESPACE, name)
        self.wake()

    def by_flux(self, kind: str) -> None:
        """Flux applies what is called checkout."""
        self.api.edit(kind, NAMESPACE, "checkout", [{"op": "add", "path": "/metadata/labels", "value": FLUX}])

    def renew_pods(self, deployment: str) -> None:
        """New pods in the place of the present ones."""
        for pod in list(self.api.every("Pod", NAMESPACE)):
            if pod["metadata"]["labels"]["app"] == deployment:
                self.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
        self.controllers.step()
        self.wake()

    def crash(self, deployment: str, image: str) -> None:
        """Its pods die, and no new one gets up."""
        self.controllers.crashing.add(image)
        self.renew_pods(deployment)

    # ---- what is seen

    def of(self, name: str) -> dict[str, Any]:
        """A rollout as it is stored; empty when it is gone."""
        try:
            return dict(self.api.read("HotfixRollout", NAMESPACE, name))
        except KeyError:
            return {}

    def state(self, name: str) -> dict[str, Any]:
        """Its status."""
        return dict(self.of(name).get("status") or {})

    def phase(self, name: str) -> object:
        """Its phase; None when it has none, or is gone."""
        return self.state(name).get("phase")

    def stage(self, name: str) -> object:
        """Its stage."""
        return self.state(name).get("stage")

    def stands_still(self) -> bool:
        """The older one leaves its place to a newer one."""
        return bool(self.state("fix").get("supersededBy"))

    def ended(self, name: str) -> bool:
        """Nothing of a rollout is left to do."""
        item = self.of(name)
        return not item or (not item["metadata"].get("finalizers") and item.get("status", {}).get("stage") == "Done")

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
            found += [f"   {d['time']} {d['what']}: {d['reason']}: {d.get('message')}" for d in status.get("decisions", ())]
            found.append(f"   {status.get('message')} | {status.get('supersedes')} | {status.get('supersededBy')}")
        return found


async def analysed(**spec: Any) -> Two:
    """The older one has a share, 25 % if nothing else is said, and keeps it, for nothing can be counted."""
    shop = Two(**{**SLOWLY, **spec})
    await shop.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    shop.requests.silent = True
    return shop


async def beside(**newer: Any) -> Two:
    """Both have a share and keep it."""
    shop = await analysed()
    shop.hurry(**{**SLOWLY, **newer})
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second") == "Analyzing" and s.share("checkout-second") > 0)
    shop.requests.silent = True
    return shop


__all__ = ["NEWER", "OLDER", "SLOWLY", "WAITS", "Requests", "Two", "analysed", "beside"]
