"""What `kubectl hotfix handover` prints, from two pod specs."""

import json

import pytest
import yaml

from hotfix.cli import handing_over
from hotfix.core.changes import changed_containers
from hotfix.core.handover import handover
from hotfix.errors import Refused

STABLE = {
    "containers": [
        {"name": "app", "image": "shop/checkout:1.4.1", "env": [{"name": "OLD", "value": "1"}, {"name": "KEPT", "value": "2"}]},
        {"name": "side", "image": "envoy:1"},
    ]
}
FIXED = {
    "containers": [
        {"name": "app", "image": "shop/checkout:1.4.2", "env": [{"name": "KEPT", "value": "2"}, {"name": "SAFE", "value": "on"}]},
        {"name": "side", "image": "envoy:1"},
    ]
}


def shown(before: dict, after: dict, output: str | None = None) -> str:  # type: ignore[type-arg]
    return handing_over.show(handover("shop", "checkout", before, after), changed_containers(before, after), output)


def test_text_can_be_pasted_part_by_part() -> None:
    text = shown(STABLE, FIXED)
    parts = {part.splitlines()[0]: "\n".join(part.splitlines()[1:]) for part in text.split("\n\n")}
    assert yaml.safe_load(parts["# kustomization.yaml"]) == {"images": [{"name": "shop/checkout", "newTag": "1.4.2"}]}
    patch = yaml.safe_load(parts["# a strategic merge patch, for what differs besides images"])
    assert patch["spec"]["template"]["spec"]["containers"] == [
        {"name": "app", "env": [{"name": "SAFE", "value": "on"}, {"name": "OLD", "$patch": "delete"}]}
    ]
    assert "kubectl -n shop set image deployment/checkout app=shop/checkout:1.4.2" in text


def test_what_is_not_of_a_container_is_named() -> None:
    text = shown(STABLE, {**STABLE, "hostNetwork": True})
    assert "by hand, as in the patched Deployment: hostNetwork" in text


def test_a_field_that_is_gone_is_taken_away() -> None:
    before = {"containers": [{"name": "app", "image": "a", "command": ["x"]}]}
    assert changed_containers(before, {"containers": [{"name": "app", "image": "a"}]}) == [{"name": "app", "command": None}]


def test_lists_that_merge_by_something_else_than_a_name_are_replaced_as_a_whole() -> None:
    mounts = [{"name": "cache", "mountPath": "/a"}, {"name": "cache", "mountPath": "/b"}]
    before = {"containers": [{"name": "app", "image": "a", "volumeMounts": mounts[:1]}]}
    found = changed_containers(before, {"containers": [{"name": "app", "image": "a", "volumeMounts": mounts}]})
    assert found == [{"name": "app", "volumeMounts": [*mounts, {"$patch": "replace"}]}]


def test_equal_sides_leave_nothing_to_hand_over() -> None:
    assert "nothing to hand over" in shown(STABLE, STABLE)


def test_as_data_it_is_json_or_yaml_and_nothing_else() -> None:
    assert json.loads(shown(STABLE, FIXED, "json")) == yaml.safe_load(shown(STABLE, FIXED, "yaml"))
    with pytest.raises(Refused, match="give json or yaml"):
        shown(STABLE, FIXED, "xml")


def test_uses_of_an_image_that_kustomize_cannot_tell_apart_are_named() -> None:
    before = {"containers": [{"name": "app", "image": "shop:1"}], "initContainers": [{"name": "setup", "image": "shop:1"}]}
    text = shown(before, {**before, "containers": [{"name": "app", "image": "shop:2"}]})
    assert "# kustomization.yaml" not in text
    assert "# kustomize cannot tell the uses of shop apart: set them in the Deployment" in text
    assert "app=shop:2" in text
