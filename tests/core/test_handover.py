"""What git is to say so that stable gets what was proven, from two pod specs."""

import pytest

from hotfix.core import changes, handover

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


def test_a_shape_is_a_pod_spec_without_images() -> None:
    one, other = specs(app="a"), specs(app="b")
    assert changes.shape_of(one) == changes.shape_of(other)
    assert changes.shape_of(one) != changes.shape_of({**one, "hostNetwork": True})
    assert changes.hash_of(one) != changes.hash_of(other)
