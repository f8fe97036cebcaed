"""The control plane, the data plane and Prometheus: how each is started and how one knows that it serves.

All addresses are inside the cluster's own network namespace, so they are the same for every cluster.
"""

import json
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

API = "https://127.0.0.1:6443"
API_PORT, GATEWAY_PORT, PROMETHEUS_PORT, XDS_PORT, RELAY_PORT = 6443, 15080, 9090, 8001, 8000
LISTENER_PORT = 7080  # Envoy listens 8000 above
ADMIN_TOKEN = "cluster-admin"  # noqa: S105 - of a cluster that only its own namespace can reach
PROMETHEUS_URL = f"http://10.244.254.2:{PROMETHEUS_PORT}"
CONTROLLERS = (
    "deployment-controller,replicaset-controller,endpointslice-controller,garbage-collector-controller,namespace-controller,"
    "serviceaccount-controller,horizontal-pod-autoscaler-controller,root-ca-certificate-publisher-controller,"
    "clusterrole-aggregation-controller"
)


@dataclass(frozen=True)
class Component:
    """One process. `ready` is a URL that answers 200, a host:port that accepts, or empty."""

    name: str
    argv: list[str]
    ready: str = ""


def components(home: Path, binaries: Path, *, relay_seconds: float) -> list[Component]:
    """Everything that runs besides pods, in the order in which it is started."""
    hyper, config = str(binaries / "hyperkube"), f"--kubeconfig={home / 'inside.kubeconfig'}"
    relay = [
        sys.executable,
        "-I",
        "-S",
        str(Path(__file__).parent / "relay.py"),
        str(RELAY_PORT),
        str(XDS_PORT),
        str(relay_seconds),
    ]
    return [
        Component("etcd", [hyper, "etcd", *_etcd(home)], "http://127.0.0.1:2379/health"),
        Component("apiserver", [hyper, "kube-apiserver", *_apiserver(home)], f"{API}/readyz"),
        Component(
            "controller-manager",
            [
                hyper,
                "kube-controller-manager",
                config,
                "--leader-elect=false",
                f"--service-account-private-key-file={home / 'sa.key'}",
                f"--root-ca-file={home / 'certs' / 'apiserver.crt'}",
                f"--controllers={CONTROLLERS}",
                "--secure-port=0",
                "--concurrent-deployment-syncs=5",
            ],
        ),
        Component("scheduler", [hyper, "kube-scheduler", config, "--leader-elect=false", "--secure-port=0"]),
        Component("relay", relay, f"127.0.0.1:{RELAY_PORT}"),
        # It listens for Envoy only when it knows the whole cluster, which is later than it says that it is healthy.
        Component("contour", [str(binaries / "contour"), *_contour(home)], f"127.0.0.1:{XDS_PORT}"),
        Component("envoy", [str(Path(sys.executable).parent / "envoy"), *_envoy(home)], "http://127.0.0.1:8002/ready"),
        Component("prometheus", [str(binaries / "prometheus"), *_prometheus(home)], f"{PROMETHEUS_URL}/-/ready"),
    ]


def _etcd(home: Path) -> list[str]:
    return [
        f"--data-dir={home / 'etcd'}",
        "--unsafe-no-fsync",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--log-level=warn",
    ]


def _apiserver(home: Path) -> list[str]:
    return [
        "--etcd-servers=http://127.0.0.1:2379",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={home / 'sa.key'}",
        f"--service-account-key-file={home / 'sa.key'}",
        "--service-cluster-ip-range=10.244.255.0/24",
        f"--cert-dir={home / 'certs'}",
        f"--secure-port={API_PORT}",
        "--bind-address=127.0.0.1",
        "--advertise-address=10.244.254.1",
        "--authorization-mode=RBAC",
        f"--token-auth-file={home / 'tokens.csv'}",
        "--disable-admission-plugins=ServiceAccount",
        f"--audit-log-path={home / 'audit.log'}",
        f"--audit-policy-file={home / 'audit-policy.yaml'}",
        "--shutdown-delay-duration=0s",
    ]


