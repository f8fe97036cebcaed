"""The kubelet of the embedded cluster: runs each pod bound to its node as a real process at an address of its own.

It probes, restarts with back-off, and ends pods as a kubelet does: preStop, SIGTERM, grace, SIGKILL. Nothing else is imitated.
"""

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from .api import Api, ApiError
from .pod import Pod

log = logging.getLogger("node")
NODE = "node-1"


class Node:
    """Watches pods bound to it and runs them."""

    def __init__(self, api: Api, home: Path) -> None:
        self.api, self.home = api, home
        self.pods: dict[str, tuple[Pod, asyncio.Task[None]]] = {}
        self.next_address = 10

    async def register(self) -> None:
        """The Node object, with room for everything."""
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": _now(),
            "lastTransitionTime": _now(),
        }
        room = {"cpu": "64", "memory": "64Gi", "pods": "2000", "ephemeral-storage": "100Gi"}
        with contextlib.suppress(ApiError):
            await self.api.post("/api/v1/nodes", {"kind": "Node", "apiVersion": "v1", "metadata": {"name": NODE}})
        status = {"status": {"conditions": [ready], "capacity": room, "allocatable": room}}
        await self.api.patch(f"/api/v1/nodes/{NODE}/status", status)
        # a new Node is tainted as not ready until a controller that does not run here takes the taint away
        await self.api.patch(f"/api/v1/nodes/{NODE}", {"spec": {"taints": None}})

    async def run(self) -> None:
        """Follow the pods of this node for ever; after any failure the whole list is read anew."""
        while True:
            try:
                await self._follow()
            except (ApiError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                log.info("watching pods again: %r", error)
                await asyncio.sleep(0.2)

    async def _follow(self) -> None:
        where = f"/api/v1/pods?fieldSelector=spec.nodeName={NODE}"
        listed = await self.api.get(where)
        seen = set()
        for item in listed["items"]:
            seen.add(item["metadata"]["uid"])
            self.changed(item)
        for uid in set(self.pods) - seen:
            self.gone(uid)
        version = listed["metadata"]["resourceVersion"]
        async for event in self.api.watch(f"{where}&watch=1&resourceVersion={version}"):
            item = event["object"]
            if event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                self.gone(item["metadata"]["uid"])
            else:
                self.changed(item)

    def changed(self, item: dict[str, Any]) -> None:
        """A pod that is new, or on its way out."""
        uid = item["metadata"]["uid"]
        if uid not in self.pods:
            if item.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                return
            pod = Pod(self.api, item, self._address(), self.home)
            self.pods[uid] = (pod, asyncio.create_task(pod.run()))
            self._write_targets()
        pod, _ = self.pods[uid]
        if "deletionTimestamp" in item["metadata"]:
            pod.terminate(item)

    def gone(self, uid: str) -> None:
        """A pod that no longer exists: nothing of it may go on running."""
        entry = self.pods.pop(uid, None)
        if entry:
            entry[0].abandon()
            self._write_targets()

    def _address(self) -> str:
        self.next_address += 1
        return f"10.244.{self.next_address // 250}.{self.next_address % 250 + 1}"

    def _write_targets(self) -> None:
        """What Prometheus scrapes: every pod that names a port for it."""
        targets = [
            {
                "targets": [f"{pod.address}:{port}"],
                "labels": {"namespace": pod.namespace, "pod": pod.name, "__metrics_path__": "/metrics"},
            }
            for pod, _ in self.pods.values()
            for port in pod.ports[:1]
        ]
        file = self.home / "targets" / "pods.json"
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(targets))
        partial.rename(file)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
