"""How much haste a hotfix is shipped with: where it starts, how long it bakes, and what is left to a person. Pure.

No mode switches a guard off: what is passed over is evidence, never what was seen.
"""

import math
from decimal import Decimal

from .counting import Counter
from .look import Look
from .quantities import seconds, share, span
from .spec import Control, Spec, Urgency
from .status import Baseline
from .terms import MINIMUM_BLOCKS

CONTROL_PERCENT = 5  # stable's share in the bake ...
CONTROL_PERCENT_QUIET = 20  # ... and where 5 % would be under 20 requests a scrape
CONTROL_REQUESTS = 20.0
SHORTER = 5  # times, of the bake of an expedited hotfix ...
LEAST_BAKE_SECONDS = 60.0  # ... but no shorter than this, unless it was asked for


def control_percent(look: Look, request_rate: float | None, excess: float) -> int:
    """Stable's share in the bake: 5 %, less where its errors would cost more than half of maxErrorRateIncrease (never under
    1 %), more where 5 % gives under 20 requests a scrape. `excess`: what stable fails more than patched, a share."""
    if request_rate is not None and request_rate * look.interval_seconds * CONTROL_PERCENT / 100 < CONTROL_REQUESTS:
        return CONTROL_PERCENT_QUIET
    if excess <= 0:
        return CONTROL_PERCENT
    affordable = share(look.spec.analysis.max_error_rate_increase) / 2 / Decimal(excess) * 100
    return max(1, min(CONTROL_PERCENT, math.floor(affordable)))


def failing_before(baseline: Baseline | None) -> float:
    """Stable's share of failed requests before the start; 0 where it was not seen."""
    return float((baseline.rates if baseline else {}).get(str(Counter.BAD), 0.0))


def bake_seconds(spec: Spec) -> float:
    """How long nearly everything is on patched before the promotion."""
    asked = seconds(spec.analysis.bake_time)
    return max(asked / SHORTER, min(asked, LEAST_BAKE_SECONDS)) if spec.urgency is Urgency.EXPEDITED else asked


def bakes_on(look: Look) -> str | None:
    """What the bake waits for; None when it is over. Where the evidence was passed over, and so few requests came that nothing
    is proven, it is not over while patched is seen to fail more than is allowed, nor before anything was counted."""
    judged, left = look.judgement, bake_seconds(look.spec) - look.status.bake_seconds
    if left > 0 or judged is None or not look.settled:
        return f"promote after {span(max(0.0, left))} more of fresh requests"
    most = look.spec.analysis.max_error_rate_increase
    if judged.findings.proven:
        return None
    if judged.patched.rate - judged.stable.rate > float(share(most)):
        return f"promote when patched no longer fails more than stable by {most} of its requests, or roll back when it is worse"
    return "promote when some requests were counted" if judged.blocks < MINIMUM_BLOCKS else None


def start(look: Look, request_rate: float | None) -> tuple[int, str] | None:
    """(first weight, why) that haste asks for; None where the weight is to be planned."""
    spec = look.spec
    if spec.urgency is Urgency.BREAK_GLASS:
        control = control_percent(look, request_rate, failing_before(look.status.baseline))
        return 100 - control, "urgency BreakGlass: evidence is not waited for, every guard is armed"
    if spec.urgency is Urgency.EXPEDITED and spec.start_weight == "Auto":
        return max(spec.steps), "urgency Expedited: the largest step"
    return None


def alone(look: Look) -> bool:
    """Nothing is to stay on stable once patched is not worse: there is no control then."""
    return look.spec.control is Control.NONE
