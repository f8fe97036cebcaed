"""What is worth knowing before traffic moves, and no reason to refuse. Pure.

What is refused is in preflight.py.
"""

from . import presets
from .countable import preset_name
from .labels import selects
from .look import Look, unshifted_rules


def bypasses(look: Look) -> list[str]:
    """Other routes, rules and Ingresses that send requests to stable, which no weight of ours governs."""
    view = look.seen.routes
    routes = view.routes if view else ()
    rules = [f"rule {rule.index} of HTTPRoute {route.name}" for route in routes for rule in unshifted_rules(look, route)]
    return [*(view.bypasses if view else ()), *rules]


def _left_out(look: Look) -> list[str]:
    """What guards, limits or watches stable's pods and does not know patched's."""
    stable, patched = (
        side.deployment.pod_labels if side and side.deployment else {} for side in (look.seen.stable, look.seen.patched)
    )
    found = [
        f"{item.kind} {item.name}"
        for item in look.seen.companions or ()
        if selects(item.selector, stable) and not selects(item.selector, patched)
    ]
    verb = "selects" if len(found) == 1 else "select"
    return [f"{', '.join(found)} {verb} stable's pods but not patched's; a selector that covers both would"] if found else []


def _floor_of_others(look: Look) -> list[str]:
    """An HPA of stable's whose floor is not ours to raise, and lies below what stable needs to take everything back."""
    stable = look.seen.stable
    if not stable or not stable.scaler or not stable.scaler.owner or stable.scaler.min_replicas >= stable.ready_endpoints:
        return []
    scaler, pods = stable.scaler, stable.ready_endpoints
    return [
        f"HPA {scaler.name} belongs to {scaler.owner} and may shrink stable to {scaler.min_replicas} pods, where {pods} are "
        "needed to take everything back; raise its minReplicas there"
    ]


HANGS_LATE = (
    "requests are counted only when they end, so a patch that hangs is found late: with less than half of the traffic it is held "
    "and not rolled back; metrics.started can name a counter of begun requests"
)


def _hangs_late(look: Look) -> list[str]:
    """Nobody counts the requests that begin."""
    name = preset_name(look)
    preset = presets.PRESETS.get(name or "")
    counted = look.spec.metrics.started if preset is None else preset.started
    return [] if counted or name is None else [HANGS_LATE]


def worth_saying(look: Look) -> list[str]:
    """Sentences worth knowing before traffic moves, none of which refuses it."""
    said = []
    if bypasses(look):
        said.append(f"requests through {', '.join(bypasses(look))} by-pass the weights")
    services = [side.service for side in (look.seen.stable, look.seen.patched) if side and side.service]
    if any(service.session_affinity for service in services):
        said.append("a Service has session affinity, so shares may differ from weights")
    if look.seen.owner and not look.spec.stable.image:
        said.append("the object comes from git without stable.image, which guards against a replay")
    said += _left_out(look) + _floor_of_others(look) + _hangs_late(look)
    pods = [pod for side in (look.seen.stable, look.seen.patched) if side for pod in side.pods]
    if pods and not all(pod.has_pre_stop for pod in pods):
        said.append("some pods have no preStop hook")
    return said
