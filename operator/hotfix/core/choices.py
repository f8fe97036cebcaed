"""Words that a manifest may choose from. Data only; what they mean stands at the fields of core/spec.py."""

from enum import StrEnum


class ReplicaPolicy(StrEnum):
    MATCH = "Match"
    OWN = "Own"


class AfterRollback(StrEnum):
    SCALE_TO_ZERO = "ScaleToZero"
    KEEP = "Keep"


class OnDeadline(StrEnum):
    HOLD = "Hold"
    ROLLBACK = "Rollback"
    PROMOTE = "Promote"


class OnMetricsUnavailable(StrEnum):
    LAST_PROVEN = "LastProven"
    HOLD = "Hold"
    ROLLBACK = "Rollback"


class ClientErrors(StrEnum):
    GUARD = "Guard"
    OFF = "Off"


class PromotionMode(StrEnum):
    AUTO = "Auto"
    PATCH_STABLE = "PatchStable"
    AWAIT_GIT = "AwaitGit"
    KEEP_PATCHED = "KeepPatched"


class Urgency(StrEnum):
    STANDARD = "Standard"
    EXPEDITED = "Expedited"
    BREAK_GLASS = "BreakGlass"


class Control(StrEnum):
    KEEP = "Keep"
    NONE = "None"


class Preset(StrEnum):
    CONTOUR = "contour"
    ISTIO = "istio"
    LINKERD = "linkerd"
    TRAEFIK = "traefik"
    NGINX = "nginx"
    ENVOY_GATEWAY = "envoy-gateway"  # refused with what to do instead: its counters cannot tell the sides apart
    HTTP = "http"
