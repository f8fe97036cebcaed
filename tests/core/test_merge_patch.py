"""What is handed over makes stable's pod spec the proven one, by a merge that is written here: images as `kubectl set image` sets
them, then the strategic merge patch, then what is named to be done by hand.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.cli.handing_over import by_hand
from hotfix.core.changes import containers_patch
from hotfix.core.handover import handover

# the lists that the API server merges, and by which key of their entries
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "volumeDevices": "devicePath",
}
Spec = dict[str, Any]


def merged(of: Spec, patch: Spec, *, in_front: bool) -> Spec:
    """`in_front`: where entries go that come, as kustomize and kubectl do it."""
    result = dict(of)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(of.get(key), dict):
            result[key] = merged(of[key], value, in_front=in_front)
        elif key in KEYS and of.get(key):
            result[key] = merged_list(of[key], value, KEYS[key], in_front=in_front)
        else:
            result[key] = value
    return result


def merged_list(of: list[Spec], patch: list[Spec], key: str, *, in_front: bool) -> list[Spec]:
    if {"$patch": "replace"} in patch:
        return [entry for entry in patch if "$patch" not in entry]
    gone = {entry[key] for entry in patch if entry.get("$patch") == "delete"}
    changes = {entry[key]: entry for entry in patch if "$patch" not in entry}
    kept = [merged(entry, changes.pop(entry[key], {}), in_front=in_front) for entry in of if entry[key] not in gone]
    return [*changes.values(), *kept] if in_front else [*kept, *changes.values()]


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Spec]:
    return st.fixed_dictionaries({}, optional=fields)


FEW = st.sampled_from(["1", "2"])
REFERENCE = st.fixed_dictionaries({"name": FEW, "key": FEW})
VALUE = st.one_of(
    st.fixed_dictionaries({"value": FEW}),
    st.fixed_dictionaries({"valueFrom": optional(secretKeyRef=REFERENCE)}),
    st.fixed_dictionaries({"valueFrom": optional(configMapKeyRef=REFERENCE)}),
)
VARIABLE = st.builds(lambda name, value: {"name": name, **value}, st.sampled_from("ABC"), VALUE)
HEADERS = st.lists(st.fixed_dictionaries({"name": FEW, "value": FEW}), max_size=2)
PROBE = st.one_of(
    optional(httpGet=optional(path=FEW, port=FEW, httpHeaders=HEADERS), periodSeconds=FEW),
    optional(tcpSocket=optional(port=FEW), periodSeconds=FEW),
    optional(exec=optional(command=st.lists(FEW, max_size=2))),
)
QUANTITIES = optional(cpu=FEW, memory=FEW)
MOUNT = st.fixed_dictionaries({"name": FEW, "mountPath": FEW})
FIELDS = optional(
    env=st.lists(VARIABLE, max_size=3),
    envFrom=st.lists(optional(secretRef=optional(name=FEW)), max_size=2),
    args=st.lists(FEW, max_size=2),
    resources=optional(limits=QUANTITIES, requests=QUANTITIES),
    livenessProbe=PROBE,
    volumeMounts=st.lists(MOUNT, max_size=2, unique_by=lambda mount: mount["mountPath"]),
    ports=st.lists(optional(name=FEW).flatmap(lambda p: st.just({"containerPort": 1, **p})), max_size=1),
)
REPOSITORY = {"app": "shop", "side": "envoy", "setup": "shop", "other": "tools"}


def containers(*names: str, least: int) -> st.SearchStrategy[list[Spec]]:
    chosen = st.lists(st.sampled_from(names), min_size=least, unique=True)
    return chosen.flatmap(lambda found: st.tuples(*map(container, found)).map(list))


def container(name: str) -> st.SearchStrategy[Spec]:
    return st.builds(lambda tag, fields: {"name": name, "image": f"{REPOSITORY[name]}:{tag}", **fields}, FEW, FIELDS)


INIT = containers("setup", "other", least=1)
POD = st.builds(
    lambda main, more: {"containers": main, **more},
    containers("app", "side", least=1),
    optional(initContainers=INIT, hostNetwork=st.just(True), securityContext=optional(fsGroup=FEW, runAsUser=FEW)),
)


@pytest.mark.parametrize("in_front", [True, False], ids=["kustomize", "kubectl"])
@given(stable=POD, proven=POD)
@settings(max_examples=100, deadline=None)
def test_stable_becomes_what_was_proven(stable: Spec, proven: Spec, *, in_front: bool) -> None:
    told = handover("shop", "checkout", stable, proven)
    images = {change.container: change.after for change in told.images}
    result: Spec = {**stable}
    for kind in ("initContainers", "containers"):
        if kind in result:
            result[kind] = [{**entry, "image": images.get(entry["name"], entry["image"])} for entry in result[kind]]
    result = merged(result, containers_patch(stable, proven), in_front=in_front)
    for key in {path.partition(".")[0] for path in by_hand(told)}:
        result = {name: value for name, value in {**result, key: proven.get(key)}.items() if value is not None}
    assert result == proven
