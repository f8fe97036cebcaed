"""`kubectl hotfix init`: chooses what is copied and says what the copy is not covered by. The copy itself is cli/copying.py's."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from hotfix.core import spec
from hotfix.core.labels import selector_of, selects, service_selects
from hotfix.errors import NotFound, Refused

from . import copying
from .copying import Change, Object, Stable
from .sources import Found

FINISHED = ("Promoted", "RolledBack", "Superseded")


def target_name(target: str) -> str:
    """`deploy/checkout` and `checkout` are Deployment checkout."""
    kind, slash, name = target.rpartition("/")
    if slash and kind.lower() not in ("deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"):
        raise Refused(f"{target} is no Deployment; only Deployments can be shifted: deploy/NAME.")
    if not name:
        raise Refused("Name the Deployment that is broken: deploy/NAME.")
    return name


def choose(found: Found, deployment: str | None, service: str | None) -> Stable:
    """What is copied, inferred only where there is one possibility; Refused with the list of candidates otherwise."""
    stable = _deployment(found, deployment)
    name, pod_labels = stable["metadata"]["name"], copying.labels_of(stable)
    selecting = [entry for entry in found.services if service_selects(entry["spec"].get("selector") or {}, pod_labels)]
    return Stable(deployment=stable, service=_service(found, name, service, selecting), selecting=selecting)


def _deployment(found: Found, name: str | None) -> Mapping[str, Any]:
    names = [entry["metadata"]["name"] for entry in found.deployments]
    if name is None and len(names) != 1:
        listed = ", ".join(f"deploy/{entry}" for entry in names) or "there is none"
        raise Refused(f"Name the Deployment that is broken; in {found.where}: {listed}.")
    for entry in found.deployments:
        if name in (None, entry["metadata"]["name"]):
            return entry
    raise NotFound(f"There is no Deployment {name} in {found.where}, only: {', '.join(names) or 'none at all'}.")


def _service(found: Found, deployment: str, wanted: str | None, selecting: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    by_name = {str(entry["metadata"]["name"]): entry for entry in selecting}
    chosen = wanted or (deployment if deployment in by_name else None) or (next(iter(by_name)) if len(by_name) == 1 else None)
    if chosen in by_name:
        return by_name[chosen]
    if not by_name:
        raise NotFound(
            f"No Service in {found.where} selects the pods of Deployment {deployment}; traffic is shifted between Services, so "
            "stable needs one that the HTTPRoute names."
        )
    said = f"Service {chosen} does not select" if chosen else "Several Services select"
    choices = ", ".join(f"--service {name}" for name in sorted(by_name))
    raise Refused(f"{said} the pods of Deployment {deployment}; name the one that the HTTPRoute sends to: {choices}.")


def number(found: Found, stable: str) -> int:
    """1, or the first number whose Deployment is not stable itself, and which no other rollout of this stable has that is under
    way: its pods have traffic."""
    taken = {stable, *(_sides(item).get("patched") for item in found.others if _at_work(item, stable))}
    return next(number for number in itertools.count(1) if copying.patched_name(stable, number) not in taken)


def _at_work(item: Mapping[str, Any], stable: str) -> bool:
    """A rollout of this stable that has begun and not ended."""
    phase = (item.get("status") or {}).get("phase", "Pending")
    return item.get("kind") == "HotfixRollout" and phase not in ("Pending", *FINISHED) and _sides(item)["stable"] == stable


def _sides(item: Mapping[str, Any]) -> dict[str, Any]:
    """Side -> its Deployment."""
    spec = item.get("spec") or {}
    return {side: (spec.get(side) or {}).get("deployment") for side in ("stable", "patched")}


def manifests(stable: Stable, change: Change) -> tuple[Object, Object, Object]:
    """The three manifests, checked as the operator will read them."""
    deployment, service, rollout = copying.hotfix(stable, change)
    try:
        spec.parse(rollout["spec"])
    except ValidationError as error:
        lines = [f"spec.{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise Refused(f"This would be no valid HotfixRollout: {'; '.join(lines)}") from error
    return deployment, service, rollout


def remarks(stable: Stable, found: Found, printed: tuple[Object, Object, Object]) -> Iterator[str]:
    """Sentences for the standard error: what applying would meet, and what covers stable's pods but not patched's."""
    deployment, _, rollout = printed
    for entry in found.deployments:
        if entry["metadata"]["name"] == deployment["metadata"]["name"]:
            yield _exists_already(entry, deployment)
    for item in found.others:
        if sentence := _surrounding(item, stable, deployment, rollout):
            yield sentence
    for entry in stable.selecting:
        if entry is not stable.service:
            yield f"Service {entry['metadata']['name']} selects stable's pods too; patched's are not in it."
    yield from _shared(stable.template["spec"])
    if found.unread:
        yield f"{', '.join(found.unread)} could not be listed in {found.where}, so nothing is said about them."


def _exists_already(entry: Mapping[str, Any], printed: Object) -> str:
    name = printed["metadata"]["name"]
    if entry["spec"]["selector"].get("matchLabels") != printed["spec"]["selector"]["matchLabels"]:
        return (
            f"Deployment {name} exists already with another selector, which cannot be changed; delete it before you apply this."
        )
    return f"Deployment {name} exists already; applying this changes it."


def _surrounding(item: Mapping[str, Any], stable: Stable, deployment: Object, rollout: Object) -> str | None:
    """What one object around stable means for patched."""
    name, content = (item.get("metadata") or {}).get("name"), item.get("spec") or {}
    match item.get("kind"):
        case "HorizontalPodAutoscaler" if (content.get("scaleTargetRef") or {}).get("name") == stable.name:
            return f"HorizontalPodAutoscaler {name} scales stable only; patched keeps {deployment['spec']['replicas']} replicas."
        case "PodDisruptionBudget" if _left_out(content.get("selector"), stable, deployment):
            return f"PodDisruptionBudget {name} covers stable's pods and not patched's."
        case "NetworkPolicy" if _left_out(content.get("podSelector"), stable, deployment):
            return f"NetworkPolicy {name} selects stable's pods and not patched's; give patched the same one if it needs it."
        case "HotfixRollout":
            return _other_rollout(item, stable, rollout)
    return None


def _left_out(selector: Mapping[str, Any] | None, stable: Stable, deployment: Object) -> bool:
    mine = selector is not None and selects(selector_of(selector), stable.pod_labels)
    return mine and not selects(selector_of(selector or {}), copying.labels_of(deployment))


def _other_rollout(item: Mapping[str, Any], stable: Stable, rollout: Object) -> str | None:
    name, phase = item["metadata"]["name"], (item.get("status") or {}).get("phase", "Pending")
    if name == rollout["metadata"]["name"]:
        again = {
            "Pending": "; applying this changes it.",
            "RolledBack": f"; begin it again with `kubectl hotfix retry {name}`, or choose another name with --name.",
        }
        return f"HotfixRollout {name} exists already ({phase}){again.get(phase, '; choose another name with --name.')}"
    sides = _sides(item)
    if phase in FINISHED or sides["stable"] != stable.name:
        return None
    if sides["patched"] == rollout["spec"]["patched"]["deployment"]:
        return f"HotfixRollout {name} ({phase}) is at work with Deployment {sides['patched']} too; this one would wait for it."
    return f"HotfixRollout {name} ({phase}) is at work on Deployment {stable.name}; this one takes its place, or waits for it."


def _shared(pod_spec: Mapping[str, Any]) -> Iterator[str]:
    """What the pods of both sides would share."""
    for volume in pod_spec.get("volumes") or ():
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield f"PersistentVolumeClaim {claim} would be used by the pods of both sides at once."
    ports = {p["hostPort"] for c in pod_spec["containers"] for p in c.get("ports") or () if p.get("hostPort")}
    if ports or pod_spec.get("hostNetwork"):
        yield "The pods use ports of their nodes, so patched's need nodes on which none of stable's runs."
