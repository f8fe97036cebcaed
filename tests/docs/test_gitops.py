"""What docs/gitops.md tells people to write is what the code means, and can be applied."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.adapters.routers.route_patch import LENT_UNTIL, RECONCILE, STAMP
from hotfix.adapters.store import REQUEST
from hotfix.core import edits
from hotfix.core.handover import handover
from hotfix.core.lending import LEFT_ALONE
from hotfix.core.status import Phase
from hotfix.core.verbs import HandledRequest, RequestResult, Verb
from tests.cluster import Cluster
from tests.core import test_conditions as states
from tests.core.kstatus import verdict
from tests.core.world import World, ready_world
from tests.e2e.shop import deployment, rollout, route, service, untouched
from tests.reconcile.shop import NAMESPACE, Shop

from .generate import DOCS

PAGE = (DOCS / "gitops.md").read_text()


def snippets() -> list[Any]:
    """The YAML of the page, in its order."""
    return [yaml.safe_load(text) for text in re.findall(r"^ *```yaml\n(.*?)^ *```", PAGE, re.M | re.S)]


def one(key: str) -> Any:
    (found,) = [snippet for snippet in snippets() if key in snippet]
    return found


def test_the_mark_of_a_borrowed_route_is_the_one_that_is_written() -> None:
    mark = one(RECONCILE)
    assert set(mark) == {RECONCILE, LENT_UNTIL}
    assert mark[RECONCILE] == LEFT_ALONE
    assert STAMP in PAGE


def test_the_setting_of_argo_cd_is_the_one_that_is_named_when_weights_are_contested() -> None:
    told, named = one("spec")["spec"], yaml.safe_load(edits.ARGO_CD)["spec"]
    assert told["ignoreDifferences"] == named["ignoreDifferences"]
    assert set(named["syncPolicy"]["syncOptions"]) <= set(told["syncPolicy"]["syncOptions"])


def test_the_setting_of_a_helm_release_is_the_one_that_is_named_when_weights_are_contested() -> None:
    told = one("driftDetection")["driftDetection"]
    named = yaml.safe_load(edits.HELM.format(rules=edits.IGNORED.format(route="checkout")))
    assert told["ignore"] == named["spec"]["driftDetection"]["ignore"]


# outcome as the page calls it -> stories that come to it
OUTCOMES: dict[str, tuple[Callable[[], World], ...]] = {
    "under way": (states.analyzing, states.baking, states.promoting, states.rolling_back),
    "held, paused": (states.paused, states.blind, states.stable_lost, states.failed_promotion, states.rebuilt),
    "awaiting git": (states.awaiting_git,),
    "promoted": (states.promoted,),
    "rolled back": (states.rolled_back,),
    "superseded": (states.gave_way,),
    "refused (`Stalled`), until it is put right": (states.refused, states.moved, states.missing(40)),
}
FLUX = {"InProgress": "waits", "Current": "goes on", "Failed": "fails"}
WAVE = {"Progressing": "waits", "Suspended": "waits", "Healthy": "goes on", "Degraded": "fails"}  # as Argo CD's sync does


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_who_waits_for_a_rollout_goes_on_or_fails_as_the_page_says(outcome: str) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    assert set(OUTCOMES) <= {row[0] for row in rows}
    (told,) = [row[1:] for row in rows if row[0] == outcome]
    for story in OUTCOMES[outcome]:
        shown = states.item(story())
        true = {entry["type"] for entry in shown["status"]["conditions"] if entry["status"] == "True"}
        ends = ", ".join(kind for kind in ("Ready", "Completed", "Succeeded") if kind in true) or "-"
        health = states.health(shown)
        assert told == [ends, FLUX[verdict(shown)], f"{health}: {WAVE[health]}"], story


def test_every_request_that_can_be_made_by_annotation_is_told() -> None:
    asked = one("metadata")["metadata"]["annotations"]
    assert HandledRequest.verb_of(asked[REQUEST]) is Verb.PROMOTE
    table = PAGE.partition("| verb | |\n")[2].partition("\n\n")[0]
    told = {word for line in table.splitlines()[1:] for word in re.findall(r"`([\w-]+)`", line.split("|")[1])}
    assert told == set(Verb)
    assert all(f"`{result}`" in PAGE for result in RequestResult)


def test_what_is_handed_over_is_what_the_status_says() -> None:
    """The example has one image, before as in the layout and after as in what is pasted."""
    before, after = ({"containers": [{"name": "app", "image": f"registry.example/checkout:{tag}"}]} for tag in ("1.4.1", "1.4.2"))
    told = handover("shop", "checkout", before, after)
    assert told.ready_made is not None
    assert one("promotion") == {"promotion": {"handover": told.ready_made.model_dump(by_alias=True)}}
    assert [{**entry, "newTag": str(entry["newTag"])} for entry in one("images")["images"]] == told.kustomize


KINDS = {"httproute": "HTTPRoute", "hpa": "HorizontalPodAutoscaler", "hfr": "HotfixRollout"}
GONE = PAGE.partition("## When the operator is gone")[2]


def typed(shop: Shop, line: str) -> None:
    """A line of kubectl on the API server in memory, by a person."""
    _, verb, kind, name, *words = shlex.split(line)
    options = {key: value for key, _, value in (word.partition("=") for word in words)}
    where = (KINDS[kind], NAMESPACE, name.replace("NAME", "fix"))
    assert words[words.index("-n") + 1] == NAMESPACE
    match verb:
        case "annotate":
            marks = {word.removesuffix("-"): None for word in words[2:]}
            assert len(marks) == len(words[2:])
            shop.api.edit(*where, {"metadata": {"annotations": marks}}, manager="kubectl-annotate")
        case "delete":
            shop.api.delete(*where)
        case "patch":
            inline = json.loads(words[-1]) if "-p" in words else None
            (file,) = [found for found in snippets() if isinstance(found, list)]
            assert (options["--type"] == "json") is (inline is None)
            shop.api.edit(*where, file if inline is None else inline, manager="kubectl-patch")


async def awaiting_git() -> tuple[Shop, dict[str, Any]]:
    """Patched serves everything, on a route that Flux keeps, with an HPA of stable; and the route before."""
    shop = Shop(promotion={"mode": "AwaitGit"})
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", {"metadata": {"labels": labels}})
    scaled = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}, "maxReplicas": 5}
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "checkout", "namespace": NAMESPACE}}
    shop.api.apply({**scaler, "spec": {**scaled, "minReplicas": 1}})
    before = untouched(shop.api.read("HTTPRoute", NAMESPACE, "checkout"))
    await shop.run(lambda shop: shop.status.get("phase") == "AwaitingGit")
    return shop, before


async def test_what_is_done_by_hand_when_the_operator_is_gone_gives_everything_back_and_never_serves_nobody() -> None:
    shop, before = await awaiting_git()
    assert shop.weights == {"checkout": 0, "checkout-hotfix": 100}
    scaler = shop.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")
    borrowed = shop.status["borrowed"]
    assert (borrowed["hpa"], scaler["spec"]["minReplicas"]) == ("checkout", 2)
    assert borrowed["routes"][0]["rules"][0]["stableWeight"] == 1
    marks = shop.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"]["annotations"]
    assert set(marks) == {RECONCILE, LENT_UNTIL, STAMP}
    lines = re.findall(r"^ *(kubectl .*)$", "\n".join(re.findall(r"```console\n(.*?)```", GONE, re.S)), re.M)
    assert len(lines) == 5
    for line in lines:
        typed(shop, line)
        assert sum(shop.weights.values()) > 0, line
    after = untouched(shop.api.read("HTTPRoute", NAMESPACE, "checkout"))
    assert {**after, "annotations": after["annotations"] or None} == before
    assert shop.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")["spec"]["minReplicas"] == borrowed["hpaMinReplicas"]
    assert shop.status == {}, "the object is gone"
    assert shop.api.read("Deployment", NAMESPACE, "checkout-hotfix")["spec"]["replicas"] == 2


def listed(line: str) -> list[str]:
    """What a line of the page's tree has in its first brackets behind `resources:`."""
    return re.findall(r"[\w.-]+", line.partition("[")[2].partition("]")[0])


