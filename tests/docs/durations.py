"""The table "how long it takes at which traffic", as the operator's own planner expects it. Nothing is measured here."""

from dataclasses import replace

from hotfix.core.baseline import SIGMA2_PRIOR
from hotfix.core.counting import Counter
from hotfix.core.course import MOST_SCRAPES, longest_seconds
from hotfix.core.look import Look
from hotfix.core.moments import rfc3339
from hotfix.core.observation import Observation
from hotfix.core.quantities import percent, seconds, span
from hotfix.core.spec import parse
from hotfix.core.start_weight import best_start, reach_seconds
from hotfix.core.status import Baseline, Status
from hotfix.core.terms import FixTerms, Terms, terms_of

SCRAPE_SECONDS, PROCESSES = 15, 3
TRAFFIC = (1, 10, 100, 1000)  # requests/s of the whole service
FAILING = (0.001, 0.05)  # of stable's requests
MARGINS = ("0.1%", "0.5%", "1%", "2%")
DEFAULT = "0.5%"
OTHERS = {Counter.CLIENT_ERRORS: 0.01, Counter.SLOW: 0.02}  # that they are judged takes a part of the risk, whatever the rate
LONGEST = "24h"
UNSEEN = FixTerms(min_reduction=0.5, expected_reduction=0.8, required=False)


def terms(failing: float, margin: str, deadline: str | None = None) -> Terms:
    """Those of a manifest with defaults, for a stable that fails this share of its requests."""
    analysis = {"maxErrorRateIncrease": margin} | ({"deadline": deadline} if deadline else {})
    spec = parse({"stable": {"deployment": "a"}, "patched": {"deployment": "b"}, "analysis": analysis})
    rates = {Counter.BAD: failing, **OTHERS}
    baseline = Baseline(
        rates={str(counter): f"{rate:.6g}" for counter, rate in rates.items()},
        sigma2={str(counter): f"{SIGMA2_PRIOR:.6g}" for counter in rates},
        interval_seconds=SCRAPE_SECONDS,
        late_blocks=round(seconds(spec.analysis.deadline) / SCRAPE_SECONDS),
        stable_template="",
        patched_template="",
        stable_pods=PROCESSES,
    )
    status = Status(weight=0, started_at=rfc3339(0), evidence_from=rfc3339(0), baseline=baseline)
    seen = Observation(now=0, generation=1, deleting=False, finalizer=True)
    return replace(terms_of(Look(spec, status, seen)), processes=PROCESSES)


def to_the_bake(failing: float, margin: str, traffic: float, *, cures: bool = True) -> str:
    """From the first weight to nearly all traffic, for a patch that takes 9 of 10 errors away, or for one that fails as much as
    stable, because the errors that it is for are too few to be seen among the others."""
    weight = best_start(terms(failing, margin), traffic).weight
    for deadline, form in ((None, "{}"), (LONGEST, "({})")):
        one = terms(failing, margin, deadline)
        one = one if cures else replace(one, fix=UNSEEN, rates=(*one.rates, (Counter.TARGET, 0.0)))
        found = reach_seconds(one, traffic, weight)
        if found < longest_seconds(one):
            return form.format(span(found))
    return f"(over {span(MOST_SCRAPES * SCRAPE_SECONDS)})"


def table() -> str:
    """Rows by traffic and by how much stable fails."""
    heads = ["stable fails", "requests/s", "start", "+5 pp: found after", "bad requests"]
    heads += [margin.replace("%", " %") for margin in (*MARGINS, f"{DEFAULT}, no cure")]
    lines = [f"| {' | '.join(heads)} |", "|--:" * len(heads) + "|"]
    for failing in FAILING:
        for traffic in TRAFFIC:
            best = best_start(terms(failing, DEFAULT), traffic)
            found = f"{span(best.detect_seconds)} | {best.bad_if_worse:.0f}"
            bakes = [to_the_bake(failing, margin, traffic) for margin in MARGINS]
            bakes.append(to_the_bake(failing, DEFAULT, traffic, cures=False))
            lines.append(f"| {percent(failing)} | {traffic} | {best.weight} % | {found} | {' | '.join(bakes)} |")
    return "\n".join(lines)
