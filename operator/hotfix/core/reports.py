"""Numbers as sentences for people: rates with their counts, evidence against its threshold, load per pod. Pure.

Words for users: evidence, proven, risk of a false rollback.
"""

import math

from . import moments
from .counting import Counter
from .judgement import Evidence, Judgement, Tally, Verdict
from .quantities import percent, span
from .silence import Silence
from .status import Verdict as Remembered

Z95 = 1.959964  # of the normal distribution
LOAD_RATIO = 3.0  # a verdict with more than this many times the load on patched may be about capacity


def rate(tally: Tally) -> str:
    """`4.9 % (412/8402)`; `no requests` without any."""
    if not tally.requests:
        return "no requests"
    return f"{percent(tally.bad / tally.requests)} ({tally.bad}/{tally.requests})"


def interval(tally: Tally) -> str:
    """The 95 % Wilson score interval of a rate, `4.5 to 5.4 %`; empty without requests."""
    if not tally.requests:
        return ""
    low, high = bounds(tally)
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def bounds(tally: Tally) -> tuple[float, float]:
    """The ends of that interval, shares; there must be requests."""
    n, p = tally.requests, tally.rate
    middle, half = p + Z95**2 / (2 * n), Z95 * math.sqrt(p * (1 - min(1.0, p)) / n + Z95**2 / (4 * n * n))
    low, high = (max(0.0, min(1.0, (middle + side) / (1 + Z95**2 / n))) for side in (-half, half))
    return low, high


def request_rate(judged: Judgement) -> str | None:
    """Requests per second of both sides as the status remembers them; None without any."""
    return f"{judged.request_rate:.2f}" if judged.request_rate else None


def intervals(judged: Judgement) -> str:
    """Of both sides' failed requests."""
    return ", ".join(f"{name} {interval(tally)}" for name, tally in judged.by_name.items() if tally.requests)


def counts(judged: Judgement) -> str:
    """What both sides counted, with intervals."""
    both = judged.by_name.items()
    return "; ".join(f"{name} {rate(tally)}, 95 % interval {interval(tally) or 'none'}" for name, tally in both)


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
    return f" Load per pod: patched {patched:.1f}/s, stable {stable:.1f}/s{hint}."


def silence(found: Silence) -> str:
    """What is missing since a side fell silent."""
    return (
        f"in {found.blocks} scrapes running it completed less than half of its share, and both sides together "
        f"{found.rate:.1f} requests/s where it was {found.rate_before:.1f}"
    )


REJECTIONS = {
    Verdict.WORSE: ("fails", "of its requests", Counter.BAD),
    Verdict.CLIENT_ERRORS: ("refuses (4xx)", "of its requests", Counter.CLIENT_ERRORS),
    Verdict.SLOW: ("is slow in", "of its requests", Counter.SLOW),
    Verdict.NOT_FIXED: ("still has", "of the errors that the hotfix is for", Counter.TARGET),
}


def rejected(judged: Judgement, verdict: Verdict) -> str:
    """Why patched is taken out of traffic."""
    verb, what, counter = REJECTIONS[verdict]
    sides = judged.counted[counter]
    found = evidence(NAMES[verdict], judged.findings.against[verdict], ever=True)
    return f"Patched {verb} {rate(sides.patched)} {what}, stable {rate(sides.stable)}; evidence {found}.{loads(judged)}"


def not_worse(judged: Judgement) -> str:
    """Why patched may carry nearly everything."""
    found = ", ".join(evidence(name, question) for name, question in judged.findings.wanted.items())
    return (
        f"Patched fails {rate(judged.patched)} of its requests, stable {rate(judged.stable)}; "
        f"proven: {proven(judged)}; evidence {found}."
    )


def proven(judged: Judgement) -> str:
    """The tightest bounds proven so far."""
    found = []
    if judged.proven_reduction is not None:
        found.append(f"errors of this bug reduced by at least {100 * judged.proven_reduction:g} %")
    if judged.proven_margin is not None:
        side = "stable with the fix" if judged.swapped else "patched"
        found.append(f"{side} at most +{100 * judged.proven_margin:g} pp worse")
    return ", ".join(found) or "nothing yet"


def fix(judged: Judgement) -> str:
    """The errors the hotfix is for, on both sides; empty where it does not say."""
    sides = judged.counted.get(Counter.TARGET)
    if sides is None:
        return ""
    reduced = f"reduced by at least {100 * judged.proven_reduction:g} %" if judged.proven_reduction else "no reduction proven yet"
    return f"patched {rate(sides.patched)}, stable {rate(sides.stable)}: {reduced}"


NAMES = {
    Verdict.WORSE: "worse",
    Verdict.CLIENT_ERRORS: "more client errors",
    Verdict.SLOW: "slower",
    Verdict.NOT_FIXED: "not fixed",
}


def all_evidence(judged: Judgement) -> str:
    """Every question's evidence against its threshold; of the weights, the next one."""
    findings = judged.findings
    against = [evidence(NAMES[verdict], question, ever=True) for verdict, question in findings.against.items()]
    wanted = [evidence(name, question) for name, question in findings.wanted.items()]
    following = [evidence(f"{weight} % is safe", ramp) for weight, ramp in [*judged.ramps.items()][:1]]
    return ", ".join([*against, *wanted, *following])


def safe(judged: Judgement, weight: int) -> str:
    """Why patched may get this weight, which is one of the steps."""
    found = evidence(f"{weight} % is safe", judged.ramps[weight])
    rates = f"Patched fails {rate(judged.patched)} of its requests, stable {rate(judged.stable)}"
    return f"{rates}; proven: {proven(judged)}; evidence {found}."


def expected(judged: Judgement) -> str:
    """`in ~40 s`; empty when it cannot be told."""
    return f"in ~{span(judged.expected_seconds)}" if judged.expected_seconds is not None else ""


def remembered(judged: Judgement, now: float) -> Remembered:
    """The verdict of the counts as the status shows it."""
    return Remembered(
        state=judged.verdict,
        stable=rate(judged.by_name["stable"]),
        patched=rate(judged.by_name["patched"]),
        proven=proven(judged),
        evidence=all_evidence(judged),
        intervals=intervals(judged),
        fix=fix(judged),
        expected_decision=expected(judged),
        at=moments.rfc3339(now),
    )
