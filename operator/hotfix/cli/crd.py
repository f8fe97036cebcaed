"""The CustomResourceDefinition, generated from core/spec.py and core/status.py. `make crd` writes it, a test compares.

Names, columns and what else is not in the models is here; how a model becomes a schema is in cli/schema.py.
"""

from typing import Any

from hotfix.adapters.store import API_VERSION, PLURAL
from hotfix.core.spec import Spec
from hotfix.core.status import Status

from .explain import STATUS
from .printing import as_yaml
from .schema import described, loose, strict

GROUP, VERSION = API_VERSION.split("/")
KIND = "HotfixRollout"
COLUMNS = (
    ("Phase", "string", ".status.phase", 0),
    ("Weight", "integer", ".status.weight", 0),
    ("Verdict", "string", ".status.verdict.state", 0),
    ("Next", "string", ".status.next", 0),
    ("Incident", "string", ".spec.incident.reference", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Step", "string", ".status.step", 1),
    ("Patched image", "string", ".status.baseline.patchedImages[0]", 1),
    ("Stable errors", "string", ".status.verdict.stable", 1),
    ("Patched errors", "string", ".status.verdict.patched", 1),
    ("Message", "string", ".status.message", 1),
)
WHAT_IT_IS = (
    "Ships one hotfix: shifts traffic from a stable to a patched Deployment by evidence, then promotes the patch or takes all "
    "traffic away from it. One object per hotfix; it stays as the record of what was decided and why."
)


def definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "hotfix-operator", "app.kubernetes.io/part-of": "hotfix-operator"},
        },
        "spec": {"group": GROUP, "scope": "Namespaced", "names": _names(), "versions": [_version()]},
    }


def _names() -> dict[str, Any]:
    return {
        "kind": KIND,
        "listKind": f"{KIND}List",
        "plural": PLURAL,
        "singular": KIND.lower(),
        "shortNames": ["hfr"],
        "categories": ["hotfix"],  # not `all`: `kubectl delete all --all` must not sweep up a live rollout
    }


def _version() -> dict[str, Any]:
    columns = [
        {"name": name, "type": kind, "jsonPath": where} | ({"priority": priority} if priority else {})
        for name, kind, where, priority in COLUMNS
    ]
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".status.phase"}],
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _schema()},
    }


def _schema() -> dict[str, Any]:
    status = described(loose(Status), STATUS)
    status["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return {
        "type": "object",
        "description": WHAT_IT_IS,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": strict(Spec),
            "status": status,
        },
    }


def render() -> str:
    """The CRD as YAML, with a first line that says where it comes from."""
    return f"# Generated from operator/hotfix/core by `make crd`; do not edit.\n{as_yaml(definition())}"
