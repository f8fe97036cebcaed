"""Short stories of two rollouts on one route, for planted bugs that random pairs seldom meet: which promises were broken."""

from contextlib import AbstractContextManager

from hotfix.core.machine import Decision
from hotfix.core.observation import Observation
from hotfix.core.spec import Spec
from hotfix.core.status import Status
from hotfix.errors import Unavailable
from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two

from .kin_rules import Kin
from .outside import PATCHED, SECOND, Outside
from .pairs import GOOD
from .plots import Plot
from .rules import Decided, broken
from .world import deciding

PROMPTLY = {"startWeight": 25, "steps": [25], "traffic": {"drain": "5s"}}
HURRIED = {"urgency": "BreakGlass", "control": "None", "analysis": {"bakeTime": "1m"}}


def _listening(told: Two, found: list[str]) -> AbstractContextManager[None]:
    """Every decision of either is judged; the promises that it breaks are noted."""
    sides = (Outside(told.api, NAMESPACE, name, patched) for name, patched in (("fix", PATCHED), ("second", SECOND)))
    kin = Kin(*sides, lambda promise, text: found.append(promise), edited=False, weighed=False)

    def hear(spec: Spec, before: Status, seen: Observation, decision: Decision) -> None:
        one = Decided(spec, before, seen, decision)
        found.extend(promise for promise, _ in (*kin.decided(one), *broken(one)))

    return deciding(hear)


async def dead_when_the_share_moves() -> list[str]:
    """The newer one has all that the older one leaves, and is to get that one's share too; the write does not come through, and
    meanwhile its last pod ends. Its percent of what is split is 100 before and after: nothing rises, only the share moves."""
    told, found = Two(**PROMPTLY), list[str]()
    await told.both(lambda shop: shop.phase("fix") == "Analyzing" and shop.share(PATCHED) > 0)
    told.requests.silent = True
    told.hurry(GOOD, **HURRIED)
    await told.takes_over()
    ended: list[str] = []

    def refuse(method: str, url: str) -> None:
        if not ended and method == "PATCH" and "/httproutes/" in url and told.stage("second") == "AllToPatched":
            ended.append(url)
            told.controllers.never_ready.add(GOOD)
            told.renew_pods(SECOND)
            raise Unavailable("The API server does not answer")

    told.kube.before = refuse
    with _listening(told, found):
        await told.both(lambda shop: bool(ended))
        await told.wait(10)
    return list(dict.fromkeys(found))


async def awake_when_the_newer_is_promoted() -> list[str]:
    """The older one is paused before its start; it goes on when the newer one has given stable its fix."""
    told, found = Two(paused=True), list[str]()
    await told.both(lambda shop: shop.state("fix").get("held") == "Paused")
    told.hurry(GOOD, analysis={"bakeTime": "20s"})
    await told.both(lambda shop: shop.phase("second") == "Promoted")
    with _listening(told, found):
        told.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "replace", "path": "/spec/paused", "value": False}])
        await told.wait(60)
    return list(dict.fromkeys(found))


PAIR_PLOTS: tuple[Plot, ...] = (dead_when_the_share_moves, awake_when_the_newer_is_promoted)
