"""Stable is lost: all traffic to patched at once, above every other rule; and the gated way back. Pure.

It holds also while paused, rolling back or blind; the phase does not change, the clocks stand still, nothing is judged.
"""

from . import capacity, kin, moments, uncompared
from .guards import LOST_SHARE
from .look import Look, enter, hold, ready, record, say
from .quantities import span
from .reasons import Reason
from .rolling_back import begin as roll_back
from .status import Phase, Span, StableLost, Stage, Status
from .verbs import Verb
from .vetoes import Veto

RETURN_SECONDS = 30.0  # stable must have been ready this long; doubled each time it is lost again,
LONGEST_SECONDS = 32 * 60.0  # up to this; not so where a person wants it back
DECIDED = frozenset(map(str, (Reason.RELEASED, Reason.REQUESTED, Reason.DELETED)))
RETURN_WEIGHTS = (95, 50)  # patched's weights on the way back
LIMIT_SPANS = 20
BACK = {Verb.RELEASE: (Reason.RELEASED, "was released"), Verb.ROLLBACK: (Reason.REQUESTED, "is to be rolled back")}


def lost(look: Look) -> bool:
    """No ready endpoint, or for two looks far too few (`is_thin`)."""
    count, baseline = ready(look.seen.stable), look.status.baseline
    if count is None or baseline is None:
        return False
    return count == 0 or (is_thin(look) and (look.lasted("StableThin") or 0.0) > 0)


def is_thin(look: Look) -> bool:
    """Less than a fifth of the pods it had at the start, and it was not made that small for the few requests it gets: it asks for
    more, or its share needs twice as many. A rollback asks only the first, as an autoscaler gives it more when requests come."""
    count, baseline = ready(look.seen.stable), look.status.baseline
    if count is None or baseline is None or count >= LOST_SHARE * baseline.stable_pods:
        return False
    share = 0 if look.status.phase is Phase.ROLLING_BACK else 100 - (look.status.weight or 0)
    return count < LOST_SHARE * _asked_for(look) or count < capacity.needed(look, share / 2)


def is_back(look: Look) -> bool:
    """Stable has the ready pods that its share needs; for a rollback also all those it asks for will do."""
    count, away = ready(look.seen.stable), look.status.stable_lost
    if count is None or away is None:
        return False
    need = capacity.needed(look, 100 - away.return_weight)
    if look.status.phase is Phase.ROLLING_BACK:
        need = min(need, _asked_for(look))
    return count >= max(1, need) and not lost(look)


def _asked_for(look: Look) -> int:
    """Pods that stable's Deployment asks for; those of the start where there is none."""
    stable, baseline = look.seen.stable, look.status.baseline
    return stable.deployment.replicas if stable and stable.deployment else baseline.stable_pods if baseline else 0


def paused_before(look: Look) -> int:
    """Seconds of the pause that ends now which the loss of stable, that goes on, does not count when it ends."""
    away = look.status.stable_lost
    return int(max(0.0, (look.lasted("Paused") or 0.0) - (look.elapsed(away.since) if away else 0.0)))


def handle(look: Look) -> Status | None:
    """The next status while stable is lost; None when this rule has nothing to say."""
    status = look.status
    if status.stable_lost is None:
        return _begin(look) if lost(look) and (ready(look.seen.patched) or 0) > 0 else None
    promoted = uncompared.promoted(look)
    if promoted:
        return promoted
    asked = BACK.get(look.asked) if look.asked else None
    deleted = look.seen.deleting and status.superseded_by is None  # that one has its share before this one goes
    if (deleted or asked) and status.phase is not Phase.ROLLING_BACK:
        reason, what = asked or (Reason.DELETED, "was deleted")
        veto = Veto(reason, f"The HotfixRollout {what}; traffic goes back once stable can serve.")
        status = _keep(roll_back(status, look.now, veto, keep_pods=True), status, status.stable_lost)
        look = Look(look.spec, status, look.seen, look.judgement)
    if asked and status.phase is Phase.ROLLING_BACK:  # whatever it is rolled back for
        look = look.having(status.model_copy(update={"stable_lost_times": 1}))
    if kin.gives_up(look):
        again = enter(status, look.now, Phase.ROLLING_BACK, Stage.WEIGHT_ZERO, weight=0, stable_lost=None)
        return say(again, "The older patch goes on; this one has nothing any more.")
    if ready(look.seen.patched) == 0:
        return _patched_lost_too(look)
    return _away(look)


