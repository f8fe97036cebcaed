"""The whole product of small domains through `decide`: every kind of memory x everything that one look may see.

A memory comes from a story that led to it, so that it is whole; what a look sees comes from small lists for each side, the
route, the counts, what a person asks for, and time. `cells` counts them all and returns what broke a promise.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hotfix.core import counting, machine
from hotfix.core.judgement import Evidence, Findings, Judgement, Sides, Tally, Verdict
from hotfix.core.looking import metrics_span
from hotfix.core.observation import Ack, MetricsView, Observation, RoutesView, ScalerView, SideSeries, SideView
from hotfix.core.spec import Spec
from hotfix.core.status import TERMINAL_PHASES, Phase, Stage, Status
from tests.core.world import Side, World, a_spec, ready_world

from .rules import Decided, broken

HPA = ScalerView(name="hpa", min_replicas=1, max_replicas=9, owner=None, version="1")
NO_SERIES = SideSeries(requests=(), errors=())


@dataclass
class Found:
    """How many cells there were, in which stages, and which promises were broken where."""

    cells: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)


# ---- memories


def _bad(world: World) -> World:
    world.patched.errors = 1.0
    return world.phase(Phase.ROLLING_BACK)


def _failing_return(world: World) -> World:
    world.after_promotion = lambda: 0.5
    return world.stage(Stage.RETURN_FAILED)


def _stable_dies(world: World) -> World:
    world.stable.ready = 0
    return world.held("StableLost")


def _stable_dies_rolling_back() -> World:
    world = _bad(ready_world().phase(Phase.ANALYZING))
    return _stable_dies(world)


def _patched_dies(world: World) -> World:
    world.patched.ready = 0
    return world.rest(1)


def _stable_comes_back(world: World) -> World:
    world.stable.ready = 2
    return world.rest(1)


def _taken_back_before_the_start() -> World:
    world = ready_world(asked=a_spec(paused=True)).held("Paused")
    world.request = "rollback:1"
    return world.stage(Stage.GIVING_BACK)


def _scaler(world: World) -> World:
    world.stable.scaler = HPA
    return world.stage(Stage.SHIFTING)


def _awaiting_git() -> World:
    world = ready_world()
    world.stable.template_manager = "some-pipeline"
    return world.stage(Stage.AWAITING_GIT)


def _at(stage: Stage) -> Callable[[], World]:
    return lambda: ready_world().stage(stage)


LED_TO = (Stage.CHECKING, Stage.RETURN_FAILED, Stage.WEIGHT_ZERO, Stage.AWAITING_GIT)  # by stories of their own
MEMORIES: dict[str, Callable[[], World]] = {
    "nothing": ready_world,
    "Checking": lambda: ready_world(asked=a_spec(paused=True)).held("Paused"),
    "GivingBack before the start": _taken_back_before_the_start,
    **{str(stage): _at(stage) for stage in Stage if stage not in LED_TO},
    "Shifting, settled": lambda: ready_world().stage(Stage.SHIFTING).rest(4),
    "Returning, settled": lambda: ready_world().stage(Stage.RETURNING).rest(4),
    "AllToPatched, settled": lambda: ready_world().stage(Stage.ALL_TO_PATCHED).rest(1),
    "Baking": lambda: ready_world().phase(Phase.BAKING),
    "ReturnFailed": lambda: _failing_return(ready_world()),
    "AwaitingGit": _awaiting_git,
    "AwaitingGit, patched down": lambda: _patched_dies(_awaiting_git()),
    "WeightZero": lambda: _bad(ready_world().phase(Phase.ANALYZING)),
    "Draining after a rollback": lambda: _bad(ready_world().phase(Phase.ANALYZING)).stage(Stage.DRAINING_PATCHED),
    "Scaling down after a rollback": lambda: _bad(ready_world().phase(Phase.ANALYZING)).stage(Stage.SCALING_DOWN),
    "RolledBack": lambda: _bad(ready_world().phase(Phase.ANALYZING)).phase(Phase.ROLLED_BACK),
    "StableLost": lambda: _stable_dies(ready_world().phase(Phase.ANALYZING)),
    "StableLost in a rollback": _stable_dies_rolling_back,
    "StableLost, and back": lambda: _stable_comes_back(_stable_dies(ready_world().phase(Phase.ANALYZING))),
    "Patched unready": lambda: _patched_dies(ready_world().phase(Phase.ANALYZING)),
    "Patched unready at the start": lambda: _patched_dies(ready_world().stage(Stage.SCALING)),
    "with a borrowed HPA": lambda: _scaler(ready_world()),
}


# ---- what a look may see


def _side(template: str, name: str, **more: object) -> SideView:
    return Side(name, template, **more).view()  # type: ignore[arg-type]


def stable_views(*, scaled: bool) -> dict[str, SideView | None]:
    """Stable, in every way that matters; with an HPA where one is remembered, or may be noted."""
    return {
        "unseen": None,
        "fine": _side("v1", "checkout"),
        "down": _side("v1", "checkout", ready=0),
        "gone": _side("v1", "checkout", exists=False),
        "with the fix": _side("v2", "checkout"),
        "with the fix, crashing": _side("v2", "checkout", crash_looping=2),
        "something else": _side("v3", "checkout"),
        **({"with an HPA": _side("v1", "checkout", scaler=HPA)} if scaled else {}),
    }


def patched_views(*, scaled: bool) -> dict[str, SideView | None]:
    """Patched, in every way that matters; with an HPA where its replicas may be written."""
    name = "checkout-hotfix"
    return {
        "unseen": None,
        "fine": _side("v2", name),
        "down": _side("v2", name, ready=0),
        "gone": _side("v2", name, exists=False),
        "scaled to 0": _side("v2", name, replicas=0),
        "crashing": _side("v2", name, crash_looping=2),
        "something else": _side("v3", name),
        **({"with an HPA": _side("v2", name, scaler=HPA)} if scaled else {}),
        "two images": _side("v2", name, image_ids=(("a",), ("b",))),
    }


def route_views(world: World) -> dict[str, RoutesView | None]:
    """The route, as wanted and in every other way. `world` is in the state that the memory comes from."""
    view, weight = world.routes(), world.remembered.weight
    route = world.route()
    rule = route.rules[0]

    def with_rule(stable: int, patched: int | None, **more: object) -> RoutesView:
        changed = replace(route, rules=(replace(rule, stable=stable, patched=patched),), **more)  # type: ignore[arg-type]
        return replace(view, routes=(changed,))

    wanted = (100 - weight, weight) if weight is not None else (1, None)
    return {
        "unseen": None,
        "gone": replace(view, routes=(), missing=("HTTPRoute shop",)),
        "as wanted": with_rule(*wanted, ack=Ack.APPLIED),
        "as wanted, pending": with_rule(*wanted, ack=Ack.PENDING),
        "at 50": with_rule(50, 50, ours=True, weight_manager=None),
        "edited by a person": with_rule(30, 70, ours=False, weight_manager="kubectl-edit"),
        "reset by git": with_rule(1, 0, ours=False, weight_manager="kustomize-controller"),
        "refused": with_rule(*wanted, ack=Ack.REJECTED),
        "as before": with_rule(1, None, ours=False),
    }


def _evidence(*, reached: bool) -> Evidence:
    return Evidence(log_now=9.0 if reached else 0.0, log_max=9.0 if reached else 0.0, log_threshold=5.0)


def _judged(now: float, verdict: Verdict, **more: object) -> Judgement:
    findings = Findings(
        worse=_evidence(reached=verdict is Verdict.WORSE), not_worse=_evidence(reached=verdict is Verdict.NOT_WORSE)
    )
    values: dict[str, object] = {
        "verdict": verdict,
        "findings": findings,
        "counted": {counting.Counter.BAD: Sides(patched=Tally(requests=900, bad=9), stable=Tally(requests=900, bad=45))},
        "ramp_weight": 50 if verdict is Verdict.NOT_WORSE else 0,
        "ramps": dict.fromkeys((5, 25, 50), _evidence(reached=verdict is Verdict.NOT_WORSE)),
        "proven_margin": None,
        "proven_reduction": None,
        "expected_seconds": None,
        "found_out_seconds": None,
        "blocks": 10,
        "blocks_at_weight": 9,
        "fresh_until": now,
        "baked_seconds": 5.0,
        "baked_until": now,
        "observed_share": 0.5,
        "share_off_blocks": 0,
        "not_answering_blocks": 0,
        "request_rate": 100.0,
        "patched_load": 1.0,
        "stable_load": 1.0,
    }
    return Judgement(**{**values, **more})  # type: ignore[arg-type]


def count_views(now: float) -> dict[str, tuple[MetricsView | None, Judgement | None]]:
    """Metrics and what they say."""
    view = MetricsView(start=now - 60, end=now - 5, interval_seconds=5.0, patched=NO_SERIES, stable=NO_SERIES)
    return {
        "unseen": (None, None),
        "unfit": (replace(view, problem=("CountersUnfit", "a counter fell")), None),
        "undecided": (view, _judged(now, Verdict.UNDECIDED)),
        "stale": (view, _judged(now, Verdict.UNDECIDED, fresh_until=now - 600.0)),
        "worse": (view, _judged(now, Verdict.WORSE)),
        "good": (view, _judged(now, Verdict.NOT_WORSE)),
        "hanging": (view, _judged(now, Verdict.UNDECIDED, not_answering_blocks=5)),
    }


ASKED: dict[str, tuple[Spec, dict[str, object]]] = {
    "as it is": (a_spec(), {}),
    "paused": (a_spec(paused=True), {}),
    "deleted": (a_spec(), {"deleting": True}),
    "released": (a_spec(), {"request": "release:1"}),
    "to be promoted": (a_spec(), {"request": "promote:1"}),
    "to be rolled back": (a_spec(), {"request": "rollback:1"}),
    "paused by request": (a_spec(), {"request": "pause:1"}),
    "namespace ending": (a_spec(), {"deleting": True, "namespace_ending": True}),
    "keep patched": (a_spec(promotion={"mode": "KeepPatched"}), {}),
    "policies": (a_spec(analysis={"onDeadline": "Promote", "onMetricsUnavailable": "Rollback", "bakeTime": "1s"}), {}),
}
LATER = (1.0, 7200.0)
ANALYSED = frozenset({Stage.ADOPTING, Stage.SHIFTING, Stage.RETURNING})
UNHELD = frozenset({None, Phase.PENDING, *TERMINAL_PHASES})  # only before traffic moves, and at the end, may it be missing


@contextmanager
def judged_as(now: list[Judgement | None]) -> Iterator[None]:
    """Instead of judging counts, `decide` finds what is in the list."""
    original = machine.judged_anew_or_remembered
    machine.judged_anew_or_remembered = lambda rollout, view, spans, terms, swapped: (  # type: ignore[assignment]
        now[0] or _judged(terms.now, Verdict.NO_TRAFFIC),
        None,
    )
    try:
        yield
    finally:
        machine.judged_anew_or_remembered = original


def observations(world: World) -> Iterator[tuple[Observation, Spec, Judgement | None]]:
    """Every look that may come next."""
    base, remembered = world.observe(), world.remembered
    scaled = remembered.borrowed is None or remembered.borrowed.hpa is not None  # nothing is noted yet, or the HPA is
    stable, patched = stable_views(scaled=scaled), patched_views(scaled=scaled or remembered.stage not in ANALYSED)
    routes = route_views(world)
    finalizer = (True, False) if remembered.phase in UNHELD else (True,)
    for later in LATER:
        now = world.now + later
        for spec, asked in ASKED.values():
            counts = count_views(now).values() if metrics_span(spec, remembered, now, 5.0) else ((None, None),)  # not asked for
            for metrics, judged in counts:
                seen = replace(base, now=now, metrics=metrics, **asked)  # type: ignore[arg-type]
                for one, other, view, held in itertools.product(stable.values(), patched.values(), routes.values(), finalizer):
                    yield replace(seen, stable=one, patched=other, routes=view, finalizer=held), spec, judged


def memories(names: list[str] | None = None) -> Iterator[tuple[str, World, Status]]:
    """Every memory, with the world it comes from."""
    for name, story in MEMORIES.items():
        if names is None or name in names:
            world = story()
            yield name, world, world.remembered


def size() -> int:
    """How many cells there are."""
    return sum(1 for _, world, _ in memories() for _ in observations(world))


def cells(
    names: list[str] | None = None, *, most_broken: int = 20, every: int = 1, planted: Callable[[], None] | None = None
) -> Found:
    """Decide in every cell, or in every so many of them; ends early when so much is broken. `planted` is called after the stories
    of the memories were told, and before anything is decided."""
    found, now, told = Found(), [None], list(memories(names))
    if planted:
        planted()
    with judged_as(now):  # type: ignore[arg-type]
        for name, world, before in told:
            for number, (seen, spec, judged) in enumerate(observations(world)):
                if number % every:
                    continue
                now[0] = judged  # type: ignore[call-overload]
                found.cells += 1
                found.stages[str(before.stage)] += 1
                found.broken += [(rule, f"{name}, cell {number}: {text}") for rule, text in outcome(spec, before, seen)]
                if len(found.broken) >= most_broken:
                    return found
    return found


def outcome(spec: Spec, before: Status, seen: Observation) -> list[tuple[str, str]]:
    """What one cell breaks; an exception breaks the promise that every look is answered."""
    try:
        decision = machine.decide(spec, before, seen)
    except Exception as error:  # noqa: BLE001 - that it never raises is one of the promises
        return [("total", f"{type(error).__name__}: {error}")]
    return broken(Decided(spec, before, seen, decision))
