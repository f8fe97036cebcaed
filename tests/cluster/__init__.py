"""The clusters that tests run on. The embedded one is real Kubernetes, Envoy, Contour and Prometheus as plain processes in a
network namespace of their own; only the kubelet is imitated (node.py).

`Cluster` is the embedded one, `Provider` whichever a story runs on.
"""

from .cluster import Cluster
from .load import Load
from .provider import Provider

__all__ = ["Cluster", "Load", "Provider"]
