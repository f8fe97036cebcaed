"""A change of phase as a CloudEvent (1.0), for who is told outside the cluster, and the key that it is signed with. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import incidents
from .actions import Announce
from .spec import Incident

ENCODED = b"whsec_"  # before a key that Standard Webhooks' libraries decode
TYPE = "dev.hotfix-operator.rollout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Whose phase it is. `spec`: as it is stored."""

    namespace: str
    name: str
    uid: str
    spec: Mapping[str, Any]


def cloud_event(of: Rollout, event: Announce) -> dict[str, Any]:
    """JSON-ready. Its id is that of the decision, so that the same one told twice is seen to be the same."""
    incident = _incident(of.spec.get("incident"))
    about, where = incidents.named(incident), f"{of.namespace}/{of.name}"
    line = f"{where}: {event.phase}. {event.message}"
    return {
        "specversion": "1.0",
        "id": f"{of.uid}.{event.identity}",
        "source": f"/apis/hotfix-operator.dev/v1alpha1/namespaces/{of.namespace}/hotfixrollouts/{of.name}",
        "type": f"{TYPE}.{(event.phase or '').lower()}",
        "subject": where,
        "time": event.time,
        "datacontenttype": "application/json",
        "data": {
            "namespace": of.namespace,
            "name": of.name,
            "phase": event.phase,
            "reason": event.reason,
            "message": event.message,
            "text": f"{about}: {line}" if about else line,
            "incident": incident.model_dump(mode="json", by_alias=True, exclude_none=True) if incident else None,
        },
    }


def _incident(written: Any) -> Incident | None:
    """What of it can be read; what else is wrong with a manifest must not keep its phases from being told."""
    try:
        return Incident.model_validate(written)
    except ValueError:
        return None


def signing_key(written: bytes) -> bytes:
    """The key as it stands in a file: `whsec_` and base64, as Standard Webhooks writes keys, or any other bytes as they are, but
    for a newline at their end. ValueError for one that is empty or not base64."""
    text = written.removesuffix(b"\n")
    encoded = text.startswith(ENCODED)
    key = base64.b64decode(text.removeprefix(ENCODED), validate=True) if encoded else text
    if not key:
        raise ValueError("the key is empty")
    return key
