"""decide(spec, status, observation) -> Decision: the one place where a look becomes a next status and actions. Pure, total.

`STAGES` is the state machine: which function handles a stage, and which stages may follow. The diagram in the docs is drawn
from it, so picture and code cannot drift.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import (
    alone,
    analysing,
    awaiting_git,
    clocks,
    conditions,
    fencing,
    fitness,
    forgotten,
    kin,
    left_alone,
    moments,
    pending,
    plan,
    promoting,
    reports,
    requested,
    retrying,
    returning,
    reverted,
    rolling_back,
    stable_lost,
    stepped,
    superseding,
    verdicts,
    yielding,
)
from .actions import Action
from .clocks import JUDGED
from .judgement import Judgement
from .look import Look, enter, routes_acknowledge, routes_have, say
from .looking import LOOK_SECONDS, SOON_SECONDS, seconds_to_look
from .observation import Observation
from .reasons import Reason
from .remembering import judged_anew_or_remembered
from .spec import Spec
from .status import LIVE_PHASES, Phase, Stage, Status
from .terms import terms_of
from .verbs import Verb

NEXT_STAGE_SECONDS = 0.1  # before traffic moves nothing is gained by waiting when a stage is done


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`status` is what to remember, `actions` what to do after it was saved, in order. `look_again_seconds` is None when only a
    change makes another look worthwhile."""

    status: Status
    actions: tuple[Action, ...]
    look_again_seconds: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """How a stage is handled and what may follow it."""

    handle: Callable[[Look], Status]
    following: tuple[Stage, ...]


STAGES: dict[Stage, Step] = {
    Stage.CHECKING: Step(pending.checking, (Stage.SCALING, Stage.GIVING_BACK)),
    Stage.SCALING: Step(pending.scaling, (Stage.ADOPTING, Stage.CHECKING, Stage.WEIGHT_ZERO, Stage.GIVING_BACK)),
    Stage.ADOPTING: Step(pending.adopting, (Stage.SHIFTING, Stage.SCALING, Stage.CHECKING, Stage.GIVING_BACK)),
    Stage.SHIFTING: Step(analysing.shifting, (Stage.ALL_TO_PATCHED, Stage.WEIGHT_ZERO)),
    Stage.ALL_TO_PATCHED: Step(
        promoting.all_to_patched, (Stage.DRAINING_STABLE, Stage.AWAITING_GIT, Stage.GIVING_BACK, Stage.WEIGHT_ZERO)
    ),
    Stage.DRAINING_STABLE: Step(
        promoting.draining_stable, (Stage.PATCHING_STABLE, Stage.AWAITING_GIT, Stage.GIVING_BACK, Stage.WEIGHT_ZERO)
    ),
    Stage.PATCHING_STABLE: Step(promoting.patching_stable, (Stage.RETURNING, Stage.WEIGHT_ZERO, Stage.GIVING_BACK)),
    Stage.AWAITING_GIT: Step(
        awaiting_git.awaiting_git, (Stage.RETURNING, Stage.DRAINING_STABLE, Stage.GIVING_BACK, Stage.WEIGHT_ZERO)
    ),
    Stage.RETURNING: Step(returning.returning, (Stage.DRAINING_PATCHED, Stage.RETURN_FAILED, Stage.WEIGHT_ZERO)),
    Stage.RETURN_FAILED: Step(
        returning.return_failed,
        (Stage.ALL_TO_PATCHED, Stage.AWAITING_GIT, Stage.RETURNING, Stage.GIVING_BACK, Stage.WEIGHT_ZERO),
    ),
    Stage.WEIGHT_ZERO: Step(rolling_back.weight_zero, (Stage.DRAINING_PATCHED, Stage.GIVING_BACK)),
    Stage.DRAINING_PATCHED: Step(rolling_back.draining_patched, (Stage.SCALING_DOWN, Stage.WEIGHT_ZERO, Stage.RETURN_FAILED)),
    Stage.SCALING_DOWN: Step(
        rolling_back.scaling_down, (Stage.GIVING_BACK, Stage.DRAINING_PATCHED, Stage.WEIGHT_ZERO, Stage.RETURN_FAILED)
    ),
    Stage.GIVING_BACK: Step(rolling_back.giving_back, (Stage.DONE,)),
    Stage.DONE: Step(lambda look: look.status, ()),
}
PROMOTING = left_alone.KEEPS - {Stage.SHIFTING}
LOSING = frozenset({Phase.ANALYZING, Phase.BAKING, Phase.ROLLING_BACK})
LOSES_STABLE = frozenset({Stage.SHIFTING, Stage.WEIGHT_ZERO, Stage.DRAINING_PATCHED, Stage.SCALING_DOWN})


