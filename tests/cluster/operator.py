"""The operator in a cluster, installed from deploy/ as a user would: same manifests, same RBAC, same probes."""

import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .provider import READY_SECONDS, ROOT, Provider

STAMP = "hotfix-operator.dev/stamp"
NAMESPACE, NAME = "hotfix-system", "hotfix-operator"
OTHER = f"{NAME}-other"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"


@dataclass(frozen=True)
class Operator:
    """The installed operator."""

    cluster: Provider

    @classmethod
    def install(
        cls,
        cluster: Provider,
        *,
        overlay: str = "deploy/base",
        scrape: str = "5s",
        environment: dict[str, str] | None = None,
        api_server: str = "",
    ) -> "Operator":
        """Apply an overlay and wait until the operator is ready. Only Prometheus' address and the scrape interval are set, and
        with `api_server` the way to the API server."""
        settings = {"HOTFIX_PROMETHEUS_URL": cluster.internal_prometheus_url, "HOTFIX_SCRAPE_INTERVAL": scrape}
        annotations = {"embedded/api-server": api_server} if api_server else {}
        cluster.deploy(overlay, {**settings, **(environment or {})}, annotations)
        cluster.until(lambda: _established(cluster), "the API server serves HotfixRollouts", seconds=30)
        operator = cls(cluster)
        operator.wait_ready()
        shipped = _environment(_deployment(yaml.safe_load_all(cluster.kubectl("kustomize", str(ROOT / overlay)).stdout)))
        assert _environment(cluster.read("deployment", NAME, NAMESPACE)) == shipped | {*settings, *(environment or {})}
        return operator

    def wait_ready(self) -> None:
        """Until its readiness probe is good; what is known of its pods is told where that takes too long."""
        where = ("-n", NAMESPACE)
        done = self.cluster.kubectl("rollout", "status", f"deployment/{NAME}", *where, f"--timeout={READY_SECONDS}s", check=False)
        if done.returncode:
            told = self.cluster.kubectl("get", "pods", *where, "-o", "jsonpath={.items[*].status}").stdout
            raise RuntimeError(f"the operator is not ready: {done.stderr.strip()}\n{told}")

    def pids(self) -> list[Any]:
        """Its processes, by what the cluster calls them."""
        return self.cluster.processes()

    def holder(self) -> str:
        """Who holds the lease, by pod and process; empty from its release until somebody takes it."""
        lease = json.loads(self.cluster.kubectl("get", "lease", NAME, "-n", NAMESPACE, "-o", "json").stdout)
        return str(lease["spec"].get("holderIdentity") or "")

    def leader(self) -> str:
        """The pod that holds the lease, once one does."""
        return self.another("").rpartition("_")[0]

    def another(self, holder: str, *, seconds: float = 60) -> str:
        """Who holds the lease after this one, once somebody does. A container that is started anew in the same pod is another."""

        def taken() -> str | None:
            now = self.holder()
            return None if now == holder else now

        said = f"another one than {holder} leads" if holder else "somebody leads"
        return str(self.cluster.until(taken, said, seconds=seconds))

    def pid(self) -> Any:
        """The process of the pod that leads."""
        (found,) = self.cluster.processes(self.leader())
        return found

    def stamps(self, namespace: str) -> list[int]:
        """The numbers that were stamped on routes of a namespace, in the order in which the API server took them."""
        found = []
        for entry in self.cluster.audit(USER):
            ref = entry.get("objectRef") or {}
            if (ref.get("resource"), ref.get("namespace"), entry["responseStatus"]["code"]) != ("httproutes", namespace, 200):
                continue
            for operation in entry.get("requestObject") or () if entry["verb"] == "patch" else ():
                value = operation.get("value")
                text = value.get(STAMP) if isinstance(value, dict) else value if "stamp" in operation["path"] else None
                found += [int(text.rsplit(".", 1)[-1])] if text else []
        return found

    def kill(self) -> None:
        """SIGKILL; the node starts it again, as a kubelet does."""
        for pid in self.pids():
            self.cluster.kill(pid, signal.SIGKILL)

    def run(self, image: str) -> None:
        """Update it, one replica after the other."""
        self.cluster.kubectl("set", "image", f"deployment/{NAME}", "-n", NAMESPACE, f"operator={image}")
        self.wait_ready()
        pods = "jsonpath={.items[*].spec.containers[0].image}"
        self.cluster.until(
            lambda: set(self.cluster.kubectl("get", "pods", "-n", NAMESPACE, "-o", pods).stdout.split()) == {image},
            "all replicas are updated",
        )

    def beside(self, image: str) -> None:
        """One replica is left as it is, and one of another image stands by, as Deployment OTHER."""
        self.scale(1)
        item = self.cluster.read("deployment", NAME, NAMESPACE)
        item["metadata"] = {"name": OTHER, "namespace": NAMESPACE, "labels": item["metadata"]["labels"]}
        item["spec"]["template"]["spec"]["containers"][0]["image"] = image
        item.pop("status")
        self.cluster.apply(item)
        self.cluster.kubectl("rollout", "status", f"deployment/{OTHER}", "-n", NAMESPACE, f"--timeout={READY_SECONDS}s")

    def handed_to(self, other: bool) -> str:
        """Pods that lead are deleted until one of OTHER leads, or one that is not of it; its name."""

        def leads() -> bool:
            leader = self.leader()
            if leader.startswith(f"{OTHER}-") is other:
                return True
            self.cluster.kubectl("delete", "pod", leader, "-n", NAMESPACE, "--ignore-not-found")
            return False

        self.cluster.until(leads, "it leads", seconds=90)
        return self.leader()

    def configure(self, **settings: str) -> None:
        """Give it other settings, one replica after the other."""
        given = [f"{name}={value}" for name, value in settings.items()]
        self.cluster.kubectl("set", "env", f"deployment/{NAME}", "-n", NAMESPACE, *given)
        self.wait_ready()

    def scale(self, replicas: int) -> None:
        """Take it away (0) or bring it back (1)."""
        self.cluster.kubectl("scale", f"deployment/{NAME}", "-n", NAMESPACE, f"--replicas={replicas}")
        if replicas:
            self.wait_ready()
        else:
            self.cluster.until(lambda: not self.pids(), "the operator is gone", seconds=40)

    def log(self) -> str:
        """Everything its pods wrote so far."""
        return self.cluster.operator_log()

    def granted(self) -> set[tuple[str, str, str]]:
        """(API group, resource, verb) of all roles in deploy/."""
        roles = yaml.safe_load_all((Path(ROOT) / "deploy/base/rbac.yaml").read_text())
        rules = [rule for role in roles if role and "rules" in role for rule in role["rules"]]
        return {(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}

    def used(self) -> set[tuple[str, str, str]]:
        """(API group, resource, verb) of the requests it has made so far."""
        used = set()
        for entry in self.cluster.audit(USER):
            ref = entry.get("objectRef")
            if ref and ref.get("resource"):
                name = ref["resource"] + (f"/{ref['subresource']}" if ref.get("subresource") else "")
                used.add((ref.get("apiGroup", ""), name, entry["verb"]))
        return used

    def strayed(self) -> set[str]:
        """Namespaces in which it wrote something without a HotfixRollout being there."""
        written: dict[str, set[str]] = {}
        for entry in self.cluster.audit(USER):
            ref = entry.get("objectRef") or {}
            if entry["verb"] not in ("get", "list", "watch") and ref.get("resource") and entry["responseStatus"]["code"] < 300:
                written.setdefault(ref.get("namespace", ""), set()).add(ref["resource"])
        return {name for name, kinds in written.items() if "hotfixrollouts" not in kinds and kinds != {"leases"}}

    def refused(self) -> list[str]:
        """Requests that the API server answered with 401 or 403, other than because their namespace is going."""
        answers = ((entry.get("objectRef"), entry["responseStatus"]) for entry in self.cluster.audit(USER))
        return [
            json.dumps(where)
            for where, answer in answers
            if answer["code"] in (401, 403) and "being terminated" not in answer.get("message", "")
        ]


def _deployment(items: Iterable[Any]) -> dict[str, Any]:
    (found,) = (item for item in items if item and item["kind"] == "Deployment")
    return dict(found)


def _environment(deployment: dict[str, Any]) -> set[str]:
    """Names of what its container is given."""
    return {entry["name"] for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}


def _established(cluster: Provider) -> bool:
    """Right after it is made the CRD has no conditions at all, which `kubectl wait` takes for an error."""
    crd = json.loads(cluster.kubectl("get", "crd", "hotfixrollouts.hotfix-operator.dev", "-o", "json").stdout)
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)
