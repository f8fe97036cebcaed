"""Runs beside Prometheus, which was built without service discovery: writes a file of its targets, every second.

A target is every pod that names a port and has an address, but for those of the cluster itself. Needs only the standard library.
"""

import json
import ssl
import sys
import threading
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PODS = "https://kubernetes.default.svc/api/v1/pods?resourceVersion=0"
NOT_THESE = {"kube-system", "monitoring", "projectcontour"}


def targets(items: list[dict]) -> list[dict]:
    """What Prometheus reads."""
    found = []
    for item in items:
        meta, address = item["metadata"], (item.get("status") or {}).get("podIP")
        ports = [port["containerPort"] for port in item["spec"]["containers"][0].get("ports") or ()]
        if address and ports and meta["namespace"] not in NOT_THESE and item["status"]["phase"] == "Running":
            labels = {"namespace": meta["namespace"], "pod": meta["name"], "__metrics_path__": "/metrics"}
            found.append({"targets": [f"{address}:{ports[0]}"], "labels": labels})
    return sorted(found, key=json.dumps)


def run(file: Path) -> None:
    """Until it is ended."""
    context, before, pause = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")), None, threading.Event()
    while not pause.wait(1):
        try:
            request = urllib.request.Request(PODS, headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"})
            with urllib.request.urlopen(request, context=context, timeout=5) as answer:
                now = targets(json.load(answer)["items"])
        except (OSError, ValueError) as error:
            print("not read:", error, flush=True)
            continue
        if now != before:
            file.with_suffix(".partial").write_text(json.dumps(now))
            file.with_suffix(".partial").rename(file)
            before = now


run(Path(sys.argv[1]))