def decide(spec: Spec, status: Status, seen: Observation) -> Decision:
    """The next status and what to do about it. Never raises for anything that can be seen."""
    before = status
    status = _noted(spec, status, seen)
    look = Look(spec, status, seen)
    if status.stage is Stage.DONE:
        look = look.having(retrying.begun(look) or reverted.noticed(look))
    else:
        look = _with_judgement(look.having(retrying.same_again(look)))
        look = look.having(superseding.noted(look))
        look = look.having(_unacknowledged(status, superseding.moved(look, left_alone.kept(look, _next(look)))))
        look = look.having(verdicts.shown(before, look, judged=before.stage in JUDGED))
        look = look.having(_explained(before, look.status, look.judgement))
        look = fencing.numbered(look, before)
    look = look.having(requested.answered(before, _phased(before, look)))
    final = conditions.attach(look)
    look = look.having(final)
    goes_on = final.stage is not before.stage or final.supersedes != before.supersedes
    again = NEXT_STAGE_SECONDS if final.phase is Phase.PENDING and goes_on else _look_again(look)
    return Decision(status=final, actions=plan.actions(look), look_again_seconds=again)


def _next(look: Look) -> Status:
    stage = look.status.stage or Stage.CHECKING
    if look.seen.namespace_ending:
        # everything it could be given back to goes too: waiting would only keep the namespace from going
        ended = enter(look.status, look.now, Phase.ROLLED_BACK, Stage.DONE)
        return say(ended, "The namespace is being deleted; the rollout lets go of it.")
    superseded = yielding.handle(look)
    if superseded is not None:
        return superseded
    if stage in LOSES_STABLE and look.status.phase in LOSING and not alone.is_alone(look) and not _left_to_the_other(look):
        away = stable_lost.handle(look)
        if away is not None:
            return away
    lost = forgotten.handle(look)
    if lost is not None:
        return lost
    nothing_moved = look.asked is Verb.ROLLBACK and look.status.phase is Phase.PENDING
    if (look.released or nothing_moved) and not rolling_back.on_its_way(look):
        return rolling_back.release(look)
    gone = awaiting_git.nothing_left(look) if stage in PROMOTING else None
    following = gone or returning.lost_at_the_end(look) or STAGES[stage].handle(look)
    assert following.stage is stage or following.stage in STAGES[stage].following, (stage, following.stage)
    return following


def _left_to_the_other(look: Look) -> bool:
    """On its way back beside a live one, what stable or the control loses is that one's affair, unless this serves already."""
    return look.status.phase is Phase.ROLLING_BACK and look.status.stable_lost is None and kin.other_lives(look)


