"""When each alert fires, and when it does not: one line of time per series, a value every 30 s. No tests here."""

from collections.abc import Mapping

from .promtool import Case

ONE, OTHER = "operator-1", "operator-2"
FIX: Mapping[str, str] = {"namespace": "shop", "name": "fix"}
SYSTEM = "hotfix-system"
HOUR = 120  # in values


def tells(
    metric: str, pod: str = ONE, *, honoured: bool = False, namespace: str = "shop", home: str = SYSTEM, **labels: str
) -> str:
    """A series of a rollout as Prometheus stores it; `honoured`: its labels were kept as the operator, at `home`, gave them."""
    target = {"job": "hotfix", "instance": f"{pod}:8080", "pod": pod}
    place = {"namespace": namespace} if honoured else {"namespace": home, "exported_namespace": namespace}
    return series(f"hotfix_rollout_{metric}", **target, **place, name="fix", **labels)


def leads(pod: str = ONE, home: str = SYSTEM) -> str:
    """Whether a replica leads."""
    return series("hotfix_leader", job="hotfix", instance=f"{pod}:8080", pod=pod, namespace=home)


def began(pod: str = ONE, home: str = SYSTEM) -> str:
    """When its process began."""
    return series("process_start_time_seconds", job="hotfix", instance=f"{pod}:8080", pod=pod, namespace=home)


def series(metric: str, **labels: str) -> str:
    """In PromQL's notation."""
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def held(reason: str, pod: str = ONE, **more: str) -> str:
    """A rollout is held."""
    return tells("held", pod, reason=reason, **more)


def phase(name: str, pod: str = ONE, *, honoured: bool = False, home: str = SYSTEM) -> str:
    """A rollout is in a phase."""
    return tells("phase", pod, honoured=honoured, home=home, phase=name)


def steady(values: int) -> dict[str, str]:
    """A leader, whose process is old, for so many values; then it is gone."""
    return {leads(): f"1x{values} stale", began(): f"-9999x{values} stale"}


HELD = [
    Case(
        what="held for longer than five minutes",
        alert="HotfixRolloutHeld",
        series={held("NoTraffic"): "1x20"},
        firing={"4m30s": (), "5m": (FIX,), "9m": (FIX,)},
    ),
    Case(
        what="held with the labels of the operator honoured",
        alert="HotfixRolloutHeld",
        series={tells("held", honoured=True, reason="NoTraffic"): "1x20"},
        firing={"5m": (FIX,)},
    ),
    Case(
        what="two namespaces that have a rollout of the same name",
        alert="HotfixRolloutHeld",
        series={held("NoTraffic"): "1x20", tells("held", namespace="cafe", reason="NoTraffic"): "1x20"},
        firing={"5m": (FIX, {"namespace": "cafe", "name": "fix"})},
    ),
    Case(
        what="held for reasons that change",
        alert="HotfixRolloutHeld",
        series={held("NoTraffic"): "1x4 stale", held("MetricsUnavailable"): "_x5 1x15"},
        firing={"4m30s": (), "5m": (FIX,)},
    ),
    Case(
        what="held for four minutes",
        alert="HotfixRolloutHeld",
        series={held("NoTraffic"): "1x8 stale"},
        firing={"4m30s": (), "5m": (), "8m": ()},
    ),
    Case(
        what="held, and the other replica takes over",
        alert="HotfixRolloutHeld",
        series={held("NoTraffic"): "1x12 stale", held("NoTraffic", OTHER): "_x15 1x10"},
        firing={"6m": (FIX,), "7m": (FIX,), "8m": (FIX,)},
    ),
    *(
        Case(what=f"held for {reason}", alert="HotfixRolloutHeld", series={held(reason): "1x40"}, firing={"15m": ()})
        for reason in ("Paused", "RouteBusy", "Superseding", "WeightsEdited", "StableLost", "BothUnready")
    ),
]

ROLLED_BACK = [
    Case(
        what="rolled back, for an hour",
        alert="HotfixRolloutRolledBack",
        series={tells("rolled_back_timestamp_seconds", reason="PatchedWorse"): f"_x2 60x{2 * HOUR}"},
        firing={"30s": (), "1m": ({**FIX, "reason": "PatchedWorse"},), "59m": ({**FIX, "reason": "PatchedWorse"},), "64m": ()},
    ),
    *(
        Case(
            what=f"rolled back because of {reason}",
            alert="HotfixRolloutRolledBack",
            series={tells("rolled_back_timestamp_seconds", reason=reason): "60x20"},
            firing={"2m": ()},
        )
        for reason in ("Deleted", "Released", "Requested")
    ),
]

