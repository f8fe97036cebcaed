"""One look, ready for decisions: spec, status, what was seen and what the counts say, with the questions asked of them
again and again. Pure; answers only, no decisions.
"""

from dataclasses import dataclass

from . import moments
from .borrowed import matched, original_of
from .judgement import Judgement
from .observation import Ack, Observation, RouteView, RuleView, SideView
from .reasons import GOOD_NEWS, Reason
from .spec import Spec
from .status import Condition, DecisionRecord, Phase, Stage, Status
from .verbs import RequestResult, Verb

READY_SECONDS = 5.0  # pods must have been ready in the EndpointSlices for this long before they get requests
BEFORE_THE_SPLIT = frozenset({Stage.CHECKING, Stage.SCALING, Stage.GIVING_BACK, Stage.DONE})  # and after it
WRONG_SECONDS = 30.0  # a wrong reference is Stalled only after this long


@dataclass(frozen=True, slots=True)
class Look:
    """`judgement` is None where nothing could be judged."""

    spec: Spec
    status: Status
    seen: Observation
    judgement: Judgement | None = None

    def having(self, status: Status) -> "Look":
        """The same look with this status."""
        return Look(self.spec, status, self.seen, self.judgement)

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.seen.now

    @property
    def interval_seconds(self) -> float:
        """Length of a block."""
        if self.status.baseline:
            return float(self.status.baseline.interval_seconds)
        return self.seen.scrape_interval_seconds

    def elapsed(self, moment: str | None) -> float:
        """Seconds since a moment of the status; 0 for one that is not set or lies in the future."""
        return max(0.0, self.now - moments.unix(moment)) if moment else 0.0

    def lasted(self, name: str) -> float | None:
        """Seconds for which something has been so; None when it is not."""
        moment = self.status.since.get(name)
        return self.elapsed(moment) if moment else None

    @property
    def settled(self) -> bool:
        """The present weight is acknowledged by all routes and the proxies had time to take it."""
        status = self.status
        if status.acknowledged_at is None or status.acknowledged_weight != status.weight or self.seen.routes is None:
            return False
        return self.elapsed(status.acknowledged_at) >= self.seen.routes.settle_seconds

    @property
    def asked(self) -> Verb | None:
        """What a person asked for and has no answer to yet."""
        request = self.status.last_handled_request
        return request.verb if request and request.result is RequestResult.WAITING else None

    @property
    def released(self) -> bool:
        """A person wants everything given back, whatever is being done."""
        return self.asked is Verb.RELEASE

    @property
    def paused(self) -> bool:
        """By the manifest or by a request."""
        return self.spec.paused or self.status.paused

    @property
    def by_passed(self) -> bool:
        """Stable gets requests that no weight of ours governs."""
        resolved, view = self.status.resolved, self.seen.routes
        return bool(resolved and resolved.bypasses) or any(unshifted_rules(self, r) for r in (view.routes if view else ()))

    @property
    def weight_since(self) -> float | None:
        """Unix seconds from which requests were split at the present weight; None while that is not known."""
        status = self.status
        if status.acknowledged_at is None or status.acknowledged_weight != status.weight:
            return None
        settle = self.seen.routes.settle_seconds if self.seen.routes else 1.0
        return moments.unix(status.acknowledged_at) + settle


def asked_rules(route: RouteView, spec: Spec) -> tuple[RuleView, ...]:
    """The rules of a route that this rollout is to shift: the ones the manifest names, else all that name stable."""
    asked = next((r.rules for r in spec.traffic.http_routes or () if r.name == route.name), None)
    naming = tuple(rule for rule in route.rules if rule.stable is not None)
    if asked is None:
        return naming
    return tuple(rule for rule in naming if rule.index in asked or (rule.name and rule.name in asked))


def shifted_rules(look: Look, route: RouteView) -> tuple[RuleView, ...]:
    """The rules of a route that this rollout shifts; once they are borrowed, these are the borrowed ones, wherever they are."""
    original = original_of(look.status.borrowed, route.name)
    if original is None:
        return asked_rules(route, look.spec)
    return tuple(rule for rule, _ in matched(route.rules, original))


def unshifted_rules(look: Look, route: RouteView) -> tuple[RuleView, ...]:
    """The rules of a route that send requests to stable and are not shifted."""
    ours = {rule.index for rule in shifted_rules(look, route)}
    return tuple(rule for rule in route.rules if rule.stable and rule.index not in ours)


def share_of(rule: RuleView) -> float:
    """Patched's percent of the stable + patched sub-total; 0 when both are 0."""
    total = (rule.stable or 0) + (rule.patched or 0)
    return 100.0 * (rule.patched or 0) / total if total else 0.0


def has_weight(rule: RuleView, weight: int) -> bool:
    """The rule gives patched this percent, as near as the router's integers can (half a percent). Where an older patch has all
    that there is, patched has 0 %."""
    if rule.kept and not rule.stable and not rule.patched:
        return weight == 0
    return (rule.stable or 0) + (rule.patched or 0) > 0 and abs(share_of(rule) - weight) < 0.5


