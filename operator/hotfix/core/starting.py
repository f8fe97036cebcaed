"""The first weight: what stable's counters tell of it, where to start, and how long a decision will take from there. Pure.

What must be right before is in pending.py.
"""

from dataclasses import replace

from . import capacity, latency, moments, urgency
from .baseline import Learnt, Proxies, baseline_of, count_themselves
from .before import late_blocks
from .counting import Counter
from .look import Look, enter, hold, ready, record, say
from .observation import MetricsView
from .quantities import percent, span
from .reasons import Reason
from .spacing import SLOW_SECONDS, block_seconds, spacing_seconds
from .spec import Urgency
from .start_weight import (
    MOST_PERCENT,
    WORSE_BY,
    Outlook,
    best_start,
    fitting_margin,
    fix_seconds,
    outlook,
    reach_seconds,
)
from .status import LISTED, OTHER_PODS, Baseline, Phase, Resolved, Stage, Status
from .terms import Terms, terms_of

LEARNING_SCRAPES = 4  # stable's request rate is waited for this long; without it the largest start is taken


def begin(look: Look) -> Status:
    """Everything else is right: learn from stable's counters, then the first weight."""
    status, metrics = look.status, look.seen.metrics
    assert metrics is not None
    assert status.baseline is not None
    if status.stage is Stage.ADOPTING and _unmarked(look):
        return say(status, "Patched is named in the route at weight 0.", "start when the route carries the stamp of this rollout")
    block = block_seconds(look.interval_seconds, spacing_seconds(metrics.stable, metrics.end))
    if block > look.interval_seconds:
        longer = status.baseline.model_copy(update={"interval_seconds": block, "late_blocks": late_blocks(look, block)})
        text = f"Stable's counters are scraped every {block} s, so counts are judged in blocks of {block} s."
        return say(status.model_copy(update={"baseline": longer}), text, "start after the next look")
    if status.baseline.slow_bound is None:
        return _bound(look, status.baseline, metrics)
    proxies = _proxies(look, metrics)
    learnt = metrics.once(("learnt", proxies), lambda: baseline_of(metrics, proxies))
    if learnt.request_rate is None and look.elapsed(status.stage_started_at) < LEARNING_SCRAPES * look.interval_seconds:
        return say(status, "Learning stable's request rate.", "start after two scrapes with requests")
    known = status.baseline.model_copy(update=_known(look, learnt))
    return _shift(Look(look.spec, status.model_copy(update={"baseline": known}), look.seen), learnt)


def _unmarked(look: Look) -> bool:
    """A route has no stamp yet. One that loses it later was replaced by somebody: that can be told only if it was seen before."""
    return any(route.stamp is None for route in (look.seen.routes.routes if look.seen.routes else ()))


def _proxies(look: Look, metrics: MetricsView) -> Proxies | None:
    """Who counts where the pods do not, and how many of these there are behind it."""
    if count_themselves(metrics.stable, look.spec.stable.deployment):
        return None
    return Proxies(stable_pods=ready(look.seen.stable) or 0, patched_pods=ready(look.seen.patched) or 0)


def _bound(look: Look, baseline: Baseline, metrics: MetricsView) -> Status:
    """From which bucket on a request is slow; the counter of these is asked for from the next look on."""
    bound, why = latency.bound_of(look.spec, metrics.buckets, own=look.spec.metrics.slow is not None)
    if bound is None:
        return hold(look.status, Reason.LATENCY_UNKNOWN, why, "start when there is a histogram")
    return say(look.status.model_copy(update={"baseline": baseline.model_copy(update={"slow_bound": bound})}), why, "start")


def _known(look: Look, learnt: Learnt) -> dict[str, object]:
    patched = look.seen.patched
    restarts = {pod.name: pod.restarts for pod in patched.pods if pod.restarts} if patched else {}
    return {
        "rates": {str(counter): f"{rate:.6g}" for counter, rate in learnt.rates.items()},
        "sigma2": {str(counter): f"{spread:.6g}" for counter, spread in learnt.sigma2.items()},
        "patched_restarts": _bounded(restarts),
    }


def _bounded(restarts: dict[str, int]) -> dict[str, int]:
    """The pods with the most restarts; of those that are left out the most, under the name that no pod has."""
    most = sorted(restarts.items(), key=lambda entry: (-entry[1], entry[0]))
    kept, others = (most, []) if len(most) <= LISTED else (most[: LISTED - 1], most[LISTED - 1 :])
    return dict(kept) | ({OTHER_PODS: others[0][1]} if others else {})


