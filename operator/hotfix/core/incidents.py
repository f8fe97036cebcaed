"""The incident that a hotfix is for, in sentences: which one, and how long it took until nearly all traffic had the fix. Pure."""

from . import moments
from .look import Look
from .quantities import span
from .spec import Incident


def named(incident: Incident | None) -> str:
    """`INC-4711 (SEV1): Payments fail`, as far as the manifest says; empty where it says nothing of it."""
    if incident is None or not (incident.reference or incident.severity or incident.reason):
        return ""
    severity = f" ({incident.severity})" if incident.severity else ""
    reason = f": {incident.reason.rstrip('. ')}" if incident.reason else ""
    return f"{incident.reference or 'Incident'}{severity}{reason}"


def recovery(look: Look, moment: str | None) -> str:
    """How long after the incident was noticed (else after the rollout was created) nearly all traffic had the fix; it had so at
    `moment`, one of the status. Empty where that cannot be told."""
    incident = look.spec.incident
    noticed = incident.detected_at if incident else None
    begun = noticed or look.seen.created
    if moment is None or not begun or moments.unix(begun) > moments.unix(moment):
        return ""
    what = f"{incident.reference or 'the incident'} was noticed" if incident and noticed else "this rollout was created"
    return f"Nearly all traffic had the fix {span(moments.unix(moment) - moments.unix(begun))} after {what}."


def closing(look: Look, *, promoted: bool) -> str:
    """What the end means for the incident; empty where there is nothing to say."""
    if promoted:
        return recovery(look, look.status.recovered_at)
    about = named(look.spec.incident)
    return f"The incident goes on: {about}." if about else ""
