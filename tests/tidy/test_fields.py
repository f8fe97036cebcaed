"""Every field of the manifest and of the status is read by the operator somewhere, as told by whole rollouts: a field that does
nothing is a promise that nobody keeps.
"""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hotfix.adapters.promql import queries_for
from hotfix.cli import why
from hotfix.core import lineage, originals, spec, status
from hotfix.core.fields import Model
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage
from hotfix.lookout import metrics_query
from tests.core.world import World, a_spec, ready_world
from tests.reconcile.two import Two

from .tree import ROOT

OPERATOR = str(ROOT / "operator")
# whose code asks whether a status can be, of every field alike
CHECKS_ITSELF = "_nonsense"

# field -> who reads it instead
READ_ELSEWHERE = {
    "Borrowed.undo": "a person, when the operator is gone",
    "Condition.message": "kubectl, Flux and Argo CD",
    "Condition.reason": "kubectl, Flux and Argo CD",
    "Condition.observed_generation": "kubectl wait, Flux and Argo CD",
    "Status.step": "kubectl get",
}

FULL: dict[str, Any] = {
    "stable": {"deployment": "checkout", "service": "checkout", "image": "v1"},
    "patched": {"deployment": "checkout-hotfix", "service": "checkout-hotfix", "afterRollback": "Keep"},
    "traffic": {"httpRoutes": [{"name": "shop", "rules": [0]}], "drain": "5s"},
    "metrics": {"interval": "5s"},
    "analysis": {"latency": {"threshold": "500ms"}},
    "fix": {"errors": "x"},
    "incident": {"reference": "INC-1", "reason": "r", "severity": "s", "url": "https://x", "detectedAt": "2027-01-15T07:00:00Z"},
    "expires": "2030-01-01T00:00:00Z",
}
OWN_QUERIES = {name: f"{name}_total" for name in ("requests", "errors", "clientErrors", "slow", "started")}


def fields() -> Iterator[str]:
    """`Model.field` of every model of the manifest and the status."""
    for module in (spec, status, originals, lineage):
        for _, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, Model) and model.__module__ == module.__name__:
                yield from (f"{model.__name__}.{name}" for name in model.model_fields)


def told(world: World) -> None:
    """A person asks why."""
    raw = status.dump(world.remembered)
    incident = world.asked.incident.model_dump(mode="json", by_alias=True) if world.asked.incident else None
    why.show("fix", {**raw, "incident": incident}, None)


def promoted() -> None:
    world = World(asked=a_spec(**FULL), buckets=(("0.5", 0.5, 900.0), ("1", 1.0, 1000.0)))
    world.stable.target = 0.05
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.advance(60)
    world.phase(Phase.BAKING)
    told(world)
    world.stable.target = 0.0
    told(world.phase(Phase.PROMOTED))


def rolled_back() -> None:
    world = ready_world(asked=a_spec(**{**FULL, "analysis": {}}))
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK)


def stable_lost() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.stable.ready = 0
    world.held("StableLost").rest(5)
    world.stable.ready = None
    world.run(lambda w: w.remembered.stable_lost is None, seconds=300)
    world.phase(Phase.PROMOTED)


def blind() -> None:
    world = ready_world().phase(Phase.BAKING)
    world.blind = True
    world.rest(200)


def undecided() -> None:
    ready_world(asked=a_spec(analysis={"deadline": "30s"})).held("Inconclusive", seconds=120)


def never_ready() -> None:
    world = ready_world()
    world.patched.ready = 0
    world.phase(Phase.ROLLED_BACK, seconds=400)


def handed_over() -> None:
    world = ready_world(asked=a_spec(analysis={"deadline": "10m"}))
    world.stable.owner = "Flux Kustomization flux-system/shop"
    world.patched.image_ids = (("app@sha256:1",),)
    told(world.phase(Phase.AWAITING_GIT).rest(700))
    world.weights, world.ours, world.manager = (100, 0), False, "kustomize-controller"
    world.rest(3)
    world.request = "pause:1"
    world.rest(1).request = "resume:1"
    world.rest(1)
    world.patched.ready = 0
    world.rest(5)
    world.patched.ready = None
    world.rest(20)
    world.stable.template, world.stable.image_ids = "mirror/v2", (("mirror/app@sha256:1",),)
    world.stage(Stage.RETURNING)


def tried_again() -> None:
    world = ready_world()
    world.patched.errors = 1.0
    world.phase(Phase.ROLLED_BACK)
    world.request, world.patched.errors = "retry-same:1", 0.001
    world.phase(Phase.PROMOTED).rest(5)
    world.stable.template = "v1"
    world.look()
    world.look()


def queried() -> None:
    asked = a_spec(metrics=OWN_QUERIES, fix={"errors": "x"})
    world = ready_world(asked=asked).stage(Stage.ADOPTING)
    views = (world.stable.view(), world.patched.view(), world.routes())
    queries_for(
        metrics_query("shop", asked, views, (0.0, 5.0, 5.0), preset=None, slow_bound=None, buckets=False, timeout_seconds=1.0)
    )
    a_preset = a_spec(metrics={"preset": "http"}, startWeight=5)
    ready_world(asked=a_preset).phase(Phase.ANALYZING)


def by_passed() -> None:
    ready_world(asked=a_spec(startWeight=25), by_pass=1.0).held("WeightNotEffective")


def superseded() -> None:
    async def by(image: str, began: str, ends: str) -> None:
        shop = Two(promotion={"mode": "AwaitGit"}, analysis={"bakeTime": "2m"})
        await shop.both(lambda s: s.phase("fix") == began)
        shop.hurry(image, promotion={"mode": "AwaitGit"})
        await shop.both(lambda s: s.phase("second") == ends and s.state("fix").get("held") != "Superseding")
        for name in ("fix", "second"):
            why.show(name, shop.state(name), None)

    asyncio.run(by("sample:good", "AwaitingGit", "AwaitingGit"))
    asyncio.run(by("sample:crash", "Baking", "RolledBack"))


STORIES = (
    *(promoted, rolled_back, stable_lost, blind, undecided, never_ready),
    *(handed_over, tried_again, queried, by_passed, superseded),
)


def test_every_field_is_read_by_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    plain = object.__getattribute__

    def traced(self: Model, name: str) -> Any:
        frame = sys._getframe(1)
        if frame.f_code.co_filename.startswith(OPERATOR) and frame.f_code.co_name != CHECKS_ITSELF:
            read.add(f"{type(self).__name__}.{name}")
        return plain(self, name)

    monkeypatch.setattr(Model, "__getattribute__", traced, raising=False)
    for story in STORIES:
        story()
    monkeypatch.undo()
    every = set(fields())
    assert len(every) > 100
    assert sorted(every - read - READ_ELSEWHERE.keys()) == []
    assert sorted(READ_ELSEWHERE.keys() & read) == [], "these are read after all"
    assert sorted(READ_ELSEWHERE.keys() - every) == []
