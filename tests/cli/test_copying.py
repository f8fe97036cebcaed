from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.cli import labels
from hotfix.cli.copying import Change, Stable, hotfix, patched_name
from hotfix.cli.init import number
from hotfix.cli.sources import Found
from hotfix.core.labels import service_selects
from hotfix.errors import Refused

from .live import deployment, service, single

IMAGE = "registry.example/checkout:1.4.2"


def stable(item: dict[str, Any] | None = None, *services: dict[str, Any]) -> Stable:
    given = services or (service(),)
    return Stable(deployment=item or single(), service=given[0], selecting=given)


def test_the_copy_carries_no_mark_of_its_model() -> None:
    copied, backend, _ = hotfix(stable(), Change(image=IMAGE, namespace="shop"))
    assert copied["metadata"] == {
        "name": "checkout-hotfix",
        "namespace": "shop",
        "labels": {
            "app.kubernetes.io/name": "checkout-hotfix",
            "app.kubernetes.io/instance": "shop-hotfix",
            "app.kubernetes.io/version": "1.4.1",
            "team": "payments",
            "hotfix-operator.dev/side": "patched",
        },
        "annotations": {"owner": "payments@shop.example"},
    }
    assert backend["metadata"]["annotations"] == {
        "owner": "payments@shop.example",
        "projectcontour.io/upstream-protocol.h2c": "http",
    }
    assert copied.keys() == backend.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_only_the_image_and_the_variables_of_one_container_change() -> None:
    model = deployment()
    copied, _, _ = hotfix(stable(model), Change(image=IMAGE, container="app", env={"MODE": "safe", "TOKEN": "x", "NEW": "a=b"}))
    before, after = model["spec"]["template"]["spec"], copied["spec"]["template"]["spec"]
    assert after["containers"][0]["image"] == IMAGE
    assert after["containers"][0]["env"] == [
        {"name": "MODE", "value": "safe"},
        {"name": "TOKEN", "value": "x"},
        {"name": "NEW", "value": "a=b"},
    ]
    after["containers"][0] |= {"image": before["containers"][0]["image"], "env": before["containers"][0]["env"]}
    assert after == before
    assert before["containers"][0]["image"] == "registry.example/checkout:1.4.1"


def test_replicas_and_settings_are_kept_but_a_pause_is_not() -> None:
    copied, _, _ = hotfix(stable(single(paused=True, minReadySeconds=3)), Change(image=IMAGE))
    assert (copied["spec"]["replicas"], copied["spec"]["minReadySeconds"], copied["spec"]["revisionHistoryLimit"]) == (6, 3, 3)
    assert "paused" not in copied["spec"]
    assert copied["spec"]["template"]["metadata"]["annotations"] == {"checksum/config": "abc"}


def test_the_service_has_no_address_of_its_own_and_the_same_ports() -> None:
    _, backend, _ = hotfix(stable(), Change(image=IMAGE))
    assert backend["spec"] == {
        "selector": {
            "app.kubernetes.io/name": "checkout-hotfix",
            "hotfix-operator.dev/side": "patched",
            "tier": "web-hotfix",
        },
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
        "sessionAffinity": "None",
    }


def test_a_headless_service_stays_headless() -> None:
    _, backend, _ = hotfix(stable(None, service(clusterIP="None")), Change(image=IMAGE))
    assert backend["spec"]["clusterIP"] == "None"


def test_every_label_by_which_any_service_selects_stable_has_another_value() -> None:
    copied, _, _ = hotfix(stable(None, service(), service("all-web", selector={"version": "1.4.1"})), Change(image=IMAGE))
    assert copied["spec"]["template"]["metadata"]["labels"] == {
        "app.kubernetes.io/name": "checkout-hotfix",
        "app.kubernetes.io/instance": "shop-hotfix",
        "tier": "web-hotfix",
        "version": "1.4.1-hotfix",
        "hotfix-operator.dev/side": "patched",
    }


def test_the_rollout_says_what_runs_now_and_no_more_than_is_needed() -> None:
    _, _, rollout = hotfix(stable(), Change(image=IMAGE, namespace="shop"))
    assert rollout == {
        "apiVersion": "hotfix-operator.dev/v1alpha1",
        "kind": "HotfixRollout",
        "metadata": {"name": "checkout-hotfix", "namespace": "shop"},
        "spec": {
            "stable": {"deployment": "checkout", "image": "registry.example/checkout:1.4.1"},
            "patched": {"deployment": "checkout-hotfix"},
        },
    }


def test_incident_name_and_pause_are_passed_on() -> None:
    _, _, rollout = hotfix(stable(), Change(image=IMAGE, incident="INC 4711/b", paused=True))
    assert rollout["metadata"] == {"name": "checkout-inc-4711-b"}
    assert rollout["spec"]["incident"] == {"reference": "INC 4711/b"}
    assert rollout["spec"]["paused"] is True
    _, _, rollout = hotfix(stable(), Change(image=IMAGE, incident="INC-1", name="mine"))
    assert rollout["metadata"] == {"name": "mine"}


