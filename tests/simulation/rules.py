"""The ten promises as checks on one decision, and what else is promised to people: what was remembered, what was seen, what is
wanted and done about it. Pure.

`broken` names every promise that a decision breaks. The cells and the simulation ask it about every decision they see; what
can only be told from the outside (versions carried by writes, routes as before) is in outside.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hotfix.core import actions as act
from hotfix.core import fencing, machine, plan
from hotfix.core.look import Look, has_weight, share_of, shifted_rules
from hotfix.core.machine import Decision
from hotfix.core.observation import Observation, RouteView, SideView
from hotfix.core.spec import Spec
from hotfix.core.status import LIVE_PHASES, TERMINAL_PHASES, Phase, Stage, Status

FORWARD = frozenset({Stage.SHIFTING, Stage.ALL_TO_PATCHED})
WITH_THE_FIX = frozenset({Stage.RETURNING, Stage.RETURN_FAILED})
ENDING = frozenset({Stage.DRAINING_PATCHED, Stage.SCALING_DOWN})
EDITED = frozenset(
    {Stage.SHIFTING, Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE, Stage.AWAITING_GIT, Stage.RETURNING}
)
OF_PATCHED = frozenset({"PatchedLost", "PatchedScaledToZero", "PatchedNeverReady"})
POLICIES = frozenset({"Deadline", "BlindTooLong", "Released", "Requested"})


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision and what it rests on."""

    spec: Spec
    before: Status
    seen: Observation
    decision: Decision

    @property
    def after(self) -> Status:
        """What is remembered from now on."""
        return self.decision.status

    @property
    def actions(self) -> tuple[act.Action, ...]:
        """What is done."""
        return self.decision.actions

    def of(self, kind: type) -> Iterator[act.Action]:
        """The actions of a kind."""
        return (action for action in self.actions if isinstance(action, kind))

    def shifts(self) -> Iterator[tuple[act.SetWeights, Look]]:
        """The writes of weights, with the look they are made at."""
        for action in self.actions:
            if isinstance(action, act.SetWeights):
                yield action, Look(self.spec, self.after, self.seen)

    @property
    def raised(self) -> bool:
        """Patched is to get more than before."""
        return (self.after.weight or 0) > (self.before.weight or 0)

    @property
    def lost(self) -> bool:
        """The exception to the rules of evidence: stable cannot serve."""
        return self.after.stable_lost is not None or self.before.stable_lost is not None


def ready(side: SideView | None) -> int | None:
    """Ready endpoints; None when not seen."""
    return None if side is None else len(side.service.ready_pods) if side.service else 0


Rule = Callable[[Decided], str | None]


def intention_before_action(one: Decided) -> str | None:
    """1: an action is explained by what was saved just before it, and touches nothing before the finalizer holds the object."""
    stage = one.after.stage
    for action in one.actions:
        fits = {
            act.SetWeights: lambda a: a.weight == one.after.weight,
            act.AdoptRoute: lambda a: plan.wanted(one.spec, one.after).adopted,
            act.ReleaseRoute: lambda a: stage is Stage.GIVING_BACK,
            act.SetPodSpec: lambda a: stage is Stage.PATCHING_STABLE,
            act.Scale: lambda a: stage is Stage.SCALING_DOWN if a.replicas == 0 else stage in (Stage.SCALING, Stage.ADOPTING),
        }.get(type(action))
        if fits and not fits(action):
            return f"{type(action).__name__} in {stage} at {one.after.weight} %"
        outside = not isinstance(action, act.SetFinalizer | act.Announce)
        if outside and one.after.phase is Phase.PENDING and stage is not Stage.GIVING_BACK and not one.seen.finalizer:
            return f"{type(action).__name__} before the finalizer is set"
    return None


def a_difference(one: Decided) -> str | None:
    """2: nothing is written that is so already."""
    for action in one.actions:
        same = False
        if isinstance(action, act.SetWeights):
            indexes = set(action.rules)
            same = all(has_weight(rule, action.weight) for rule in action.route.rules if rule.index in indexes)
            same = same and action.route.stamp == action.stamp and not action.lent_until
            same = same and not (action.drops or action.takes_over or action.restores)
        elif isinstance(action, act.Scale):
            same = action.deployment.replicas == action.replicas
        elif isinstance(action, act.SetScalerFloor):
            same = action.scaler.min_replicas == action.min_replicas
        elif isinstance(action, act.SetPodSpec):
            same = action.deployment.pod_spec == action.pod_spec
        elif isinstance(action, act.Announce):
            same = action.sequence <= max(one.after.announced, one.seen.announced or 0)
        if same:
            return f"{type(action).__name__} changes nothing"
    return None


