"""End-to-end stories on the embedded cluster, under load: real Kubernetes, Contour, Envoy, Prometheus, the real operator."""
