"""The verdict that the status shows: what the counts say, under one word that is true of the rollout as a whole. Pure.

What stands above the counts (stable is lost, nobody can see, it was rolled back for another reason, the deadline has passed) also
stands above their word; their numbers stay, with the moment they are of.
"""

from . import reports
from .judgement import Verdict
from .look import Look
from .looking import LOOK_SECONDS
from .reasons import Reason
from .status import Status
from .status import Verdict as Remembered

SHOWN_SECONDS = 15.0  # numbers for people are written at most this often
JITTER_SECONDS = 0.5  # of the looks after a scrape
ROLLED_BACK: dict[str, Verdict] = {
    Reason.PATCHED_WORSE: Verdict.WORSE,
    Reason.CLIENT_ERRORS: Verdict.CLIENT_ERRORS,
    Reason.SLOW: Verdict.SLOW,
    Reason.NOT_FIXED: Verdict.NOT_FIXED,
    Reason.PATCHED_NOT_ANSWERING: Verdict.PATCHED_NOT_ANSWERING,
    Reason.PATCHED_LOST: Verdict.PATCHED_LOST,
    Reason.PATCHED_NEVER_READY: Verdict.PATCHED_LOST,
    Reason.PATCHED_SCALED_TO_ZERO: Verdict.PATCHED_LOST,
    Reason.BLIND_TOO_LONG: Verdict.METRICS_UNAVAILABLE,
    Reason.DEADLINE: Verdict.INCONCLUSIVE,
}
HELD: dict[str, Verdict] = {Reason.INCONCLUSIVE: Verdict.INCONCLUSIVE, Reason.NO_TRAFFIC: Verdict.NO_TRAFFIC}


def above(look: Look, *, judged: bool) -> Verdict | None:
    """The word that stands above the counts; None while theirs is the one. `judged`: this is a stage in which counts are."""
    status, metrics = look.status, look.seen.metrics
    if status.stable_lost is not None:
        return Verdict.STABLE_LOST
    if status.why is not None:
        return ROLLED_BACK.get(status.why)
    if judged and (metrics is None or metrics.problem):
        return Verdict.METRICS_UNAVAILABLE
    return HELD.get(status.held or "")


def shown(before: Status, look: Look, *, judged: bool) -> Status:
    """The status with its verdict and the share that the proxies serve, written when the word changes and else every 15 s: with
    a sentence that is written then anyway, because a second write for every scrape would be one too many, else a look later."""
    status, old, counted = look.status, look.status.verdict, look.judgement if judged else None
    word = above(look, judged=judged)
    written = (status.message, status.next) != (before.message, before.next)
    rest = SHOWN_SECONDS - JITTER_SECONDS if written else SHOWN_SECONDS + LOOK_SECONDS
    if old and old.at and look.elapsed(old.at) < rest and old.state == (word or (counted.verdict if counted else old.state)):
        return status
    fresh = reports.remembered(counted, look.now) if counted else old
    if word is not None:
        fresh = (fresh or Remembered()).model_copy(update={"state": str(word)})
    if fresh is None or fresh == old:
        return status
    share = counted.observed_share if counted else None
    if counted and share is not None and counted.swapped:
        share = 1 - share
    served = f"{100 * share:.1f} %" if share is not None else status.observed_weight
    return status.model_copy(update={"verdict": fresh, "observed_weight": served})
