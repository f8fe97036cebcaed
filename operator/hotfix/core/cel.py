"""Rules that the API server checks when a manifest is applied, in CEL, each with the sentence that says what to do. Data only.

They are here and not in the models because CEL is not Python: core/spec.py checks what it can on its own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`expression` must be true of `self`."""

    expression: str
    message: str


def _immutable(name: str) -> Rule:
    return Rule("self == oldSelf", f"spec.{name} is immutable; delete this HotfixRollout and create another one")


_POSITIVE_SHARE = Rule(
    "double(self.replace('%', '')) > 0.0 && double(self.replace('%', '')) <= 100.0", "a share is above 0% and at most 100%"
)
_POSITIVE_TIME = Rule("duration(self) > duration('0s')", "this time must be above 0s")
_AT_MOST_A_DAY = Rule("duration(self) <= duration('24h')", "at most 24h")
_NO_RATE = Rule(
    "!self.matches('(rate|irate|increase|delta|idelta)[ ]*[(]')",
    "give the raw counter, without rate() or increase(); the operator takes the differences itself",
)
_KNOWN_VARIABLES = Rule(
    r"!self.replace('$(namespace)', '').replace('$(deployment)', '').replace('$(service)', '').replace('$(port)', '')"
    r".replace('$(pods)', '').contains('$(')",
    "known variables are $(namespace), $(deployment), $(service), $(port) and $(pods)",
)

MODEL_RULES: dict[str, tuple[Rule, ...]] = {
    "Spec": (
        Rule("self.patched.deployment != self.stable.deployment", "patched.deployment must be another Deployment than stable's"),
        Rule(
            "(has(self.patched.service) ? self.patched.service : self.patched.deployment) != "
            "(has(self.stable.service) ? self.stable.service : self.stable.deployment)",
            "patched needs a Service of its own: set patched.service to another one than stable's",
        ),
    ),
    "Metrics": (
        Rule("has(self.requests) == has(self.errors)", "give both metrics.requests and metrics.errors, or neither"),
        Rule("!(has(self.preset) && has(self.requests))", "give metrics.preset or own queries, not both"),
    ),
    "Risk": (
        Rule("double(self.falsePromotion.replace('%', '')) <= 20.0", "risk.falsePromotion is at most 20%"),
        Rule("double(self.falseRollback.replace('%', '')) <= 20.0", "risk.falseRollback is at most 20%"),
    ),
    "Traffic": (
        Rule(
            "!has(self.httpRoutes) || self.httpRoutes.all(r, self.httpRoutes.exists_one(o, o.name == r.name))",
            "name each HTTPRoute once",
        ),
    ),
}

FIELD_RULES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("Spec", "stable"): (_immutable("stable"),),
    ("Spec", "patched"): (_immutable("patched"),),
    ("Spec", "traffic"): (_immutable("traffic"),),
    ("Spec", "start_weight"): (
        Rule("type(self) == int ? self >= 1 && self <= 50 : self == 'Auto'", "startWeight is Auto or a number from 1 to 50"),
    ),
    ("Spec", "steps"): (
        Rule(
            "self.map(i, self.filter(j, j < i).size()) == self.map(i, self.indexOf(i)) && "
            "self.all(i, self.filter(j, j == i).size() == 1)",
            "steps must be strictly increasing, for example [1, 5, 25, 50]",
        ),
    ),
    ("HttpRoute", "rules"): (
        Rule("self.all(r, type(r) == int ? r >= 0 && r <= 15 : size(r) > 0)", "a rule is given by its name or by its index"),
    ),
    ("Metrics", "requests"): (_NO_RATE, _KNOWN_VARIABLES),
    ("Metrics", "errors"): (_NO_RATE, _KNOWN_VARIABLES),
    ("Metrics", "interval"): (
        Rule("duration(self) >= duration('1s') && duration(self) <= duration('5m')", "metrics.interval is between 1s and 5m"),
    ),
    ("Traffic", "drain"): (_AT_MOST_A_DAY,),
    ("Analysis", "max_error_rate_increase"): (_POSITIVE_SHARE,),
    ("Analysis", "max_user_impact"): (_POSITIVE_SHARE,),
    ("Analysis", "deadline"): (_POSITIVE_TIME, _AT_MOST_A_DAY),
    ("Analysis", "metrics_grace"): (_AT_MOST_A_DAY,),
    ("Analysis", "ready_grace"): (_POSITIVE_TIME, _AT_MOST_A_DAY),
    ("Analysis", "bake_time"): (_AT_MOST_A_DAY,),
    ("Risk", "false_rollback"): (_POSITIVE_SHARE,),
    ("Risk", "false_promotion"): (_POSITIVE_SHARE,),
}