def test_services_with_other_names_are_named_in_the_rollout() -> None:
    model = single()
    model["metadata"]["name"] = "checkout.v1"
    _, backend, rollout = hotfix(stable(model, service("web")), Change(image=IMAGE))
    assert backend["metadata"]["name"] == "checkout-v1-hotfix"
    assert rollout["spec"]["stable"]["service"] == "web"
    assert rollout["spec"]["patched"] == {"deployment": "checkout.v1-hotfix", "service": "checkout-v1-hotfix"}


def test_the_container_that_kubectl_goes_by_is_changed() -> None:
    model = deployment()
    model["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] = "proxy"
    copied, _, rollout = hotfix(stable(model), Change(image="registry.example/proxy:4"))
    assert [entry["image"] for entry in copied["spec"]["template"]["spec"]["containers"]] == [
        "registry.example/checkout:1.4.1",
        "registry.example/proxy:4",
    ]
    assert rollout["spec"]["stable"]["image"] == "registry.example/proxy:3"


@pytest.mark.parametrize(
    ("model", "change", "says"),
    [
        (deployment(), Change(image=IMAGE), "has several containers; choose one of them: --container app, --container proxy"),
        (single(), Change(image=IMAGE, container="web"), "has no container web; choose one of them: --container app"),
        (single(), Change(), "give the image of the fix with --image"),
        (single(), Change(image="registry.example/checkout:1.4.1", env={"MODE": "live"}), "with these variables already"),
        (
            single(selector={"matchExpressions": [{"key": "tier", "operator": "Exists"}]}),
            Change(image=IMAGE),
            "would match the pods of any copy, whatever the values of tier; select by matchLabels",
        ),
    ],
)
def test_what_cannot_be_copied_says_what_to_do(model: dict[str, Any], change: Change, says: str) -> None:
    with pytest.raises(Refused, match=says.replace("(", "\\(")):
        hotfix(stable(model), change)


def test_a_selector_by_expressions_becomes_one_by_labels() -> None:
    model = single(selector={"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "shop"]}]})
    copied, _, _ = hotfix(stable(model), Change(image=IMAGE))
    assert copied["spec"]["selector"] == {"matchLabels": {"hotfix-operator.dev/side": "patched", "tier": "web-hotfix"}}


@pytest.mark.parametrize(
    ("value", "changed"),
    [("checkout", "checkout-hotfix"), ("", "hotfix"), ("x" * 63, "x" * 56 + "-hotfix"), ("a" * 55 + "-b", "a" * 55 + "-hotfix")],
)
def test_a_changed_value_is_a_valid_label_value(value: str, changed: str) -> None:
    assert labels.suffixed(value) == changed


def test_a_second_copy_has_labels_of_its_own() -> None:
    assert labels.suffixed("x" * 63, 12) == "x" * 53 + "-hotfix-12"
    one, two = (hotfix(stable(single()), Change(image=IMAGE, number=number))[0] for number in (1, 2))
    assert not one["spec"]["selector"]["matchLabels"].items() <= two["spec"]["template"]["metadata"]["labels"].items()
    assert not two["spec"]["selector"]["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items()


def test_the_name_of_a_long_deployment_leaves_room_for_those_of_its_pods_and_is_not_its_own() -> None:
    assert patched_name("x" * 63) == "x" * 50 + "-hotfix"
    stable = "x" * 50 + "-hotfix"
    assert number(Found(deployments=(), services=(), where="the file"), stable) == 2
    assert patched_name(stable, 2) == "x" * 48 + "-hotfix-2"


NAMES = st.sampled_from(["app", "tier", "version", "app.kubernetes.io/name", "track"])
VALUES = st.text("abz019-", max_size=63).map(lambda text: text.strip("-"))


@given(st.data(), st.dictionaries(NAMES, VALUES, min_size=1))
def test_nothing_that_selects_stable_selects_patched_and_the_reverse(data: st.DataObject, pod: dict[str, str]) -> None:
    some = st.sets(st.sampled_from(sorted(pod)), min_size=1).map(lambda keys: {key: pod[key] for key in sorted(keys)})
    model = single(selector={"matchLabels": data.draw(some)})
    model["spec"]["template"]["metadata"]["labels"] = pod
    services = [service(f"s{number}", selector=selector) for number, selector in enumerate(data.draw(st.lists(some, min_size=1)))]
    copied, backend, _ = hotfix(stable(model, *services), Change(image=IMAGE))
    patched = copied["spec"]["template"]["metadata"]["labels"]
    assert not any(service_selects(entry["spec"]["selector"], patched) for entry in services)
    assert not service_selects(model["spec"]["selector"]["matchLabels"], patched)
    assert service_selects(backend["spec"]["selector"], patched)
    assert service_selects(copied["spec"]["selector"]["matchLabels"], patched)
    assert not service_selects(backend["spec"]["selector"], pod)
    assert not service_selects(copied["spec"]["selector"]["matchLabels"], pod)
    assert all(len(value) <= 63 and value.strip("-_.") == value for value in patched.values())
