"""Rules that the API server checks when a manifest is applied, in CEL, each with the sentence that says what to do. Data only.

They are here and not in the models because CEL is not Python: core/spec.py checks what it can on its own. A rule about the
value of a string is silent when the shape of the string is wrong already, so that one mistake gives one sentence.
"""

from dataclasses import dataclass

from .quantities import DURATION_PATTERN, SHARE_PATTERN

# an offset of a whole day is a moment for CEL, and none for Python
MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"


@dataclass(frozen=True, slots=True)
class Rule:
    """`expression` must be true of `self`."""

    expression: str
    message: str


def _shape(pattern: str, message: str) -> Rule:
    return Rule(f"self.matches({_quoted(pattern)})", message)


def _given(pattern: str, expression: str, message: str) -> Rule:
    """A rule about a string whose shape is right."""
    return Rule(f"!self.matches({_quoted(pattern)}) || {expression}", message)


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("\\", "\\\\") + "'"


def _immutable(name: str) -> Rule:
    return Rule("self == oldSelf", f"spec.{name} is immutable; delete this HotfixRollout and create another one")


def _told(field: str) -> str:
    """Somebody wrote something there: who looks at it afterwards has nothing from blanks."""
    return f"has(self.incident.{field}) && self.incident.{field}.trim() != ''"


def _share(most: int) -> tuple[Rule, ...]:
    value = "double(self.replace('%', ''))"
    return (
        _shape(SHARE_PATTERN, "give a share of requests such as 0.5% (a string, at most four decimals)"),
        _given(SHARE_PATTERN, f"({value} > 0.0 && {value} <= {most}.0)", f"give a share above 0% and at most {most}%"),
    )


def _time(least: str, most: str) -> tuple[Rule, ...]:
    within = f"(duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"
    return (
        _shape(DURATION_PATTERN, "give a time such as 30s, 5m or 1h30m"),
        _given(DURATION_PATTERN, within, f"give a time from {least} to {most}"),
    )


