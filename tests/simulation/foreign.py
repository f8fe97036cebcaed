"""Objects of others as the API server may have stored them: each optional field there or not, numbers and texts at their ends."""

from typing import Any

from hypothesis import strategies as st

from hotfix.adapters.routers.route_patch import LENT_UNTIL, RECONCILE, STAMP

Drawn = st.SearchStrategy[Any]
ABSENT = "absent"  # the field is not there
LARGEST = 2**31 - 1
NAMES = st.sampled_from(["checkout", "checkout-hotfix", "other"])
NUMBERS = st.sampled_from([0, 1, 2, 7, LARGEST])
TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["", "fix", "x" * 300, "\U0001f525" * 200, "fix.8c1f2e7a0000.7", "disabled"])
)
MOMENTS = st.sampled_from(["1970-01-01T00:00:00Z", "2027-01-15T08:00:30Z", "9999-12-31T23:59:59Z"])
WORDS = st.sampled_from(["", "checkout", "Helm", "a.B_c-1", "x" * 63])
LABELS = st.dictionaries(
    st.sampled_from(
        [
            "app",
            "pod-template-hash",
            "kubernetes.io/service-name",
            "app.kubernetes.io/managed-by",
            "kustomize.toolkit.fluxcd.io/name",
        ]
    ),
    WORDS,
)
MARKS = (STAMP, LENT_UNTIL, RECONCILE, "argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name", "mine")
ANNOTATIONS = st.fixed_dictionaries({}, optional=dict.fromkeys(MARKS, TEXTS))


