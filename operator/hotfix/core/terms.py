"""Every number a judgement depends on besides the counts, taken from one look. Pure.

What is asked of the counts under these terms is in questions.py.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .moments import unix
from .quantities import share
from .status import Phase, Status

if TYPE_CHECKING:
    from .look import Look

ROLLBACK_TESTS = 1  # how many tests share the risk of a false rollback: Worse
TOLERANCE_PART = 5  # tau is this part of maxErrorRateIncrease
WARM_SECONDS = 30.0
WARM_MARGIN = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Every number a judgement depends on besides the counts. Shares and rates in 0..1, weights in percent, unix seconds.

    "Patched" is the side being judged and "stable" its control; while stable comes back with the fix they are swapped.
    """

    delta: float  # maxErrorRateIncrease
    tau: float  # tolerance: worse by less is forgiven
    rollback_level: float  # false-rollback risk of one test: alpha / number of tests
    beta: float  # false-promotion risk
    max_impact: float
    ramp_weights: tuple[int, ...]  # the weights to be tested
    baseline_rate: float  # stable's error rate before the start
    sigma2: float
    late_blocks: int  # deadline in blocks
    interval_seconds: float
    evidence_from: float  # blocks that begin earlier are not judged
    warm_until: float
    warm_margin: float = WARM_MARGIN  # in the warm-up, worse by less than this is forgiven
    weight: int  # the share of the side being judged that is asked for now
    weight_since: float | None  # requests are split like that since then; None: not known
    bake_from: float | None  # blocks that begin earlier do not count towards the bake; None: not baking
    now: float

    @property
    def share(self) -> float | None:
        """The wanted share; None where one side gets nothing."""
        return self.weight / 100 if 0 < self.weight < 100 else None


def terms_of(look: "Look", *, swapped: bool = False) -> Terms:
    """The terms at this look, which must have a baseline and a weight. `swapped`: stable comes back with the fix, so it is the
    side being judged and patched is its control."""
    status, analysis, baseline = look.status, look.spec.analysis, look.status.baseline
    assert baseline is not None
    interval, delta = float(baseline.interval_seconds), float(share(analysis.max_error_rate_increase))
    began = unix(status.evidence_from) if status.evidence_from else look.now
    weight = status.weight or 0
    return Terms(
        delta=delta,
        tau=delta / TOLERANCE_PART,
        rollback_level=float(share(analysis.risk.false_rollback)) / ROLLBACK_TESTS,
        beta=float(share(analysis.risk.false_promotion)),
        max_impact=float(share(analysis.max_user_impact)),
        ramp_weights=tuple(look.spec.steps),
        baseline_rate=float(baseline.rate),
        sigma2=float(baseline.sigma2),
        late_blocks=baseline.late_blocks,
        interval_seconds=interval,
        evidence_from=_first_block(status, began, interval, swapped=swapped),
        warm_until=began + WARM_SECONDS,
        weight=100 - weight if swapped else weight,
        weight_since=look.weight_since,
        bake_from=_bake_from(status),
        now=look.now,
    )


def _first_block(status: Status, began: float, interval_seconds: float, *, swapped: bool) -> float:
    """Start of the first block that may be judged. At the start it is the block in which traffic begins: the side being judged
    had none before. After a version change old requests are in that block and, scrapes being up to one interval old, in the
    next one too; judged is what comes after."""
    if swapped or status.evidence_from == status.started_at:
        return math.floor(began / interval_seconds) * interval_seconds
    return began + interval_seconds


def _bake_from(status: Status) -> float | None:
    moment = status.baked_until or status.phase_started_at
    return unix(moment) if moment and status.phase is Phase.BAKING else None
