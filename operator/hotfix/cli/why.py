"""`kubectl hotfix why`: the present reasoning of a rollout and every remembered decision, as text or as data.

Everything it says stands in the object's status: what is not stored cannot be explained, so nothing is computed anew here.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hotfix.adapters.kube import Kube
from hotfix.core import incidents
from hotfix.core.spec import Incident
from hotfix.core.status import TERMINAL_PHASES, Phase, PromotionRecord, Resolved, Status, Verdict, parse
from hotfix.errors import Refused
from hotfix.ports import Key

from .following import existing
from .printing import as_data, check

WIDTH = 100
KEPT = (
    "phase",
    "weight",
    "observedWeight",
    "step",
    "message",
    "next",
    "held",
    "verdict",
    "baseline",
    "resolved",
    "promotion",
    "recoveredAt",
    "incident",
    "decisions",
    "why",
)


async def remembered(kube: Kube, namespace: str, name: str) -> dict[str, Any]:
    """The stored status of a rollout, with the incident that its spec names."""
    stored = await existing(kube, Key(namespace, name))
    if not stored.status:
        raise Refused(f"HotfixRollout {name} was not looked at yet; is the operator running? `kubectl get pods -A | grep hotfix`")
    incident = stored.spec.get("incident")
    return {**stored.status, **({"incident": incident} if incident else {})}


def data(raw: dict[str, Any]) -> dict[str, Any]:
    """What explains the rollout, of its status."""
    return {name: raw[name] for name in KEPT if name in raw}


def show(name: str, raw: dict[str, Any], output: str | None) -> str:
    """As text, or in the format asked for."""
    check(output)
    if output:
        return as_data({"name": name, **data(raw)}, output)
    try:
        status, incident = parse(raw), Incident.model_validate(raw["incident"]) if raw.get("incident") else None
    except ValidationError as error:
        raise Refused(
            f"The status of {name} cannot be read by this version ({error.error_count()} problems); use -o yaml."
        ) from error
    console = Console(width=WIDTH, highlight=False)
    with console.capture() as captured:
        for line in _lines(name, status, incident):
            console.print(line)
    return captured.get()


def _lines(name: str, status: Status, incident: Incident | None) -> Iterator[Text | Padding]:
    share = f", patched gets {status.weight} %" if status.weight is not None else ""
    seen = f" (the proxies serve {status.observed_weight})" if status.observed_weight else ""
    yield Text(f"{name}: {status.phase or 'Pending'}{share}{seen}", style="bold")
    yield from map(_indented, _incident(incident, status))
    yield _indented(status.message)
    if status.held:
        yield _indented(f"Held: {status.held}.")
    if status.next and status.phase not in TERMINAL_PHASES:
        yield _indented(f"Next: {status.next}")
    yield from map(_indented, _history(name, status))
    if status.verdict:
        yield Text("\nWhat the counts say", style="bold")
        yield from _reasoning(status.verdict)
    if status.decisions:
        yield Text("\nDecisions", style="bold")
    for entry in status.decisions:
        yield _indented(f"{entry.time}  {entry.what}: {entry.reason}")
        yield _indented(entry.message, 6)
        for numbers in filter(None, (entry.counts, entry.evidence and f"evidence {entry.evidence}")):
            yield _indented(numbers, 6)


def _incident(incident: Incident | None, status: Status) -> Iterator[str]:
    if incident:
        yield f"{incidents.named(incident) or 'Incident'}." + (f" See {incident.url}" if incident.url else "")
    if incident and incident.detected_at:
        yield f"Noticed {incident.detected_at}."
    if status.recovered_at:
        yield f"Nearly all traffic was given the fix {status.recovered_at}."


def _lineage(status: Status) -> Iterator[str]:
    """The other rollout on the same route: the one whose place it takes, or that takes its place."""
    older, newer = status.supersedes, status.superseded_by
    if older:
        so_far = "has what that one had" if older.moved else "stands beside it" if older.yielded else "waits for it"
        against = f", judged against {older.control}" if older.control and not older.moved else ""
        yield f"It takes the place of HotfixRollout {older.name}, and {so_far}{against}."
    if newer:
        gone = "has taken its place" if status.phase is Phase.SUPERSEDED else "is to take its place"
        yield f"HotfixRollout {newer.name} {gone} (since {newer.since})."


def _history(name: str, status: Status) -> Iterator[str]:
    promotion, resolved, baseline = status.promotion or PromotionRecord(), status.resolved or Resolved(), status.baseline
    if resolved.routes:
        routes = ", ".join(f"{route.name} (rules {', '.join(map(str, route.rules))})" for route in resolved.routes)
        services = f"Service {resolved.stable_service} to {resolved.patched_service}"
        yield f"It shifts HTTPRoute {routes} from {services}; metrics: {resolved.preset}."
    if baseline:
        yield f"Stable ran {', '.join(baseline.stable_images)}; the hotfix is {', '.join(baseline.patched_images)}."
    yield from _lineage(status)
    if resolved.start_reason:
        yield f"It started at {resolved.start_weight} %: {resolved.start_reason}."
    yield from _of_promotion(name, promotion, resolved)


def _of_promotion(name: str, promotion: PromotionRecord, resolved: Resolved) -> Iterator[str]:
    if resolved.owners:
        yield f"Kept as in git: {'; '.join(resolved.owners)}."
    if resolved.promotion:
        yield f"Promotion: {resolved.promotion}."
    if promotion.handover:
        yield f"{promotion.handover} All of it, ready to be pasted: kubectl hotfix handover {name}."
    if promotion.changes:
        yield f"The fix changes {', '.join(promotion.changes)}."
    if promotion.previous_revision:
        since = f", which it has since {promotion.patched_at}" if promotion.patched_at else ""
        revision = promotion.previous_revision
        yield f"Before the fix{since}, stable ran revision {revision}; kubectl rollout undo --to-revision={revision} restores it."


def _reasoning(verdict: Verdict) -> Iterator[Padding]:
    facts = {
        "verdict": f"{verdict.state} (numbers of {verdict.at})" if verdict.at else verdict.state,
        "patched fails": verdict.patched,
        "stable fails": verdict.stable,
        "95 % intervals": verdict.intervals,
        "this bug": verdict.fix,
        "proven": verdict.proven,
        "evidence": verdict.evidence,
        "decision": f"expected {verdict.expected_decision}" if verdict.expected_decision else "",
    }
    for what, text in facts.items():
        if text:
            yield _indented(f"{what + ':':<16}{text}")
    if verdict.evidence:
        yield _indented("Evidence is given as `value of threshold`: at the threshold the answer is proven, at the stated risk.")


def _indented(text: str, by: int = 2) -> Padding:
    return Padding(Text(text), (0, 0, 0, by))
