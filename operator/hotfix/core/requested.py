"""What a person asks for by annotation, `verb:token`: remembered at the first look, done where the state allows it, answered
once.

Until it is answered it waits in the status, so that it outlives its annotation, which a GitOps tool may take away. What is done
for it is done by the stages and guards (`Look.asked`); here it is taken in and answered. Pure.
"""

from collections.abc import Callable

from . import moments, retrying
from .guards import how_to_resume
from .look import Look, record
from .observation import Observation
from .proven import has_fix, unchanged
from .reasons import Reason
from .status import Phase, Stage, Status
from .verbs import RETRIES, HandledRequest, RequestResult, Verb

LONGEST, MEMORY = 253, 8
ROOM = MEMORY // 2  # so many new requests may come between two looks at one that git keeps on the object
TAKEN_BACK = frozenset({Stage.WEIGHT_ZERO, Stage.DRAINING_PATCHED, Stage.SCALING_DOWN, Stage.GIVING_BACK})
FIX_IN_STABLE = frozenset({Stage.PATCHING_STABLE, Stage.RETURNING, Stage.RETURN_FAILED})
PAST_ANALYSIS = frozenset({Phase.BAKING, Phase.PROMOTING, Phase.AWAITING_GIT})
BESIDE = frozenset({Verb.PAUSE, Verb.RESUME, Verb.ACKNOWLEDGE})  # they decide nothing
AFTER_THE_END = frozenset({Verb.ACKNOWLEDGE, *RETRIES})
WAYS_BACK = frozenset({Verb.ROLLBACK, Verb.RELEASE})
NO_SUCH = f"There is no such request; use one of {', '.join(Verb)}."


def noted(status: Status, seen: Observation) -> Status:
    """A request that is new waits for its answer; a pause or its end holds from this look on."""
    text = (seen.request or "")[:LONGEST]
    known = status.last_handled_request
    if not text or (known and known.request == text):
        return status
    if text in status.handled_requests:
        return status.model_copy(update={"handled_requests": _kept(status.handled_requests, text)})
    new = HandledRequest(request=text, result=RequestResult.WAITING, time=moments.rfc3339(seen.now))
    if new.verb is None and known and known.result is RequestResult.WAITING:
        return _mistyped(status, known, new, seen.now)
    if known and known.result is RequestResult.WAITING and known.verb in WAYS_BACK and new.verb in BESIDE:
        done: HandledRequest | None = new  # at once, beside the way back, which waits on
    else:
        status, done, known = _replaced(status, known, new, seen.now), known, new
    handled = [*status.handled_requests, done.request][-MEMORY:] if done else status.handled_requests
    status = status.model_copy(update={"last_handled_request": known, "handled_requests": handled})
    paused = _paused_after(status, new.verb)
    if new.verb is Verb.ACKNOWLEDGE:
        return status.model_copy(update={"follow_up": None})
    return status if paused is None else status.model_copy(update={"paused": paused})


def _mistyped(status: Status, known: HandledRequest, new: HandledRequest, now: float) -> Status:
    """What is no request does not take the place of one that waits."""
    message = f"{new.request[:64]} was refused: {NO_SUCH} {known.verb} still waits to be done."
    handled = [*status.handled_requests, new.request][-MEMORY:]
    return record(status, now, "refuse", Reason.REQUEST_REFUSED, message).model_copy(update={"handled_requests": handled})


def _replaced(status: Status, known: HandledRequest | None, new: HandledRequest, now: float) -> Status:
    """What waits to be done is given up for what is asked for next, which may be refused; where that does not say so itself,
    people are told."""
    if known is None or known.result is not RequestResult.WAITING or known.verb in BESIDE:
        return status
    if new.verb in WAYS_BACK or new.verb is known.verb:
        return status
    message = f"{known.verb} was not done yet when {new.verb} was asked for, and is given up; ask for it again."
    return record(status, now, "refuse", Reason.REQUEST_REFUSED, message)


def _kept(handled: list[str], text: str) -> list[str]:
    """One that is on the object again, as git puts it back after each other one, is never forgotten: it becomes the newest. Not
    before there is need to, so that looks at it store nothing."""
    before_it_goes = MEMORY - len(handled) + handled.index(text)
    return handled if before_it_goes >= ROOM else [*(known for known in handled if known != text), text]


def releases(request: str | None) -> bool:
    """A person wants everything given back, whatever else is known."""
    return HandledRequest.verb_of(request or "") is Verb.RELEASE


def _paused_after(status: Status, verb: Verb | None) -> bool | None:
    if verb is Verb.PAUSE and status.stage is not Stage.DONE and status.phase is not Phase.ROLLING_BACK:
        return True
    return False if verb is Verb.RESUME and status.paused else None


def answered(before: Status, look: Look) -> Status:
    """The status with an answer to what waits for one, if this look has it; a refusal is a decision that people are told of.
    `before` is the status that the look began with."""
    status, asked = look.status, look.status.last_handled_request
    if asked is None or asked.result is not RequestResult.WAITING:
        return status
    refusal = _refusal(before, look, asked.verb)
    if refusal:
        message = f"{asked.verb or 'The request'} was refused: {refusal}"
        status = record(status, look.now, "refuse", Reason.REQUEST_REFUSED, message)
        return _with(status, asked, RequestResult.REFUSED, refusal)
    if _done(look, asked.verb):
        return _with(status, asked, RequestResult.ACCEPTED, status.message)
    return _with(status, asked, RequestResult.WAITING, status.message)


