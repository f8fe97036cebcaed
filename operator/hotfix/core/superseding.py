"""The newer of two rollouts on a route: it takes the place of the older one without a moment in which stable gets more. Pure.

It waits until its patch can serve, then asks. The older one stands still with its share, and what is left is split between
stable and this patch. Where the older patch is proven (it bakes, or waits for git) it is the control instead of stable. Once
this one bakes, the older share moves to it in the write that sets its weight; with an older patch as the control that is so when
this one has everything. If this one is rolled back first, the older one goes on.
"""

from . import before, changes, kin, moments, preflight, promotion_mode
from .lineage import Supersedes
from .look import READY_SECONDS, Look, enter, hold, record, record_once, say
from .observation import RivalView
from .originals import Borrowed, BorrowedRoute, BorrowedRule
from .proven import planned
from .quantities import span
from .reasons import Reason
from .spec import Spec, Urgency
from .status import Baseline, Phase, Resolved, Stage, Status

MOST_FALLS = 3  # of its pods, each after the older one was asked to stand still
LONGEST_SECONDS = 300.0  # between two times that the older one is asked
UNFIT_SECONDS = 10.0  # so long something may be in the way of the start before the older one is let go on
MOVES = frozenset({Phase.PROMOTING, Phase.AWAITING_GIT})


def effective(spec: Spec, status: Status) -> Spec:
    """The manifest with the older patch in stable's place, while that is the control."""
    claim = status.supersedes
    if claim is None or not kin.against_older(status):
        return spec
    side = spec.stable.model_copy(update={"deployment": claim.control, "service": claim.service, "image": None})
    return spec.model_copy(update={"stable": side})


def services_of(spec: Spec, status: Status) -> tuple[str, ...]:
    """Services of (stable, patched), and of the side that is not compared: the older patch; stable, where that is the control."""
    claim = status.supersedes
    if claim is None:
        return (spec.stable_service, spec.patched_service)
    return (spec.stable_service, spec.patched_service, claim.stable_service if kin.against_older(status) else claim.service)


# ---- before the start


def claimed(look: Look) -> Status | None:
    """The status with another older rollout, or none, or with another control; None where it is so already."""
    known, rival = look.status.supersedes, _older(look)
    if look.seen.rivals is None or look.seen.routes is None:
        return None
    if rival is None:
        if known is None:
            return None
        return say(look.status.model_copy(update={"supersedes": None}), f"HotfixRollout {known.name} is no longer in the way.")
    if known is None:
        problem = preflight.stable_moved(look) or preflight.selects_both_sides(look) or preflight.managed_by_gitops(look)
        if problem:
            return hold(look.status, problem.reason, problem.message, "goes on by itself when it is put right")
        if preflight.another_is_first(look, rival):
            return None
    bound = kin.yielded_to(rival)
    proven = bound.control if bound else kin.is_proven(rival)
    wanted = {
        "name": rival.name,
        "uid": rival.uid,
        "stable": kin.stable_of(look),
        "stable_service": known.stable_service if known and kin.against_older(look.status) else look.spec.stable_service,
        "service": rival.service,
        "control": rival.patched if proven else None,
    }
    claim = known.model_copy(update=wanted) if known and known.uid == rival.uid else Supersedes.model_validate(wanted)
    if claim == known:
        return None
    return say(look.status.model_copy(update={"supersedes": claim}), f"It is to take the place of HotfixRollout {rival.name}.")


def _older(look: Look) -> RivalView | None:
    """The one whose place is to be taken: the newest of those that are older."""
    found = [rival for rival in look.seen.rivals or () if kin.may_supersede(look, rival)]
    return max(found, key=lambda rival: (rival.created, rival.name), default=None)


