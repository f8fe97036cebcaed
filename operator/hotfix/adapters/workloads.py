"""Workloads on the API server: Deployments with their pods, Services with their EndpointSlices, HPAs. Raw objects -> views."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hotfix.core.changes import hash_of
from hotfix.core.labels import selector_of
from hotfix.core.moments import unix
from hotfix.core.observation import CompanionView, DeploymentView, PodView, ScalerView, ServiceView, SideView
from hotfix.errors import Refused

from .kube import Kube, Object, path
from .ownership import controller_of, owner_of, template_manager
from .reading import Direct, Reader, Resource, Writer, outdated

log = logging.getLogger(__name__)

REVISION = "deployment.kubernetes.io/revision"
HASH_LABEL, SERVICE_LABEL = "pod-template-hash", "kubernetes.io/service-name"
COMPANIONS = (  # kind, version, plural, the field of its spec that selects pods
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", "podSelector"),
    ("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", "selector"),
    ("PodMonitor", "monitoring.coreos.com/v1", "podmonitors", "selector"),
)
STARTING = frozenset({"ContainerCreating", "PodInitializing"})  # reasons to wait that are no trouble


class KubeWorkloads:
    """Reads one side in parallel; writes carry the version that was read."""

    def __init__(self, kube: Kube, reader: Reader | None = None) -> None:
        self._kube, self._reader = kube, Direct(kube) if reader is None else reader
        self._writer = Writer(kube, self._reader)

    async def read(self, namespace: str, deployment: str, service: str, *, fresh: bool = False) -> SideView:
        """One side; what does not exist is named in `missing`. `fresh`: all of it is asked for anew."""
        known = await self._reader.find(DEPLOYMENTS, namespace, deployment) if fresh else None  # its selector never changes
        where = ",".join(f"{name}={value}" for name, value in sorted(known.selector.items())) if known else None
        if fresh or not self._reader.remembers:
            found, backend, ready, scalers, pods = await asyncio.gather(
                self._reader.find(DEPLOYMENTS, namespace, deployment, fresh=fresh),
                self._reader.find(SERVICES, namespace, service, fresh=fresh),
                self._reader.list(SLICES, namespace, service, fresh=fresh),
                self._reader.list(SCALERS, namespace, deployment, fresh=fresh),
                self._reader.list(PODS, namespace, deployment, fresh=fresh, where=where),
            )
        else:  # from memory: a task for each answer would cost more than the answer
            found = await self._reader.find(DEPLOYMENTS, namespace, deployment)
            backend = await self._reader.find(SERVICES, namespace, service)
            ready = await self._reader.list(SLICES, namespace, service)
            scalers = await self._reader.list(SCALERS, namespace, deployment)
            pods = await self._reader.list(PODS, namespace, deployment)
        absent = ((found, f"Deployment {deployment}"), (backend, f"Service {service}"))
        return SideView(
            deployment=found,
            service=replace(backend, ready_pods=tuple(sorted({name for names in ready for name in names}))) if backend else None,
            pods=tuple(pods) if found else (),
            scaler=scalers[0] if scalers else None,
            missing=tuple(name for item, name in absent if item is None),
        )

    async def companions(self, namespace: str) -> tuple[CompanionView, ...]:
        """NetworkPolicies, PodDisruptionBudgets and PodMonitors."""
        found = await asyncio.gather(*(self._listed(path(version, plural, namespace)) for _, version, plural, _ in COMPANIONS))
        return tuple(
            CompanionView(kind=kind, name=item["metadata"]["name"], selector=selector_of(item["spec"].get(field) or {}))
            for (kind, _, _, field), items in zip(COMPANIONS, found, strict=True)
            for item in items
        )

    async def _listed(self, url: str) -> list[Object]:
        """Only remarks are made of these, so a kind that is not served or not allowed is no reason to stop."""
        try:
            return await self._kube.list(url)
        except Refused as error:
            log.info("not looked at: %s", error)
            return []

    async def templates(self, namespace: str) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Deployment -> (hash of its pod spec, images), asked for anew."""
        found = [_deployment(item) for item in await self._kube.list(path("apps/v1", "deployments", namespace))]
        return {view.name: (view.template, view.images) for view in found}

    async def scale(self, namespace: str, deployment: DeploymentView, replicas: int) -> None:
        """Set `.spec.replicas`."""
        await self._patch(namespace, deployment, "/spec/replicas", replicas)

    async def set_pod_spec(self, namespace: str, deployment: DeploymentView, pod_spec: Mapping[str, Any]) -> None:
        """Replace `.spec.template.spec`; labels, annotations and the selector stay."""
        await self._patch(namespace, deployment, "/spec/template/spec", dict(pod_spec))

    async def _patch(self, namespace: str, deployment: DeploymentView, pointer: str, value: Any) -> None:
        operations: list[Object] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": deployment.version},
            {"op": "add", "path": pointer, "value": value},
        ]
        await self._writer.patch(DEPLOYMENTS, (namespace, deployment.name), operations)

    async def set_scaler_floor(self, namespace: str, scaler: ScalerView, min_replicas: int) -> None:
        """Set `.spec.minReplicas`."""
        operations: list[Object] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": scaler.version},
            {"op": "add", "path": "/spec/minReplicas", "value": min_replicas},
        ]
        await self._writer.patch(SCALERS, (namespace, scaler.name), operations)

    async def outdate(self, namespace: str, target: DeploymentView | ScalerView, mark: str | None) -> None:
        """A new version of it, with nothing changed but the mark."""
        resource = SCALERS if isinstance(target, ScalerView) else DEPLOYMENTS
        await self._writer.outdate(resource, (namespace, target.name), target.version, mark)


