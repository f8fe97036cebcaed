"""Every reason the operator gives, once: the word that stands in conditions and events, and the sentence behind it.

Docs list this table; a responder can search for the word. Numbers and names are added where a reason is used.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A CamelCase word; `sentence` says what it means for a person."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> "Reason":
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member

    # before traffic moves
    HOTFIX_DETECTED = "HotfixDetected", "The rollout was seen and its references are being checked."
    TARGET_NOT_FOUND = "TargetNotFound", "Something the manifest names does not exist; create it or correct the name."
    ROUTE_AMBIGUOUS = "RouteAmbiguous", "No route, or several, name stable's Service; name one in spec.traffic.httpRoutes."
    ROUTE_UNFIT = "RouteUnfit", "The route cannot be shifted as it is."
    ROUTE_REJECTED = "RouteRejected", "The route's controller does not accept it."
    ROUTE_PENDING = "RoutePending", "The route's controllers have not said yet that they accept it; this waits."
    ROUTE_BUSY = "RouteBusy", "Another rollout uses the same route or stable; this one waits."
    METRICS_UNKNOWN = "MetricsUnknown", "No metrics preset fits the route's controller; set spec.metrics.preset or own queries."
    METRICS_MISSING = "MetricsMissing", "Prometheus has no request counter for stable; patched could not be judged."
    INVALID_QUERY = "InvalidQuery", "Prometheus refuses the query; correct it."
    INVALID_SPEC = "InvalidSpec", "The manifest is not valid; correct the field that is named."
    INVALID_STATUS = (
        "InvalidStatus",
        "The stored status cannot be read; restore it (kubectl edit --subresource=status), or release.",
    )
    MEMORY_LOST = "MemoryLost", "The status was taken away while traffic was shifted; nothing is written until a release."
    FORBIDDEN = "Forbidden", "The operator lacks a right; grant it (deploy/ has the exact rules)."
    SERVICE_SELECTS_BOTH_SIDES = "ServiceSelectsBothSides", "A Service selects pods of both sides; weights would mean nothing."
    SELECTORS_OVERLAP = "SelectorsOverlap", "One Deployment's selector matches the other's pods."
    NOTHING_TO_PROMOTE = "NothingToPromote", "Both Deployments have the same pod spec; there is no fix to ship."
    STABLE_MOVED = "StableMoved", "Stable runs another image than this hotfix was made for, or has a newer fix."
    LATENCY_UNKNOWN = "LatencyUnknown", "A latency threshold was given, and there is no histogram to judge it by."
    DECISION_LATER_THAN_DEADLINE = "DecisionLaterThanDeadline", "With this traffic the deadline is expected to pass undecided."
    TARGET_ERRORS_TOO_RARE = (
        "TargetErrorsTooRare",
        "The errors in spec.fix are too rare on stable to prove before the deadline that they fell; set fix.required to false, "
        "or a longer deadline.",
    )
    METRICS_BLIND_TO_GRPC = (
        "MetricsBlindToGrpc",
        "gRPC errors are not in HTTP status codes; give own queries.",
    )
    MANAGED_BY_GITOPS = (
        "ManagedByGitOps",
        "Git would undo the promotion that was asked for; refused before traffic moves, held where that is seen later.",
    )
    PATCHED_ALREADY_SERVES = "PatchedAlreadyServes", "Patched has a weight above 0 already; set it to 0 first."
    FAILED_BEFORE = "FailedBefore", "This very patch was rolled back before; change it, or ask for it with retry --same."
    EXPIRED = "Expired", "The rollout was not started before spec.expires."
    PATCHED_READY = "PatchedReady", "Patched has the ready pods it needs."
    PATCHED_NEVER_READY = "PatchedNeverReady", "Patched's pods did not become ready in time."
    # moving
    PROGRESSING = "Progressing", "The rollout goes on by itself."
    TRAFFIC_SHIFTED = "TrafficShifted", "The weight of patched was changed."
    BREAK_GLASS = "BreakGlass", "Evidence was not waited for, as urgency asks; acknowledge it afterwards."
    EVIDENCE_SUFFICIENT = "EvidenceSufficient", "Patched is proven not to be worse than stable."
    PROMOTING = "Promoting", "The fix is moved into stable."
    AWAITING_GIT = "AwaitingGit", "Patched serves everything; git is to give stable the same."
    SERVING_PATCHED = "ServingPatched", "The hotfix serves all traffic, from the patched Deployment."
    PROMOTED = "Promoted", "The hotfix serves all traffic."
    IN_PROGRESS = "InProgress", "How it ends is still open."
    FIX_REVERTED = "FixReverted", "After the promotion stable got the broken version again; nothing is done about it."
    # held
    HELD = "Held", "It stands still; the condition Reconciling has the reason."
    PAUSED = "Paused", "Frozen by spec.paused or by a request; rollback rules stay armed."
    RESUMED = "Resumed", "No longer paused."
    NO_TRAFFIC = "NoTraffic", "There are not enough requests on both sides to judge."
    METRICS_UNAVAILABLE = "MetricsUnavailable", "Prometheus gives no usable answer; the weight is not raised."
    CLUSTER_UNAVAILABLE = "ClusterUnavailable", "The API server gives no usable answer; nothing is changed."
    COUNTERS_UNFIT = "CountersUnfit", "The counters cannot be judged as they are."
    SIDES_INDISTINCT = "SidesIndistinct", "The same counters belong to both sides; select by service, deployment or pods."
    WEIGHT_NOT_EFFECTIVE = "WeightNotEffective", "The proxies do not serve the weight that the route asks for."
    WEIGHT_NOT_CONFIRMED = "WeightNotConfirmed", "The route's controllers did not confirm the weight in time."
    WEIGHTS_EDITED = "WeightsEdited", "Somebody changed the weights; they are left as they are."
    TRAFFIC_DRIFT_CORRECTED = "TrafficDriftCorrected", "A manager changed the weights; they were written again."
    TRAFFIC_CONTESTED = "TrafficContested", "A GitOps tool keeps putting its own weights back; no further step is made."
    ROUTE_MISSING = "RouteMissing", "The route or stable's backend in it is gone; nothing is recreated."
    INSUFFICIENT_CAPACITY = "InsufficientCapacity", "A side has too few ready pods for the share it would get."
    SEVERAL_VERSIONS = "SeveralVersions", "A side runs several images at once; it is not judged until one is left."
    PATCHED_CHANGED = "PatchedChanged", "Patched's pod spec changed; the evidence starts from zero at the start weight."
    STABLE_CHANGED = "StableChanged", "Stable's pod spec changed; the evidence starts from zero."
    ERROR_ALARM = "ErrorAlarm", "Patched has everything and fails more than stable ever did; a person decides."
    INCONCLUSIVE = "Inconclusive", "The deadline passed without a decision."
    BOTH_UNREADY = "BothUnready", "Neither side has ready pods; weights are left as they are."
    STABLE_LOST = "StableLost", "Stable cannot serve; all traffic is on patched until it is back."
    STABLE_BACK = "StableBack", "Stable can serve again."
    PROMOTION_FAILED = "PromotionFailed", "Stable is not good with the fix; patched keeps all traffic."
    DELETION_HELD = "DeletionHeld", "Deleting now would hurt; the finalizer waits."
    SUPERSEDING = "Superseding", "A newer rollout takes the place of an older one on the same route."
    SUPERSEDED = "Superseded", "A newer rollout took its place, and all of its traffic."
    # back
    ROLLING_BACK = "RollingBack", "All traffic goes back to stable."
    ROLLED_BACK = "RolledBack", "All traffic is on stable."
    PATCHED_WORSE = "PatchedWorse", "Patched is proven to fail more requests than stable."
    NOT_FIXED = "NotFixed", "The errors the hotfix is for are proven not to have fallen as they should."
    CLIENT_ERRORS = "ClientErrors", "Patched is proven to refuse more requests (4xx) than stable; Off when that is the fix."
    SLOW = "Slow", "Patched is proven to answer more requests slowly than stable."
    PATCHED_LOST = "PatchedLost", "Patched's pods cannot serve."
    PATCHED_NOT_ANSWERING = "PatchedNotAnswering", "Patched takes requests but does not finish them."
    PATCHED_SCALED_TO_ZERO = "PatchedScaledToZero", "Somebody scaled patched to 0."
    BLIND_TOO_LONG = "BlindTooLong", "Metrics were unavailable for longer than spec.analysis.metricsGrace."
    DEADLINE = "Deadline", "The deadline passed and spec.analysis.onDeadline says what to do."
    DELETED = "Deleted", "The object was deleted."
    REQUESTED = "Requested", "A person asked for it."
    REQUEST_REFUSED = "RequestRefused", "What a person asked for cannot be done now."
    RELEASED = "Released", "A person released it: everything goes back to stable, whatever was being done."


GOOD_NEWS = frozenset(
    {
        Reason.HOTFIX_DETECTED,
        Reason.PATCHED_READY,
        Reason.TRAFFIC_SHIFTED,
        Reason.EVIDENCE_SUFFICIENT,
        Reason.PROMOTING,
        Reason.AWAITING_GIT,
        Reason.SERVING_PATCHED,
        Reason.PROMOTED,
        Reason.PAUSED,
        Reason.RESUMED,
        Reason.REQUESTED,
        Reason.STABLE_BACK,
        Reason.SUPERSEDING,
        Reason.SUPERSEDED,
        Reason.DELETED,
        Reason.PROGRESSING,
        Reason.IN_PROGRESS,
    }
)

# weights are not written while held for one of these
FREEZING = frozenset({Reason.WEIGHTS_EDITED, Reason.ROUTE_MISSING, Reason.SUPERSEDING})

# before traffic moves: nothing of it serves, and it does not start until a person has put something right
UNFIT_TO_START = frozenset(
    {
        Reason.PAUSED,
        Reason.EXPIRED,
        Reason.TARGET_NOT_FOUND,
        Reason.ROUTE_AMBIGUOUS,
        Reason.ROUTE_UNFIT,
        Reason.ROUTE_REJECTED,
        Reason.STABLE_MOVED,
        Reason.SERVICE_SELECTS_BOTH_SIDES,
        Reason.SELECTORS_OVERLAP,
        Reason.NOTHING_TO_PROMOTE,
        Reason.MANAGED_BY_GITOPS,
        Reason.FAILED_BEFORE,
        Reason.FORBIDDEN,
        Reason.METRICS_UNKNOWN,
        Reason.METRICS_MISSING,
        Reason.METRICS_BLIND_TO_GRPC,
        Reason.INVALID_QUERY,
        Reason.COUNTERS_UNFIT,
        Reason.SIDES_INDISTINCT,
        Reason.LATENCY_UNKNOWN,
    }
)


def named(word: str, otherwise: Reason) -> Reason:
    """The reason with this word, else `otherwise`."""
    return next((reason for reason in Reason if reason.value == word), otherwise)