def some(**fields: Drawn) -> Drawn:
    """An object with some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def with_(needed: dict[str, Drawn], **fields: Drawn) -> Drawn:
    """An object with the needed fields and some of the others."""
    return st.fixed_dictionaries(needed, optional=fields)


def few(one: Drawn) -> Drawn:
    """None, one or two of them."""
    return st.lists(one, max_size=2)


# ---- HTTPRoute

PARENT = with_({"name": NAMES}, namespace=NAMES, group=WORDS, kind=WORDS, sectionName=NAMES, port=NUMBERS)
WORD = with_(
    {
        "type": st.sampled_from(["Accepted", "ResolvedRefs", "Programmed"]),
        "status": st.sampled_from(["True", "False", "Unknown"]),
    },
    observedGeneration=NUMBERS,
    reason=WORDS,
    message=TEXTS,
)
BACKEND = with_(
    {"name": NAMES, "weight": st.sampled_from([0, 1, 33, 1_000_000])},
    kind=st.sampled_from(["Service", "Backend"]),
    group=st.sampled_from(["", "example.com"]),
    namespace=NAMES,
    port=NUMBERS,
    filters=few(some(type=WORDS)),
)
RULE = some(name=NAMES, backendRefs=few(BACKEND), matches=few(some(path=some(value=TEXTS))), timeouts=some(request=WORDS))
SPOKEN = with_({"parentRef": PARENT, "controllerName": WORDS}, conditions=few(WORD))

# ---- Deployment, Pod, Service, EndpointSlice, HorizontalPodAutoscaler

OWNER = with_({"kind": st.sampled_from(["ReplicaSet", "ScaledObject"]), "name": NAMES}, controller=st.booleans())
REQUIREMENT = with_({"key": WORDS, "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])}, values=few(WORDS))
SELECTOR = some(matchLabels=LABELS, matchExpressions=few(REQUIREMENT))
CONTAINER = with_(
    {"name": NAMES, "image": st.sampled_from(["sample:1.0", "x" * 300, "a@sha256:b"])}, lifecycle=some(preStop=some())
)
STATE = some(waiting=some(reason=TEXTS), running=some(startedAt=MOMENTS), terminated=some(exitCode=NUMBERS))
RAN = with_({"name": NAMES}, image=WORDS, imageID=TEXTS, restartCount=NUMBERS, state=STATE, ready=st.booleans())
READY = with_({"type": st.just("Ready"), "status": st.sampled_from(["True", "False", "Unknown"])}, lastTransitionTime=MOMENTS)
PORT = with_({"port": NUMBERS}, name=WORDS, appProtocol=TEXTS, targetPort=st.one_of(NUMBERS, WORDS))
ENDPOINT = with_(
    {"addresses": st.just(["10.0.0.1"])},
    conditions=some(ready=st.booleans(), serving=st.booleans(), terminating=st.booleans()),
    targetRef=some(kind=st.sampled_from(["Pod", "Node"]), name=NAMES),
)
TARGET = with_({"kind": st.sampled_from(["Deployment", "StatefulSet"]), "name": NAMES})
COUNTS = dict.fromkeys(("observedGeneration", "replicas", "updatedReplicas", "readyReplicas"), NUMBERS)

_META: dict[str, Drawn] = {
    "metadata.labels": LABELS,
    "metadata.annotations": ANNOTATIONS,
    "metadata.ownerReferences": few(OWNER),
    "metadata.finalizers": st.just(["example.com/holds"]),
}
FIELDS: dict[str, dict[str, Drawn]] = {
    "HTTPRoute": {
        **_META,
        "spec.parentRefs": few(PARENT),
        "spec.rules": few(RULE),
        "status": some(parents=few(SPOKEN)),
    },
    "Deployment": {
        **_META,
        "spec.replicas": NUMBERS,
        "spec.selector": SELECTOR,
        "spec.progressDeadlineSeconds": NUMBERS,
        "spec.template.metadata": some(labels=LABELS),
        "spec.template.spec": with_({"containers": st.lists(CONTAINER, min_size=1, max_size=2)}, initContainers=few(CONTAINER)),
        "status": some(**COUNTS, conditions=few(READY)),
    },
    "Pod": {
        **_META,
        "spec": some(containers=st.lists(CONTAINER, min_size=1)),
        "status": some(conditions=few(READY), containerStatuses=few(RAN), initContainerStatuses=few(RAN), phase=WORDS),
    },
    "Service": {
        **_META,
        "spec": some(selector=LABELS, ports=few(PORT), sessionAffinity=st.sampled_from(["None", "ClientIP"]), type=WORDS),
    },
    "EndpointSlice": {**_META, "endpoints": few(ENDPOINT)},
    "HorizontalPodAutoscaler": {**_META, "spec": with_({"maxReplicas": NUMBERS, "scaleTargetRef": TARGET}, minReplicas=NUMBERS)},
    "Ingress": {
        "spec": some(
            defaultBackend=some(service=some(name=NAMES), resource=some(kind=WORDS)),
            rules=few(some(host=WORDS, http=some(paths=few(some(backend=some(service=some(name=NAMES))))))),
        )
    },
    "NetworkPolicy": {"spec": some(podSelector=SELECTOR)},
    "PodDisruptionBudget": {"spec": some(selector=SELECTOR, minAvailable=st.one_of(NUMBERS, WORDS))},
    "PodMonitor": {"spec": some(selector=SELECTOR)},
}
NEEDED = {"spec.selector", "spec.template.spec", "spec"}  # fields that no object of such a kind is without


def _fields(fields: dict[str, Drawn]) -> Drawn:
    """Some of an object's fields as they become."""
    values = {path: value if path in NEEDED else st.one_of(value, value, st.just(ABSENT)) for path, value in fields.items()}
    return st.fixed_dictionaries({}, optional=values)


OF_A_KIND = {kind: st.tuples(st.just(kind), st.integers(0, 5), _fields(fields)) for kind, fields in FIELDS.items()}
# (kind, which of them, fields), which may be none: of what is written, and of two others
CHANGES = st.tuples(
    OF_A_KIND["HTTPRoute"], OF_A_KIND["Deployment"], st.one_of(*OF_A_KIND.values()), st.one_of(*OF_A_KIND.values())
)


def changed(item: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The object with the field as drawn."""
    *parents, last = path.split(".")
    inside = item
    for name in parents:
        inside = inside.setdefault(name, {})
    inside.pop(last, None)
    if value != ABSENT:
        inside[last] = value
    return item
