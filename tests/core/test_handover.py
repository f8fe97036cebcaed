"""What git is to say so that stable gets what was proven, from two pod specs."""

import pytest
import yaml

from hotfix.core import changes, handover
from hotfix.core.status import HandedOver

PROVEN = "sha256:" + "a" * 64


def specs(**images: str) -> dict[str, object]:
    return {"containers": [{"name": name.replace("_", "-"), "image": image} for name, image in images.items()]}


def test_the_handover_names_images_for_kustomize_helm_and_kubectl() -> None:
    stable = specs(app="registry.example:5000/shop/checkout:1.4.1", side_car="envoy:1")
    told = handover.handover(
        "shop", "checkout", stable, specs(app="registry.example:5000/shop/checkout:1.4.2", side_car="envoy:1")
    )
    assert told.kubectl == "kubectl -n shop set image deployment/checkout app=registry.example:5000/shop/checkout:1.4.2"
    assert told.kustomize == [{"name": "registry.example:5000/shop/checkout", "newTag": "1.4.2"}]
    assert told.helm == ["app: repository registry.example:5000/shop/checkout, tag 1.4.2"]
    assert told.paths == ()
    assert told.sentence == ("In git, give Deployment checkout the images app=registry.example:5000/shop/checkout:1.4.2.")


def test_another_registry_and_a_digest_are_handed_over_too() -> None:
    told = handover.handover("shop", "checkout", specs(app="one/checkout"), specs(app=f"two/checkout@{PROVEN}"))
    assert told.kustomize == [{"name": "one/checkout", "newName": "two/checkout", "digest": PROVEN}]
    assert told.helm == [f"app: repository two/checkout, digest {PROVEN}"]


def test_an_image_that_is_known_by_its_name_alone_is_handed_over_by_its_name_alone() -> None:
    told = handover.handover("shop", "checkout", specs(app="one/checkout"), specs(app="two:5000/checkout"))
    assert told.kustomize == [{"name": "one/checkout", "newName": "two:5000/checkout", "newTag": "latest"}]
    assert told.helm == ["app: repository two:5000/checkout"]


def test_a_tag_that_goes_is_not_kept_by_kustomize() -> None:
    told = handover.handover("shop", "checkout", specs(app="one/checkout:1"), specs(app="one/checkout"))
    assert told.kustomize == [{"name": "one/checkout", "newTag": "latest"}]


def test_an_image_that_several_containers_use_is_told_once_where_all_get_the_same() -> None:
    told = handover.handover("shop", "checkout", specs(app="shop:1", setup="shop:1"), specs(app="shop:2", setup="shop:2"))
    assert told.kustomize == [{"name": "shop", "newTag": "2"}]
    assert told.apart == frozenset()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"app": "shop:1", "setup": "shop:1", "side": "envoy:1"}, {"app": "shop:2", "setup": "shop:1", "side": "envoy:2"}),
        ({"app": "shop:1", "setup": "shop:0", "side": "envoy:1"}, {"app": "shop:2", "setup": "shop:3", "side": "envoy:2"}),
    ],
)
def test_an_image_that_becomes_several_things_is_not_told_by_its_name(before: dict[str, str], after: dict[str, str]) -> None:
    told = handover.handover("shop", "checkout", specs(**before), specs(**after))
    assert told.kustomize == [{"name": "envoy", "newTag": "2"}]
    assert told.apart == {"shop"}
    assert "app=shop:2" in told.sentence


def test_what_differs_besides_images_is_handed_over_by_its_path() -> None:
    fixed = {"containers": [{"name": "app", "image": "checkout:1", "env": [{"name": "SAFE", "value": "1"}]}]}
    told = handover.handover("shop", "checkout", specs(app="checkout:1"), fixed)
    assert (told.kubectl, told.kustomize, told.paths) == (None, [], ("containers.app.env",))
    assert told.sentence == "In git, give Deployment checkout the containers.app.env as in the patched Deployment."


def test_it_is_kept_ready_to_be_pasted() -> None:
    told = handover.handover(
        "shop", "checkout", specs(app="one/checkout:1.3", side="envoy:1"), specs(app="one/checkout:1.4", side="x:2")
    )
    kept = told.ready_made
    assert kept is not None
    assert str(kept) == told.sentence
    assert kept.kustomize is not None
    assert "\n" not in kept.kustomize
    assert yaml.safe_load(kept.kustomize) == {"images": told.kustomize}, "1.4 is text"
    assert kept.helm == "app: repository one/checkout, tag 1.4; side: repository x, tag 2"
    assert kept.kubectl == told.kubectl
    same = handover.handover("shop", "checkout", specs(app="a"), specs(app="a"))
    assert same.ready_made is None


def test_uses_of_an_image_that_kustomize_cannot_tell_apart_stand_behind_its_line() -> None:
    before, after = specs(app="shop:1", setup="shop:1", side="envoy:1"), specs(app="shop:2", setup="shop:1", side="envoy:2")
    kept = handover.handover("shop", "checkout", before, after).ready_made
    assert kept is not None
    assert yaml.safe_load(str(kept.kustomize)) == {"images": [{"name": "envoy", "newTag": "2"}]}
    assert str(kept.kustomize).endswith("# and in the Deployment the uses of shop")
    alone = handover.handover("shop", "checkout", specs(app="shop:1", setup="shop:1"), specs(app="shop:2", setup="shop:1"))
    assert alone.ready_made is not None
    assert alone.ready_made.kustomize is None


