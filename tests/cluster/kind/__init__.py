"""A cluster in Docker containers, by kind: real kubelets, real containers, and the operator exactly as it is shipped."""

from .cluster import Kind

__all__ = ["Kind"]