def _with_judgement(look: Look) -> Look:
    """The look with what the counts say; with the sides swapped while stable proves itself with the fix. Counts that cannot be
    judged become a problem of the metrics."""
    metrics, stage = look.seen.metrics, look.status.stage
    if metrics is None or metrics.problem or stage not in JUDGED or look.status.stable_lost or look.status.baseline is None:
        return look
    mixed = fitness.sides_indistinct(metrics)
    if mixed:
        return replace(look, seen=replace(look.seen, metrics=replace(metrics, problem=(str(mixed.reason), mixed.message))))
    swapped = stage is Stage.RETURNING
    spans = tuple((moments.unix(span.start), moments.unix(span.end)) for span in look.status.excluded)
    rollout, terms = (look.seen.namespace, look.seen.name), terms_of(look, swapped=swapped)
    judgement, problem = judged_anew_or_remembered(rollout, metrics, spans, terms, swapped=swapped)
    if problem:
        look = replace(look, seen=replace(look.seen, metrics=replace(metrics, problem=problem)))
    return replace(look, judgement=replace(judgement, swapped=swapped) if judgement else None)


def _noted(spec: Spec, status: Status, seen: Observation) -> Status:
    """What this look adds to memory before anything is decided: acknowledgements and since when something is so."""
    now = moments.rfc3339(seen.now)
    update: dict[str, object] = {
        "observed_generation": seen.generation,
        "announced": max(status.announced, seen.announced or 0),
    }
    if status.phase is None:
        update |= {"phase": Phase.PENDING, "stage": Stage.CHECKING, "phase_started_at": now, "stage_started_at": now}
    status = requested.noted(status.model_copy(update=update), seen)
    if status.stage is Stage.DONE:
        return status
    look = Look(spec, stepped.present(status, seen.now), seen)
    status = _acknowledged(look, now)
    return clocks.kept(look.having(status))


def _unacknowledged(before: Status, after: Status) -> Status:
    """A new weight has to be acknowledged anew, also one that was acknowledged some time before; so has a share that moves."""
    takes_over = after.supersedes and after.supersedes.moved and not (before.supersedes and before.supersedes.moved)
    return after if after.weight == before.weight and not takes_over else after.model_copy(update={"acknowledged_at": None})


def _acknowledged(look: Look, now: str) -> Status:
    status = look.status
    if status.weight is None or status.acknowledged_at or not routes_acknowledge(look, status.weight):
        return status
    return status.model_copy(update={"acknowledged_weight": status.weight, "acknowledged_at": now})


def _phased(before: Status, look: Look) -> Look:
    """The newest decision of a look in which a phase began says so; the first one of all says Pending."""
    status, known = look.status, before.decisions[-1].sequence if before.decisions else 0
    newest = status.decisions[-1] if status.decisions else None
    began = status.phase is not before.phase or (newest is not None and newest.reason == str(Reason.HOTFIX_DETECTED))
    if newest is None or newest.sequence == known or not began:
        return look
    decisions = [*status.decisions[:-1], newest.model_copy(update={"phase": status.phase})]
    return look.having(status.model_copy(update={"decisions": decisions}))


def _explained(before: Status, status: Status, judged: Judgement | None) -> Status:
    """The decisions of this look get the numbers they were made on."""
    known = before.decisions[-1].sequence if before.decisions else 0
    if judged is None or not status.decisions or status.decisions[-1].sequence == known:
        return status
    numbers = {"counts": reports.counts(judged), "evidence": reports.all_evidence(judged)}
    decisions = [entry.model_copy(update=numbers) if entry.sequence > known else entry for entry in status.decisions]
    return status.model_copy(update={"decisions": decisions})


def _look_again(look: Look) -> float | None:
    """Seconds until the next look: soon while something is awaited, else right after the next scrape."""
    status = look.status
    if status.stage is Stage.DONE:
        said = not status.decisions or status.announced >= status.decisions[-1].sequence
        return SOON_SECONDS if look.seen.finalizer or look.asked else None if said else LOOK_SECONDS
    if status.phase is Phase.PENDING:
        return 5.0 if status.stage is Stage.CHECKING else 1.0
    awaiting = status.weight is not None and (not look.settled or not routes_have(look, status.weight))
    if status.phase in LIVE_PHASES and (awaiting or status.stage not in JUDGED):
        return SOON_SECONDS if awaiting else 1.0
    return seconds_to_look(look.now, look.interval_seconds)
