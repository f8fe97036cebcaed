"""Flux's kustomize-controller in an embedded cluster, and a git repository for it: a folder whose commits are archives, with the
layout of docs/gitops.md.

There is no source-controller and no git server. A commit is a new archive, told to Flux as source-controller would: in the
status of a GitRepository.
"""

import hashlib
import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from . import binaries
from .cluster import Cluster, Running

NAMESPACE = "flux-system"
ARTIFACTS_PORT = 18090
GROUP = "kustomize.toolkit.fluxcd.io"
DISABLED = f"{GROUP}/reconcile"


@dataclass
class Flux:
    """One controller, one repository. Files: name of a folder -> text of the objects in it."""

    cluster: Cluster
    running: tuple[Running, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    commits: int = 0

    @classmethod
    def start(cls, cluster: Cluster, log: Callable[[str], None] = print) -> "Flux":
        """The controller runs, and the repository is empty."""
        programs = binaries.ensure_flux(log)
        for file in sorted((programs / "crds").glob("*.yaml")):
            cluster.kubectl("apply", "--server-side", "-f", str(file))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/kustomizations.{GROUP}")
        cluster.kubectl("create", "namespace", NAMESPACE)
        artifacts = cluster.home / "artifacts"
        artifacts.mkdir()
        serve = [sys.executable, "-m", "http.server", str(ARTIFACTS_PORT), "--bind", "127.0.0.1", "--directory", str(artifacts)]
        server = cluster.spawn(serve, name="artifacts")
        flags = ("--watch-all-namespaces", "--enable-leader-election=false", "--events-addr=", "--concurrent=2")
        addresses = ("--metrics-addr=127.0.0.1:18080", "--health-addr=127.0.0.1:19440")
        env = {"KUBECONFIG": str(cluster.home / "inside.kubeconfig"), "RUNTIME_NAMESPACE": NAMESPACE}
        controller = cluster.spawn([str(programs / "kustomize-controller"), *flags, *addresses], name="flux", env=env)
        made = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "shop", "namespace": NAMESPACE},
            "spec": {"url": "https://git.example/shop", "interval": "1h"},
        }
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/gitrepositories.source.toolkit.fluxcd.io")
        cluster.apply(made)
        return cls(cluster, (server, controller))

    def stop(self) -> None:
        """Controller and server end."""
        for running in self.running:
            running.stop()

    def forget(self) -> None:
        """No Kustomization any more; what it made stays."""
        self.cluster.kubectl("patch", "kustomization", "shop", "-n", NAMESPACE, "--type=merge", "-p", '{"spec":{"prune":false}}')
        self.cluster.kubectl("delete", "kustomization", "shop", "-n", NAMESPACE, "--timeout=60s")

    def settled(self) -> None:
        """Until it has reconciled twice more."""
        for _ in range(2):
            before = self.cluster.read("kustomization", "shop", NAMESPACE)["metadata"]["resourceVersion"]
            self.cluster.kubectl(
                "annotate", "kustomization", "shop", "-n", NAMESPACE, "--overwrite", f"reconcile.fluxcd.io/requestedAt={before}"
            )
            self.cluster.until(
                lambda wanted=before: self.state().get("lastHandledReconcileAt") == wanted, "Flux reconciles", seconds=60
            )

    def commit(self, *, images: list[dict[str, str]] | None = None, **changed: object) -> str:
        """Folders get these objects, or go with None; the revision. `images`: what the kustomization.yaml of `app` says of them,
        in this commit alone."""
        for name, content in changed.items():
            if content is None:
                self.files.pop(name, None)
            else:
                self.files[name] = _text(content)
        self.commits += 1
        archive = _archive(_tree(self.files, {"app": {"images": images}} if images else {}))
        digest = hashlib.sha256(archive).hexdigest()
        name = f"{self.commits}.tar.gz"
        (self.cluster.home / "artifacts" / name).write_bytes(archive)
        revision = f"main@sha1:{digest[:40]}"
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        status = {
            "observedGeneration": 1,
            "artifact": {
                "digest": f"sha256:{digest}",
                "lastUpdateTime": moment,
                "path": name,
                "revision": revision,
                "size": len(archive),
                "url": f"http://127.0.0.1:{ARTIFACTS_PORT}/{name}",
            },
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "stored",
                    "lastTransitionTime": moment,
                    "observedGeneration": 1,
                }
            ],
        }
        patch = json.dumps({"status": status})
        self.cluster.kubectl(
            "patch", "gitrepository", "shop", "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p", patch
        )
        return revision

    def sync(self, namespace: str, **spec: object) -> None:
        """A Kustomization that applies the repository to a namespace, every few seconds."""
        made = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Kustomization",
            "metadata": {"name": "shop", "namespace": NAMESPACE},
            "spec": {
                "interval": "5s",
                "retryInterval": "2s",
                "timeout": "1m",
                "prune": True,
                "path": "./",
                "targetNamespace": namespace,
                "sourceRef": {"kind": "GitRepository", "name": "shop"},
                **spec,
            },
        }
        self.cluster.apply(made)

    def state(self) -> dict[str, Any]:
        """The Kustomization's status."""
        return dict(self.cluster.read("kustomization", "shop", NAMESPACE).get("status") or {})

    def ready(self) -> tuple[str, str]:
        """(status, reason) of its condition Ready; empty without one."""
        for entry in self.state().get("conditions") or ():
            if entry["type"] == "Ready":
                return entry["status"], entry["reason"]
        return "", ""

    def applied(self, revision: str) -> None:
        """Until this revision was applied."""
        self.cluster.until(
            lambda: self.state().get("lastAppliedRevision") == revision, f"Flux has applied {revision}", seconds=90
        )

    def difference(self, namespace: str) -> str:
        """What Flux would change now: a dry run of a server-side apply by its name, against what there is; empty when nothing."""
        told = []
        for text in self.files.values():
            done = self.cluster.kubectl(
                "diff",
                "--server-side",
                "--force-conflicts",
                "--field-manager=kustomize-controller",
                "-n",
                namespace,
                "-f",
                "-",
                stdin=_labelled(text),
                check=False,
            )
            if done.returncode:
                told.append(done.stdout or done.stderr)
        return "".join(told)


def _labelled(text: str) -> str:
    """With what Flux adds to each object that it applies."""
    items = [item for item in yaml.safe_load_all(text) if item]
    for item in items:
        item["metadata"].setdefault("labels", {}).update({f"{GROUP}/name": "shop", f"{GROUP}/namespace": NAMESPACE})
    return yaml.safe_dump_all(items)


def _tree(folders: dict[str, str], more: dict[str, dict[str, Any]]) -> dict[str, str]:
    """path -> text: each folder with a kustomization of its own, which says `more` of some, and one above that lists them."""
    files = {"kustomization.yaml": yaml.safe_dump({"resources": sorted(folders)})}
    for name, text in folders.items():
        files[f"{name}/objects.yaml"] = text
        files[f"{name}/kustomization.yaml"] = yaml.safe_dump({"resources": ["objects.yaml"], **more.get(name, {})})
    return files


def _text(content: object) -> str:
    items = content if isinstance(content, list) else [content]
    return yaml.safe_dump_all(items)


def _archive(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
