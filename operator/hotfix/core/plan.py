"""wanted(spec, status), and its difference to what was seen -> actions. Pure.

What is wanted depends on spec and status only; what was seen decides merely whether there is a difference, and may stop a
write that would send requests to a dead side. Lost or doubled actions cost nothing: the difference is taken anew each time.
"""

from dataclasses import dataclass

from .actions import Action, AdoptRoute, Announce, ReleaseRoute, Scale, SetFinalizer, SetPodSpec, SetScalerFloor, SetWeights
from .borrowed import left_behind, matched, original_of
from .fencing import is_anothers, stamped, wanted_stamp
from .kin import against_older, gives_up, older, other_lives, shared, weight_of
from .lending import until_wanted
from .look import Look, displaced, has_weight, left_over, left_to_take, ready, route_has, share_of, shifted_rules
from .observation import RouteView, RuleView
from .outdating import outdated, unseen
from .pending import replicas_wanted
from .reasons import FREEZING, Reason
from .rolling_back import lost_its_weight, scales_down
from .spec import Spec
from .status import Phase, Stage, Status

UNTOUCHED = frozenset({Stage.CHECKING, Stage.DONE})  # nothing of ours is in the cluster
SHARED = frozenset({Stage.GIVING_BACK, *UNTOUCHED})  # patched need not be named in the route
LEAVING = frozenset({Stage.WEIGHT_ZERO})  # traffic is taken away whatever it is held for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The target of one status. None: not ours to say."""

    finalizer: bool | None
    adopted: bool
    weight: int | None
    released: bool
    keep_weights: bool
    patched_up: bool
    patched_down: bool
    stable_has_fix: bool
    scaler_floor: int | None


def wanted(spec: Spec, status: Status) -> Wanted:
    """What the cluster should look like for this status."""
    stage = status.stage or Stage.CHECKING
    frozen = status.held in FREEZING and stage not in LEAVING and not status.stable_lost
    shifting = stage not in SHARED and stage is not Stage.SCALING and status.phase is not Phase.SUPERSEDED
    released = stage is Stage.GIVING_BACK
    keeps = released and status.phase is Phase.PROMOTING and status.weight == 100
    borrowed = status.borrowed
    floor = (
        borrowed.hpa_raised_to
        if borrowed and stage not in SHARED
        else borrowed.hpa_min_replicas
        if borrowed and released
        else None
    )
    return Wanted(
        # one that is there before anything was written may be of a memory that was lost
        finalizer=None if stage is Stage.CHECKING else stage not in UNTOUCHED,
        adopted=keeps or (shifting and (status.phase is not Phase.ROLLING_BACK or status.stable_lost is not None) and not frozen),
        weight=status.weight if keeps or (shifting and not frozen) else None,
        released=released,
        keep_weights=keeps,
        patched_up=stage in (Stage.SCALING, Stage.ADOPTING) and not (spec.paused or status.paused) and status.held is None,
        patched_down=stage is Stage.SCALING_DOWN and status.held is None,
        # a write that is refused for long is told by a hold, and done again all the same
        stable_has_fix=stage is Stage.PATCHING_STABLE and status.held in (None, Reason.PROMOTION_FAILED),
        scaler_floor=floor,
    )


def actions(look: Look) -> tuple[Action, ...]:
    """The difference between what is wanted and what was seen, in the order in which it is to be done."""
    target = wanted(look.spec, look.status)
    found: list[Action] = []
    if target.finalizer and not look.seen.finalizer and not look.seen.deleting:
        found.append(SetFinalizer(present=True))
    found += _routes(look, target)
    found += _workloads(look, target)
    found += outdated(look)
    found += _announcements(look)
    if target.finalizer is False and look.seen.finalizer and not unseen(look):
        found.append(SetFinalizer(present=False))
    return tuple(found)


def _unheld(look: Look, target: Wanted) -> bool:
    """Before traffic moved: nothing is touched until the finalizer makes sure that it is given back."""
    return look.status.phase is Phase.PENDING and bool(target.finalizer) and not look.seen.finalizer