def _contour(home: Path) -> list[str]:
    return [
        "serve",
        "-c",
        str(home / "contour.yaml"),
        "--kubeconfig",
        str(home / "inside.kubeconfig"),
        "--insecure",
        "--xds-address=127.0.0.1",
        f"--xds-port={XDS_PORT}",
        "--disable-leader-election",
        "--ingress-status-address=127.0.0.1",
        "--http-address=127.0.0.1",
        "--http-port=8010",
        "--health-address=127.0.0.1",
        "--health-port=8010",
        "--stats-address=127.0.0.1",
        "--stats-port=8002",
        "--disable-feature=tlsroutes",
        "--disable-feature=tcproutes",
        "--disable-feature=backendtlspolicies",
    ]


def _envoy(home: Path) -> list[str]:
    return [
        "-c",
        str(home / "envoy.json"),
        "--service-cluster",
        "projectcontour",
        "--service-node",
        "envoy",
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "-l",
        "warn",
    ]


def _prometheus(home: Path) -> list[str]:
    return [
        f"--config.file={home / 'prometheus.yaml'}",
        f"--storage.tsdb.path={home / 'prometheus'}",
        f"--web.listen-address=0.0.0.0:{PROMETHEUS_PORT}",
        "--storage.tsdb.no-lockfile",
        "--log.level=warn",
    ]


def write_configuration(home: Path, *, scrape_seconds: float) -> None:
    """The files the components read."""
    (home / "certs").mkdir(exist_ok=True)
    (home / "tokens.csv").write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")
    (home / "inside.kubeconfig").write_text(kubeconfig(API, ADMIN_TOKEN))
    (home / "audit-policy.yaml").write_text(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
        "  - level: None\n    users: [admin, 'system:apiserver']\n  - level: Request\n    verbs: [patch]\n"
        "    resources: [{group: gateway.networking.k8s.io, resources: [httproutes]}]\n  - level: Metadata\n"
    )
    (home / "contour.yaml").write_text("gateway: {gatewayRef: {namespace: projectcontour, name: contour}}\n")
    (home / "targets").mkdir(exist_ok=True)
    (home / "rules").mkdir(exist_ok=True)  # what a test puts there is read at SIGHUP
    places = {
        "envoy": "127.0.0.1:8002",
        "rules": str(home / "rules" / "*.json"),
        "pods": str(home / "targets" / "*.json"),
    }
    (home / "prometheus.yaml").write_text(json.dumps(scrapes(places, scrape_seconds)))


def scrapes(places: dict[str, str], scrape_seconds: float) -> dict[str, object]:
    """Prometheus' configuration. `places`: Envoy's address, and where files of rules and of pods are."""
    return {
        "global": {"scrape_interval": f"{scrape_seconds:g}s", "scrape_timeout": f"{scrape_seconds:g}s"},
        "rule_files": [places["rules"]],
        "scrape_configs": [
            {"job_name": "envoy", "metrics_path": "/stats/prometheus", "static_configs": [{"targets": [places["envoy"]]}]},
            {"job_name": "pods", "file_sd_configs": [{"files": [places["pods"]], "refresh_interval": "1s"}]},
        ],
    }


def unchecked() -> ssl.SSLContext:
    """For the API server, whose certificate is its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def kubeconfig(server: str, token: str) -> str:
    """A kubeconfig for one user. The API server's certificate is its own, made at start."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "embedded",
            "clusters": [{"name": "embedded", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": "user"}}],
            "users": [{"name": "user", "user": {"token": token}}],
        }
    )


GATEWAY = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "projectcontour"}},
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "contour"},
            "spec": {"controllerName": "projectcontour.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "contour", "namespace": "projectcontour"},
            "spec": {
                "gatewayClassName": "contour",
                "listeners": [
                    {"name": "http", "protocol": "HTTP", "port": LISTENER_PORT, "allowedRoutes": {"namespaces": {"from": "All"}}}
                ],
            },
        },
    ],
}
