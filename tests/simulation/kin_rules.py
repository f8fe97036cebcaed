"""What is promised about two rollouts on one route: who may write weights, who may get more, and when either goes on.

Each is told by what is stored and by what was written, not by what an operator believes; a decision is judged by what it saw.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hotfix.core import actions as act
from hotfix.core import guards, kin, vetoes
from hotfix.core.look import Look
from hotfix.core.status import LIVE_PHASES, Phase, Stage, Status
from tests.fakes.api import Object
from tests.fakes.controllers import is_ready

from .outside import SIDES, STABLE, Outside, against_of, weights
from .rules import Decided, ready

STANDING = ("Shifting", "AwaitingGit", "ReturnFailed")
FALLING = ("RollingBack", "RolledBack")
WITH_THE_FIX = ("Returning", "ReturnFailed", "DrainingPatched", "ScalingDown")
LIVE = frozenset(str(phase) for phase in LIVE_PHASES)
LOWERED_FOR = frozenset({"BlindTooLong", "PatchedChanged", "PatchedLost"})
EDITED = ("WeightsEdited", "RouteMissing")  # what it has is not what it gave itself
ODD = 1.0  # percent of all sides: what integers and third backends may cost
KEEPS = "the older one keeps its share"
STILL, STARTS = "the older one stands still", "starts beside one that stands still"
STABLE_RISES, NO_RISE, FLOOR = "stable never gets more", "neither rises after its rollback", "stable's floor is kept"
GIVES_WAY, GOES_ON, DELETED = "gives way when it has nothing", "goes on when the other has nothing", "a deletion waits"
DEAD, TAKEN_BACK = "the share moves to no dead side", "what a newer one promoted is not taken back"

Breach = tuple[str, str]
Rule = dict[str, int]


def parts(rule: Mapping[str, int]) -> dict[str, float]:
    """Percent of each side in what all sides have together."""
    total = sum(rule.get(name, 0) for name in SIDES)
    return {name: 100.0 * rule.get(name, 0) / total if total else 0.0 for name in SIDES}


class Kin:
    """The older rollout and the newer one, as far as they must heed each other. `edited`: git and people write the route too;
    `weighed`: people give weights, which are left as they are."""

    def __init__(
        self, older: Outside, newer: Outside, breach: Callable[[str, str], None], *, edited: bool, weighed: bool
    ) -> None:
        self.older, self.newer, self.breach, self.edited, self.weighed = older, newer, breach, edited, weighed
        self._written: list[Rule] | None = None  # what a write of ours left that changed shares last
        self._touched = False  # somebody else has written weights
        self._weights: dict[str, int] = {}  # rollout -> weight that was stored when it wrote last
        self._lost: set[str] = set()  # rollouts that had lost stable when they wrote last

    # ---- writes

    def route(self, writer: Outside, was: Object, now: Object) -> None:
        """One write of the route for a rollout."""
        other = self.newer if writer is self.older else self.older
        before, after = weights(was), weights(now)
        known = self._written if self._written is not None and len(self._written) == len(after) else before
        if len(before) == len(after) and before != after:
            for old, mine, new in zip(before, known, after, strict=True):
                self._rule(writer, other, (parts(old), parts(mine), parts(new)))
                if writer is self.newer and parts(old) != parts(new):
                    self._kept(new)
            self._standing(writer, before, after)
        status = writer.status()
        if self._written is None or [parts(rule) for rule in before] != [parts(rule) for rule in after]:
            self._written = after
        self._weights[writer.name] = status.get("weight") or 0
        self._lost = self._lost - {writer.name} | ({writer.name} if status.get("stableLost") else set())

    def _rule(self, writer: Outside, other: Outside, shares: tuple[dict[str, float], dict[str, float], dict[str, float]]) -> None:
        old, mine, new = shares
        self._touched = self._touched or (self.edited and old != mine)
        if self._touched or not any(new.values()):
            return  # what somebody's edit gave is not what we gave
        for one, beside in ((writer, other), (other, writer)):
            status, name = one.status(), one.patched
            falls = status.get("phase") in FALLING and not self._serves_alone(status, beside)
            if falls and new[name] > max(old[name], mine[name]) + ODD:
                self.breach(NO_RISE, f"{name} rose to {new[name]:.0f} % for {writer.name}")
        rises = new[STABLE] - max(old[STABLE], mine[STABLE])
        if rises > ODD and rises > self._may_fall(writer, other, old, new) + ODD:
            self.breach(STABLE_RISES, f"it got {new[STABLE]:.0f} % for {writer.name}: {old} became {new}")

    def _serves_alone(self, status: Mapping[str, Any], beside: Outside) -> bool:
        """Stable is lost, and the other rollout is over, on its way back too, or stands still: this one takes what stable had."""
        free = beside.phase in LIVE - {"RollingBack"} and not beside.status().get("supersededBy")
        return bool(status.get("stableLost")) and not free

    def _may_fall(self, writer: Outside, other: Outside, old: Mapping[str, float], new: Mapping[str, float]) -> float:
        """What stable may get more: what the writer's own patch may lose to it."""
        status, fell = writer.status(), old[writer.patched] - new[writer.patched]
        stage, phase, weight = status.get("stage"), status.get("phase"), status.get("weight") or 0
        if stage == "GivingBack":
            beside = other.phase in LIVE
            return fell if beside else fell + old[other.patched] - new[other.patched]
        if phase == "Promoting" and stage in WITH_THE_FIX:
            return fell + old[other.patched] - new[other.patched]
        if (control := against_of(status)) != STABLE:
            return fell if phase == "RollingBack" and control not in self._serving() else 0.0
        if phase == "RollingBack" or status.get("stableLost") or writer.name in self._lost:
            return fell
        reasons = [entry["reason"] for entry in status.get("decisions") or () if entry["what"] == f"weight {weight}"]
        lowered = weight < self._weights.get(writer.name, 0) and bool(reasons) and reasons[-1] in LOWERED_FOR
        return fell if lowered else 0.0

    def _standing(self, writer: Outside, before: list[Rule], after: list[Rule]) -> None:
        older, newer = self.older.status(), self.newer.status()
        bound = older.get("supersededBy") or {}
        if writer is self.older:
            takes_what_stable_lost = bound.get("control") and older.get("stableLost")
            if bound and older.get("stage") in STANDING and not takes_what_stable_lost:
                self.breach(STILL, f"{before} became {after}")
            return
        ends = newer.get("phase") in FALLING or newer.get("stage") == "GivingBack"
        ends = ends or (self.edited and older.get("phase") in FALLING)  # what somebody gave it
        known = [rule.get(self.older.patched, 0) for rule in before]
        if older.get("phase") in LIVE and not bound and not ends and any(known):
            self.breach(STARTS, f"{before} became {after} while that one is {older.get('phase')}")

    def _kept(self, rule: Rule) -> None:
        """A weight that the newer one gives leaves the older one what it stands still with, also where git took that away."""
        older, newer = self.older.status(), self.newer.status()
        claim, has = newer.get("supersedes") or {}, parts(rule)
        ends = newer.get("phase") in FALLING or newer.get("stage") == "GivingBack" or claim.get("moved")
        bound = older.get("supersededBy") and older.get("stage") in STANDING and claim.get("yielded")
        if ends or self.weighed or not bound:
            return
        kept = has[self.older.patched] + (has[self.newer.patched] if claim.get("control") else 0.0)
        if abs(kept - (claim.get("weight") or 0)) > ODD and any(has.values()):
            self.breach(KEEPS, f"{claim.get('weight')} % became {kept:.0f} %: {rule}")

    def scaler(self, writer: Outside, was: Object, now: Object) -> None:
        """One write of stable's HPA for a rollout."""
        other = self.newer if writer is self.older else self.older
        one, two = was["spec"]["minReplicas"], now["spec"]["minReplicas"]
        if two < one and other.phase in LIVE - {"RollingBack"}:
            self.breach(FLOOR, f"{writer.name} lowered it from {one} to {two} while {other.name} is {other.phase}")

    def stored(self, writer: Outside, was: Object, now: Object) -> None:
        """One write of a rollout's status."""
        before, after = was.get("status") or {}, now.get("status") or {}
        if writer is not self.older or not before.get("supersededBy"):
            return
        newer = self.newer.status()
        claim = newer.get("supersedes") or {}
        gives_way = after.get("phase") == "Superseded" != before.get("phase")
        if gives_way and (not claim.get("moved") or self._has(self.older)):
            self.breach(GIVES_WAY, f"{weights(self._route())} with {claim}")
        goes_on = not after.get("supersededBy") and after.get("stage") in kin.SUPERSEDABLE
        falls = (newer.get("stage") == "WeightZero" and not self.edited) or self._has(self.newer)
        if goes_on and falls and not self._lost_without(newer):
            self.breach(GOES_ON, f"{weights(self._route())} while that one is {newer.get('phase')}")

    # ---- decisions

    def decided(self, one: Decided) -> Iterator[Breach]:
        """What a decision of either breaks, as (promise, what was done)."""
        takes = [action for action in one.of(act.SetWeights) if action.takes_over]  # type: ignore[attr-defined]
        if takes and not ready(one.seen.patched):
            yield DEAD, "the older one's share goes to a patch without a ready pod"
        if one.seen.name == self.older.name:
            yield from self._of_the_older(one)

    def _of_the_older(self, one: Decided) -> Iterator[Breach]:
        before, after, newer = one.before, one.after, self.newer.status()
        fixed = any(rival.name == self.newer.name and rival.phase == Phase.PROMOTED for rival in one.seen.rivals or ())
        if fixed and before.phase is Phase.PENDING and after.weight and not after.same_again:
            yield TAKEN_BACK, f"{one.seen.name} starts though {self.newer.name} has given stable its fix"
        begins = after.phase is Phase.ROLLING_BACK is not before.phase and after.why == "Deleted"
        if begins and not self._lost_without(newer) and (self._goes_on_with(before, newer) or self._comes(one)):
            yield DELETED, f"it went back to stable while {self.newer.name} is {newer.get('phase')} {newer.get('stage')}"

    def _lost_without(self, newer: Mapping[str, Any]) -> bool:
        """The newer one is on its way back, and stable or the older patch cannot serve: the older one moves what that has."""
        return newer.get("phase") == "RollingBack" and not {STABLE, self.older.patched} <= self._serving()

    def _serving(self) -> set[str]:
        """The sides that have ready pods."""
        pods = self.older.api.peek_every("Pod", self.older.namespace)
        return {pod["metadata"]["labels"]["app"] for pod in pods if is_ready(pod)}

    def _goes_on_with(self, before: Status, newer: Mapping[str, Any]) -> bool:
        """It stands still for one that lives."""
        return before.superseded_by is not None and newer.get("phase") in LIVE

    def _comes(self, one: Decided) -> bool:
        """The newer one was seen to be on its way, and nothing else spoke against waiting for it."""
        if one.before.stage not in kin.SUPERSEDABLE or one.before.stable_lost or one.lost or one.before.held in EDITED:
            return False
        side = one.seen.patched
        if side and side.deployment and set(side.deployment.images) & {"sample:crash"}:
            return False  # what the counts say of it speaks against waiting
        others = tuple(guard for guard in guards.ROLL_BACK_SEEN if guard is not guards.object_deleted)
        if vetoes.first(others, Look(one.spec, one.before, one.seen)):
            return False
        coming = [rival for rival in one.seen.rivals or () if rival.name == self.newer.name and not rival.deleting]
        begins = [rival for rival in coming if rival.phase in (None, "Pending") and not rival.status.get("held")]
        return any(rival.status.get("stage") != Stage.GIVING_BACK for rival in begins)

    def _has(self, side: Outside) -> bool:
        """A weight of its patch is on the route; people who edit it may have given it one since it was looked at."""
        return not self.edited and any(rule.get(side.patched, 0) for rule in weights(self._route()))

    def _route(self) -> Object:
        return self.older.api.peek("HTTPRoute", self.older.namespace, STABLE)