def _deployment(item: Object) -> DeploymentView:
    meta, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    template = spec["template"]
    pod_spec = template["spec"]
    return DeploymentView(
        name=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        generation=int(meta["generation"]),
        observed_generation=int(status.get("observedGeneration") or 0),
        replicas=int(spec.get("replicas", 1)),
        updated=int(status.get("updatedReplicas") or 0),
        ready=int(status.get("readyReplicas") or 0),
        total=int(status.get("replicas") or 0),
        selector=(spec.get("selector") or {}).get("matchLabels") or {},
        pod_labels=(template.get("metadata") or {}).get("labels") or {},
        pod_spec=pod_spec,
        template=hash_of(pod_spec),
        images=tuple(container["image"] for container in pod_spec.get("containers") or ()),
        owner=owner_of(item),
        progress_deadline_seconds=int(spec.get("progressDeadlineSeconds") or 600),
        revision=(meta.get("annotations") or {}).get(REVISION),
        deleting="deletionTimestamp" in meta,
        template_manager=template_manager(item),
        outdated=outdated(meta),
    )


def _deployment_of(item: Object) -> str | None:
    """The Deployment whose ReplicaSet a pod is of; None for one on its way out."""
    meta = item["metadata"]
    tail = f"-{(meta.get('labels') or {}).get(HASH_LABEL)}"
    owners = (owner["name"] for owner in meta.get("ownerReferences") or () if owner.get("kind") == "ReplicaSet")
    found = next((name.removesuffix(tail) for name in owners if name.endswith(tail)), None)
    return None if "deletionTimestamp" in meta else found


def _pod(item: Object) -> PodView:
    meta, status = item["metadata"], item.get("status") or {}
    containers = status.get("containerStatuses") or []
    everyone = [*containers, *(status.get("initContainerStatuses") or ())]  # sidecars are init containers
    waiting = [((entry.get("state") or {}).get("waiting") or {}).get("reason") for entry in everyone]
    trouble = [reason for reason in waiting if reason and reason not in STARTING]
    specs = (item.get("spec") or {}).get("containers") or ()
    ready = next((c for c in status.get("conditions") or () if (c.get("type"), c.get("status")) == ("Ready", "True")), None)
    since = (ready or {}).get("lastTransitionTime")
    return PodView(
        name=meta["name"],
        ready=ready is not None,
        ready_since=unix(since) if since else None,
        crash_looping="CrashLoopBackOff" in trouble,
        restarts=sum(int(entry.get("restartCount") or 0) for entry in everyone),
        image_ids=tuple(sorted(entry.get("imageID") or entry.get("image") or "" for entry in containers)),
        template=(meta.get("labels") or {}).get(HASH_LABEL),
        trouble=trouble[0] if trouble else None,
        has_pre_stop=all("preStop" in (container.get("lifecycle") or {}) for container in specs),
    )


def _service_of(item: Object) -> str | None:
    """The Service that an EndpointSlice is of."""
    return (item["metadata"].get("labels") or {}).get(SERVICE_LABEL)


def _ready_pods(item: Object) -> tuple[str, ...]:
    """Names of the pods that an EndpointSlice holds ready; of endpoints without a pod, the addresses."""
    ready = []
    for endpoint in item.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        if conditions.get("ready") is not False and not conditions.get("terminating"):
            ready.append((endpoint.get("targetRef") or {}).get("name") or ",".join(endpoint.get("addresses") or ()))
    return tuple(ready)


def _service(item: Object) -> ServiceView:
    """Without what stands behind it."""
    spec = item["spec"]
    return ServiceView(
        name=item["metadata"]["name"],
        selector=spec.get("selector") or {},
        ports=tuple(int(port["port"]) for port in spec.get("ports") or ()),
        grpc_ports=tuple(int(port["port"]) for port in spec.get("ports") or () if _speaks_grpc(port)),
        session_affinity=spec.get("sessionAffinity") == "ClientIP",
        ready_pods=(),
    )


def _speaks_grpc(port: Mapping[str, Any]) -> bool:
    """By its appProtocol, or by the name that service meshes go by (`grpc`, `grpc-api`)."""
    return port.get("appProtocol") == "grpc" or re.fullmatch("grpc(-.*)?", port.get("name") or "") is not None


def _target_of(item: Object) -> str | None:
    """The Deployment that an HPA scales."""
    target = item["spec"].get("scaleTargetRef") or {}
    return target.get("name") if target.get("kind") == "Deployment" else None


def _scaler(item: Object) -> ScalerView:
    spec = item["spec"]
    return ScalerView(
        name=item["metadata"]["name"],
        min_replicas=int(spec.get("minReplicas", 1)),
        max_replicas=int(spec["maxReplicas"]),
        owner=owner_of(item) or controller_of(item),
        version=item["metadata"]["resourceVersion"],
        outdated=outdated(item["metadata"]),
    )


DEPLOYMENTS = Resource("apps/v1", "deployments", _deployment)
SERVICES = Resource("v1", "services", _service)
SLICES = Resource("discovery.k8s.io/v1", "endpointslices", _ready_pods, _service_of, f"{SERVICE_LABEL}=")
SCALERS = Resource("autoscaling/v2", "horizontalpodautoscalers", _scaler, _target_of)
PODS = Resource("v1", "pods", _pod, _deployment_of)