def test_what_is_too_long_is_left_out_as_a_whole() -> None:
    names = [f"c{n}" for n in range(16)]
    images = {name: f"{'r' * 400}/{name}" for name in names}
    told = handover.handover("shop", "checkout", specs(**{n: f"{i}:1" for n, i in images.items()}), specs(**images))
    kept = told.ready_made
    assert kept is not None
    assert (kept.kustomize, kept.kubectl, kept.helm) == (None, None, None)
    assert handover.with_parts("It waits.", kept) == "It waits."


def test_a_message_gets_the_parts_that_fit() -> None:
    told = HandedOver(sentence="In git.", kustomize="k" * 900, helm="h" * 20, kubectl="c" * 200)
    assert handover.with_parts("It waits.", told) == f"It waits. kustomization.yaml: {'k' * 900} Helm: {'h' * 20}"
    assert handover.with_parts("ü" * 500, told) == "ü" * 500
    assert handover.with_parts("It waits.", None) == "It waits."


def test_a_shape_is_a_pod_spec_without_images() -> None:
    one, other = specs(app="a"), specs(app="b")
    assert changes.shape_of(one) == changes.shape_of(other)
    assert changes.shape_of(one) != changes.shape_of({**one, "hostNetwork": True})
    assert changes.hash_of(one) != changes.hash_of(other)


# ---- what differs between two pod specs


def of_app(**fields: object) -> dict[str, object]:
    return {"containers": [{"name": "app", "image": "shop:1", **fields}]}


def patch_of(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """Of the container, without its name."""
    (found,) = changes.containers_patch(of_app(**before), of_app(**after))["containers"]
    return {key: value for key, value in found.items() if key != "name"}


A, B, OTHER_A = ({"name": name, "value": value} for name, value in (("A", "1"), ("B", "1"), ("A", "2")))
WHOLE = {"$patch": "replace"}


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"env": [A, B]}, {"env": [OTHER_A, B]}, {"env": [OTHER_A]}),
        ({"env": [A, B]}, {"env": [B]}, {"env": [{"name": "A", "$patch": "delete"}]}),
        ({"env": [A]}, {"env": [A, B]}, {"env": [A, B, WHOLE]}),
        ({"env": [A, B]}, {"env": [B, A]}, {"env": [B, A, WHOLE]}),
        ({"env": [A, OTHER_A]}, {"env": [A]}, {"env": [A, WHOLE]}),
        ({"ports": [A]}, {"ports": [OTHER_A]}, {"ports": [OTHER_A, WHOLE]}),
        ({"volumeMounts": [A]}, {"volumeMounts": [OTHER_A]}, {"volumeMounts": [OTHER_A, WHOLE]}),
        ({"volumeDevices": [A]}, {"volumeDevices": [OTHER_A]}, {"volumeDevices": [OTHER_A, WHOLE]}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
    ],
)
def test_a_patch_says_of_each_list_what_makes_it_the_other_and_no_more(
    before: dict[str, object], after: dict[str, object], patch: dict[str, object]
) -> None:
    assert patch_of(before, after) == patch


def test_no_patch_is_told_where_nothing_but_images_differs() -> None:
    assert changes.containers_patch(specs(app="a"), specs(app="b")) == {}
    init = {**specs(app="a"), "initContainers": [{"name": "setup", "image": "a", "args": ["1"]}]}
    other = {**specs(app="a"), "initContainers": [{"name": "setup", "image": "a", "args": ["2"]}]}
    assert changes.containers_patch(init, other) == {"initContainers": [{"name": "setup", "args": ["2"]}]}


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"affinity": {"nodeAffinity": {}}}, {}, ["affinity"]),
        ({"terminationGracePeriodSeconds": 30}, {"terminationGracePeriodSeconds": 60}, ["terminationGracePeriodSeconds"]),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, ["tolerations"]),
        (of_app(env=[A, A]), of_app(env=[A, OTHER_A]), ["containers.app.env"]),
        ({"nodeSelector": {"n" * 317: "1"}}, {"nodeSelector": {"n" * 317: "2"}}, ["nodeSelector." + "n" * 240]),
    ],
    ids=["a map goes", "a number", "entries without a name", "a name that is given twice", "a name that is too long to be kept"],
)
def test_what_differs_is_named_whatever_it_is(before: dict[str, object], after: dict[str, object], paths: list[str]) -> None:
    assert changes.changed_paths(before, after) == paths


def test_a_pod_spec_is_known_again_by_a_later_version_of_the_operator_and_in_another_order() -> None:
    assert changes.hash_of({}) == "44136fa355b3678a"
    assert changes.hash_of({"a": 1, "b": 2}) == changes.hash_of({"b": 2, "a": 1})


def test_pod_specs_that_differ_in_more_than_images_have_other_shapes() -> None:
    assert changes.shape_of(of_app(args=["1"])) != changes.shape_of(of_app(args=["2"]))
    without: dict[str, object] = {**specs(app="a"), "initContainers": None}
    assert changes.shape_of(without) == changes.shape_of({**specs(app="b"), "initContainers": None})
