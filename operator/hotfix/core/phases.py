"""Phases, which are for people, and the stages they are made of: names and tables only."""

from enum import StrEnum


class Phase(StrEnum):
    """For people; machines read conditions."""

    PENDING = "Pending"
    ANALYZING = "Analyzing"
    BAKING = "Baking"
    PROMOTING = "Promoting"
    AWAITING_GIT = "AwaitingGit"
    PROMOTED = "Promoted"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"


LIVE_PHASES = frozenset({Phase.ANALYZING, Phase.BAKING, Phase.PROMOTING, Phase.AWAITING_GIT, Phase.ROLLING_BACK})
TERMINAL_PHASES = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED})


class Stage(StrEnum):
    """Where in its order of steps a phase is. Each stage is a target (what is wanted) and ends by what is seen."""

    CHECKING = "Checking"  # Pending: references and preflight
    SCALING = "Scaling"  # Pending: patched to its replicas, ready in the EndpointSlices
    ADOPTING = "Adopting"  # Pending: finalizer set, patched's backend at weight 0, acknowledged
    SHIFTING = "Shifting"  # Analyzing, Baking: weight by evidence
    ALL_TO_PATCHED = "AllToPatched"  # Promoting: patched at 100, acknowledged and settled
    DRAINING_STABLE = "DrainingStable"  # Promoting: stable's last requests end
    PATCHING_STABLE = "PatchingStable"  # Promoting: stable's template set once, rolled out, ready
    AWAITING_GIT = "AwaitingGit"  # AwaitingGit: patched serves everything until git has given stable what was proven
    RETURNING = "Returning"  # Promoting: traffic back to stable in gated steps, judged with the sides swapped
    RETURN_FAILED = "ReturnFailed"  # Promoting: new stable is worse; patched holds everything
    WEIGHT_ZERO = "WeightZero"  # RollingBack: one write, acknowledged and settled
    DRAINING_PATCHED = "DrainingPatched"  # Promoting, RollingBack, Superseded: patched's last requests end
    SCALING_DOWN = "ScalingDown"  # Promoting, RollingBack, Superseded: patched to 0 replicas, where that is ours to do
    GIVING_BACK = "GivingBack"  # route as it was, ownership and finalizer gone
    DONE = "Done"


RETURN_WEIGHTS = (95, 50, 0)  # patched's weights while traffic goes back to stable
PHASES_OF: dict[Stage, frozenset[Phase]] = {
    **dict.fromkeys((Stage.CHECKING, Stage.SCALING, Stage.ADOPTING), frozenset({Phase.PENDING})),
    Stage.SHIFTING: frozenset({Phase.ANALYZING, Phase.BAKING}),
    **dict.fromkeys(
        (Stage.ALL_TO_PATCHED, Stage.DRAINING_STABLE, Stage.PATCHING_STABLE, Stage.RETURNING, Stage.RETURN_FAILED),
        frozenset({Phase.PROMOTING}),
    ),
    Stage.AWAITING_GIT: frozenset({Phase.AWAITING_GIT}),
    Stage.WEIGHT_ZERO: frozenset({Phase.ROLLING_BACK}),
    **dict.fromkeys(
        (Stage.DRAINING_PATCHED, Stage.SCALING_DOWN), frozenset({Phase.PROMOTING, Phase.ROLLING_BACK, Phase.SUPERSEDED})
    ),
    Stage.GIVING_BACK: frozenset({Phase.PENDING, Phase.PROMOTING, Phase.ROLLING_BACK, Phase.SUPERSEDED}),
    Stage.DONE: TERMINAL_PHASES,
}