def tree() -> dict[str, str]:
    """The files of the page's layout that say what there is: path -> what stands beside it."""
    found, above = {}, ""
    for line in PAGE.partition("## Layout\n\n```\n")[2].partition("\n```")[0].splitlines()[1:]:
        path, _, beside = line.strip().partition(" ")
        above = path if path.endswith("/") else above if line.startswith("    ") else ""
        found[above + path.removeprefix(above)] = beside.strip()
    return found


def laid_out(top: Path, image: str, resources: list[str]) -> None:
    """The tree of the page: the app with what stands in `images`, and a hotfix beside it."""
    objects = {"deployment": deployment("checkout", "registry.example/checkout:1.0.0"), "service": service("checkout")}
    objects["route"] = route("checkout", "checkout.local")
    hotfix = [deployment("checkout-hotfix", "registry.example/checkout:1.4.2"), service("checkout-hotfix"), rollout()]
    images = [{**entry, "newTag": image} for entry in one("images")["images"]]
    told = tree()
    kustomizations: dict[str, Any] = {"": {"resources": resources}}
    for folder in ("app", "hotfix"):
        (top / folder).mkdir(exist_ok=True)
        kustomizations[folder] = {"resources": listed(told[f"{folder}/kustomization.yaml"])}
    for folder, kustomization in kustomizations.items():
        more = {"images": images} if "images:" in told[f"{folder}/kustomization.yaml".lstrip("/")] else {}
        (top / folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization | more))
    for name, item in objects.items():
        (top / "app" / f"{name}.yaml").write_text(yaml.safe_dump(item))
    (top / "hotfix" / "hotfix.yaml").write_text(yaml.safe_dump_all(hotfix))


