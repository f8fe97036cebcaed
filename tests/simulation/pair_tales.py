"""Two rollouts on one route that are told again with a crash at every request since the newer one came."""

from typing import Any

from hotfix.ports import Key
from tests.e2e.shop import deployment, rollout, service
from tests.reconcile.shop import KEY, NAMESPACE, Shop

from .crashing import Tale
from .outside import SECOND, STABLE
from .pairs import BAD, GOOD
from .tales import QUICK, _scaled, _shifting, _stage, shop

NEWER = Key(NAMESPACE, "second")
IN_TURNS = (NEWER, KEY)  # a new process knows who takes whose place once it has looked at the newer one
EVERY = 9


def comes(told: Shop, image: str = GOOD, **spec: Any) -> None:
    """The newer hotfix is applied."""
    patched = {"patched": {"deployment": SECOND}}
    for item in (deployment(SECOND, image), service(SECOND), rollout(NEWER.name, **{**QUICK, **patched, **spec})):
        told.api.apply({**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}})
    told.requests.counts[SECOND] = [0.0, 0.0]
    told.requests.samples[SECOND] = []
    told.controllers.step()


def status_of_newer(told: Shop) -> dict[str, Any]:
    """As it is stored; empty when it is gone or has not come."""
    place = told.api.place("HotfixRollout", NAMESPACE, NEWER.name)
    return dict(told.api.objects[place].get("status") or {}) if place in told.api.objects else {}


def git_has(told: Shop, image: str) -> None:
    """Git gives stable this image."""
    at = "/spec/template/spec/containers/0/image"
    told.api.edit("Deployment", NAMESPACE, STABLE, [{"op": "replace", "path": at, "value": image}], "kustomize-controller")


def awaiting(told: Shop) -> bool:
    """The older one waits for git."""
    return _stage(told) == "AwaitingGit" and told.status.get("acknowledgedWeight") == 100


PAIR_TALES: dict[str, Tale] = {
    "superseded": Tale(
        _scaled, ((_shifting, lambda told: comes(told, promotion={"mode": "KeepPatched"})),), IN_TURNS, since=1, every=EVERY
    ),
    "kept": Tale(shop, ((_shifting, lambda told: comes(told, BAD)),), IN_TURNS, since=1, every=EVERY),
    "control": Tale(
        lambda: shop(promotion={"mode": "AwaitGit"}),
        (
            (awaiting, lambda told: comes(told, promotion={"mode": "AwaitGit"})),
            (lambda told: status_of_newer(told).get("phase") == "AwaitingGit", lambda told: git_has(told, GOOD)),
        ),
        IN_TURNS,
        since=1,
        every=EVERY,
    ),
}