def _begin(look: Look) -> Status:
    """Everything to patched. Lost again before it had its share back, it is one loss: none of it is judged."""
    status, count, away = look.status, ready(look.seen.stable), look.status.stable_lost
    message = f"Stable has {count} ready pods; all traffic goes to patched until it is back. Nothing is judged meanwhile."
    update = {
        "stable_lost": away or StableLost(since=moments.rfc3339(look.now), return_weight=status.weight or 0),
        "stable_lost_times": status.stable_lost_times + 1,
        "weight": 100,
    }
    if status.phase is Phase.ROLLING_BACK:
        status = enter(status, look.now, Phase.ROLLING_BACK, Stage.WEIGHT_ZERO)
    recorded = record(status.model_copy(update=update), look.now, "weight 100", Reason.STABLE_LOST, message)
    return hold(recorded, Reason.STABLE_LOST, message, "back when stable is ready")


def _keep(rolled: Status, before: Status, away: StableLost) -> Status:
    """Rolled back once stable can serve: until then it stays as it is."""
    return rolled.model_copy(update={"weight": before.weight, "stable_lost": away.model_copy(update={"return_weight": 0})})


def _patched_lost_too(look: Look) -> Status:
    ended = look.status.model_copy(update={"stable_lost": None})
    if not ready(look.seen.stable) and kin.older_lives(look):
        return roll_back(ended, look.now, Veto(Reason.PATCHED_LOST, "Neither side has a ready pod; the older patch may have."))
    if not ready(look.seen.stable):
        return hold(look.status, Reason.BOTH_UNREADY, "Neither side has a ready pod; weights are left as they are until one has.")
    return roll_back(ended, look.now, Veto(Reason.PATCHED_LOST, "Patched has no ready pod, and stable has some again."))


def _away(look: Look) -> Status:
    """Lost still, waiting to be sure, or on the way back."""
    status, away = look.status, look.status.stable_lost
    assert away is not None
    if lost(look) and status.weight != 100:
        return _begin(look)
    another = uncompared.another_patch(look, away)
    if another:
        return another
    times = 0 if status.why in DECIDED and status.phase is Phase.ROLLING_BACK else status.stable_lost_times - 1
    wait = moments.doubled(RETURN_SECONDS, times, LONGEST_SECONDS)
    ready_for = look.lasted("StableReady")
    if look.seen.stable is None:
        return hold(status, Reason.STABLE_LOST, "Stable cannot be seen; weights stay.", "back when it has ready pods")
    if ready_for is None:
        short = f"Stable has too few ready pods; patched keeps {status.weight} %.{uncompared.way_out(look)}"
        return hold(status, Reason.STABLE_LOST, short, _needs(look, away) or "back when it has enough")
    if ready_for < wait:
        return hold(status, Reason.STABLE_LOST, "Stable has ready pods again; making sure.", f"back in {span(wait - ready_for)}")
    if not look.settled or look.elapsed(status.acknowledged_at) < 2 * look.interval_seconds:
        return hold(status, Reason.STABLE_LOST, f"Stable is back; patched has {status.weight} %.", "the next step back")
    return _step_back(look, away)


def _needs(look: Look, away: StableLost) -> str | None:
    """What gives stable the pods for its share, where it asks for no more than it has; None where more are on their way."""
    all_there = (ready(look.seen.stable) or 0) >= max(1, _asked_for(look))
    return capacity.stable_short(look, away.return_weight) if all_there else None


def _step_back(look: Look, away: StableLost) -> Status:
    status = look.status
    lower = [weight for weight in (*RETURN_WEIGHTS, away.return_weight) if away.return_weight <= weight < (status.weight or 0)]
    if not lower:
        return _end(look, away)
    weight = max(lower)
    message = "Stable is back; it gets its share in steps."
    recorded = record(status, look.now, f"weight {weight}", Reason.TRAFFIC_SHIFTED, message)
    return hold(recorded.model_copy(update={"weight": weight}), Reason.STABLE_LOST, message, "the next step back")


def _end(look: Look, away: StableLost) -> Status:
    status = left_out(look, look.status.model_copy(update={"stable_lost": None, "request_rate": None}), away.since)
    message = f"Stable was lost for {span(look.elapsed(away.since))} and is back."
    return say(record(status, look.now, "resume", Reason.STABLE_BACK, message), message)


def left_out(look: Look, status: Status, since: str) -> Status:
    """The status with the time since then not judged; the clocks stood still in it."""
    spans = [*status.excluded, Span(start=since, end=moments.rfc3339(look.now))]
    # a pause that goes on counts itself when it ends; what it shares with this loss stops the clocks once
    lasted = min(look.elapsed(since), look.elapsed(status.evidence_from))
    stopped = status.stopped_seconds + int(max(0.0, lasted - (look.lasted("Paused") or 0.0)))
    update: dict[str, object] = {"stopped_seconds": stopped}
    if len(spans) > LIMIT_SPANS:
        update |= {"excluded": [], "evidence_from": moments.rfc3339(look.now), "stopped_seconds": 0}
        if status.phase is Phase.BAKING:  # without its evidence a bake begins again when there is enough of it
            status = enter(status, look.now, Phase.ANALYZING, Stage.SHIFTING)
    else:
        update |= {"excluded": spans}
    return status.model_copy(update=update)