def waits(look: Look) -> Status | None:
    """Patched can serve: the older one is asked to stand still, and waited for. None: there is nothing to wait for."""
    status, claim, rival = look.status, look.status.supersedes, kin.older(look)
    if claim is None or claim.ended or rival is None:
        return None
    bound, original = kin.yielded_to(rival), kin.borrowed_by(rival)
    if bound is None or original is None:
        asked = status.model_copy(update={"supersedes": claim.model_copy(update={"ready": True, "yielded": False})})
        message = f"Patched can serve; waiting until HotfixRollout {rival.name} stands still."
        return hold(asked, Reason.SUPERSEDING, message, "split what that one leaves")
    if claim.yielded and bound.uid == look.seen.uid:
        return None
    update = {
        "ready": True,
        "yielded": True,
        "weight": rival.status.get("weight"),
        "control": rival.patched if bound.control else None,
        "borrowed": original,
    }
    against = rival.patched if bound.control else look.spec.stable.deployment
    message = f"HotfixRollout {rival.name} stands still; this one takes its place, judged against {against}."
    told = record_once(status, look.now, "supersede", Reason.SUPERSEDING, message)
    again = enter(told, look.now, Phase.PENDING, Stage.CHECKING, supersedes=claim.model_copy(update=update))
    return say(again, message, "check again, now that it stands still")


def dropped(look: Look) -> Status | None:
    """The older one has ended, or is past being superseded: checked again, without it. None where it is as it was. One that no
    longer stands still, because something was in the way of this one's start, is asked anew."""
    status, claim, rival = look.status, look.status.supersedes, kin.older(look)
    if claim is None or claim.ended or look.seen.rivals is None:
        return None
    if rival is None or not kin.may_supersede(look, rival):
        again = enter(status.model_copy(update={"supersedes": None}), look.now, Phase.PENDING, Stage.CHECKING)
        return say(again, f"HotfixRollout {claim.name} is no longer in the way; checking again.")
    if status.stage is not Stage.ADOPTING or kin.is_bound(look):
        return None
    asked = claim.model_copy(update={"yielded": False})
    again = enter(status, look.now, Phase.PENDING, Stage.SCALING, supersedes=asked)
    return say(again, f"HotfixRollout {claim.name} goes on; it is asked again to stand still.")


def let_go(look: Look, status: Status) -> Status:
    """Something has been in the way of the start for a while: the older one is not kept waiting for it."""
    short = not look.paused and not look.seen.deleting and (look.lasted("Unfit") or 0.0) < UNFIT_SECONDS
    return status if short else unasked(look, status)


def unasked(look: Look, status: Status, *, fell: bool = False) -> Status:
    """It had asked, and cannot start now: the older one goes on, and is asked again after a while. `fell`: it has no pod left."""
    claim = status.supersedes
    if claim is None or not claim.ready:
        return status
    counted = {"unasked": claim.unasked + 1, "fell": claim.fell + fell}
    again = claim.model_copy(update={"ready": False, "yielded": False, **counted})
    return status.model_copy(update={"supersedes": again, "stage_started_at": moments.rfc3339(look.now)})


def asks_later(look: Look) -> Status | None:
    """Each time that it could not start after it had asked, it waits for twice as long; None where it may ask."""
    claim = look.status.supersedes
    if claim is None or claim.ready or not claim.unasked:
        return None
    left = moments.doubled(READY_SECONDS, claim.unasked, LONGEST_SECONDS) - look.elapsed(look.status.stage_started_at)
    if left <= 0:
        return None
    return say(look.status, f"Patched can serve; HotfixRollout {claim.name} goes on meanwhile.", f"ask it again in {span(left)}")


def falls_again_and_again(look: Look) -> str | None:
    """Why it is not asked for once more; None as long as it is."""
    claim = look.status.supersedes
    if claim is None or claim.fell < MOST_FALLS or look.paused or look.seen.deleting:
        return None
    return f"{look.spec.patched.deployment} had ready pods and lost them again {claim.fell} times before it got traffic."


def baseline(look: Look) -> Baseline:
    """Stable's pods as they were before the older one took some of its traffic; those of a control as they are."""
    found, rival, claim = before.baseline(look), kin.older(look), look.status.supersedes
    known = kin.stable_pods_of(rival) if rival and claim and not claim.control else 0
    return found.model_copy(update={"stable_pods": max(found.stable_pods, known)})