# the story of the page: what a commit is for, the tag in `images`, the resources above, and the tag that each side gets
Commit = tuple[str, str, list[str], dict[str, str]]
COMMITS: tuple[Commit, ...] = (
    ("before", "1.4.1", ["app"], {"checkout": "1.4.1"}),
    ("begin", "1.4.1", ["app", "hotfix"], {"checkout": "1.4.1", "checkout-hotfix": "1.4.2"}),
    ("hand over", "1.4.2", ["app", "hotfix"], {"checkout": "1.4.2", "checkout-hotfix": "1.4.2"}),
    ("end", "1.4.2", ["app"], {"checkout": "1.4.2"}),
)


def test_images_stand_above_the_app_alone() -> None:
    with_images = [path for path, beside in tree().items() if "images:" in beside]
    assert with_images == ["app/kustomization.yaml"]
    assert tree()["kustomization.yaml"] == "resources: [app], while a hotfix runs [app, hotfix], and nothing else"


def test_what_images_above_both_come_to_is_told_as_it_is_told() -> None:
    world = ready_world()
    world.patched.template = world.stable.template
    world.held("NothingToPromote")
    (told,) = re.findall(r"`NothingToPromote`: \"(.*?)\"", PAGE, re.S)
    assert " ".join(told.split()) in world.remembered.message
    assert world.remembered.phase is Phase.PENDING


@pytest.mark.cluster
@pytest.mark.parametrize("commit", COMMITS, ids=[commit[0] for commit in COMMITS])
def test_the_layout_can_be_built_and_applied(cluster: Cluster, operator: object, tmp_path: Path, commit: Commit) -> None:
    """Each commit gives each side the image that the page says."""
    _, image, resources, tags = commit
    laid_out(tmp_path, image, resources)
    built = cluster.kubectl("kustomize", str(tmp_path)).stdout
    deployments = {item["metadata"]["name"]: item for item in yaml.safe_load_all(built) if item["kind"] == "Deployment"}
    images = {name: item["spec"]["template"]["spec"]["containers"][0]["image"] for name, item in deployments.items()}
    assert images == {name: f"registry.example/checkout:{tag}" for name, tag in tags.items()}
    cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-", stdin=built)
