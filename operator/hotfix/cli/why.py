"""`kubectl hotfix why`: the present reasoning of a rollout and every remembered decision, as text or as data.

Everything it says stands in the object's status: what is not stored cannot be explained, so nothing is computed anew here.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hotfix.adapters.kube import Kube
from hotfix.adapters.store import KubeStore
from hotfix.core.status import TERMINAL_PHASES, Status, Verdict, parse
from hotfix.errors import NotFound, Refused
from hotfix.ports import Key

from .printing import as_yaml

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
    "decisions",
    "why",
)


async def remembered(kube: Kube, namespace: str, name: str) -> dict[str, Any]:
    """The stored status of a rollout."""
    stored = await KubeStore(kube).load(Key(namespace, name))
    if stored is None:
        raise NotFound(f"There is no HotfixRollout {name} in namespace {namespace}; `kubectl get hfr -n {namespace}` lists them.")
    if not stored.status:
        raise Refused(f"HotfixRollout {name} was not looked at yet; is the operator running? `kubectl get pods -A | grep hotfix`")
    return dict(stored.status)


def data(raw: dict[str, Any]) -> dict[str, Any]:
    """What explains the rollout, of its status."""
    return {name: raw[name] for name in KEPT if name in raw}


def show(name: str, raw: dict[str, Any], output: str | None) -> str:
    """As text, or in the format asked for."""
    if output == "json":
        return json.dumps({"name": name, **data(raw)}, indent=2) + "\n"
    if output == "yaml":
        return as_yaml({"name": name, **data(raw)})
    if output:
        raise Refused(f"--output {output} is not known; give json or yaml, or nothing for text.")
    try:
        status = parse(raw)
    except ValidationError as error:
        raise Refused(
            f"The status of {name} cannot be read by this version ({error.error_count()} problems); use -o yaml."
        ) from error
    console = Console(width=WIDTH, highlight=False)
    with console.capture() as captured:
        for line in _lines(name, status):
            console.print(line)
    return captured.get()


def _lines(name: str, status: Status) -> Iterator[Text | Padding]:
    share = f", patched gets {status.weight} %" if status.weight is not None else ""
    seen = f" (the proxies serve {status.observed_weight})" if status.observed_weight else ""
    yield Text(f"{name}: {status.phase or 'Pending'}{share}{seen}", style="bold")
    yield _indented(status.message)
    if status.held:
        yield _indented(f"Held: {status.held}.")
    if status.next and status.phase not in TERMINAL_PHASES:
        yield _indented(f"Next: {status.next}")
    if status.resolved and status.resolved.start_reason:
        yield _indented(f"It started at {status.resolved.start_weight} %: {status.resolved.start_reason}.")
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


def _reasoning(verdict: Verdict) -> Iterator[Padding]:
    facts = {
        "verdict": f"{verdict.state} (at {verdict.at})",
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
