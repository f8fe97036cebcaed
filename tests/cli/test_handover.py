"""What `kubectl hotfix handover` prints, from two pod specs, and what it says of how proven that is."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml

from hotfix.adapters.kube import Kube
from hotfix.cli import handing_over
from hotfix.cli.app import main
from hotfix.cli.shown import Outcome
from hotfix.core.changes import containers_patch
from hotfix.core.handover import handover
from hotfix.core.status import Phase
from hotfix.errors import Refused
from tests.reconcile.shop import NAMESPACE, Shop

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
    return handing_over.show(handover("shop", "checkout", before, after), containers_patch(before, after), output)


def test_text_can_be_pasted_part_by_part() -> None:
    text = shown(STABLE, FIXED)
    parts = {part.splitlines()[0]: "\n".join(part.splitlines()[1:]) for part in text.split("\n\n")}
    assert yaml.safe_load(parts["# kustomization.yaml"]) == {"images": [{"name": "shop/checkout", "newTag": "1.4.2"}]}
    patch = yaml.safe_load(parts["# a strategic merge patch, for what differs besides images"])
    assert patch["spec"]["template"]["spec"]["containers"] == [
        {"name": "app", "env": [{"name": "KEPT", "value": "2"}, {"name": "SAFE", "value": "on"}, {"$patch": "replace"}]}
    ], "a new variable is put where it was proven, at the end"
    assert "kubectl -n shop set image deployment/checkout app=shop/checkout:1.4.2" in text


def test_what_is_not_of_a_container_is_named() -> None:
    text = shown(STABLE, {**STABLE, "hostNetwork": True})
    assert "by hand, as in the patched Deployment: hostNetwork" in text


def app(**fields: Any) -> dict[str, Any]:
    """A pod spec of one container."""
    return {"containers": [{"name": "app", "image": "a", **fields}]}


def patched(before: dict[str, Any], after: dict[str, Any]) -> Any:
    """The fields of the one container in the patch."""
    (entry,) = containers_patch(app(**before), app(**after))["containers"]
    assert entry.pop("name") == "app"
    return entry


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"command": ["x"]}, {}, {"command": None}),
        ({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}, {"resources": {"limits": {"memory": "1Gi"}}}, {"cpu": None}),
        ({"livenessProbe": {"httpGet": {"port": 1}}}, {"livenessProbe": {"tcpSocket": {"port": 1}}}, {"httpGet": None}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]}, {"value": None}),
    ],
)
def test_a_field_that_is_gone_is_taken_away_also_inside_of_others(before: Any, after: Any, patch: dict[str, Any]) -> None:
    text, (key,) = json.dumps(patched(before, after)), patch
    assert f'"{key}": null' in text
    assert "KEPT" not in text
    assert "memory" not in text


def test_variables_that_change_or_go_are_told_one_by_one() -> None:
    before = [{"name": "OLD", "value": "1"}, {"name": "KEPT", "value": "2"}, {"name": "MODE", "value": "a"}]
    assert patched({"env": before}, {"env": [before[1], {"name": "MODE", "value": "b"}]}) == {
        "env": [{"name": "MODE", "value": "b"}, {"name": "OLD", "$patch": "delete"}]
    }


def test_lists_that_merge_by_something_else_than_a_name_are_replaced_as_a_whole() -> None:
    mounts = [{"name": "cache", "mountPath": "/a"}, {"name": "cache", "mountPath": "/b"}]
    found = patched({"volumeMounts": mounts[:1]}, {"volumeMounts": mounts})
    assert found == {"volumeMounts": [*mounts, {"$patch": "replace"}]}
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert patched({"env": twice}, {"env": twice[1:]}) == {"env": [twice[1], {"$patch": "replace"}]}


def test_a_list_that_a_patch_replaces_anyway_gets_no_directive() -> None:
    """The API server would take it for an entry."""
    secrets = [{"secretRef": {"name": name}} for name in "ab"]
    assert patched({"envFrom": secrets[:1]}, {"envFrom": secrets}) == {"envFrom": secrets}


def test_an_init_container_that_changes_and_containers_that_come_or_go_are_in_the_patch() -> None:
    setup = {"name": "setup", "image": "s", "args": ["1"]}
    before = {**app(), "initContainers": [setup]}
    assert containers_patch(before, {**before, "initContainers": [{**setup, "args": ["2"]}]}) == {
        "initContainers": [{"name": "setup", "args": ["2"]}]
    }
    assert containers_patch(before, app()) == {"initContainers": None}
    assert containers_patch(app(), before) == {"initContainers": [setup]}
    more = {"containers": [*app()["containers"], {"name": "side", "image": "b"}]}
    assert containers_patch(app(), more) == {"containers": [*more["containers"], {"$patch": "replace"}]}
    assert containers_patch(more, app()) == {"containers": [{"name": "side", "$patch": "delete"}]}


def test_an_order_that_differs_is_handed_over() -> None:
    before = {"containers": [{"name": "app", "image": "a"}, {"name": "side", "image": "b"}]}
    after = {"containers": before["containers"][::-1]}
    assert handover("shop", "checkout", before, after).paths == ("containers",)
    assert containers_patch(before, after) == {"containers": [*after["containers"], {"$patch": "replace"}]}


def test_without_a_part_for_containers_there_is_no_patch() -> None:
    for after in ({**STABLE, "hostNetwork": True}, app()):
        text = shown(STABLE if "hostNetwork" in after else app(image="b"), after)
        assert "strategic merge patch" not in text
        assert "null" not in text
        assert "..." not in text


def test_equal_sides_leave_nothing_to_hand_over() -> None:
    assert "nothing to hand over" in shown(STABLE, STABLE)


def test_as_data_it_is_json_or_yaml() -> None:
    found = json.loads(shown({**STABLE, "hostNetwork": True}, FIXED, "json"))
    assert found == yaml.safe_load(shown({**STABLE, "hostNetwork": True}, FIXED, "yaml"))
    assert found["byHand"] == ["hostNetwork"]


def test_uses_of_an_image_that_kustomize_cannot_tell_apart_are_named() -> None:
    before = {"containers": [{"name": "app", "image": "shop:1"}], "initContainers": [{"name": "setup", "image": "shop:1"}]}
    text = shown(before, {**before, "containers": [{"name": "app", "image": "shop:2"}]})
    assert "# kustomization.yaml" not in text
    assert "# kustomize cannot tell the uses of shop apart: set them in the Deployment" in text
    assert "app=shop:2" in text


Run = Callable[..., tuple[int, str, str]]
PASTED = "In git, give Deployment checkout the images app=sample:1.1."


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `handover` on a shop."""

    def ran(shop: Shop, *arguments: str) -> tuple[int, str, str]:
        @asynccontextmanager
        async def session() -> AsyncIterator[object]:
            yield shop.kube

        async def login(**_: object) -> object:
            return session()

        monkeypatch.setattr(Kube, "login", login)
        with pytest.raises(SystemExit) as exited:
            main(["handover", "fix", "-n", NAMESPACE, *arguments])
        output = capsys.readouterr()
        return int(exited.value.code or 0), output.out, output.err

    return ran


