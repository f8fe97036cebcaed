"""`kubectl hotfix handover`: what git is to say so that stable gets what patched runs, for kustomize, Helm and kubectl."""

from collections.abc import Iterator
from typing import Any

from hotfix.adapters.kube import Kube
from hotfix.core.changes import CONTAINERS, containers_patch
from hotfix.core.handover import Handover, handover
from hotfix.errors import Refused

from . import asking
from .printing import as_data, as_yaml


async def difference(kube: Kube, namespace: str, name: str) -> tuple[Handover, dict[str, Any]]:
    """From stable to patched as both are now, with the patch of containers for what differs besides their images."""
    stable, patched, _ = (await asking.from_cluster(kube, namespace, name)).views
    if not (stable and stable.deployment and patched and patched.deployment):
        raise Refused("Stable's or patched's Deployment is gone; there is nothing to compare.")
    told = handover(namespace, stable.deployment.name, stable.deployment.pod_spec, patched.deployment.pod_spec)
    return told, containers_patch(stable.deployment.pod_spec, patched.deployment.pod_spec)


def show(told: Handover, containers: dict[str, Any], output: str | None) -> str:
    """As text to paste from, or as data."""
    if output:
        found = {
            "deployment": told.deployment,
            "kustomize": {"images": told.kustomize},
            "patch": _patch(told, containers),
            "kubectl": told.kubectl,
            "paths": list(told.paths),
            "byHand": by_hand(told),
        }
        return as_data(found, output)
    return "\n".join(_lines(told, containers)) + "\n"


def _lines(told: Handover, containers: dict[str, Any]) -> Iterator[str]:
    if not told.images and not told.paths:
        yield f"Deployment {told.deployment} has patched's pod spec already; there is nothing to hand over."
        return
    yield told.sentence
    if told.images:
        if told.kustomize:
            yield from ("", "# kustomization.yaml", as_yaml({"images": told.kustomize}).rstrip())
        if told.apart:
            yield from (
                "",
                f"# kustomize cannot tell the uses of {', '.join(sorted(told.apart))} apart: set them in the Deployment",
            )
        yield from ("", "# Helm: the keys are your chart's", *told.helm)
        yield from ("", "# by hand, where nothing restores what git says", str(told.kubectl))
    if containers:
        yield from ("", "# a strategic merge patch, for what differs besides images", as_yaml(_patch(told, containers)).rstrip())
    if beside := by_hand(told):
        yield from ("", f"# and by hand, as in the patched Deployment: {', '.join(beside)}")


def by_hand(told: Handover) -> list[str]:
    """Paths that neither the images nor the patch covers: all that is not of a container."""
    return [path for path in told.paths if path.partition(".")[0] not in CONTAINERS]


def _patch(told: Handover, containers: dict[str, Any]) -> dict[str, Any] | None:
    if not containers:
        return None
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": told.deployment},
        "spec": {"template": {"spec": containers}},
    }
