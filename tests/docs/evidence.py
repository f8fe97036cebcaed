"""What the production core says of the recorded rollouts (docs/evidence.json) after every scrape, as curves. No drawing here.

Times are seconds since the first weight. A scrape is judged when it has had the time to arrive, so its evidence is placed there.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotfix.core import moments, reports
from hotfix.core.counting import Block, Count
from hotfix.core.folded import folded
from hotfix.core.judging import judge
from hotfix.core.look import Look
from hotfix.core.looking import judging_lag, metrics_span
from hotfix.core.observation import Observation
from hotfix.core.questions import questions
from hotfix.core.reasons import Reason
from hotfix.core.spec import parse as parse_spec
from hotfix.core.status import Phase, Stage, Status
from hotfix.core.status import parse as parse_status
from hotfix.core.terms import Terms, terms_of

RECORD = Path(__file__).parents[2] / "docs" / "evidence.json"
LEAVING = (Reason.ROLLING_BACK, Reason.PROMOTING)

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Evidence of one question by time, and what it must reach; both as log10."""

    name: str
    points: Points
    threshold: float
    against: bool  # reaching the threshold takes patched out of traffic


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision of the operator while traffic was shared. `weight`: what patched got by it, percent."""

    seconds: float
    weight: int
    reason: str
    message: str
    counts: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """One recorded rollout. `failed`: share of failed requests in each scrape by side, `served`: patched's share of requests."""

    curves: tuple[Curve, ...]
    decisions: tuple[Decision, ...]
    failed: dict[str, Points]
    served: Points
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was recorded of one rollout."""

    terms: Terms
    blocks: tuple[Block, ...]
    began: float
    status: Status
    raw: dict[str, Any]


def record() -> dict[str, Any]:
    """All that was recorded."""
    return dict(json.loads(RECORD.read_text()))


def run_of(raw: dict[str, Any]) -> Run:
    """A recorded rollout with the terms under which it was judged."""
    needed = {"phase": Phase.ANALYZING, "stage": Stage.SHIFTING, "weight": 50, "borrowed": {}, "resolved": {}}
    status = parse_status({**raw["status"], **needed})
    assert status.started_at is not None
    began = moments.unix(status.started_at)
    return Run(
        terms=_terms(raw, status),
        blocks=tuple(_block(raw["columns"], row) for row in raw["scrapes"]),
        began=began,
        status=status,
        raw=raw,
    )


def _terms(raw: dict[str, Any], status: Status) -> Terms:
    """Under which the counts are judged at the weight that the status has."""
    seen = Observation(now=moments.unix(status.started_at or ""), generation=1, deleting=False, finalizer=True)
    return terms_of(Look(parse_spec(raw["spec"]), status, seen))


def _block(columns: Sequence[str], row: Sequence[Any]) -> Block:
    found = dict(zip(columns, row, strict=True))

    def side(name: str) -> Count:
        return Count(**{key.removeprefix(f"{name} "): value for key, value in found.items() if key.startswith(f"{name} ")})

    return Block(found["start"], found["end"], side("patched"), side("stable"))


def story(raw: dict[str, Any]) -> Story:
    """What happened, and what the counts said."""
    run = run_of(raw)
    decisions = tuple(_decisions(run))
    return Story(
        curves=tuple(_curves(run)),
        decisions=decisions,
        failed={
            "stable": tuple(_shares(run, lambda block: (block.stable.bad, block.stable.requests))),
            "patched": tuple(_shares(run, lambda block: (block.patched.bad, block.patched.requests))),
        },
        served=tuple(_shares(run, lambda block: (block.patched.requests, block.patched.requests + block.stable.requests))),
        seconds=decisions[-1].seconds,
    )


def _shares(run: Run, parts: Callable[[Block], tuple[int, int]]) -> Iterator[tuple[float, float]]:
    for block in run.blocks:
        some, all_ = parts(block)
        if all_:
            yield block.end - run.began, 100 * some / all_


def _decisions(run: Run) -> Iterator[Decision]:
    for told in run.raw["decisions"]:
        if told["what"].startswith("weight "):
            yield Decision(
                seconds=moments.unix(told["time"]) - run.began,
                weight=int(told["what"].removeprefix("weight ")),
                reason=told["reason"],
                message=told.get("message", ""),
                counts=told.get("counts", ""),
                evidence=told.get("evidence", ""),
            )
        if told["reason"] in LEAVING:
            return


def _curves(run: Run) -> Iterator[Curve]:
    """Every question that can move traffic; of the weights those above the first one."""
    lag = judging_lag(run.terms.interval_seconds)
    seen = [(run.blocks[:number], run.blocks[number - 1].end + lag - run.began) for number in range(1, len(run.blocks) + 1)]
    judged = [(judge(run.terms, blocks).findings, at) for blocks, at in seen]
    last = judged[-1][0]
    for verdict, question in last.against.items():
        points = [(at, findings.against[verdict].log_now) for findings, at in judged if verdict in findings.against]
        yield _curve(reports.NAMES[verdict], points, question.log_threshold, against=True)
    for name, question in last.wanted.items():
        points = [(at, findings.wanted[name].log_now) for findings, at in judged]
        yield _curve(name, points, question.log_threshold)
    first = next(_decisions(run)).weight
    for weight, ramp in questions(run.terms).ramps.items():
        if weight > first:
            points = [(at, folded(run.terms, blocks).states[ramp].log_now) for blocks, at in seen]
            yield _curve(f"{weight} % is safe", points, ramp.log_threshold)


def _curve(name: str, points: Sequence[tuple[float, float]], threshold: float, *, against: bool = False) -> Curve:
    ten = math.log(10)
    logs = tuple((at, value / ten) for at, value in points)
    return Curve(name=name, points=logs, threshold=threshold / ten, against=against)


def retold(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Of each decision that rested on evidence: what the operator wrote of it then, and what the counts give now."""
    run = run_of(raw)
    interval, found, weight = run.terms.interval_seconds, [], None
    for decision in _decisions(run):
        span = metrics_span(parse_spec(raw["spec"]), run.status, run.began + decision.seconds, interval)
        if decision.evidence and span:
            blocks = [block for block in run.blocks if block.end <= span[1]]
            terms = _terms(raw, run.status.model_copy(update={"weight": weight}))
            found.append((decision.evidence, reports.all_evidence(judge(terms, blocks))))
        weight = decision.weight
    return found