def _shift(look: Look, learnt: Learnt) -> Status:
    """The first weight, where patched has the pods for it."""
    terms, request_rate = replace(terms_of(look), processes=learnt.processes), learnt.request_rate
    weight, why = _first_weight(look, terms, request_rate)
    if look.interval_seconds > SLOW_SECONDS:
        why += f"; counters are scraped every {look.interval_seconds:.0f} s, {SLOW_SECONDS:.0f} s or less would decide sooner"
    short = capacity.patched_short(look, weight)
    if short:
        return hold(look.status, Reason.INSUFFICIENT_CAPACITY, short, "start when patched has the pods")
    status = _warned(look, terms, request_rate, weight)
    breaks = look.spec.urgency is Urgency.BREAK_GLASS
    message = f"Patched gets {weight} %: {why}."
    moment = moments.rfc3339(look.now)
    done = sum(1 for step in look.spec.steps if step <= weight)
    started = enter(
        record(status, look.now, f"weight {weight}", Reason.BREAK_GLASS if breaks else Reason.TRAFFIC_SHIFTED, message),
        look.now,
        Phase.BAKING if breaks else Phase.ANALYZING,
        Stage.SHIFTING,
        weight=weight,
        started_at=moment,
        evidence_from=moment,
        resolved=(status.resolved or Resolved()).model_copy(update={"start_weight": weight, "start_reason": why[:1024]}),
        step=f"{done}/{len(look.spec.steps)}",
        recovered_at=moment if breaks else None,
        follow_up=str(Reason.BREAK_GLASS) if breaks else status.follow_up,  # an earlier attempt may still wait for a person
    )
    return say(started, message, "judge the first scrapes")


def _first_weight(look: Look, terms: Terms, request_rate: float | None) -> tuple[int, str]:
    haste = urgency.start(look, request_rate)
    if haste:
        return haste
    asked = look.spec.start_weight
    if isinstance(asked, int):
        told = f"; {_expectation(outlook(terms, request_rate, asked), request_rate)}" if request_rate else ""
        return asked, f"spec.startWeight{told}"
    if not request_rate:
        return MOST_PERCENT, "no requests were seen, so the largest start"
    best = best_start(terms, request_rate)
    return best.weight, _expectation(best, request_rate)


def _expectation(found: Outlook, request_rate: float) -> str:
    return (
        f"at {request_rate:.0f} requests/s a patch that is {percent(WORSE_BY)} worse is expected to be found out in "
        f"{span(found.detect_seconds)} ({found.bad_if_worse:.0f} more bad requests), one that fails everything after "
        f"{found.bad_if_crash:.0f}, a good one to have nearly all traffic in {span(found.reach_seconds)}"
    )


def _warned(look: Look, terms: Terms, request_rate: float | None, weight: int) -> Status:
    """What makes a decision unlikely is said before it is waited for."""
    status, longest = look.status, terms.late_blocks * terms.interval_seconds
    if not request_rate:
        return status
    if reach_seconds(terms, request_rate, weight) >= longest:
        margin = fitting_margin(terms, request_rate, weight)
        fits = f"analysis.maxErrorRateIncrease {percent(margin).replace(' ', '')} would fit" if margin else "no margin fits"
        text = f"No decision is expected before the deadline of {span(longest)} at {request_rate:.1f} requests/s; {fits}."
        status = record(status, look.now, "expect", Reason.DECISION_LATER_THAN_DEADLINE, text)
    proof = fix_seconds(terms, request_rate) if terms.fix else 0.0
    if proof is None or proof > longest:
        status = record(status, look.now, "expect", Reason.TARGET_ERRORS_TOO_RARE, _too_rare(terms, request_rate, proof))
    return status


def _too_rare(terms: Terms, request_rate: float, proof: float | None) -> str:
    """How many errors there are, how many are needed, and when these are to be expected."""
    assert terms.fix is not None
    a_second, longest = terms.rate(Counter.TARGET) * request_rate, terms.late_blocks * terms.interval_seconds
    needed = f"about {max(1.0, proof * a_second / 2):.0f} of them on stable" if proof else "more of them on stable"
    when = f"which are expected to take {span(proof)}" if proof else "which are not to be expected"
    least, promised = percent(terms.fix.min_reduction), percent(terms.fix.expected_reduction)
    return (
        f"Stable has about {3600 * a_second:.2g} errors of this bug an hour. Where they fall by {promised}, the proof that they "
        f"fell by {least} at half of the traffic needs {needed}, {when}; the deadline is {span(longest)}. "
        "Set fix.required to false, or a longer deadline."
    )