def _with(status: Status, asked: HandledRequest, result: RequestResult, message: str) -> Status:
    answer = asked.model_copy(update={"result": result, "message": message[:1024]})
    return status.model_copy(update={"last_handled_request": answer})


def _done(look: Look, verb: Verb | None) -> bool:
    status = look.status
    match verb:
        case Verb.PAUSE:
            return look.paused
        case Verb.RESUME:
            return not look.paused
        case Verb.ACKNOWLEDGE:
            return True
        case Verb.RETRY | Verb.RETRY_SAME:
            return status.phase is Phase.PENDING
        case Verb.PROMOTE:
            return status.phase in PAST_ANALYSIS
        case _:
            back = status.phase is Phase.PENDING or (verb is Verb.RELEASE and status.weight == 0)
            return status.phase is Phase.ROLLING_BACK or (status.stage in TAKEN_BACK and back)


def _refusal(before: Status, look: Look, verb: Verb | None) -> str | None:
    """Why it will not be done; None where it was, or may yet be."""
    if verb is None:
        return NO_SUCH
    if before.stage is Stage.DONE and verb not in AFTER_THE_END:
        return f"It has ended as {before.phase}: {before.message}"
    return REFUSALS[verb](before, look)


def _not_paused(before: Status, look: Look) -> str | None:
    return "It is on its way back, and that is not paused." if look.status.phase is Phase.ROLLING_BACK else None


def _not_resumed(before: Status, look: Look) -> str | None:
    if look.spec.paused:
        return "The manifest pauses it: set spec.paused to false where it is kept."
    return None if before.paused else "It is not paused."


def _not_rolled_back(before: Status, look: Look) -> str | None:
    """From the moment stable's pod spec changes, patched may be the only healthy side."""
    status = look.status
    if status.held == Reason.MEMORY_LOST:
        return status.message
    if _control(look):
        return _control(look)
    ending = status.stage in TAKEN_BACK and status.phase is Phase.PROMOTING
    seen = look.seen.stable.deployment if look.seen.stable else None
    waits = status.stage is Stage.AWAITING_GIT and seen is not None and not unchanged(look)
    unwritten = status.stage is Stage.PATCHING_STABLE and (unchanged(look) or look.seen.stable is None)
    if unwritten or (status.stage not in FIX_IN_STABLE and not ending and not waits):
        return None
    gets = "is getting the fix already" if has_fix(look) or not waits else "has another pod spec by now than before"
    return (
        f"{look.spec.stable.deployment} {gets}, and patched may be the only side that can serve; "
        "`kubectl hotfix release` gives everything back to stable all the same."
    )


def _control(look: Look) -> str | None:
    """A newer patch is judged against this one, which is proven and has all that stable has not."""
    status, bound = look.status, look.status.superseded_by
    proven = status.phase in (Phase.BAKING, Phase.AWAITING_GIT) or status.stage is Stage.RETURN_FAILED
    if bound is None or not bound.control or not proven:
        return None
    how = f"kubectl hotfix {Verb.RELEASE if look.released else Verb.ROLLBACK} {bound.name} -n {look.seen.namespace}"
    return f"HotfixRollout {bound.name} is judged against it; end that one first: {how}"


def _not_promoted(before: Status, look: Look) -> str | None:
    """Evidence may be passed over; what was not seen, and pods that are missing, may not."""
    status = look.status
    if status.phase is Phase.PENDING:
        return f"No request has gone to patched yet: {status.message}"
    if status.phase is Phase.ROLLING_BACK:
        return f"It is rolled back: {status.message}"
    if look.paused and status.phase in PAST_ANALYSIS:
        return f"It is paused. {how_to_resume(look)} first."
    if before.phase in PAST_ANALYSIS and (status.stage, _accepted(status)) == (before.stage, _accepted(before)):
        return f"It is past that: {status.message}"
    return status.message if status.held and status.held != Reason.INCONCLUSIVE else None


def _not_retried(before: Status, look: Look) -> str | None:
    """Refused by what it was before this look; it may have begun by now."""
    return retrying.refusal(look.having(before.model_copy(update={"last_handled_request": look.status.last_handled_request})))


def _accepted(status: Status) -> str | None:
    """Hash of the pod spec that a person accepted for stable."""
    return status.promotion.accepted_template if status.promotion else None


REFUSALS: dict[Verb, Callable[[Status, Look], str | None]] = {
    Verb.PAUSE: _not_paused,
    Verb.RESUME: _not_resumed,
    Verb.ROLLBACK: _not_rolled_back,
    Verb.PROMOTE: _not_promoted,
    Verb.RELEASE: lambda before, look: _control(look),
    Verb.RETRY: _not_retried,
    Verb.RETRY_SAME: _not_retried,
    Verb.ACKNOWLEDGE: lambda before, look: None if before.follow_up else "Nothing waits for an acknowledgement.",
}