def wanted_from_status(one: Decided) -> str | None:
    """3: what is done follows from spec and status; what was seen only says what is left to do."""
    target = plan.wanted(one.spec, one.after)
    for action in one.actions:
        explained = {
            act.SetWeights: lambda a: target.weight == a.weight,
            act.AdoptRoute: lambda a: target.adopted,
            act.ReleaseRoute: lambda a: target.released and a.keep_weights == target.keep_weights,
            act.SetPodSpec: lambda a: target.stable_has_fix,
            act.Scale: lambda a: target.patched_up or (target.patched_down and a.replicas == 0),
            act.SetScalerFloor: lambda a: target.scaler_floor == a.min_replicas,
            act.SetFinalizer: lambda a: target.finalizer == a.present,
        }.get(type(action))
        if explained and not explained(action):
            return f"{action!r:.80} is not wanted by the status"
    return None


def version_seen(one: Decided) -> str | None:
    """4: every write carries the object as it was seen in this look."""
    routes = one.seen.routes.routes if one.seen.routes else ()
    sides = [side for side in (one.seen.stable, one.seen.patched) if side]
    for action in one.actions:
        carried = {
            act.SetWeights: lambda a: any(a.route is route for route in routes),
            act.AdoptRoute: lambda a: any(a.route is route for route in routes),
            act.ReleaseRoute: lambda a: any(a.route is route for route in routes),
            act.SetPodSpec: lambda a: any(a.deployment is side.deployment for side in sides),
            act.Scale: lambda a: any(a.deployment is side.deployment for side in sides),
            act.SetScalerFloor: lambda a: any(a.scaler is side.scaler for side in sides),
        }.get(type(action))
        if carried and not carried(action):
            return f"{type(action).__name__} on something that was not seen"
    return None


def unknown_is_nothing(one: Decided) -> str | None:
    """5: what could not be seen is never good, never bad and never zero."""
    seen, after, before = one.seen, one.after, one.before
    counts = seen.metrics is not None and seen.metrics.problem is None
    blind = not counts or seen.stable is None or seen.patched is None or seen.routes is None
    if one.raised and after.stage in FORWARD and not one.lost and (blind or one.spec.paused or after.paused):
        return f"raised to {after.weight} % {'blind' if blind else 'while paused'}"
    if after.bake_seconds > before.bake_seconds and (seen.metrics is None or one.spec.paused or after.paused):
        return "baked without counts"
    begins = after.phase is Phase.ROLLING_BACK and before.phase is not Phase.ROLLING_BACK
    if begins and seen.patched is None and after.why in OF_PATCHED:
        return f"rolled back for {after.why} without having seen patched"
    unseen = not counts and seen.stable is None and seen.patched is None and not seen.deleting and not seen.namespace_ending
    if unseen and begins and after.why not in POLICIES:
        return f"rolled back for {after.why} without having seen anything"
    lower = (after.weight or 0) < (before.weight or 0)
    if before.stable_lost and after.stable_lost and lower and seen.stable is None:
        return "gave a stable back its share without having seen it"
    if before.stage is Stage.RETURNING is after.stage and lower and not counts and ready(seen.patched) != 0:
        return "gave stable more without counts"
    return None


def fix_is_kept(one: Decided) -> str | None:
    """6: once stable is being replaced, a failure stays on patched."""
    before, after, seen = one.before, one.after, one.seen
    pruned = seen.deleting and seen.patched is not None and (seen.patched.deployment is None or seen.patched.deployment.deleting)
    routeless = seen.deleting and seen.routes is not None and bool(seen.routes.missing) and not seen.routes.routes
    chosen = seen.namespace_ending or (seen.request or "").startswith("release") or pruned or routeless
    if before.stage in WITH_THE_FIX and not chosen and after.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        return "sent back to a stable that was being replaced"
    old = not (before.baseline and _template(seen.stable) != before.baseline.stable_template)
    asked = chosen or ((seen.request or "").startswith("rollback") and old) or _over(one)
    if before.stage is Stage.AWAITING_GIT and after.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and not asked:
        return "sent back while git was to give stable the fix"
    serves = ready(seen.patched) != 0 or not ready(seen.stable)
    if after.stage is Stage.RETURN_FAILED and serves and after.weight == 0 and before.weight == 100:
        return "stable got everything though patched can serve"
    draining = before.phase is Phase.PROMOTING and before.stage in ENDING and before.weight == 0 and not seen.namespace_ending
    if draining and ready(seen.stable) == 0 and _can_serve(seen.patched) and after.weight != 100:
        return "stable keeps everything without a ready pod while patched still has some"
    for action in one.of(act.Scale):
        if after.phase is Phase.PROMOTING and after.weight != 0 and action.replicas == 0:  # type: ignore[union-attr]
            return "patched's pods end while they serve"
    return None


