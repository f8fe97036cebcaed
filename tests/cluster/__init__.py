"""The embedded cluster: real Kubernetes, Envoy, Contour and Prometheus as plain processes in a network namespace of their own.

`Cluster` is what tests and the demo use; only the kubelet is imitated (node.py).
"""

from .cluster import Cluster
from .load import Load

__all__ = ["Cluster", "Load"]
