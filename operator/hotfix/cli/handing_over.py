"""`kubectl hotfix handover`: what git is to say so that stable gets what patched runs, for kustomize, Helm and kubectl."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hotfix.adapters.kube import Kube
from hotfix.adapters.reading import Direct
from hotfix.adapters.workloads import DEPLOYMENTS
from hotfix.core.changes import CONTAINERS, containers_patch
from hotfix.core.handover import Handover, handover
from hotfix.core.status import Phase
from hotfix.errors import Refused
from hotfix.ports import Key

from . import asking
from .following import existing
from .printing import as_data, as_yaml
from .shown import Outcome

# phase -> what is to be known of it before this is committed; `why`: of a rollback, `newer`: the rollout that took its place
STANDING: dict[str, tuple[Outcome, str]] = {
    Phase.AWAITING_GIT: (Outcome.SUCCEEDED, ""),
    Phase.PENDING: (Outcome.GOING, "this is not proven: patched gets no requests yet."),
    Phase.ANALYZING: (Outcome.GOING, "this is not proven yet: it is still judged."),
    Phase.BAKING: (Outcome.GOING, "this is not proven yet: the bake is not over."),
    Phase.PROMOTING: (Outcome.SUCCEEDED, "the bake is over and it is being promoted; git is not waited for at this moment."),
    Phase.PROMOTED: (Outcome.SUCCEEDED, "it is promoted already; nothing waits for this commit."),
    Phase.ROLLING_BACK: (Outcome.FAILED, "it is being rolled back ({why}); nothing waits for this commit."),
    Phase.ROLLED_BACK: (Outcome.FAILED, "it was rolled back ({why}); nothing waits for this commit."),
    Phase.SUPERSEDED: (Outcome.FAILED, "HotfixRollout {newer} takes its place; commit what that one hands over."),
}
UNKNOWN = (Outcome.GOING, "whether this is proven cannot be told: this version does not know that phase.")


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether what is printed is proven. `outcome`: as an exit code. `warning`: None where git is waited for, with nothing
    against it."""

    outcome: Outcome
    warning: str | None


async def difference(kube: Kube, namespace: str, name: str) -> tuple[Handover, dict[str, Any], Standing]:
    """From stable to patched as both are now, with the patch of containers for what differs besides their images, and whether
    that is proven. Nothing is read but the rollout and the two Deployments: a pipeline needs no rights for routes."""
    stored = await existing(kube, Key(namespace, name))
    asked, reader = asking.parsed(dict(stored.spec), name), Direct(kube)
    stable = await reader.find(DEPLOYMENTS, namespace, asked.stable.deployment)
    patched = await reader.find(DEPLOYMENTS, namespace, asked.patched.deployment)
    if not (stable and patched):
        raise Refused("Stable's or patched's Deployment is gone; there is nothing to compare.")
    before, after = stable.pod_spec, patched.pod_spec
    told = handover(namespace, stable.name, before, after)
    return told, containers_patch(before, after), standing(stored.status, patched.template)


def standing(status: Mapping[str, Any], template: str) -> Standing:
    """By the phase, and by what was proven: `template` is the hash of the pod spec that patched has now."""
    phase = str(status.get("phase") or Phase.PENDING)
    outcome, text = STANDING.get(phase, UNKNOWN)
    if outcome is Outcome.SUCCEEDED and template != (status.get("baseline") or {}).get("patchedTemplate"):
        # what is compared is patched as it is now, and somebody may have changed it since
        outcome, text = Outcome.FAILED, "this is not proven: patched does not have the pod spec that was."
    newer = (status.get("supersededBy") or {}).get("name") or "another"
    warning = text.format(why=status.get("why") or "it is not told why", newer=newer)
    return Standing(outcome, f"{phase}: {warning}" if warning else None)


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
