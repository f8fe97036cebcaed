"""The older of two rollouts on a route: it stands still with its share while a newer one takes its place, gives way once that has
its share, and goes on where it was if the newer one ends before. Pure.
"""

from . import awaiting_git, guards, kin, moments, stable_lost, vetoes
from .fencing import rollout_of
from .lineage import SupersededBy
from .look import Look, enter, hold, left_over, record, routes_have, say
from .look import ready as pods
from .observation import Ack, RivalView
from .proven import patched_going
from .reasons import FREEZING, Reason
from .rolling_back import begin as roll_back
from .status import TERMINAL_PHASES, Phase, Stage, Status

EDITED = FREEZING - {Reason.SUPERSEDING}
SEEN: tuple[vetoes.Guard, ...] = tuple(guard for guard in guards.ROLL_BACK_SEEN if guard is not guards.object_deleted)


def handle(look: Look) -> Status | None:
    """The next status of a rollout that a newer one supersedes; None where this rule has nothing to say."""
    status, bound = look.status, look.status.superseded_by
    if status.stage not in kin.SUPERSEDABLE:
        return None
    if look.seen.rivals is None:
        return _unseen(look, bound)
    newer = kin.newer(look)
    if bound is None:
        return _yields(look, newer) if newer else _waits_for_it(look)
    claim = kin.claim_of(newer) if newer else None
    if newer is None or claim is None or _in_vain(look, newer, ready=claim.ready):
        return _without_it(look, bound)
    if claim.moved and newer.phase != Phase.ROLLING_BACK and _has_nothing(look):
        return _gives_way(look, newer)
    if bound.control:
        away = stable_lost.handle(look) if status.stage is Stage.SHIFTING else None
        return away or _stands_still(look, bound)
    veto = _ends(look) if status.weight else None  # git is to give stable the fix, whatever becomes of a patch without traffic
    if look.released:
        return None
    return roll_back(status, look.now, veto) if veto else _stands_still(look, bound)


def _unseen(look: Look, bound: SupersededBy | None) -> Status | None:
    """The other rollouts cannot be seen: it stands as it stood, and a deletion waits."""
    if bound:
        return _stands_still(look, bound)
    if not look.seen.deleting or look.released or _must_move(look):
        return None
    message = "The API server does not answer; whether a newer rollout takes its place is not known."
    return hold(look.status, Reason.CLUSTER_UNAVAILABLE, message, "asking again")


def _without_it(look: Look, bound: SupersededBy) -> Status:
    """It goes on, unless the newer one has lost its memory and what that did is on the route: there a person decides first."""
    rival = next((rival for rival in look.seen.rivals or () if rival.uid == bound.uid), None)
    began = rival is None or rival.phase not in (None, Phase.PENDING) or rival.status.get("borrowed") or kin.claim_of(rival)
    routes = look.seen.routes.routes if look.seen.routes else ()
    forgot = not began and not _must_move(look) and any(rollout_of(route.stamp) == bound.name for route in routes)
    return _stands_still(look, bound) if forgot else _goes_on(look, bound)


def _in_vain(look: Look, newer: RivalView, *, ready: bool) -> bool:
    """The newer one cannot start now, or a share is to be moved at once, which nobody else would do yet, or any more."""
    if newer.phase == Phase.ROLLING_BACK:
        return _must_move(look)
    return newer.phase == Phase.PENDING and (not ready or _must_move(look) or _may_serve_again(look))


def _must_move(look: Look) -> bool:
    """Stable is lost and patched is there, or the other way round."""
    patched, stable = pods(look.seen.patched), pods(look.seen.stable)
    lost = look.status.stage is Stage.SHIFTING and stable_lost.lost(look) and bool(patched)
    falls = patched == 0 or patched_going(look)
    return lost or (bool(look.status.weight) and falls and bool(stable))


def _may_serve_again(look: Look) -> bool:
    """It waits for git, has lost its traffic with its pods, and has pods again."""
    return look.status.stage is Stage.AWAITING_GIT and look.status.weight == 0 and awaiting_git.may_serve(look)


def _ends(look: Look) -> vetoes.Veto | None:
    """What takes everything from patched also while it stands still."""
    baseline, patched = look.status.baseline, look.seen.patched
    deployment = patched.deployment if patched else None
    if deployment and baseline and deployment.template != baseline.patched_template:
        return vetoes.Veto(Reason.PATCHED_CHANGED, f"The pod spec of {deployment.name} changed while it stood still.")
    return vetoes.first(SEEN, look) or guards.patched_rejected(look)


