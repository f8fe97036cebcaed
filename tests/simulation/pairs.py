"""What a seed of two rollouts on one route stands for: the older hotfix, the newer one that comes while that is under way, and
what people do with either. Everything random is drawn here; `plan_of` draws the faults.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.reconcile.shop import ERRORS

from .swarm import Plan, plan_of

GOOD, PLACEBO, BAD = "sample:good", "sample:alike", "sample:crash2"
ERRORS |= {"sample:same": 0.05, GOOD: 0.0, PLACEBO: 0.05, BAD: 1.0}
OLDER_IMAGES = ("sample:1.1", "sample:1.1", "sample:1.1", "sample:same", "sample:same", "sample:crash")
FAILING = (BAD, "sample:crash")
NEWER_IMAGES = (GOOD, GOOD, GOOD, BAD, BAD, PLACEBO)
COMES = ("Shifting", "Shifting", "Baking", "AwaitingGit", "at some moment")
LATEST = 0.6  # part of the time of faults after which it comes whatever the older one does
EVENTS = ("pause", "rollback", "promote", "release", "delete")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`plan` is of the older rollout and of the faults. Seconds count from when the newer one comes."""

    plan: Plan
    image: str
    spec: dict[str, Any]
    comes: str  # the older one's stage or phase
    after: float  # seconds after that
    older_deleted: float | None
    event: str | None  # what a person does with the newer one
    event_after: float
    scaled: bool  # stable has an HPA

    @property
    def alone(self) -> bool:
        """Nothing but the API may fail, and nobody does anything."""
        return not self.plan.per_look and self.event is None and self.older_deleted is None

    def __str__(self) -> str:
        return (
            f"{self.plan}\n  the newer one: {self.image}, {self.spec}, {self.after:.0f} s after {self.comes}"
            f"{', stable has an HPA' if self.scaled else ''}"
            f"{f', the older one is deleted {self.older_deleted:.0f} s later' if self.older_deleted is not None else ''}"
            f"{f', {self.event} of the newer one {self.event_after:.0f} s later' if self.event else ''}"
        )


def pair_of(seed: int) -> Pair:
    """The two rollouts that a seed stands for."""
    lots, plan = random.Random(f"pair {seed}"), plan_of(seed)
    comes = lots.choice(COMES)
    older = {name: value for name, value in plan.spec.items() if name != "promotion"}  # one that keeps its patch leaves no room
    newer = _spec_of_the_newer(plan, lots)
    awaits = plan.git or comes == "AwaitingGit"
    if awaits:
        older["promotion"] = {"mode": "AwaitGit"}
        newer["promotion"] = {"mode": "AwaitGit"} if plan.git or lots.random() < 0.7 else {"mode": "PatchStable"}
    elif lots.random() < 0.2:
        newer["promotion"] = {"mode": "KeepPatched"}
    if lots.random() < 0.4:
        older |= {"startWeight": lots.choice((10, 25))}
    image = lots.choice(OLDER_IMAGES if comes in ("Shifting", "at some moment") else ("sample:1.1",))
    return Pair(
        plan=replace(plan, image=image, spec=older, fault_seconds=lots.uniform(120, 300)),
        image=lots.choice(NEWER_IMAGES),
        spec=newer,
        comes=comes,
        after=lots.uniform(0, 20),
        older_deleted=lots.uniform(0, 15) if lots.random() < 0.25 else None,
        event=lots.choice(EVENTS) if lots.random() < 0.3 else None,
        event_after=lots.uniform(0, 60),
        scaled=lots.random() < 0.3,
    )


def _spec_of_the_newer(plan: Plan, lots: random.Random) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "patched": {"deployment": "checkout-second"},
        "traffic": {"drain": "5s"},
        "analysis": {**plan.spec["analysis"], "onDeadline": lots.choice(("Rollback", "Promote"))},
    }
    urgency = lots.choice((None, None, None, "Expedited", "BreakGlass"))
    return {**spec, "urgency": urgency} if urgency else spec