def _can_serve(side: SideView | None) -> bool:
    return bool(side and ready(side) and side.deployment and not side.deployment.deleting)


def _over(one: Decided) -> bool:
    """Deleted, and there is no route any more, or stable serves everything already."""
    routes = one.seen.routes
    gone = routes is not None and bool(routes.missing)
    return one.seen.deleting and (gone or (one.before.weight == 0 and routes is not None))


def _template(side: SideView | None) -> str | None:
    return side.deployment.template if side and side.deployment else None


def rollback_at_once(one: Decided) -> str | None:
    """7: the look that decides a rollback writes it, before anything else."""
    begins = one.after.phase is Phase.ROLLING_BACK and one.before.phase is not Phase.ROLLING_BACK
    if begins and one.after.weight and not one.lost:
        return f"it began, and patched keeps {one.after.weight} %"
    if not begins or one.after.weight != 0 or one.seen.routes is None:
        return None
    if ready(one.seen.stable) == 0:
        return None
    look = Look(one.spec, one.after, one.seen)
    written = {action.route.name for action, _ in one.shifts()}
    for route in one.seen.routes.routes:
        if any(share_of(rule) >= 0.5 for rule in shifted_rules(look, route)) and route.name not in written:
            return f"HTTPRoute {route.name} keeps its weight"
    kinds = [type(action) for action in one.actions if not isinstance(action, act.SetFinalizer)]
    if act.SetWeights in kinds and kinds[0] is not act.SetWeights:
        return f"{kinds[0].__name__} came first"
    return None


def never_a_dead_side(one: Decided) -> str | None:
    """8: no weight for a side that nobody answers on, as long as the other one does."""
    patched, stable = ready(one.seen.patched), ready(one.seen.stable)
    for action, look in one.shifts():
        rules = _rules(look, action.route, action.rules)
        if any(share_of(rule) < action.weight for rule in rules) and not patched:
            return "patched gets a weight without a ready pod"
        set_aside = action.kept_percent == 100 - action.weight and {rule.index for rule in rules} <= set(action.restores)
        if any(share_of(rule) > action.weight for rule in rules) and stable == 0 and patched != 0 and not set_aside:
            return "stable gets a weight without a ready pod"
        if not 0 <= action.weight <= 100:
            return f"a weight of {action.weight} %"
    governs = one.before.stage in machine.LOSES_STABLE and one.before.phase is not Phase.PROMOTING and not _stands_aside(one)
    if governs and stable == 0 and patched and one.after.weight != 100 and not one.seen.namespace_ending:
        return f"stable has no ready pod, patched has {patched} and is to get {one.after.weight} %"
    return None


def _stands_aside(one: Decided) -> bool:
    """It stands still beside a newer one that has begun, or is on its way back beside an older one: that gets what a lost stable
    has."""
    kin = [known.uid for known in (one.after.superseded_by, one.after.supersedes) if known]
    falls = one.after.phase is Phase.ROLLING_BACK and not one.after.stable_lost
    live = any(rival.uid in kin and rival.phase in LIVE_PHASES for rival in one.seen.rivals or ())
    return live and bool(one.after.superseded_by or falls)


def _rules(look: Look, route: RouteView, indexes: tuple[int, ...]) -> list:  # type: ignore[type-arg]
    return [rule for rule in shifted_rules(look, route) if rule.index in indexes]


