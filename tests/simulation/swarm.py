"""What a seed stands for: which hotfix, which manifest, which faults. Everything random about a simulated rollout is drawn here
or from its generator, so that a seed replays it.
"""

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hotfix.adapters.mirror import MAX_AGE_SECONDS

from .connection import Trouble

IMAGES = ("sample:1.1", "sample:1.1", "sample:crash")  # a good hotfix twice as often as a bad one
KEPT_BY_GIT = 0.3
BREADTH = 0.35  # each fault is in the swarm of about every third rollout: rare ones meet each other that way
WIDENED = 0.5  # of rollouts: the others have the faults that always were, so that those are met often as well
SCALED = 0.2  # of widened rollouts, for each side


class Fault(StrEnum):
    """What the world does to a rollout between two looks."""

    SILENT_METRICS = "Prometheus does not answer"
    COUNTERS_RESET = "the proxy restarts"
    PATCHED_DOWN = "patched's pods are not ready"
    STABLE_DOWN = "stable's pods are not ready"
    GIT_EDIT = "git resets the route"
    PERSON_EDIT = "a person sets weights"
    FIELD_EDIT = "a person edits another field of the route"
    WATCH_GAP = "nobody looks"
    CLOCK_STEP = "the operator's clock steps"
    PAUSED = "paused"
    DELETED = "the rollout is deleted"
    DEAF = "the controllers say nothing of the route"
    PROXY_MISSING = "Prometheus gives one of two proxies"
    SIDE_MISSING = "Prometheus gives nothing of one side"
    ERRORS_MISSING = "Prometheus gives no errors of stable"
    NO_SCRAPES = "one side is not scraped"
    STALE_SCRAPES = "one side's scrapes repeat the last value"
    NOT_A_NUMBER = "a counter is NaN"
    COUNTERS_LOWER = "one side's counters are lower than they were"
    SIDE_RESETS = "one side's counters begin anew"
    SCALED_BY_HAND = "a person scales patched"
    ASKED = "a person asks for something"
    SPEC_EDIT = "git edits the rollout"


OF_METRICS = frozenset(
    {
        Fault.PROXY_MISSING,
        Fault.SIDE_MISSING,
        Fault.ERRORS_MISSING,
        Fault.NO_SCRAPES,
        Fault.STALE_SCRAPES,
        Fault.NOT_A_NUMBER,
        Fault.COUNTERS_LOWER,
        Fault.SIDE_RESETS,
    }
)
OF_THE_ROLLOUT = frozenset({Fault.SCALED_BY_HAND, Fault.ASKED, Fault.SPEC_EDIT})
MORE = OF_METRICS | OF_THE_ROLLOUT  # of widened rollouts only
OF_PODS = frozenset({Fault.PATCHED_DOWN, Fault.STABLE_DOWN})
OF_PEOPLE = frozenset({Fault.GIT_EDIT, Fault.PERSON_EDIT, Fault.FIELD_EDIT, Fault.PAUSED, Fault.DELETED})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One simulated rollout."""

    seed: int
    image: str
    spec: dict[str, Any]
    rules: tuple[dict[str, Any], ...]
    operators: int
    per_call: dict[Trouble, float] = field(default_factory=dict)
    per_look: dict[Fault, float] = field(default_factory=dict)
    fault_seconds: float = 300.0
    git: bool = False  # Flux keeps stable and the route
    scaled: tuple[str, ...] = ()  # Deployments that an HPA scales
    max_age_seconds: float = MAX_AGE_SECONDS  # of what operators remember of the cluster; with less they list often

    @property
    def good(self) -> bool:
        """The hotfix is one that should be promoted."""
        return self.image == "sample:1.1"

    def has(self, *faults: Fault) -> bool:
        """One of them may happen."""
        return any(fault in self.per_look for fault in faults)

    def __str__(self) -> str:
        calls = ", ".join(f"{trouble} {chance:.1%}" for trouble, chance in self.per_call.items()) or "none"
        looks = ", ".join(f"{fault} {chance:.1%}" for fault, chance in self.per_look.items()) or "none"
        return (
            f"seed {self.seed}: {self.image}, {self.operators} operator(s), {self.spec}, {len(self.rules) or 1} rule(s)"
            f"{', kept by git' if self.git else ''}{''.join(f', an HPA scales {name}' for name in self.scaled)}\n"
            f"  of requests: {calls}\n  of looks: {looks}\n  for {self.fault_seconds:.0f} s"
        )


def rule(*backends: tuple[str, int]) -> dict[str, Any]:
    """A rule to these Services."""
    return {"backendRefs": [{"name": name, "port": 80, "weight": weight} for name, weight in backends]}


ROUTES: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    (rule(("checkout", 1), ("checkout-hotfix", 0)),),
    (rule(("checkout", 90), ("other", 10)),),
    (rule(("checkout", 1)), rule(("checkout", 3), ("checkout-hotfix", 0))),
)


def plan_of(seed: int) -> Plan:
    """The plan that a seed stands for."""
    lots = random.Random(seed)
    spec: dict[str, Any] = {
        "traffic": {"drain": "5s"},
        "analysis": {
            "bakeTime": "10s",
            "deadline": "10m",
            "onDeadline": lots.choice(("Rollback", "Rollback", "Promote")),
            "metricsGrace": "30s",
            "onMetricsUnavailable": lots.choice(("LastProven", "Hold", "Rollback")),
            "readyGrace": "2m",
        },
    }
    if lots.random() < 0.2:
        spec["promotion"] = {"mode": "KeepPatched"}
    if lots.random() < 0.2:
        spec["startWeight"] = lots.choice((1, 5, 50))
    calls = [trouble for trouble in Trouble if trouble is not Trouble.NONE and lots.random() < BREADTH]
    return Plan(
        seed=seed,
        image=lots.choice(IMAGES),
        spec=spec,
        rules=lots.choice(ROUTES),
        operators=2 if Trouble.HANGS in calls or lots.random() < 0.3 else 1,
        per_call={trouble: lots.choice((0.001, 0.005, 0.02)) for trouble in calls},
        per_look={fault: lots.choice((0.005, 0.02)) for fault in Fault if fault not in MORE and lots.random() < BREADTH / 2},
        fault_seconds=lots.uniform(60, 300),
        git="promotion" not in spec and random.Random(f"git {seed}").random() < KEPT_BY_GIT,
        max_age_seconds=lots.choice((2.0, MAX_AGE_SECONDS)),
    )


def widened(plan: Plan) -> Plan:
    """With further faults, in every other rollout. They are drawn apart, so that the others are what they were."""
    lots = random.Random(f"wider {plan.seed}")
    if lots.random() > WIDENED:
        return plan
    more = {
        fault: lots.choice((0.02, 0.05) if fault is Fault.ASKED else (0.005, 0.02))
        for fault in Fault
        if fault in MORE and lots.random() < BREADTH
    }
    scaled = tuple(name for name in ("checkout", "checkout-hotfix") if lots.random() < SCALED)
    return replace(plan, per_look={**plan.per_look, **more}, scaled=scaled)
