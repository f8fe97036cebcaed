"""Manifests of HotfixRollouts: the shortest good one, a full one, and a table of bad ones with what is said about each."""

import copy
from dataclasses import dataclass
from typing import Any

GONE = object()


def shortest() -> dict[str, Any]:
    """The six-line manifest."""
    return {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": "checkout-inc-4711", "namespace": "default"},
        "spec": {
            "stable": {"deployment": "checkout", "image": "registry.example/checkout:1.4.1"},
            "patched": {"deployment": "checkout-hotfix"},
        },
    }


def full() -> dict[str, Any]:
    """Every field, with a value that is not its default."""
    manifest = shortest()
    manifest["metadata"]["name"] = "checkout-full"
    manifest["spec"] = {
        "stable": {"deployment": "checkout", "service": "checkout-web", "image": "registry.example/checkout@sha256:" + "0" * 64},
        "patched": {"deployment": "checkout-hotfix", "service": "checkout-new", "replicas": "Own", "afterRollback": "Keep"},
        "traffic": {"httpRoutes": [{"name": "checkout", "rules": [0, "api"]}, {"name": "shop"}], "drain": "1m30s"},
        "metrics": {
            "requests": 'http_requests_total{namespace="$(namespace)", pod=~"$(pods)", service="$(service)", port="$(port)"}',
            "errors": 'http_requests_total{code=~"5..", deployment="$(deployment)"}',
            "clientErrors": 'http_requests_total{code=~"4..", deployment="$(deployment)"}',
            "slow": 'http_slow_requests_total{deployment="$(deployment)"}',
            "started": 'http_requests_started_total{deployment="$(deployment)"}',
            "interval": "10s",
        },
        "startWeight": 2,
        "steps": [2, 10, 50],
        "analysis": {
            "maxErrorRateIncrease": "0.25%",
            "maxUserImpact": "100%",
            "clientErrors": "Off",
            "latency": {"threshold": "750ms", "maxSlowRequestIncrease": "5%"},
            "risk": {"falseRollback": "0.1%", "falsePromotion": "20%"},
            "deadline": "24h",
            "onDeadline": "Promote",
            "metricsGrace": "0s",
            "onMetricsUnavailable": "Rollback",
            "readyGrace": "90s",
            "bakeTime": "500ms",
        },
        "fix": {
            "errors": 'http_requests_total{code="500", path="/pay", deployment="$(deployment)"}',
            "minReduction": "60%",
            "expectedReduction": "95%",
            "required": False,
        },
        **{"promotion": {"mode": "KeepPatched"}, "urgency": "BreakGlass", "control": "None"},
        "incident": {
            "reference": "INC-4711",
            "reason": "Payments fail for cards without a CVC",
            "url": "https://status.example/incidents/4711?view=full",
            "severity": "SEV1",
            "detectedAt": "2030-01-31T17:00:00.5+01:00",
        },
        "expires": "2030-02-01T00:00:00Z",
        "paused": True,
    }
    return manifest


@dataclass(frozen=True)
class Bad:
    """One mistake: where, what is written there, and what must be said. `in_models`: core/spec.py refuses it by itself too."""

    where: str
    value: Any
    says: str
    in_models: bool = False

    def __str__(self) -> str:
        shown = "left out" if self.value is GONE else repr(self.value)
        return f"{self.where} {shown}"[:70]

    def manifest(self) -> dict[str, Any]:
        """The shortest manifest with this mistake."""
        manifest = shortest()
        node: dict[str, Any] = manifest
        *parents, last = self.where.split(".")
        for name in parents:
            node = node.setdefault(name, {})
        if self.value is GONE:
            del node[last]
        else:
            node[last] = copy.deepcopy(self.value)
        return manifest


RFC3339 = "give an RFC 3339 moment with its time zone, for example 2030-01-31T17:00:00Z"
A_TIME = "give a time such as 30s, 5m or 1h30m"
A_SHARE = "give a share of requests such as 0.5%"
A_COUNTER = "give the raw counter, without rate() or increase(); the operator takes the differences itself"
AN_OBJECT = "give the name of an object: lower-case letters, digits"
VARIABLES = "use only the variables $(namespace), $(deployment), $(service), $(port) and $(pods)"
INCREASING = "steps must be strictly increasing, for example [1, 5, 25, 50]"
AN_ADDRESS = "give a whole address that begins with http:// or https://"
START = "startWeight is Auto or a number from 1 to 50"

