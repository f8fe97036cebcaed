"""The other rollout on the same route: the older one whose place this one takes, or the newer one that takes the place of this.

Two rollouts never decide about the same share: the newer one asks (`supersedes.ready`), the older one stands still and says so
(`supersededBy`), and only then the newer one splits what is left. Each reads what the other has stored. Pure.
"""

from collections.abc import Mapping

from .lineage import SupersededBy, Supersedes
from .look import Look, asked_rules
from .observation import RivalView
from .originals import Borrowed
from .reasons import UNFIT_TO_START, Reason
from .status import LIVE_PHASES, TERMINAL_PHASES, Phase, Stage, Status

SUPERSEDABLE = frozenset({Stage.SHIFTING, Stage.AWAITING_GIT, Stage.RETURN_FAILED})
PROVEN = frozenset({Phase.BAKING, Phase.AWAITING_GIT})  # a patch in one of these may be a better control than stable
PATIENCE_SECONDS = 120.0  # so long the older one is waited for when this one ends
BEGINNING = frozenset({Stage.CHECKING, Stage.SCALING, Stage.ADOPTING})


def claim_of(rival: RivalView) -> Supersedes | None:
    """What a rollout has stored of the one whose place it takes; None where that cannot be read."""
    try:
        return Supersedes.model_validate(rival.status["supersedes"]) if rival.status.get("supersedes") else None
    except ValueError:
        return None


def yielded_to(rival: RivalView) -> SupersededBy | None:
    """For whom a rollout stands still; None where that cannot be read."""
    try:
        return SupersededBy.model_validate(rival.status["supersededBy"]) if rival.status.get("supersededBy") else None
    except ValueError:
        return None


def borrowed_by(rival: RivalView) -> Borrowed | None:
    """What a rollout has stored of how things were before it; None where that cannot be read."""
    try:
        return Borrowed.model_validate(rival.status["borrowed"]) if rival.status.get("borrowed") else None
    except ValueError:
        return None


def stable_pods_of(rival: RivalView) -> int:
    """Stable's ready pods before a rollout began; 0 where that cannot be read."""
    baseline = rival.status.get("baseline")
    found = baseline.get("stablePods") if isinstance(baseline, Mapping) else None
    return found if isinstance(found, int) else 0


def older(look: Look) -> RivalView | None:
    """The one whose place is taken, while it exists."""
    claim = look.status.supersedes
    return next((rival for rival in look.seen.rivals or () if claim and rival.uid == claim.uid), None)


def newer(look: Look) -> RivalView | None:
    """The one that takes the place of this, as long as it does: of several the one that it stands still for, else one that can
    serve, else the first."""
    bound = look.status.superseded_by

    def rank(rival: RivalView) -> tuple[bool, bool, str, str]:
        claim = claim_of(rival)
        return (bound is None or rival.uid != bound.uid, claim is None or not claim.ready, rival.created, rival.name)

    return min((rival for rival in look.seen.rivals or () if _takes(look, rival)), key=rank, default=None)


def _takes(look: Look, rival: RivalView) -> bool:
    claim = claim_of(rival)
    if claim is None or claim.uid != look.seen.uid or (claim.ended and look.status.superseded_by is None):
        return False  # `ended` while this stands still for nobody: it was an earlier attempt of this
    stage = rival.status.get("stage")
    match rival.phase:
        case Phase.PENDING:
            return stage in BEGINNING and not rival.deleting
        case Phase.ROLLING_BACK:  # its share is not known to be given back yet
            return bool(stage == Stage.WEIGHT_ZERO)
        case Phase.ROLLED_BACK:
            return False
        case Phase.PROMOTED | Phase.SUPERSEDED:
            return claim.moved
        case _:
            return True


def against_older(status: Status) -> bool:
    """The older patch is the control, in stable's place; not any more on the way back after that one has ended."""
    claim = status.supersedes
    if claim is None or claim.control is None or claim.moved:
        return False
    return not (claim.ended and (status.phase is Phase.ROLLING_BACK or status.stage is Stage.GIVING_BACK))


def stable_of(look: Look) -> str:
    """Stable's Deployment in the manifest, also while an older patch is the control."""
    claim = look.status.supersedes
    return claim.stable if claim and against_older(look.status) else look.spec.stable.deployment


