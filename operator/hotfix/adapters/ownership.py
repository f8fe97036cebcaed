"""Who manages an object from git: Flux, Argo CD or Helm, as the marks they leave on it tell. Reads raw objects only."""

from collections.abc import Mapping
from typing import Any

FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
FLUX_HELM = "helm.toolkit.fluxcd.io"


def owner_of(item: Mapping[str, Any]) -> str | None:
    """A phrase such as `Flux Kustomization flux-system/shop`, or None.

    The label app.kubernetes.io/instance alone is not Argo CD: Helm charts and people set it too.
    """
    meta = item.get("metadata") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    for prefix, kind in ((FLUX_KUSTOMIZE, "Kustomization"), (FLUX_HELM, "HelmRelease")):
        if f"{prefix}/name" in labels:
            return f"Flux {kind} {labels.get(f'{prefix}/namespace', '?')}/{labels[f'{prefix}/name']}"
    if "argocd.argoproj.io/tracking-id" in annotations:
        return f"Argo CD application {annotations['argocd.argoproj.io/tracking-id'].partition(':')[0]}"
    if any(str(entry.get("manager", "")).startswith("argocd-") for entry in meta.get("managedFields") or ()):
        return "Argo CD"
    if labels.get("app.kubernetes.io/managed-by") == "Helm" and "meta.helm.sh/release-name" in annotations:
        return f"Helm release {annotations['meta.helm.sh/release-name']}"
    return None


def kustomized(item: Mapping[str, Any]) -> bool:
    """A Flux Kustomization keeps it, which leaves alone what is annotated so."""
    return f"{FLUX_KUSTOMIZE}/name" in ((item.get("metadata") or {}).get("labels") or {})


def template_manager(item: Mapping[str, Any]) -> str | None:
    """The field manager that last wrote the pod template of a workload; None where no one is on record."""
    entries = (item.get("metadata") or {}).get("managedFields") or ()
    writers = [
        (str(entry.get("time") or ""), str(entry.get("manager") or ""))
        for entry in entries
        if "f:template" in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) and not entry.get("subresource")
    ]
    return max(writers)[1] if writers else None


def controller_of(item: Mapping[str, Any]) -> str | None:
    """The object that made this one and keeps it as it is, for example `ScaledObject checkout` (KEDA); None without one."""
    owners = (item.get("metadata") or {}).get("ownerReferences") or ()
    return next((f"{owner.get('kind')} {owner.get('name')}" for owner in owners if owner.get("controller")), None)