STABLE_LOST = [
    Case(
        what="stable is lost and comes back",
        alert="HotfixStableLost",
        series={tells("stable_lost"): "_x2 1x5 stale"},
        firing={"30s": (), "1m": (FIX,), "3m30s": (FIX,), "7m": ()},
    ),
    Case(
        what="neither side is ready",
        alert="HotfixStableLost",
        series={held("BothUnready"): "1x5"},
        firing={"1m": (FIX,)},
    ),
    Case(what="held otherwise", alert="HotfixStableLost", series={held("NoTraffic"): "1x20"}, firing={"5m": ()}),
]

CONTESTED = [
    Case(
        what="weights edited by a person",
        alert="HotfixTrafficContested",
        series={held("WeightsEdited"): "1x20"},
        firing={"30s": (), "1m": (FIX,)},
    ),
    Case(
        what="weights that a manager sets again and again",
        alert="HotfixTrafficContested",
        series={tells("drift_corrections_total"): "0x10 1x10 2x100"},
        firing={"10m": (), "13m": (FIX,), "40m": ()},
    ),
    Case(
        what="one sync of a manager",
        alert="HotfixTrafficContested",
        series={tells("drift_corrections_total"): "0x1 1x100"},
        firing={"1m": (), "5m": (), "20m": ()},
    ),
    Case(
        what="a count that was there before",
        alert="HotfixTrafficContested",
        series={tells("drift_corrections_total"): "7x100"},
        firing={"10m": (), "40m": ()},
    ),
    Case(what="held otherwise", alert="HotfixTrafficContested", series={held("NoTraffic"): "1x20"}, firing={"9m": ()}),
]

PAUSED = tells("waiting_since_timestamp_seconds", reason="Paused")
AWAITING = tells("phase_started_timestamp_seconds", phase="AwaitingGit")
WAITING = [
    Case(
        what="paused for longer than four hours",
        alert="HotfixWaitingForPerson",
        series={PAUSED: f"60x{5 * HOUR}"},
        firing={"4h": (), "4h1m": (), "4h2m": ({**FIX, "reason": "Paused"},)},
    ),
    Case(
        what="paused, and other replicas take over",
        alert="HotfixWaitingForPerson",
        series={
            PAUSED: f"60x{2 * HOUR} stale",
            tells("waiting_since_timestamp_seconds", OTHER, reason="Paused"): f"_x{2 * HOUR + 4} 60x{3 * HOUR}",
        },
        firing={"4h2m": ({**FIX, "reason": "Paused"},)},
    ),
    Case(
        what="git was not followed up for longer than four hours",
        alert="HotfixWaitingForPerson",
        series={AWAITING: f"0x{5 * HOUR}"},
        firing={"3h59m": (), "4h1m": ({**FIX, "reason": "AwaitingGit"},)},
    ),
    Case(
        what="a phase in which nobody is waited for",
        alert="HotfixWaitingForPerson",
        series={tells("phase_started_timestamp_seconds", phase="Baking"): f"0x{5 * HOUR}"},
        firing={"5h": ()},
    ),
    Case(
        what="paused and resumed",
        alert="HotfixWaitingForPerson",
        series={PAUSED: f"0x{3 * HOUR} stale"},
        firing={"4h1m": (), "5h": ()},
    ),
]