def _routes(look: Look, target: Wanted) -> list[Action]:
    if look.seen.routes is None or _unheld(look, target) or _of_other_sides(look):
        return []
    found: list[Action] = []
    for route in look.seen.routes.routes:
        rules = shifted_rules(look, route)
        unnamed = tuple(rule.index for rule in rules if rule.patched is None or _older_unnamed(look, rule))
        # patched is to keep everything: what took its weight away meanwhile is put right before the route is given back
        if target.released and not (target.keep_weights and lost_its_weight(look, route)):
            found += _release(look, route, target)
        elif target.weight is not None and not route_has(look, route, target.weight):
            # a weight for a backend that is not named yet: name it at 0 first, weigh it at a later look
            found += [_adopt(look, route, unnamed)] if unnamed and target.adopted else _weigh(look, route, target.weight)
        elif unnamed and target.adopted:
            found.append(_adopt(look, route, unnamed))
        elif target.weight is not None and (_unstamped(look, route) or until_wanted(look, route) or _dropped(look, route)):
            until, drops = until_wanted(look, route), _dropped(look, route)
            stamp = wanted_stamp(look)
            found.append(SetWeights(route=route, rules=(), weight=target.weight, stamp=stamp, drops=drops, lent_until=until))
    return found


def _of_other_sides(look: Look) -> bool:
    """The routes were looked at with the older patch in stable's place, which it has no more, or was about to get."""
    claim = look.status.supersedes
    control = claim.control if claim else None
    return control is not None and (look.spec.stable.deployment == control) is not against_older(look.status)


def _older_unnamed(look: Look, rule: RuleView) -> bool:
    """An edit took the older patch out of the rule, in which it is to have its share again."""
    return displaced(look, rule) and (rule.stable if against_older(look.status) else rule.kept) is None


def _dropped(look: Look, route: RouteView) -> tuple[int, ...]:
    """The rules in which an older patch, that has ended, is still named."""
    return tuple(index for name, index in left_over(look) if name == route.name)


def _unstamped(look: Look, route: RouteView) -> bool:
    """It does not carry this intention. One on its way back leaves the stamp of another one, which is live."""
    return route.stamp != wanted_stamp(look) and not (look.status.phase is Phase.ROLLING_BACK and other_lives(look))


def _adopt(look: Look, route: RouteView, rules: tuple[int, ...]) -> AdoptRoute:
    restores = tuple(rule.index for rule in shifted_rules(look, route) if _older_unnamed(look, rule))
    until = until_wanted(look, route)
    return AdoptRoute(route=route, rules=rules, restores=restores, stamp=wanted_stamp(look), lent_until=until)


def _weigh(look: Look, route: RouteView, weight: int) -> list[Action]:
    """One write for a route that has another weight, unless it would send requests to a side that has nobody to answer them."""
    rules = shifted_rules(look, route)
    takes_over = any(left_to_take(look, rule) for rule in rules)
    raises = takes_over or any(share_of(rule) < weight for rule in rules)
    patched, stable = ready(look.seen.patched), ready(look.seen.stable)
    leaves = gives_up(look) and all(rule.kept is not None for rule in rules)
    restores = tuple(rule.index for rule in rules if displaced(look, rule) or leaves)
    if raises and (not patched or (_unseen_older(look) and not look.status.stable_lost)):
        return []
    if stable == 0 and weight < 100 and (restores or not raises) and (patched is None or patched > 0) and not leaves:
        return []
    again = {rule.index for rule in rules if not has_weight(rule, weight) or left_to_take(look, rule)}
    return [
        SetWeights(
            route=route,
            rules=tuple(rule.index for rule in rules if rule.index in again or rule.index in restores),
            weight=weight,
            stamp=wanted_stamp(look),
            takes_over=takes_over,
            restores=restores,
            kept_percent=_kept_percent(look),
            original=None if against_older(look.status) else original_of(look.status.borrowed, route.name),  # of other sides then
            lent_until=until_wanted(look, route),
        )
    ]


