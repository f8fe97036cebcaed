"""What the API server fills in and what it refuses, for the kinds and fields that the operator writes. Pure."""

import re
from typing import Any

Object = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MOST_WEIGHT, MOST_BACKENDS, MOST_NOTE_BYTES = 1_000_000, 16, 1024


def completed(plural: str, item: Object) -> Object:
    """The object with its defaults, and without labels and annotations where there are none."""
    for field in ("labels", "annotations"):
        if item["metadata"].get(field) == {}:
            del item["metadata"][field]
    fill = {"httproutes": _route, "deployments": _deployment}.get(plural)
    if fill and "spec" in item:
        fill(item["spec"])
    return item


def _route(spec: Object) -> None:
    for ref in spec.get("parentRefs") or ():
        ref.setdefault("group", "gateway.networking.k8s.io")
        ref.setdefault("kind", "Gateway")
    for rule in spec.get("rules") or ():
        rule.setdefault("matches", [{"path": {"type": "PathPrefix", "value": "/"}}])
        for ref in rule.get("backendRefs") or ():
            ref.setdefault("group", "")
            ref.setdefault("kind", "Service")
            ref.setdefault("weight", 1)


def _deployment(spec: Object) -> None:
    spec.setdefault("replicas", 1)
    spec.setdefault("progressDeadlineSeconds", 600)


def mistake(plural: str, item: Object) -> str | None:
    """Why the object is invalid; None when it is not."""
    name = item["metadata"]["name"]
    if len(name) > 253 or not NAME.fullmatch(name):
        return f"metadata.name: Invalid value: {name!r}: a lowercase RFC 1123 subdomain"
    check = {"httproutes": _wrong_route, "events": _wrong_event}.get(plural)
    return check(item) if check else None


def _wrong_route(item: Object) -> str | None:
    for rule in item["spec"].get("rules") or ():
        refs = rule.get("backendRefs") or ()
        if len(refs) > MOST_BACKENDS:
            return f"spec.rules.backendRefs: Too many: {len(refs)}: must have at most {MOST_BACKENDS} items"
        if any(not 0 <= ref["weight"] <= MOST_WEIGHT for ref in refs):
            return f"spec.rules.backendRefs.weight: Invalid value: must be in 0..{MOST_WEIGHT}"
    return None


def _wrong_event(item: Object) -> str | None:
    if len(item["note"].encode()) > MOST_NOTE_BYTES:
        return f"note: Too long: may not be more than {MOST_NOTE_BYTES} bytes"
    if item["regarding"].get("namespace") != item["metadata"].get("namespace"):
        return "regarding.namespace: Invalid value: does not match the namespace of the event"
    return None