def _yields(look: Look, newer: RivalView) -> Status | None:
    """It stands still as soon as what it has is applied, unless one of the two is on its way back."""
    status, claim = look.status, kin.claim_of(newer)
    proven = status.phase is Phase.AWAITING_GIT
    if (
        newer.phase == Phase.ROLLING_BACK
        or look.released
        or status.stable_lost
        or status.held in EDITED
        or (not proven and (_ends(look) or (status.stage is Stage.SHIFTING and stable_lost.lost(look))))
    ):
        return None
    has = status.weight or status.stage is Stage.AWAITING_GIT
    busy = claim is None or not claim.ready or left_over(look)
    if busy or not look.settled or not has or not routes_have(look, status.weight or 0):
        keeps = bool(status.weight) and not _must_move(look)
        comes = look.seen.deleting and keeps and (claim is None or claim.ready or not newer.status.get("held"))
        return _held_deletion(look, newer.name) if comes else None
    bound = SupersededBy(name=newer.name, uid=newer.uid, since=moments.rfc3339(look.now), control=kin.is_control(status))
    message = f"HotfixRollout {newer.name} takes its place; patched keeps its {status.weight} % until that bakes."
    told = record(status.model_copy(update={"superseded_by": bound}), look.now, "stand still", Reason.SUPERSEDING, message)
    return hold(told, Reason.SUPERSEDING, message, "give way, or go on if that one is rolled back")


def _waits_for_it(look: Look) -> Status | None:
    """Deleted right after a newer one was made: its share is not to fall back to stable before that one has it."""
    if not look.seen.deleting or look.released or vetoes.first(SEEN, look):
        return None
    coming = next((rival for rival in look.seen.rivals or () if _is_coming(look, rival)), None)
    return _held_deletion(look, coming.name) if coming else None


def _is_coming(look: Look, rival: RivalView) -> bool:
    """A newer rollout of the same stable that has not started, and that nothing keeps from it."""
    later = (rival.created, rival.name) > (look.seen.created, look.seen.name)
    begins = rival.phase in (None, Phase.PENDING) and not rival.deleting and not rival.status.get("held")
    return later and begins and rival.stable == look.spec.stable.deployment


def _held_deletion(look: Look, name: str) -> Status:
    message = (
        f"Deleted; patched keeps its {look.status.weight} % until HotfixRollout {name} can take it over. kubectl hotfix release "
        f"{look.seen.name} gives it to stable at once."
    )
    return hold(look.status, Reason.DELETION_HELD, message, f"give way to {name}")


def _stands_still(look: Look, bound: SupersededBy) -> Status:
    goes = " It was deleted, and goes when that one has its share." if look.seen.deleting else ""
    message = f"HotfixRollout {bound.name} takes its place; patched keeps its {look.status.weight} %.{goes}"
    return hold(look.status, Reason.SUPERSEDING, message, "give way, or go on if that one is rolled back")


def _has_nothing(look: Look) -> bool:
    """No route sends anything to patched any more, and all controllers say so."""
    view = look.seen.routes
    if view is None or view.missing or any(route.ack is not Ack.APPLIED for route in view.routes):
        return False
    return all(not rule.patched for route in view.routes for rule in route.rules)


def _gives_way(look: Look, newer: RivalView) -> Status:
    """What it borrowed is the newer one's to give back, as long as that one is there to do so."""
    message = f"HotfixRollout {newer.name} has taken its place and its traffic."
    told = record(look.status, look.now, "give way", Reason.SUPERSEDED, message)
    gone = enter(told, look.now, Phase.SUPERSEDED, Stage.DRAINING_PATCHED, weight=0, stable_lost=None)
    if newer.phase not in TERMINAL_PHASES:
        gone = gone.model_copy(update={"borrowed": None})
    return say(gone, message, "drain patched")


def _goes_on(look: Look, bound: SupersededBy) -> Status:
    """The newer one is on its way back, or gone, and has nothing any more."""
    message = f"HotfixRollout {bound.name} did not take its place; it goes on at {look.status.weight} %."
    freed = look.status.model_copy(update={"superseded_by": None, "acknowledged_at": None, "request_rate": None})
    if freed.stage is Stage.SHIFTING:
        freed = stable_lost.left_out(look, freed, bound.since)
    freed = say(record(freed, look.now, "resume", Reason.RESUMED, message), message)
    away = stable_lost.handle(look.having(freed)) if freed.stage is Stage.SHIFTING else None
    return away or freed