BAD = (
    # what must be there, and what must not
    Bad("spec", GONE, "spec: Required value", True),
    Bad("spec.stable", GONE, "spec.stable: Required value", True),
    Bad("spec.patched", GONE, "spec.patched: Required value", True),
    Bad("spec.stable.deployment", GONE, "spec.stable.deployment: Required value", True),
    Bad("spec.patched.deployment", GONE, "spec.patched.deployment: Required value", True),
    Bad("spec.steps_", [1], 'unknown field "spec.steps_"'),
    Bad("spec.analysis.deadlin", "1h", 'unknown field "spec.analysis.deadlin"'),
    # the two sides
    Bad("spec.stable.deployment", "", "at least 1 chars long", True),
    Bad("spec.stable.deployment", "Check_out", AN_OBJECT, True),
    Bad("spec.patched.deployment", "-hotfix", AN_OBJECT, True),
    Bad("spec.patched.deployment", "x" * 254, "may not be more than 253 bytes", True),
    Bad("spec.patched.deployment", 7, 'must be of type string: "integer"', True),
    Bad("spec.patched.deployment", "checkout", "patched.deployment must be another Deployment than stable's"),
    Bad("spec.patched.service", "checkout", "set patched.service to another one than stable's"),
    Bad("spec.stable.service", "checkout-hotfix", "set patched.service to another one than stable's"),
    Bad("spec.stable.service", "9lives", "give the name of a Service", True),
    Bad("spec.stable.image", "", "at least 1 chars long", True),
    Bad("spec.patched.replicas", 3, 'supported values: "Match", "Own"', True),
    Bad("spec.patched.replicas", "match", 'supported values: "Match", "Own"', True),
    Bad("spec.patched.afterRollback", "Delete", 'supported values: "ScaleToZero", "Keep"', True),
    # traffic
    Bad("spec.traffic.httpRoutes", [], "should have at least 1 items", True),
    Bad("spec.traffic.httpRoutes", [{"name": f"r{n}"} for n in range(9)], "must have at most 8 items", True),
    Bad("spec.traffic.httpRoutes", [{"name": "a"}, {"name": "a"}], "name each HTTPRoute once in traffic.httpRoutes"),
    Bad("spec.traffic.httpRoutes", [{"name": "Shop"}], AN_OBJECT, True),
    Bad("spec.traffic.httpRoutes", [{"rules": [0]}], "spec.traffic.httpRoutes[0].name: Required value", True),
    Bad("spec.traffic.httpRoutes", [{"name": "a", "rules": [16]}], "by its index from 0 to 15", True),
    Bad("spec.traffic.httpRoutes", [{"name": "a", "rules": [-1]}], "by its index from 0 to 15", True),
    Bad("spec.traffic.httpRoutes", [{"name": "a", "rules": [1, 1]}], "give each rule once"),
    Bad("spec.traffic.drain", "30", A_TIME, True),
    Bad("spec.traffic.drain", "61m", "give a time from 0s to 1h"),
    # metrics
    Bad("spec.metrics.preset", "prometheus", 'supported values: "contour", "istio"', True),
    Bad("spec.metrics", {"requests": "a_total"}, "give both metrics.requests and metrics.errors, or neither"),
    Bad("spec.metrics", {"errors": "a_total"}, "give both metrics.requests and metrics.errors, or neither"),
    Bad("spec.metrics", {"requests": "a", "errors": "a"}, "metrics.errors must select only the failed ones"),
    Bad(
        "spec.metrics", {"preset": "http", "requests": "a", "errors": "b"}, "give metrics.preset or queries of your own, not both"
    ),
    Bad("spec.metrics", {"requests": "rate(a[1m])", "errors": "b"}, A_COUNTER),
    Bad("spec.metrics", {"requests": "a", "errors": "sum(increase (b[5m]))"}, A_COUNTER),
    Bad("spec.metrics", {"requests": 'a{ns="$(ns)"}', "errors": "b"}, VARIABLES),
    Bad("spec.metrics", {"requests": "", "errors": "b"}, "at least 1 chars long", True),
    Bad("spec.metrics", {"requests": "a" * 4097, "errors": "b"}, "may not be more than 4096 bytes", True),
    Bad("spec.metrics", {"requests": "a", "errors": "b", "started": "increase(c[1m])"}, A_COUNTER),
    Bad("spec.metrics", {"requests": "a", "errors": "b", "started": "a"}, "metrics.started must count requests when they begin"),
    Bad("spec.metrics", {"started": "a"}, "metrics.clientErrors, .slow and .started go with metrics.requests"),
    Bad("spec.metrics", {"preset": "istio", "slow": "a"}, "metrics.clientErrors, .slow and .started go with metrics.requests"),
    Bad("spec.metrics", {"requests": "a", "errors": "b", "started": 'c{x="$(pod)"}'}, VARIABLES),
    Bad("spec.metrics.interval", "0s", "give a time from 1s to 5m"),
    Bad("spec.metrics.interval", "6m", "give a time from 1s to 5m"),
    # weights
    Bad("spec.startWeight", 0, START, True),
    Bad("spec.startWeight", 51, START, True),
    Bad("spec.startWeight", "auto", START, True),
    Bad("spec.startWeight", "5%", START, True),
    Bad("spec.steps", [], "should have at least 1 items", True),
    Bad("spec.steps", [5, 1], INCREASING),
    Bad("spec.steps", [5, 5], INCREASING),
    Bad("spec.steps", [1, 51], "should be less than or equal to 50", True),
    Bad("spec.steps", [0, 1], "should be greater than or equal to 1", True),
    Bad("spec.steps", list(range(1, 12)), "must have at most 10 items", True),
    Bad("spec.steps", [0.5], "must be of type int32", True),
    # analysis
    Bad("spec.analysis.maxErrorRateIncrease", "0%", "give a share above 0% and at most 100%", True),
    Bad("spec.analysis.maxErrorRateIncrease", "0.005", A_SHARE, True),
    Bad("spec.analysis.maxErrorRateIncrease", 0.5, 'must be of type string: "number"', True),
    Bad("spec.analysis.maxUserImpact", "101%", "give a share above 0% and at most 100%", True),
    Bad("spec.analysis.maxUserImpact", "-1%", A_SHARE, True),
    Bad("spec.analysis.risk.falsePromotion", "21%", "give a share above 0% and at most 20%"),
    Bad("spec.analysis.risk.falseRollback", "50%", "give a share above 0% and at most 20%"),
    Bad("spec.analysis.risk.falseRollback", "0%", "give a share above 0% and at most 20%", True),
    Bad("spec.analysis.deadline", "0s", "give a time from 1s to 24h"),
    Bad("spec.analysis.deadline", "24h1s", "give a time from 1s to 24h"),
    Bad("spec.analysis.deadline", "1 hour", A_TIME, True),
    Bad("spec.analysis.onDeadline", "Abort", 'supported values: "Hold", "Rollback", "Promote"', True),
    Bad("spec.analysis.onMetricsUnavailable", "Promote", 'supported values: "LastProven", "Hold", "Rollback"', True),
    Bad("spec.analysis.metricsGrace", "2d", A_TIME, True),
    Bad("spec.analysis.readyGrace", "0m", "give a time from 1s to 24h"),
    Bad("spec.analysis.bakeTime", "25h", "give a time from 0s to 24h"),
    Bad("spec.analysis.clientErrors", "Ignore", 'supported values: "Guard", "Off"', True),
    Bad("spec.analysis.latency.threshold", "fast", "give Auto or a time such as 500ms or 2s"),
    Bad("spec.analysis.latency.threshold", "0ms", "give a time from 1ms to 5m"),
    Bad("spec.analysis.latency.maxSlowRequestIncrease", "two", A_SHARE, True),
    # the fix
    Bad("spec.fix", {"minReduction": "60%"}, "spec.fix.errors: Required value", True),
    Bad("spec.fix.errors", "rate(http_errors_total[1m])", "give the raw counter, without rate() or increase()"),
    Bad("spec.fix.errors", "http_errors_total{pod=~'$(pod)'}", "use only the variables"),
    Bad("spec.fix", {"errors": "x", "minReduction": "80%", "expectedReduction": "80%"}, "fix.minReduction must be below"),
    Bad("spec.fix", {"errors": "x", "expectedReduction": "110%"}, "give a share above 0% and at most 100%", True),
    # the rest
    Bad("spec.promotion.mode", "Await", 'supported values: "Auto", "PatchStable", "AwaitGit", "KeepPatched"', True),
    Bad("spec.urgency", "Fast", 'supported values: "Standard", "Expedited", "BreakGlass"', True),
    Bad("spec.urgency", "BreakGlass", "urgency BreakGlass needs incident.reference and incident.reason"),
    Bad("spec.control", "None", "control None needs incident.reference"),
    *(
        Bad("spec", {**shortest()["spec"], **urgent, "incident": {"reference": "INC-4711", "reason": "It fails", **blank}}, says)
        for urgent, blank, says in (
            ({"urgency": "BreakGlass"}, {"reason": ""}, "urgency BreakGlass needs incident.reference and incident.reason"),
            ({"urgency": "BreakGlass"}, {"reason": " \t"}, "urgency BreakGlass needs incident.reference and incident.reason"),
            ({"urgency": "BreakGlass"}, {"reference": " "}, "urgency BreakGlass needs incident.reference and incident.reason"),
            ({"control": "None"}, {"reference": " "}, "control None needs incident.reference"),
        )
    ),
    Bad("spec.incident.reference", "x" * 65, "may not be more than 64 bytes", True),
    Bad("spec.incident.url", "javascript:alert(1)", AN_ADDRESS, True),
    Bad("spec.incident.url", "http://", AN_ADDRESS),
    Bad("spec.incident.detectedAt", "yesterday", RFC3339, True),
    Bad("spec.incident.detectedAt", "2030-01-31T17:00:00+24:00", RFC3339, True),
    Bad("spec.expires", "2030-01-31T17:00:00-10:60", RFC3339),
    Bad("spec.expires", "2030-01-31T17:00:00", RFC3339, True),
    Bad("spec.expires", "2030-02-31T17:00:00Z", "give a moment after 1970 that exists", True),
    Bad("spec.paused", "yes", 'must be of type boolean: "string"'),
)