ABSENT = [
    *(
        Case(
            what=f"no operator while a rollout is {name}",
            alert="HotfixOperatorAbsent",
            series={**steady(20), phase(name): "1x20 stale"},
            firing={"10m": (), "13m": (), "15m": (FIX,)},
        )
        for name in ("Analyzing", "Baking", "Promoting", "AwaitingGit", "RollingBack")
    ),
    Case(
        what="no operator all night, with its labels honoured",
        alert="HotfixOperatorAbsent",
        series={**steady(20), phase("Baking", honoured=True): "1x20 stale"},
        firing={"15m": (FIX,), "8h": (FIX,)},
    ),
    *(
        Case(
            what=f"no operator while a rollout is {name}",
            alert="HotfixOperatorAbsent",
            series={**steady(20), phase("Analyzing"): "1x10 stale", phase(name): "_x11 1x9 stale"},
            firing={"15m": (), "20m": ()},
        )
        for name in ("Pending", "Promoted", "RolledBack")
    ),
    Case(
        what="the rollout was deleted before the operator was",
        alert="HotfixOperatorAbsent",
        series={**steady(20), phase("RollingBack"): "1x10 stale"},
        firing={"9m": (), "15m": (), "20m": ()},
    ),
    Case(
        what="the other replica takes over within a minute",
        alert="HotfixOperatorAbsent",
        series={
            **steady(20),
            leads(OTHER): "0x22 1x40",
            began(OTHER): "-9999x62",
            phase("Baking"): "1x20 stale",
            phase("Baking", OTHER): "_x23 1x40",
        },
        firing={"11m": (), "15m": (), "25m": ()},
    ),
    Case(
        what="the other replica takes over and the rollout is deleted meanwhile",
        alert="HotfixOperatorAbsent",
        series={**steady(20), leads(OTHER): "0x22 1x40", began(OTHER): "-9999x62", phase("Baking"): "1x20 stale"},
        firing={"13m": (), "15m": (), "25m": ()},
    ),
    Case(
        what="an operator that leads, and ends again before its first look",
        alert="HotfixOperatorAbsent",
        series={
            leads(): "1x20 stale 1 stale _x8 1 stale _x8 1 stale _x8 1 stale",
            began(): "-9999x20 stale 630 stale _x8 930 stale _x8 1230 stale _x8 1530 stale",
            phase("Baking"): "1x20 stale",
        },
        firing={"13m": (), "15m": (FIX,), "20m30s": (FIX,), "25m": (FIX,)},
    ),
    Case(
        what="the other replica takes over, and ends before its first look",
        alert="HotfixOperatorAbsent",
        series={
            **steady(20),
            leads(OTHER): "0x20 1x2 stale",
            began(OTHER): "-9999x22 stale",
            phase("Baking"): "1x20 stale",
        },
        firing={"10m": (), "15m": (FIX,), "20m": (FIX,)},
    ),
    Case(
        what="the other replica takes over, sees the end of the rollout, and ends",
        alert="HotfixOperatorAbsent",
        series={
            **steady(20),
            leads(OTHER): "0x20 1x2 stale",
            began(OTHER): "-9999x22 stale",
            phase("Baking"): "1x20 stale",
            phase("Promoted", OTHER): "_x21 1x1 stale",
        },
        firing={"15m": (), "20m": ()},
    ),
    Case(
        what="an operator that comes back",
        alert="HotfixOperatorAbsent",
        series={
            leads(): "1x20 stale _x20 1x40",
            began(): "-9999x20 stale _x20 1200x40",
            phase("Baking"): "1x20 stale _x20 1x40",
        },
        firing={"15m": (FIX,), "24m": ()},
    ),
]

CAFE = {leads("cafe-1", "cafe"): "1x120", began("cafe-1", "cafe"): "-9999x120"}  # an operator of another namespace, which goes on
ABSENT += [
    *(
        Case(
            what=f"one of two operators is gone, with their labels {'honoured' if honoured else 'renamed'}",
            alert="HotfixOperatorAbsent",
            series={**CAFE, **steady(20), phase("Baking", honoured=honoured): "1x20 stale"},
            firing={"10m": (), "15m": (FIX,), "50m": (FIX,)},
        )
        for honoured in (False, True)
    ),
    Case(
        what="two operators, and the rollout of one of them is deleted",
        alert="HotfixOperatorAbsent",
        series={**CAFE, leads(): "1x120", began(): "-9999x120", phase("Baking"): "1x20 stale"},
        firing={"10m": (), "13m": (), "15m": (), "50m": ()},
    ),
    Case(
        what="an operator that was installed anew in another namespace goes on",
        alert="HotfixOperatorAbsent",
        series={
            **steady(20),
            leads(OTHER, "operators"): "_x22 1x100",
            began(OTHER, "operators"): "_x22 660x100",
            phase("Baking"): "1x20 stale",
            phase("Baking", OTHER, home="operators"): "_x23 1x40 stale",
        },
        firing={"11m": (), "15m": (), "31m": (), "50m": ()},
    ),
]

REVERTED = [
    Case(
        what="stable set back after a promotion, and mended ten minutes later",
        alert="HotfixFixReverted",
        series={tells("fix_reverted_timestamp_seconds"): "_x4 1800000000x20 stale"},
        firing={"1m30s": (), "2m": (FIX,), "10m": (FIX,), "16m": ()},
    ),
    Case(
        what="the other replica takes over meanwhile",
        alert="HotfixFixReverted",
        series={
            tells("fix_reverted_timestamp_seconds", honoured=True): "1800000000x10 stale",
            tells("fix_reverted_timestamp_seconds", OTHER, honoured=True): "_x12 1800000000x20",
        },
        firing={"5m": (FIX,), "6m": (FIX,), "8m": (FIX,)},
    ),
    Case(
        what="a promotion that holds",
        alert="HotfixFixReverted",
        series={phase("Promoted"): "1x40"},
        firing={"2m": (), "19m": ()},
    ),
]

CASES = [*HELD, *ROLLED_BACK, *STABLE_LOST, *CONTESTED, *WAITING, *REVERTED, *ABSENT]
