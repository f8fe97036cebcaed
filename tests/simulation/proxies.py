"""Requests of a simulation: they flow by the weights that the proxies have, which are those of the route a moment ago, and are
lost where a proxy still sends them to pods that have ended.
"""

from typing import Any

from tests.reconcile.shop import ERRORS, NAMESPACE, RATE, Requests, share_of_rule

LAG_SECONDS = 1.0  # from the route to the proxies; the operator waits for the ack and a second more


class ProxiedRequests(Requests):
    """Counts by what proxies do. `lost`: requests that were sent to a side whose pods had been ended."""

    def __init__(self, api: Any) -> None:
        super().__init__(api)
        self.lost = 0.0
        self._served = self._seen = self._rules()
        self._lag = 0.0

    def _rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.peek("HTTPRoute", NAMESPACE, "checkout")["spec"]["rules"]
        return found

    def flow(self, seconds: float) -> None:
        """Requests of so many seconds: by the old weights until the proxies have the new ones."""
        rules = self._rules()
        if rules != self._seen:
            self._seen, self._lag = rules, LAG_SECONDS
        old = min(self._lag, seconds)
        self._count(self._served, old)
        self._lag -= old
        if self._lag <= 0:
            self._served = self._seen
        self._count(self._served, seconds - old)

    def _count(self, rules: list[dict[str, Any]], seconds: float) -> None:
        for name, count in self.counts.items():
            requests = RATE * seconds * sum(share_of_rule(rule, name) for rule in rules) / len(rules)
            if requests <= 0:
                continue
            deployment = self.api.peek("Deployment", NAMESPACE, name)
            if deployment["spec"]["replicas"] == 0:
                self.lost += requests
            ready = (deployment.get("status") or {}).get("readyReplicas", 0)
            image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            count[0] += requests
            count[1] += requests * (ERRORS[image] if ready else 1.0)

    def restart(self) -> None:
        """The proxy counts from zero again."""
        for count in self.counts.values():
            count[:] = [0.0, 0.0]