def terminal_is_final(one: Decided) -> str | None:
    """9: after the end nothing happens, and after a rollback began no weight rises."""
    before, after = one.before, one.after
    if before.phase is Phase.ROLLED_BACK and (one.seen.request or "").startswith("retry") and after.phase is Phase.PENDING:
        return None
    if before.stage is Stage.DONE:
        odd = [type(a).__name__ for a in one.actions if not isinstance(a, act.Announce | act.SetFinalizer | act.Outdate)]
        if odd or (after.phase, after.stage, after.weight) != (before.phase, before.stage, before.weight):
            return f"went on after the end: {odd or after.phase}"
    if before.phase in TERMINAL_PHASES and after.phase is not before.phase:
        return f"{before.phase} became {after.phase}"
    if before.phase is Phase.ROLLING_BACK and not one.lost:
        if after.weight:
            return f"{after.weight} % after a rollback began"
        if after.phase not in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
            return f"a rollback became {after.phase}"
    return None


def users_is_users(one: Decided) -> str | None:
    """10: what belongs to the user is written only where it is what we know, and given back."""
    seen, baseline = one.seen, one.before.baseline or one.after.baseline
    for action in one.actions:
        if isinstance(action, act.Scale):
            side = seen.patched
            if side is None or side.deployment is not action.deployment or side.scaler or action.deployment.owner:
                return f"scaled {action.deployment.name}, which is not ours to scale"
        if isinstance(action, act.SetPodSpec) and baseline and seen.stable and seen.patched:
            templates = tuple(s.deployment.template if s.deployment else None for s in (seen.stable, seen.patched))
            if templates != (baseline.stable_template, baseline.patched_template):
                return "wrote over a pod spec that nobody had proven"
    ends = one.after.stage is Stage.DONE and one.before.stage is not Stage.DONE
    borrowed = ends and not seen.namespace_ending and one.before.borrowed
    if borrowed and (seen.routes is None or any(_is_held(one, route) for route in seen.routes.routes)):
        return "ended before the route was given back"
    return None


def _is_held(one: Decided, route: RouteView) -> bool:
    """Something of this rollout is on the route, or of one that is over; what another one that lives has there is that one's."""
    beside = any(rival.phase in LIVE_PHASES or rival.status.get("borrowed") for rival in one.seen.rivals or ())
    own = (route.stamp or "").startswith(f"{one.seen.name}.")
    anothers = fencing.rollout_of(route.stamp) is not None and not own
    return own if beside or anothers else bool(route.ours or route.stamp)


def told_as_it_is(one: Decided) -> str | None:
    """A rollback that ends while patched has requests, which others gave it, says so."""
    ends = one.after.phase is Phase.ROLLED_BACK and one.before.stage is not Stage.DONE
    if not ends or one.seen.routes is None or one.seen.namespace_ending:
        return None
    look = Look(one.spec, one.before, one.seen)
    serving = [route for route in one.seen.routes.routes if any(share_of(rule) for rule in shifted_rules(look, route))]
    if serving and "still gets requests" not in one.after.message:
        return f"rolled back, and HTTPRoute {serving[0].name} gives patched requests: {one.after.message}"
    return None


def edits_are_left(one: Decided) -> str | None:
    """What a person gave patched by hand is written over only by a way back to stable, and for a side that cannot serve."""
    before, after = one.before, one.after
    goes = after.phase is Phase.ROLLING_BACK or one.lost or after.stage not in EDITED
    if goes or 0 in (ready(one.seen.stable), ready(one.seen.patched)) or after.acknowledged_weight is None:
        return None
    for action, look in one.shifts():
        by_hand = not action.route.ours and (action.route.weight_manager or "").startswith("kubectl")
        known = [weight for weight in (before.weight, before.acknowledged_weight) if weight is not None]
        rules = shifted_rules(look, action.route)
        wanted = any(all(has_weight(rule, weight) for rule in rules) for weight in known)
        if action.rules and by_hand and not wanted and before.acknowledged_weight is not None:
            return f"HTTPRoute {action.route.name} gets {action.weight} % over what {action.route.weight_manager} gave it"
    return None


RULES: tuple[Rule, ...] = (
    intention_before_action,
    a_difference,
    wanted_from_status,
    version_seen,
    unknown_is_nothing,
    fix_is_kept,
    rollback_at_once,
    never_a_dead_side,
    terminal_is_final,
    users_is_users,
    told_as_it_is,
    edits_are_left,
)


def broken(one: Decided) -> list[tuple[str, str]]:
    """(name of the rule, what was done) for every promise that the decision breaks."""
    return [(rule.__name__, text) for rule in RULES if (text := rule(one))]