def left_over(look: Look) -> tuple[tuple[str, int], ...]:
    """(route, index) of the rules in which the patch of an older rollout, which has ended, is still named as it was injected."""
    claim, borrowed = look.status.supersedes, look.status.borrowed
    view = look.seen.routes
    if claim is None or not (claim.ended and claim.moved) or view is None:
        return ()
    found: list[tuple[str, int]] = []
    for route in view.routes:
        original = original_of(borrowed, route.name)
        pairs = matched(route.rules, original) if original else []
        found += [(route.name, rule.index) for rule, was in pairs if rule.kept == 0 and was.older_weight is None]
    return tuple(found)


def route_has(look: Look, route: RouteView, weight: int) -> bool:
    """Every shifted rule of the route gives patched this percent, what is to be taken over was, and nobody took the rest."""
    return all(
        has_weight(rule, weight) and not left_to_take(look, rule) and not displaced(look, rule)
        for rule in shifted_rules(look, route)
    )


def left_to_take(look: Look, rule: RuleView) -> bool:
    """The patch of the older rollout, whose share goes to this one, still has some of it."""
    claim = look.status.supersedes
    return bool(claim and claim.moved and rule.kept and look.status.phase is not Phase.ROLLING_BACK)


def displaced(look: Look, rule: RuleView) -> bool:
    """An edit took from the older patch what it stands still with."""
    status, claim = look.status, look.status.supersedes
    if claim is None or not claim.yielded or claim.moved or claim.ended or not claim.weight:
        return False
    rival = next((rival for rival in look.seen.rivals or () if rival.uid == claim.uid), None)
    if rival is None or rival.status.get("stage") not in (Stage.SHIFTING, Stage.AWAITING_GIT, Stage.RETURN_FAILED):
        return False
    if status.stage in BEFORE_THE_SPLIT or (status.phase is Phase.ROLLING_BACK and not status.stable_lost):
        return False
    if claim.control:
        return not rule.stable and bool(rule.kept or rule.patched) and (status.weight != 100 or not rule.patched)
    return not rule.kept and bool(rule.stable or rule.patched)


def routes_have(look: Look, weight: int) -> bool:
    """Every shifted rule of every route gives patched this percent; False where a route cannot be seen."""
    view = look.seen.routes
    if view is None or view.missing or not view.routes:
        return False
    return all(route_has(look, route, weight) for route in view.routes)


def has_its_share(look: Look) -> bool:
    """Patched serves the share that it bakes with, and nobody has stopped that: not paused, confirmed, and still so in every
    route that can be seen."""
    confirmed = look.status.acknowledged_at is not None
    return confirmed and not look.paused and (look.seen.routes is None or routes_have(look, look.status.weight or 0))


def routes_acknowledge(look: Look, weight: int) -> bool:
    """Every route carries this weight and all its controllers report it as applied."""
    view = look.seen.routes
    return routes_have(look, weight) and view is not None and all(route.ack is Ack.APPLIED for route in view.routes)


def ready(side: SideView | None) -> int | None:
    """Ready endpoints of a side; None when it could not be seen."""
    return None if side is None else side.ready_endpoints


def versions(side: SideView | None) -> int:
    """How many sets of image IDs a side's ready pods run; 0 when there are none or they could not be seen."""
    return len({pod.image_ids for pod in side.pods if pod.ready and pod.image_ids}) if side else 0


def enter(status: Status, now: float, phase: Phase, stage: Stage, **more: object) -> Status:
    """The status with a new phase and stage; their clocks start where they change."""
    moment = moments.rfc3339(now)
    update: dict[str, object] = {"phase": phase, "stage": stage, "held": None, **more}
    if phase != status.phase:
        update["phase_started_at"] = moment
    if stage != status.stage or phase != status.phase:
        update["stage_started_at"] = moment
    return status.model_copy(update=update)


def hold(status: Status, reason: Reason, message: str, following: str = "") -> Status:
    """The status held where it is, with its reason and a sentence."""
    return status.model_copy(update={"held": str(reason), "message": message[:1024], "next": following[:1024]})


def say(status: Status, message: str, following: str = "") -> Status:
    """The status moving on, with a sentence and what comes next."""
    return status.model_copy(update={"held": None, "message": message[:1024], "next": following[:1024]})


def record(status: Status, now: float, what: str, reason: Reason, message: str) -> Status:
    """The status with one more decision; the last ten are kept. `what` is a verb or a weight, for people."""
    sequence = status.decisions[-1].sequence + 1 if status.decisions else 1
    entry = DecisionRecord(
        sequence=sequence,
        time=moments.rfc3339(now),
        what=what[:253],
        reason=str(reason),
        message=message[:1024],
        type="Normal" if reason in GOOD_NEWS else "Warning",
    )
    return status.model_copy(update={"decisions": [*status.decisions[-9:], entry]})


def record_once(status: Status, now: float, what: str, reason: Reason, message: str) -> Status:
    """Record it unless the newest decision is this one already."""
    newest = status.decisions[-1] if status.decisions else None
    if newest and (newest.reason, newest.what) == (str(reason), what):
        return status
    return record(status, now, what, reason, message)


def condition(status: Status, kind: str) -> Condition | None:
    """The condition of this type."""
    return next((entry for entry in status.conditions if entry.type == kind), None)