def _unseen_older(look: Look) -> bool:
    """The older one, which stands still, cannot be seen: what it is to keep is not known."""
    claim = look.status.supersedes
    return look.seen.rivals is None and claim is not None and claim.yielded and not (claim.moved or claim.ended)


def _kept_percent(look: Look) -> int:
    """Of all sides: what the older patch stands still with, or goes on with; stable's while that is the control."""
    claim, other = look.status.supersedes, older(look)
    weight = weight_of(other) if other and gives_up(look) else claim.weight or 0 if claim else 0
    return 100 - weight if against_older(look.status) else weight


def _release(look: Look, route: RouteView, target: Wanted) -> list[Action]:
    original = original_of(look.status.borrowed, route.name)
    beside = shared(look)
    pairs = matched(route.rules, original) if original else []
    left = any(left_behind(rule, was, shared=bool(beside)) for rule, was in pairs)
    held = left or look.status.acknowledged_weight is not None or _held(route, look)
    if original is None or beside is None or not held:
        return []
    own = not beside or stamped(route, look)
    return [ReleaseRoute(route=route, original=original, keep_weights=target.keep_weights, shared=beside, unstamp=own)]


def _held(route: RouteView, look: Look) -> bool:
    """Something of ours is on the route; beside another rollout, something of this very one."""
    beside = shared(look) or is_anothers(route, look)
    return stamped(route, look) or (not beside and (route.ours or route.lent_until is not None))


def _workloads(look: Look, target: Wanted) -> list[Action]:
    if _unheld(look, target):
        return []
    return [*_patched(look, target), *_stable(look, target), *_scaler(look, target)]


def _patched(look: Look, target: Wanted) -> list[Action]:
    """Patched's replicas: up to stable's number before the start, 0 at the end, where they are ours."""
    deployment = look.seen.patched.deployment if look.seen.patched else None
    if deployment is None:
        return []
    up = replicas_wanted(look) if target.patched_up else None
    if up is not None and deployment.replicas < up:
        return [Scale(deployment=deployment, replicas=up)]
    if target.patched_down and scales_down(look) and deployment.replicas > 0:
        return [Scale(deployment=deployment, replicas=0)]
    return []


def _stable(look: Look, target: Wanted) -> list[Action]:
    """The proven pod spec, written once over the old one and over nothing else."""
    stable, patched, baseline = look.seen.stable, look.seen.patched, look.status.baseline
    if not target.stable_has_fix or baseline is None or not (stable and stable.deployment and patched and patched.deployment):
        return []
    if (stable.deployment.template, patched.deployment.template) != (baseline.stable_template, baseline.patched_template):
        return []
    if stable.deployment.template == patched.deployment.template:
        return []
    return [SetPodSpec(deployment=stable.deployment, pod_spec=patched.deployment.pod_spec)]


def _scaler(look: Look, target: Wanted) -> list[Action]:
    """Stable's HPA floor, raised while live and given back, as long as it is the one we set or found."""
    borrowed, scaler = look.status.borrowed, look.seen.stable.scaler if look.seen.stable else None
    if not scaler or not borrowed or borrowed.hpa != scaler.name or target.scaler_floor is None:
        return []
    if target.released and shared(look) is not False:  # the other one still wants it
        return []
    floor, now = target.scaler_floor, scaler.min_replicas
    if now == floor or now not in borrowed.hpa_floors or floor > scaler.max_replicas:  # a maximum that somebody lowered is heeded
        return []
    return [SetScalerFloor(scaler=scaler, min_replicas=floor)]


def _announcements(look: Look) -> list[Action]:
    if look.seen.namespace_ending:
        return []  # nothing can be made in it any more
    done = max(look.status.announced, look.seen.announced or 0)
    return [
        Announce(
            sequence=entry.sequence,
            time=entry.time,
            reason=entry.reason,
            message=entry.message or entry.reason,
            type=entry.type,
            action=entry.what,
            phase=entry.phase,
        )
        for entry in look.status.decisions
        if entry.sequence > done
    ]