def led_to(phase: str) -> Shop:
    """A shop whose rollout is in that phase."""
    shop = Shop(promotion={"mode": "AwaitGit"}, startWeight=25)
    if phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        shop.requests.errors["checkout-hotfix"] = 1.0
    return asyncio.run(shop.run(lambda shop: shop.status.get("phase") == phase))


UNPROVEN = [
    ("Pending", 3, "Pending: this is not proven: patched gets no requests yet."),
    ("Analyzing", 3, "Analyzing: this is not proven yet: it is still judged."),
    ("Baking", 3, "Baking: this is not proven yet: the bake is not over."),
    ("RollingBack", 1, "RollingBack: it is being rolled back (PatchedWorse); nothing waits for this commit."),
    ("RolledBack", 1, "RolledBack: it was rolled back (PatchedWorse); nothing waits for this commit."),
]


@pytest.mark.parametrize(("phase", "code", "line"), UNPROVEN, ids=[row[0] for row in UNPROVEN])
def test_what_is_not_proven_is_not_handed_over_without_a_word(run: Run, phase: str, code: int, line: str) -> None:
    shop = led_to(phase)
    found, out, err = run(shop)
    assert (found, err) == (code, "")
    assert out.splitlines()[:2] == [line, PASTED]
    found, out, err = run(shop, "-o", "json")
    assert (found, err) == (code, f"note: {line}\n")
    assert json.loads(out)["kustomize"] == {"images": [{"name": "sample", "newTag": "1.1"}]}
    assert yaml.safe_load(run(shop, "-o", "yaml")[1]) == json.loads(out)


def test_what_git_is_waited_for_is_handed_over_as_it_is(run: Run) -> None:
    shop = led_to("AwaitingGit")
    found, out, err = run(shop)
    assert (found, out.splitlines()[0], err) == (0, PASTED, "")
    assert run(shop, "-o", "json")[::2] == (0, "")


def test_a_patched_that_was_changed_since_is_not_what_was_proven(run: Run) -> None:
    shop, image = led_to("AwaitingGit"), "/spec/template/spec/containers/0/image"
    shop.api.edit("Deployment", NAMESPACE, "checkout-hotfix", [{"op": "replace", "path": image, "value": "sample:crash"}])
    found, out, err = run(shop)
    assert (found, err) == (1, "")
    assert out.splitlines()[0] == "AwaitingGit: this is not proven: patched does not have the pod spec that was."


def test_a_fix_that_is_promoted_may_be_brought_back_to_git(run: Run) -> None:
    """As where it was reverted."""
    shop = Shop()
    asyncio.run(shop.run(lambda shop: shop.status.get("phase") == "Promoted"))
    before = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "sample:1.0"}]
    shop.api.edit("Deployment", NAMESPACE, "checkout", before)
    found, out, err = run(shop)
    assert (found, err) == (0, "")
    assert out.splitlines()[:2] == ["Promoted: it is promoted already; nothing waits for this commit.", PASTED]


def test_it_needs_no_rights_but_for_the_rollout_and_the_two_deployments(run: Run) -> None:
    shop = led_to("AwaitingGit")

    def forbidden(method: str, url: str) -> None:
        if not url.endswith(("/hotfixrollouts/fix", "/deployments/checkout", "/deployments/checkout-hotfix")):
            raise Refused(f"The operator lacks a right: {url}", reason="Forbidden")

    shop.kube.before = forbidden
    found, out, err = run(shop)
    assert (found, err) == (0, "")
    assert PASTED in out


@pytest.mark.parametrize("phase", [*Phase, "Reviewing", None])
def test_of_each_phase_it_is_told_how_proven_it_is(phase: str | None) -> None:
    status = {"phase": phase, "baseline": {"patchedTemplate": "v2"}, "supersededBy": {"name": "second"}}
    told = handing_over.standing(status, "v2")
    proven = phase in (Phase.PROMOTING, Phase.AWAITING_GIT, Phase.PROMOTED)
    assert (told.outcome is Outcome.SUCCEEDED) is proven
    assert (told.warning is None) is (phase is Phase.AWAITING_GIT)
    assert told.warning is None or told.warning.startswith(f"{phase or 'Pending'}: ")
    assert ("second" in (told.warning or "")) is (phase is Phase.SUPERSEDED)
    assert handing_over.standing({**status, "baseline": None}, "v2").outcome is not Outcome.SUCCEEDED
