"""How much the operator takes and how late it is with up to 5,000 live rollouts: real objects in a real API server, pods without
processes, and a stand-in for the data plane and Prometheus. `python -m tests.bench.scale` measures."""
