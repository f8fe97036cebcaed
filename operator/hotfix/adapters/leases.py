"""A coordination.k8s.io Lease: who leads. Reads and compare-and-swap writes only; runtime/lease.py judges when it has expired."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hotfix.core import moments
from hotfix.errors import Unavailable

from .kube import Kube, Object, path

API_VERSION, PLURAL = "coordination.k8s.io/v1", "leases"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """A Lease as it was read. `holder` is empty when it was given up; `seconds` is how long it lasts without a change."""

    holder: str
    seconds: int
    transitions: int
    version: str


class KubeLease:
    """One Lease. Writes carry the version that was read."""

    def __init__(self, kube: Kube, namespace: str, name: str) -> None:
        self._kube, self._namespace, self._name = kube, namespace, name

    async def read(self) -> LeaseRecord | None:
        """As it is now; None when there is none."""
        item = await self._kube.find(path(API_VERSION, PLURAL, self._namespace, self._name))
        return _record(item) if item else None

    async def write(self, seen: LeaseRecord | None, holder: str, seconds: int) -> LeaseRecord:
        """Hold it, renew it, or with an empty holder give it up; Conflict when somebody wrote since it was `seen`."""
        moment = moments.microseconds(datetime.now(UTC).timestamp())
        if seen is None:
            spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 0}
            meta = {"name": self._name, "namespace": self._namespace}
            body: Object = {
                "apiVersion": API_VERSION,
                "kind": "Lease",
                "metadata": meta,
                "spec": {**spec, "acquireTime": moment, "renewTime": moment},
            }
            return _record(await self._kube.create(path(API_VERSION, PLURAL, self._namespace), body))
        taken = bool(holder) and holder != seen.holder
        values: dict[str, Any] = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": moment}
        if taken:
            values |= {"acquireTime": moment, "leaseTransitions": seen.transitions + 1}
        operations = [{"op": "replace", "path": "/metadata/resourceVersion", "value": seen.version}]
        operations += [{"op": "add", "path": f"/spec/{name}", "value": value} for name, value in values.items()]
        return _record(await self._kube.json_patch(path(API_VERSION, PLURAL, self._namespace, self._name), operations))


def _record(item: Object) -> LeaseRecord:
    spec = item.get("spec") or {}
    try:
        return LeaseRecord(
            holder=str(spec.get("holderIdentity") or ""),
            seconds=int(spec.get("leaseDurationSeconds") or 1),
            transitions=int(spec.get("leaseTransitions") or 0),
            version=item["metadata"]["resourceVersion"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"The Lease cannot be read: {error}") from error
