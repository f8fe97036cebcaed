"""How Flux and `kubectl wait`-like tools read an object: the generic rules of kstatus, for custom resources.

Rules (sigs.k8s.io/cli-utils, kstatus): a newer generation than observed is in progress; Reconciling is in progress, Stalled is
failed; Ready that is not True is in progress; else the object is current.
"""

from collections.abc import Mapping
from typing import Any


def verdict(item: Mapping[str, Any]) -> str:
    """Current, InProgress, Failed or Terminating."""
    if "deletionTimestamp" in item["metadata"]:
        return "Terminating"
    status = item.get("status") or {}
    if status.get("observedGeneration", item["metadata"]["generation"]) != item["metadata"]["generation"]:
        return "InProgress"
    conditions = {entry["type"]: entry for entry in status.get("conditions") or ()}
    if conditions.get("Reconciling", {}).get("status") == "True":
        return "InProgress"
    if conditions.get("Stalled", {}).get("status") == "True":
        return "Failed"
    if "Ready" in conditions and conditions["Ready"]["status"] != "True":
        return "InProgress"
    return "Current"
