"""Numbers as sentences for people: rates with their counts, evidence against its threshold, load per pod. Pure.

Words for users: evidence, proven, risk of a false rollback.
"""

import math

from . import moments
from .judgement import Evidence, Judgement, Tally, Verdict
from .quantities import percent, span
from .status import Verdict as Remembered

LOAD_RATIO = 3.0  # a verdict with more than this many times the load on patched may be about capacity


def rate(tally: Tally) -> str:
    """`4.9 % (412/8402)`; `no requests` without any."""
    if not tally.requests:
        return "no requests"
    return f"{percent(tally.bad / tally.requests)} ({tally.bad}/{tally.requests})"


def evidence(name: str, question: Evidence, *, ever: bool = False) -> str:
    """`not worse 37 of 20`: how many times likelier than chance alone allows, against what is asked for."""
    value = question.log_max if ever else question.log_now
    return f"{name} {_times(value)} of {_times(question.log_threshold)}"


def _times(log_value: float) -> str:
    value = math.exp(min(log_value, 700.0))
    return f"{value:.2g}" if value < 1 or value >= 10_000 else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def loads(judged: Judgement) -> str:
    """Requests per second and pod of both sides, with a hint when they differ a lot; empty when not known."""
    patched, stable = judged.patched_load, judged.stable_load
    if patched is None or stable is None:
        return ""
    hint = "; capacity suspected" if patched > LOAD_RATIO * stable > 0 else ""
    return f" Load per process: patched {patched:.1f}/s, stable {stable:.1f}/s{hint}."


def worse(judged: Judgement) -> str:
    """Why patched is taken out of traffic."""
    return (
        f"Patched fails {rate(judged.patched)} of its requests, stable {rate(judged.stable)}; "
        f"evidence {evidence('worse', judged.worse, ever=True)}.{loads(judged)}"
    )


def not_worse(judged: Judgement) -> str:
    """Why patched may carry nearly everything."""
    return (
        f"Patched fails {rate(judged.patched)} of its requests, stable {rate(judged.stable)}; "
        f"proven: {proven(judged)}; evidence {evidence('not worse', judged.not_worse)}."
    )


def proven(judged: Judgement) -> str:
    """The tightest bound proven so far."""
    if judged.proven_margin is None:
        return "nothing yet"
    return f"patched at most +{100 * judged.proven_margin:g} pp worse"


def expected(judged: Judgement) -> str:
    """`in ~40 s`; empty when it cannot be told."""
    return f"in ~{span(judged.expected_seconds)}" if judged.expected_seconds is not None else ""


def remembered(judged: Judgement | None, now: float) -> Remembered:
    """The verdict as the status shows it; without a judgement, that metrics are unavailable."""
    if judged is None:
        return Remembered(state=Verdict.METRICS_UNAVAILABLE, at=moments.rfc3339(now))
    return Remembered(
        state=judged.verdict,
        stable=rate(judged.stable),
        patched=rate(judged.patched),
        proven=proven(judged),
        evidence=f"{evidence('worse', judged.worse, ever=True)}, {evidence('not worse', judged.not_worse)}",
        expected_decision=expected(judged),
        at=moments.rfc3339(now),
    )
