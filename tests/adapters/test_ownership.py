"""Who manages an object, told from the marks that Flux, Argo CD and Helm leave."""

from typing import Any

import pytest

from hotfix.adapters.ownership import controller_of, owner_of

FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
FLUX_HELM = {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "apps"}
HELM = {"app.kubernetes.io/managed-by": "Helm"}
RELEASE = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "apps"}


@pytest.mark.parametrize(
    ("meta", "owner"),
    [
        ({}, None),
        ({"labels": None, "annotations": None, "managedFields": None}, None),
        ({"labels": FLUX}, "Flux Kustomization flux-system/shop"),
        ({"labels": FLUX_HELM}, "Flux HelmRelease apps/shop"),
        ({"labels": {**HELM, **FLUX_HELM}, "annotations": RELEASE}, "Flux HelmRelease apps/shop"),
        ({"labels": HELM, "annotations": RELEASE}, "Helm release shop"),
        ({"labels": HELM}, None),
        ({"annotations": RELEASE}, None),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}, "Argo CD application shop"),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
        ({"managedFields": [{"manager": "kubectl"}, {}]}, None),
        # Flux labels whatever it applies: without the labels somebody took it out of Flux's hands, and the entry stays for ever
        ({"managedFields": [{"manager": "kustomize-controller", "operation": "Apply"}]}, None),
        ({"managedFields": [{"manager": "helm-controller", "operation": "Update"}]}, None),
        ({"labels": {"app.kubernetes.io/instance": "shop"}}, None),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, None),
    ],
)
def test_the_owner_is_told_from_its_marks(meta: dict[str, Any], owner: str | None) -> None:
    assert owner_of({"metadata": meta}) == owner


def test_an_object_without_metadata_has_no_owner() -> None:
    assert owner_of({}) is None


def test_an_object_that_another_one_keeps_names_it() -> None:
    keda = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "checkout", "controller": True}
    assert controller_of({"metadata": {"ownerReferences": [{"kind": "Thing", "name": "x"}, keda]}}) == "ScaledObject checkout"
    assert controller_of({"metadata": {"ownerReferences": [{"kind": "Thing", "name": "x"}]}}) is None
    assert controller_of({"metadata": {}}) is None
