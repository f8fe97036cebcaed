"""Every number a judgement depends on besides the counts, taken from one look. Pure.

What is asked of the counts under these terms is in questions.py.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .counting import Counter
from .moments import unix
from .quantities import share
from .spec import AUTO, ClientErrors, Spec
from .status import Baseline, Phase, Status

if TYPE_CHECKING:
    from .look import Look

TOLERANCE_PART = 5  # tau is this part of the increase that must be excluded
WARM_SECONDS = 30.0
WARM_MARGIN = 0.02
HELD_PART = 1 / 3  # of a block in which a weight must have been in force to count as held in it
MINIMUM_SECONDS, MINIMUM_BLOCKS, HELD_SCRAPES = 30.0, 4, 2  # before the bake, however clear the evidence
CLIENT_ERRORS_MARGIN = 0.02
LEAST_LEFT = 0.01  # of the target errors: a reduction of 100 % could not be compared with anything


@dataclass(frozen=True, slots=True, kw_only=True)
class FixTerms:
    """What the hotfix is to do to the errors it is for; shares of them in (0, 1)."""

    min_reduction: float
    expected_reduction: float
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowTerms:
    """Patched's share of slow requests may be higher by `delta`; `required`: that must be proven before promotion."""

    delta: float
    required: bool

    @property
    def tau(self) -> float:
        """More slow requests by less than this are forgiven."""
        return self.delta / TOLERANCE_PART


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Every number a judgement depends on besides the counts. Shares and rates in 0..1, weights in percent, unix seconds.

    "Patched" is the side being judged and "stable" its control; while stable comes back with the fix they are swapped.
    """

    delta: float  # maxErrorRateIncrease
    alpha: float  # falseRollback, of all tests together
    beta: float  # falsePromotion
    max_impact: float
    ramp_weights: tuple[int, ...]  # the weights to be tested
    rates: tuple[tuple[Counter, float], ...]  # of stable before the start
    sigma2: tuple[tuple[Counter, float], ...]
    late_blocks: int  # deadline in blocks
    interval_seconds: float
    evidence_from: float  # blocks that begin earlier are not judged
    warm_until: float
    warm_margin: float = WARM_MARGIN  # in the warm-up, worse by less than this is forgiven
    weight: int  # the share of the side being judged that is asked for now
    weight_since: float | None  # requests are split like that since then; None: not known
    bake_from: float | None  # blocks that begin earlier do not count towards the bake; None: not baking
    now: float
    rate_before: float | None = None  # requests per second of both sides on which this weight was raised; None: not known
    processes: int = 1  # of each side that count, where nothing was counted yet; for expectations only
    endpoints: tuple[int, int] = (0, 0)  # ready pods of (patched, stable); 0 where that is not known
    fix: FixTerms | None = None
    client_errors: bool = False
    slow: SlowTerms | None = None

    @property
    def tau(self) -> float:
        """Worse by less is forgiven."""
        return self.delta / TOLERANCE_PART

    @property
    def rollback_tests(self) -> int:
        """How many tests share the risk of a false rollback."""
        return 1 + sum((self.fix is not None, self.client_errors, self.slow is not None))

    @property
    def rollback_level(self) -> float:
        """The risk of one of them."""
        return self.alpha / self.rollback_tests

    def spread(self, counter: Counter) -> float:
        """Relative variance of that rate between processes; 0 where nothing is known of it."""
        return dict(self.sigma2).get(counter, 0.0)

    def rate(self, counter: Counter) -> float:
        """Stable's rate of these before the start."""
        return dict(self.rates).get(counter, 0.0)

    @property
    def share(self) -> float | None:
        """The wanted share; None where one side gets nothing."""
        return self.weight / 100 if 0 < self.weight < 100 else None


def terms_of(look: "Look", *, swapped: bool = False) -> Terms:
    """The terms at this look, which must have a baseline and a weight. `swapped`: stable comes back with the fix, so it is the
    side being judged and patched is its control; both have the fix then, and only failed requests are asked about."""
    status, analysis, baseline = look.status, look.spec.analysis, look.status.baseline
    assert baseline is not None
    interval = float(baseline.interval_seconds)
    began = unix(status.evidence_from) if status.evidence_from else look.now
    weight = status.weight or 0
    return Terms(
        delta=float(share(analysis.max_error_rate_increase)),
        alpha=float(share(analysis.risk.false_rollback)),
        beta=float(share(analysis.risk.false_promotion)),
        max_impact=float(share(analysis.max_user_impact)),
        ramp_weights=tuple(look.spec.steps),
        rates=_known(baseline.rates),
        sigma2=_known(baseline.sigma2),
        late_blocks=baseline.late_blocks,
        interval_seconds=interval,
        evidence_from=_first_block(status, began, interval, swapped=swapped),
        warm_until=began + WARM_SECONDS,
        weight=100 - weight if swapped else weight,
        weight_since=look.weight_since,
        bake_from=_bake_from(status),
        now=look.now,
        processes=max(1, baseline.stable_pods),
        endpoints=_endpoints(look, swapped=swapped),
        rate_before=float(status.request_rate) if status.request_rate else None,
        fix=None if swapped else _fix(look.spec, baseline),
        client_errors=not swapped and _judges_client_errors(look.spec, baseline),
        slow=None if swapped else _slow(look.spec, baseline),
    )


def _endpoints(look: "Look", *, swapped: bool) -> tuple[int, int]:
    patched, stable = (side.ready_endpoints if side else 0 for side in (look.seen.patched, look.seen.stable))
    return (stable, patched) if swapped else (patched, stable)


def _known(by_name: dict[str, str]) -> tuple[tuple[Counter, float], ...]:
    return tuple((counter, float(by_name[counter])) for counter in Counter if counter in by_name)


def _fix(spec: Spec, baseline: Baseline) -> FixTerms | None:
    if spec.fix is None or Counter.TARGET not in baseline.rates:
        return None
    return FixTerms(
        min_reduction=float(share(spec.fix.min_reduction)),
        expected_reduction=min(1 - LEAST_LEFT, float(share(spec.fix.expected_reduction))),
        required=spec.fix.required,
    )


def _judges_client_errors(spec: Spec, baseline: Baseline) -> bool:
    return spec.analysis.client_errors is ClientErrors.GUARD and Counter.CLIENT_ERRORS in baseline.rates


def _slow(spec: Spec, baseline: Baseline) -> SlowTerms | None:
    latency = spec.analysis.latency
    if Counter.SLOW not in baseline.rates:
        return None
    return SlowTerms(delta=float(share(latency.max_slow_request_increase)), required=latency.threshold != AUTO)


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
