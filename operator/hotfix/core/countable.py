"""What Prometheus must be able to tell before traffic moves: those checks of preflight.py that are about metrics. Pure."""

from dataclasses import dataclass

from . import presets
from .look import Look, asked_rules
from .reasons import Reason

CUSTOM = "Custom"  # instead of a preset: the manifest has queries of its own


@dataclass(frozen=True, slots=True)
class Problem:
    """Why traffic does not move."""

    reason: Reason
    message: str


def metrics_unknown(look: Look) -> Problem | None:
    """No own queries, and no preset that can tell the sides apart: neither asked for nor of the route's controller."""
    preset = preset_name(look)
    if preset and preset not in presets.INDISTINCT_PRESETS:
        return None
    routed = {name for route in (look.seen.routes.routes if look.seen.routes else ()) for name in route.controllers}
    found = [presets.INDISTINCT_PRESETS[preset]] if preset else sorted(routed)
    indistinct = next((presets.INDISTINCT[name] for name in found if name in presets.INDISTINCT), None)
    if indistinct:
        return Problem(Reason.METRICS_UNKNOWN, f"{indistinct}.")
    return Problem(
        Reason.METRICS_UNKNOWN,
        f"No metrics preset is known for controller {', '.join(found) or 'unknown'}; set metrics.preset, or metrics.requests "
        "and metrics.errors.",
    )


def blind_to_grpc(look: Look) -> Problem | None:
    """HTTP status codes say nothing of gRPC errors: everything would look healthy."""
    if preset_name(look) == CUSTOM:
        return None
    services = [side.service for side in (look.seen.stable, look.seen.patched) if side and side.service]
    routes = look.seen.routes.routes if look.seen.routes else ()
    routed = {rule.port for route in routes for rule in asked_rules(route, look.spec)}
    for service in services:
        if routed & set(service.grpc_ports):
            return Problem(
                Reason.METRICS_BLIND_TO_GRPC,
                f"Service {service.name} speaks gRPC on the routed port, and its errors are not in HTTP status codes; give "
                "metrics.requests and metrics.errors by grpc_code.",
            )
    return None


def preset_name(look: Look) -> str | None:
    """`Custom` for own queries, else the preset given, else the one that fits the route's controllers."""
    if look.spec.metrics.requests:
        return CUSTOM
    if look.spec.metrics.preset:
        return look.spec.metrics.preset.value
    controllers = tuple(name for route in (look.seen.routes.routes if look.seen.routes else ()) for name in route.controllers)
    return presets.preset_for(controllers)