_MOMENT = (
    _shape(MOMENT_PATTERN, "give an RFC 3339 moment with its time zone, for example 2030-01-31T17:00:00Z"),
    _given(MOMENT_PATTERN, "timestamp(self) > timestamp('1970-01-01T00:00:00Z')", "give a moment after 1970 that exists"),
)
_OBJECT_NAME = _shape("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "give the name of an object: lower-case letters, digits, '-' and '.'")
_SERVICE_NAME = _shape("^[a-z]([-a-z0-9]*[a-z0-9])?$", "give the name of a Service: lower-case letters, digits and '-'")
_COUNTER = (
    Rule(
        "!self.matches('(^|[^a-zA-Z0-9_:])(rate|irate|increase|delta|idelta|deriv)[[:space:]]*[(]')",
        "give the raw counter, without rate() or increase(); the operator takes the differences itself",
    ),
    Rule(
        "!self.replace('$(namespace)', '').replace('$(deployment)', '').replace('$(service)', '').replace('$(port)', '')"
        ".replace('$(pods)', '').contains('$(')",
        "use only the variables $(namespace), $(deployment), $(service), $(port) and $(pods)",
    ),
)

_THRESHOLD = (
    Rule(
        f"self == 'Auto' || self.matches({_quoted(DURATION_PATTERN)})",
        "give Auto or a time such as 500ms or 2s",
    ),
    Rule(
        f"!self.matches({_quoted(DURATION_PATTERN)}) || (duration(self) >= duration('1ms') && duration(self) <= duration('5m'))",
        "give a time from 1ms to 5m",
    ),
)

MODEL_RULES: dict[str, tuple[Rule, ...]] = {
    "Spec": (
        Rule(
            "self.patched.deployment != self.stable.deployment",
            "patched.deployment must be another Deployment than stable's; `kubectl hotfix init` makes a copy of it",
        ),
        Rule(
            "(has(self.patched.service) ? self.patched.service : self.patched.deployment) != "
            "(has(self.stable.service) ? self.stable.service : self.stable.deployment)",
            "patched needs a Service of its own: set patched.service to another one than stable's",
        ),
        Rule(
            f"self.urgency != 'BreakGlass' || (has(self.incident) && {_told('reference')} && {_told('reason')})",
            "urgency BreakGlass needs incident.reference and incident.reason: it is looked at afterwards",
        ),
        Rule(
            f"self.control != 'None' || (has(self.incident) && {_told('reference')})",
            "control None needs incident.reference: nothing stays on stable to compare with",
        ),
    ),
    "Metrics": (
        Rule("has(self.requests) == has(self.errors)", "give both metrics.requests and metrics.errors, or neither"),
        Rule(
            "!(has(self.preset) && (has(self.requests) || has(self.errors)))",
            "give metrics.preset or queries of your own, not both",
        ),
        Rule(
            "has(self.requests) || !(has(self.clientErrors) || has(self.slow) || has(self.started))",
            "metrics.clientErrors, .slow and .started go with metrics.requests and metrics.errors; a preset has its own",
        ),
        Rule(
            "!(has(self.requests) && has(self.errors)) || self.requests != self.errors",
            "metrics.errors must select only the failed ones of metrics.requests",
        ),
        Rule(
            "!(has(self.requests) && has(self.started)) || self.requests != self.started",
            "metrics.started must count requests when they begin, and metrics.requests when they end",
        ),
    ),
    "Fix": (
        Rule(
            f"!self.minReduction.matches({_quoted(SHARE_PATTERN)}) || "
            f"!self.expectedReduction.matches({_quoted(SHARE_PATTERN)}) || "
            "double(self.minReduction.replace('%', '')) < double(self.expectedReduction.replace('%', ''))",
            "fix.minReduction must be below fix.expectedReduction: what must be proven is less than what is hoped for",
        ),
    ),
    "Traffic": (
        Rule(
            "!has(self.httpRoutes) || self.httpRoutes.all(r, self.httpRoutes.exists_one(o, o.name == r.name))",
            "name each HTTPRoute once in traffic.httpRoutes, with all its rules",
        ),
    ),
}

FIELD_RULES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("Spec", "stable"): (_immutable("stable"),),
    ("Spec", "patched"): (_immutable("patched"),),
    ("Spec", "traffic"): (_immutable("traffic"),),
    ("Spec", "start_weight"): (
        Rule("type(self) == int ? (self >= 1 && self <= 50) : self == 'Auto'", "startWeight is Auto or a number from 1 to 50"),
    ),
    ("Spec", "steps"): (
        Rule(
            "self.isSorted() && self.all(i, self.exists_one(j, j == i))",
            "steps must be strictly increasing, for example [1, 5, 25, 50]",
        ),
    ),
    ("Spec", "expires"): _MOMENT,
    ("Stable", "deployment"): (_OBJECT_NAME,),
    ("Stable", "service"): (_SERVICE_NAME,),
    ("Patched", "deployment"): (_OBJECT_NAME,),
    ("Patched", "service"): (_SERVICE_NAME,),
    ("HttpRoute", "name"): (_OBJECT_NAME,),
    ("HttpRoute", "rules"): (
        Rule(
            "self.all(r, type(r) == int ? (r >= 0 && r <= 15) : size(string(r)) > 0)",
            "give a rule by its name or by its index from 0 to 15",
        ),
        Rule("self.all(r, self.exists_one(o, o == r))", "give each rule once"),
    ),
    ("Traffic", "drain"): _time("0s", "1h"),
    ("Metrics", "requests"): _COUNTER,
    ("Metrics", "errors"): _COUNTER,
    ("Metrics", "client_errors"): _COUNTER,
    ("Metrics", "slow"): _COUNTER,
    ("Metrics", "started"): _COUNTER,
    ("Fix", "errors"): _COUNTER,
    ("Fix", "min_reduction"): _share(100),
    ("Fix", "expected_reduction"): _share(100),
    ("Latency", "threshold"): _THRESHOLD,
    ("Latency", "max_slow_request_increase"): _share(100),
    ("Metrics", "interval"): _time("1s", "5m"),
    ("Analysis", "max_error_rate_increase"): _share(100),
    ("Analysis", "max_user_impact"): _share(100),
    ("Analysis", "deadline"): _time("1s", "24h"),
    ("Analysis", "metrics_grace"): _time("0s", "24h"),
    ("Analysis", "ready_grace"): _time("1s", "24h"),
    ("Analysis", "bake_time"): _time("0s", "24h"),
    ("Risk", "false_rollback"): _share(20),
    ("Risk", "false_promotion"): _share(20),
    ("Incident", "url"): (
        Rule(
            "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",
            "give a whole address that begins with http:// or https://",
        ),
    ),
    ("Incident", "detected_at"): _MOMENT,
}
