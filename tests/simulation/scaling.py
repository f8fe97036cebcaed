"""An HPA of others: it gives a Deployment the pods that its share of the requests needs, and takes away what are
too many.
"""

import math
from collections.abc import Callable
from typing import Any

from tests.reconcile.shop import NAMESPACE, share_of_rule

KIND = "HorizontalPodAutoscaler"
FLOOR, MOST = 1, 5
PODS = 2.4  # that all requests together need
PATIENCE_SECONDS = 20.0  # with too many pods


class Autoscaler:
    """The object and its controller. `floor`: the minReplicas that people want."""

    def __init__(self, api: Any, name: str, note: Callable[[str], None]) -> None:
        self.api, self.name, self.note, self.floor = api, name, note, FLOOR
        self.enough_since: float | None = None
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        spec = {"scaleTargetRef": target, "minReplicas": FLOOR, "maxReplicas": MOST}
        api.apply({"kind": KIND, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})

    @property
    def minimum(self) -> int:
        """As it is stored: the operator may have raised it for a while."""
        return int(self.api.peek(KIND, NAMESPACE, self.name)["spec"]["minReplicas"])

    def step(self, now: float) -> bool:
        """Another number of pods, where that is due."""
        present = self.api.peek("Deployment", NAMESPACE, self.name)["spec"]["replicas"]
        rules = self.api.peek("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]
        share = sum(share_of_rule(rule, self.name) for rule in rules) / len(rules)
        wanted = min(MOST, max(math.ceil(PODS * share), self.minimum, 1))
        fewer = wanted < present
        self.enough_since = (self.enough_since if self.enough_since is not None else now) if fewer else None
        waits = fewer and now - (self.enough_since or now) < PATIENCE_SECONDS
        if present in (0, wanted) or waits:  # one leaves alone what somebody scaled to 0
            return False
        self.note(f"-- an HPA scales {self.name} from {present} to {wanted}")
        operation = {"op": "replace", "path": "/spec/replicas", "value": wanted}
        self.api.edit("Deployment", NAMESPACE, self.name, [operation], "kube-controller-manager")
        return True

    def raised(self, pods: int) -> bool:
        """A person raises minReplicas."""
        if self.minimum >= pods:
            return False
        self.floor = pods
        self.api.edit(KIND, NAMESPACE, self.name, [{"op": "replace", "path": "/spec/minReplicas", "value": pods}])
        return True