def borrowed(look: Look) -> Borrowed:
    """How things were before the older one, if there is one; else as they are."""
    claim = look.status.supersedes
    if claim is None or not claim.yielded or claim.borrowed is None:
        found = before.borrowed(look)
        no_floor = {"hpa": None, "hpa_min_replicas": None, "hpa_raised_to": None}  # the older one's, which has raised it
        return found if claim is None else found.model_copy(update=no_floor)
    seen = {route.name: route for route in (look.seen.routes.routes if look.seen.routes else ())}
    named = {(route.name, rule.index) for route in seen.values() for rule in route.rules if rule.patched is not None}
    named -= before.injected_before(look)
    routes = [
        BorrowedRoute(
            name=route.name,
            reconcile=route.reconcile,
            rules=[_with_older(was, named=(route.name, was.index) in named) for was in route.rules],
        )
        for route in claim.borrowed.routes
    ]
    return claim.borrowed.model_copy(update={"routes": routes, "undo": before.undo(look)})


def _with_older(was: BorrowedRule, *, named: bool) -> BorrowedRule:
    """What the older one calls patched is the older one here."""
    return was.model_copy(update={"older_weight": was.patched_weight, "patched_weight": 0 if named else None})


# ---- while both live


def noted(look: Look) -> Status:
    """The status with what has become of the older one."""
    status, claim = look.status, look.status.supersedes
    if claim is None or not claim.yielded or claim.ended or look.seen.rivals is None:
        return status
    rival = kin.older(look)
    over = rival is None or rival.phase in (Phase.SUPERSEDED, Phase.ROLLED_BACK, Phase.PROMOTED)
    return status.model_copy(update={"supersedes": claim.model_copy(update={"ended": True})}) if over else status


def moved(look: Look, status: Status) -> Status:
    """Enough is known of this patch: it gets what the older one has. One that is shipped before anything is proven gets that at
    the end of its bake."""
    claim = status.supersedes
    if claim is None or not claim.yielded or claim.moved or claim.control:
        return status
    bakes = status.phase is Phase.BAKING and look.spec.urgency is not Urgency.BREAK_GLASS
    if not bakes and status.phase not in MOVES:
        return status
    if not claim.ended:
        message = f"What HotfixRollout {claim.name} has goes to {look.spec.patched.deployment}."
        status = record(status, look.now, "supersede", Reason.SUPERSEDING, message)
    return status.model_copy(update={"supersedes": claim.model_copy(update={"moved": True})})


def with_stable_again(look: Look) -> Status | None:
    """Patched has everything that the older one had, its control: from now on it is stable that gets the fix. None where that is
    so already."""
    status, claim = look.status, look.status.supersedes
    if claim is None or claim.control is None or claim.rebased:
        return None
    if not claim.moved:
        message = f"{look.spec.patched.deployment} has everything that {claim.control} had."
        told = record(status, look.now, "supersede", Reason.SUPERSEDING, message)
        update = {"supersedes": claim.model_copy(update={"moved": True}), "acknowledged_at": None}
        return say(told.model_copy(update=update), message, "compare with stable")
    stable, patched = look.seen.stable, look.seen.patched
    if not (stable and stable.deployment and patched and patched.deployment and status.baseline):
        return say(status, status.message, "see stable")
    paths = changes.changed_paths(stable.deployment.pod_spec, patched.deployment.pod_spec)
    runs = {
        "stable_template": stable.deployment.template,
        "stable_images": list(stable.deployment.images),
        "stable_pods": max(before.stable_pods(stable), status.baseline.stable_pods),
    }
    resolved = (status.resolved or Resolved()).model_copy(
        update={
            "stable_service": look.spec.stable_service,
            "promotion": promotion_mode.resolved(look),
            "owners": promotion_mode.owners(look)[:16],
        }
    )
    rebased: dict[str, object] = {
        "supersedes": claim.model_copy(update={"rebased": True}),
        "baseline": status.baseline.model_copy(update=runs),
        "resolved": resolved,
        "promotion": planned(paths),
    }
    return say(status.model_copy(update=rebased), status.message, "the fix into stable")
