"""What people do with a simulated rollout itself: they ask by annotation, edit the manifest, scale patched by hand; and what the
messages tell them to do in the end.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.reconcile.shop import NAMESPACE

from .scaling import Autoscaler
from .swarm import Fault

if TYPE_CHECKING:
    from .weather import Rollout

ANNOTATION = "hotfix-operator.dev/request"
VERBS = ("pause", "pause", "resume", "promote", "promote", "rollback", "acknowledge", "hurry")  # the last one is none
REPLICAS = (0, 1, 1, 3)
MODES = ("Auto", "Auto", "AwaitGit", "KeepPatched", "PatchStable")
OF_THE_ANALYSIS: dict[str, tuple[str, ...]] = {
    "bakeTime": ("1s", "30s"),
    "deadline": ("1m", "20m"),
    "onDeadline": ("Rollback", "Promote"),
    "onMetricsUnavailable": ("LastProven", "Hold", "Rollback"),
    "metricsGrace": ("10s", "2m"),
    "maxErrorRateIncrease": ("0.2%", "2%"),
}
OF_THE_SPEC: dict[str, tuple[Any, ...]] = {
    "startWeight": (1, 50, "Auto"),
    "steps": ([1, 10, 50], [5, 25]),
    "urgency": ("Expedited", "Standard"),
}


class People:
    """`happened` counts what they did. `asked`: verbs; `accepted`: those that were answered so, in a status that was stored."""

    def __init__(self, api: Any, lots: random.Random, note: Callable[[str], None]) -> None:
        self.api, self.lots, self.note = api, lots, note
        self.happened: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self._answers: set[tuple[str, str]] = set()  # (request, result)
        self.asked: list[str] = []
        self.scalers: list[Autoscaler] = []
        self.ended_pods = False  # somebody scaled patched to 0

    def begin(self, fault: Fault, rollout: "Rollout") -> None:
        """What they do."""
        if not rollout.spec():
            return
        match fault:
            case Fault.ASKED:
                self.ask(rollout, self.lots.choice(VERBS))
            case Fault.SPEC_EDIT:
                self._edit(rollout)
            case _:
                self._scale(rollout.outside.patched, self.lots.choice(REPLICAS))

    def end(self, fault: Fault, rollout: "Rollout") -> None:
        """What they do after a while."""
        if fault is Fault.ASKED and self.asked and self.asked[-1] == "pause":
            self.ask(rollout, "resume")
        if fault is Fault.SCALED_BY_HAND and not rollout.ends:
            self._scale(rollout.outside.patched, 2)

    def ask(self, rollout: "Rollout", verb: str) -> None:
        """By annotation."""
        if not rollout.spec():
            return
        self.asked.append(verb)
        self.happened[f"asked to {verb}"] += 1
        self.note(f"-- a person asks: {verb}")
        value = {ANNOTATION: f"{verb}:{len(self.asked)}"}
        self.api.edit("HotfixRollout", *rollout.key_of, [{"op": "add", "path": "/metadata/annotations", "value": value}])

    def _edit(self, rollout: "Rollout") -> None:
        name = self.lots.choice(("analysis", "analysis", "promotion", *OF_THE_SPEC))
        if name == "analysis":
            one = self.lots.choice(sorted(OF_THE_ANALYSIS))
            value: Any = {**rollout.spec()["analysis"], one: self.lots.choice(OF_THE_ANALYSIS[one])}
        elif name == "promotion":
            value = {"mode": self.lots.choice(MODES)}
        else:
            value = self.lots.choice(OF_THE_SPEC[name])
        self.happened[f"edited {name}"] += 1
        self.note(f"-- git gives it {name}: {value}")
        rollout.ask(name, value)

    def _scale(self, deployment: str, replicas: int) -> None:
        if any(scaler.name == deployment for scaler in self.scalers):
            return  # it would have its own number back at once
        self.happened[f"scaled patched to {replicas}"] += 1
        self.ended_pods |= replicas == 0
        self.scale(deployment, replicas)

    def scale(self, deployment: str, replicas: int) -> None:
        """By hand."""
        self.note(f"-- a person scales {deployment} to {replicas}")
        self.api.edit("Deployment", NAMESPACE, deployment, [{"op": "replace", "path": "/spec/replicas", "value": replicas}])

    def read(self, status: Mapping[str, Any]) -> None:
        """They read a status: an answer counts from when it is stored, which a decided one may never be."""
        last = status.get("lastHandledRequest")
        if not last or (last["request"], last["result"]) in self._answers:
            return
        self._answers.add((last["request"], last["result"]))
        verb = last["request"].partition(":")[0]
        self.happened[f"{last['result'].lower()}: {verb}"] += 1
        if last["result"] == "Accepted":
            self.accepted.add(verb)

    # ---- in the end

    def help(self, rollout: "Rollout") -> None:
        """What the messages say."""
        status, spec = rollout.outside.status(), rollout.spec()
        waits = (status.get("lastHandledRequest") or {}).get("result") == "Waiting"
        if status.get("paused") and not waits and not unanswered(rollout):
            self.ask(rollout, "resume")
        if status.get("held") == "PromotionFailed" and not waits and not unanswered(rollout):
            self.ask(rollout, "promote")
        if status.get("held") == "ManagedByGitOps" and (spec.get("promotion") or {}).get("mode") != "Auto":
            rollout.ask("promotion", {"mode": "Auto"})
        if status.get("held") == "InsufficientCapacity":
            self._give_pods(rollout)

    def _give_pods(self, rollout: "Rollout") -> None:
        pods = (rollout.outside.status().get("baseline") or {}).get("stablePods", 1)
        scaled = {scaler.name: scaler for scaler in self.scalers}
        for name in ("checkout", rollout.outside.patched):
            if name in scaled:
                scaled[name].raised(pods)
            elif self.api.peek("Deployment", NAMESPACE, name)["spec"]["replicas"] < pods:
                self.scale(name, pods)


def unanswered(rollout: "Rollout") -> bool:
    """The newest request of a person has no answer yet."""
    try:
        item = rollout.api.peek("HotfixRollout", *rollout.key_of)
    except KeyError:
        return False
    request = (item["metadata"].get("annotations") or {}).get(ANNOTATION)
    status = item.get("status") or {}
    known = status.get("lastHandledRequest") or {}
    if request in (status.get("handledRequests") or ()):
        return False  # what is no request is refused beside one that waits
    return request is not None and (known.get("request"), known.get("result")) not in (
        (request, "Accepted"),
        (request, "Refused"),
    )