def may_supersede(look: Look, rival: RivalView) -> bool:
    """An older rollout of the very same rules whose place this one may take: it has a share, and no other one is involved."""
    came_first = (rival.created, rival.name) < (look.seen.created, look.seen.name)
    has = rival.status.get("weight") or rival.status.get("stage") == Stage.AWAITING_GIT  # stable may serve while that waits
    if rival.status.get("stage") not in SUPERSEDABLE or not has or not came_first:
        return False
    claim, bound, known = claim_of(rival), yielded_to(rival), look.status.supersedes
    others = rival.patched != look.spec.patched.deployment and rival.service != look.spec.patched_service
    free = (bound is None or bound.uid == look.seen.uid) and (claim is None or claim.ended) and not rival.status.get("stableLost")
    same = bool(known and known.uid == rival.uid) or (rival.stable == stable_of(look) and _same_rules(look, rival))
    return others and free and same


def is_bound(look: Look) -> bool:
    """The older one stands still for this one, or has come to its end."""
    claim, rival = look.status.supersedes, older(look)
    bound = yielded_to(rival) if rival else None
    return claim is None or claim.ended or bool(claim.yielded and bound and bound.uid == look.seen.uid)


def gives_up(look: Look) -> bool:
    """On its way back beside an older one that goes on already and has put right who serves, where a side is lost: what this
    one has goes there."""
    other = older(look)
    if other is None or look.status.phase is not Phase.ROLLING_BACK or not older_lives(look) or is_bound(look):
        return False
    return (against_older(look.status) and not weight_of(other)) or bool(other.status.get("stableLost"))


def cannot_start(phase: str | None, held: str | None) -> bool:
    """Traffic has not moved, and a person must put something right first. It keeps nobody else from the start."""
    return phase == Phase.PENDING and held in UNFIT_TO_START


def weight_of(rival: RivalView) -> int:
    """Percent that a rollout gives its patch; 0 where that cannot be read."""
    found = rival.status.get("weight")
    return found if isinstance(found, int) else 0


def is_taken(look: Look, rival: RivalView) -> bool:
    """It is the older one whose place this one takes: nothing to wait for before the start."""
    claim = look.status.supersedes
    return bool(claim and claim.uid == rival.uid and (claim.yielded or may_supersede(look, rival)))


def is_control(status: Status) -> bool:
    """Its patch is a better control than stable: it waits for git, or bakes by evidence, or stable has nothing."""
    if not status.weight:
        return False
    begun = (entry for entry in reversed(status.decisions) if entry.phase is Phase.BAKING)
    by_evidence = next((entry.reason == str(Reason.EVIDENCE_SUFFICIENT) for entry in begun), False)
    return status.phase is Phase.AWAITING_GIT or status.weight == 100 or (status.phase is Phase.BAKING and by_evidence)


def is_proven(rival: RivalView) -> bool:
    """Its patch serves, and may be a better control than stable."""
    proven = rival.phase in PROVEN or rival.status.get("stage") == Stage.RETURN_FAILED
    return proven and bool(rival.status.get("weight"))


def _same_rules(look: Look, rival: RivalView) -> bool:
    theirs = (rival.status.get("resolved") or {}).get("routes") or []
    ours = look.seen.routes.routes if look.seen.routes else ()
    found = {route.name: {rule.index for rule in asked_rules(route, look.spec)} for route in ours}
    return bool(found) and found == {route.get("name"): set(route.get("rules") or ()) for route in theirs}


def other_lives(look: Look) -> bool:
    """The other one on the route is live: what stable loses, and what holds the route, is its affair when this one ends."""
    return older_lives(look) or bool(look.status.superseded_by and newer(look) is not None)


def older_lives(look: Look) -> bool:
    """The older one is live, and may have what this one gives back."""
    claim = look.status.supersedes
    other = older(look) if claim and not claim.ended else None
    return other is not None and other.phase in LIVE_PHASES


def shared(look: Look) -> bool | None:
    """The other one goes on when this one ends: then only what is this one's own is given back. None: that is not known yet."""
    claim, bound = look.status.supersedes, look.status.superseded_by
    open_ended = claim is not None and not claim.ended
    if look.seen.rivals is None and (open_ended or bound):
        return None
    if bound is not None:
        other = newer(look)
        return other is not None and other.phase not in TERMINAL_PHASES
    other = older(look) if open_ended else None
    if claim is None or other is None or other.phase in TERMINAL_PHASES:
        return False
    standing = yielded_to(other)
    waits = claim.moved and other.phase != Phase.ROLLING_BACK and standing is not None and standing.uid == look.seen.uid
    return None if waits and look.elapsed(look.status.stage_started_at) < PATIENCE_SECONDS else True
