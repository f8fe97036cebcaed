"""Promotion that waits for git, through `decide`: patched serves everything until stable runs what was proven."""

from dataclasses import replace

import pytest

from hotfix.core import proven
from hotfix.core.observation import ScalerView
from hotfix.core.status import Phase, Stage

from .world import World, a_spec, ready_world

PROVEN, MIRRORED = "sha256:" + "a" * 64, f"mirror.example/app@sha256:{'a' * 64}"
FLUX = "Flux Kustomization flux-system/shop"


def git_world(**more) -> World:  # type: ignore[no-untyped-def]
    world = ready_world(**more)
    world.stable.owner = FLUX
    return world


def awaiting(**more) -> World:  # type: ignore[no-untyped-def]
    return git_world(**more).phase(Phase.AWAITING_GIT)


def condition(world: World, kind: str) -> str | None:
    return next((f"{entry.status} {entry.reason}" for entry in world.remembered.conditions if entry.type == kind), None)


def test_a_stable_that_git_keeps_is_not_written_and_patched_serves_until_git_has_the_fix() -> None:
    world = awaiting()
    world.rest(600)
    assert (world.weight, world.stable.template) == (100, "v1")
    assert condition(world, "Ready") == "True ServingPatched"
    assert condition(world, "FollowUpRequired") == "True AwaitingGit"
    assert condition(world, "Completed") == "False InProgress"
    world.stable.template, world.stable.errors = "v2", 0.001
    world.phase(Phase.PROMOTED, seconds=300)
    assert world.weights == (1, None)
    weights = [entry.what for entry in world.remembered.decisions if entry.what.startswith("weight")]
    assert weights[-3:] == ["weight 95", "weight 50", "weight 0"]


@pytest.mark.parametrize(
    ("owner", "writer", "mode"),
    [
        (FLUX, None, "AwaitGit"),
        (None, "argocd-controller", "AwaitGit"),
        (None, "pulumi-kubernetes", "AwaitGit"),
        (None, "kubectl-client-side-apply", "PatchStable"),
        (None, "hotfix-operator", "PatchStable"),
        (None, None, "PatchStable"),
    ],
)
def test_auto_waits_for_git_where_somebody_else_keeps_the_pod_template(owner: str | None, writer: str | None, mode: str) -> None:
    world = ready_world()
    world.stable.owner, world.stable.template_manager = owner, writer
    world.stage(Stage.SCALING)
    assert world.remembered.resolved
    assert world.remembered.resolved.promotion == mode


def test_who_keeps_what_is_told_in_the_status() -> None:
    world = git_world(route_owner="Argo CD application shop", owner="Helm release hotfix")
    world.patched.owner = "Argo CD application hotfix"
    world.stable.scaler = ScalerView(name="checkout", min_replicas=1, max_replicas=10, owner=None, version="1")
    world.patched.scaler = replace(world.stable.scaler, name="checkout-hotfix", owner="Helm release shop")
    world.stage(Stage.SCALING)
    assert world.remembered.resolved
    assert world.remembered.resolved.owners == [
        "HTTPRoute shop: Argo CD application shop",
        f"Deployment checkout: {FLUX}",
        "Deployment checkout-hotfix: Argo CD application hotfix",
        "HPA checkout-hotfix: Helm release shop",
        "HotfixRollout fix: Helm release hotfix",
    ]


@pytest.mark.parametrize(
    ("mode", "route", "stable", "refused"),
    [
        ("KeepPatched", FLUX, None, True),
        ("KeepPatched", None, FLUX, False),
        ("PatchStable", None, FLUX, True),
        ("PatchStable", FLUX, None, False),
        ("AwaitGit", FLUX, FLUX, False),
        ("Auto", FLUX, FLUX, False),
    ],
)
def test_only_what_git_would_undo_is_refused(mode: str, route: str | None, stable: str | None, refused: bool) -> None:
    world = ready_world(asked=a_spec(promotion={"mode": mode}), route_owner=route)
    world.stable.owner = stable
    world.rest(2)
    assert (world.remembered.held == "ManagedByGitOps") is refused


def test_the_same_image_by_another_name_is_what_was_proven() -> None:
    world = git_world()
    world.patched.image_ids = ((f"registry.example/app@{PROVEN}",),)
    world.phase(Phase.AWAITING_GIT)
    world.stable.template, world.stable.errors, world.stable.image_ids = MIRRORED, 0.001, ((MIRRORED,),)
    world.phase(Phase.PROMOTED, seconds=300)
    assert (world.weight, "StableChanged" in world.reasons) == (0, False)


@pytest.mark.parametrize(("digest", "same"), [(PROVEN, True), ("sha256:" + "b" * 64, False)])
def test_what_image_another_name_is_of_is_not_told_before_its_pods_run(digest: str, same: bool) -> None:
    world = git_world()
    world.patched.image_ids = ((f"registry.example/app@{PROVEN}",),)
    world.phase(Phase.AWAITING_GIT)
    name = "mirror.example/app:1.4.2"
    world.stable.template, world.stable.errors, world.stable.image_ids = name, 0.001, ((f"{name}@{digest}",),)
    world.stable.ready = 1
    world.rest(60)
    assert (world.weight, world.remembered.held) == (100, None)
    assert world.remembered.message == "checkout rolls out what git says; patched serves everything."
    world.stable.ready = None
    if same:
        world.stage(Stage.RETURNING, seconds=60)
    else:
        world.held("StableChanged", seconds=60)


def test_another_image_by_the_same_shape_is_held_and_taken_when_a_person_accepts_it() -> None:
    world = git_world()
    world.patched.image_ids = ((f"registry.example/app@{PROVEN}",),)
    world.phase(Phase.AWAITING_GIT)
    world.stable.template, world.stable.errors, world.stable.image_ids = "v3", 0.001, (("app@sha256:" + "b" * 64,),)
    world.held("StableChanged", seconds=60)
    assert "kubectl hotfix promote fix" in world.remembered.message
    world.rest(60)
    assert world.weight == 100
    world.request = "promote:1"
    world.phase(Phase.PROMOTED, seconds=300)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Accepted"


def test_what_was_accepted_is_still_judged_with_the_sides_swapped() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v3", 0.3
    world.held("StableChanged", seconds=60)
    world.request = "promote:1"
    world.stage(Stage.RETURN_FAILED, seconds=200)
    assert world.weight == 100


def test_a_promotion_that_failed_is_tried_again_when_a_person_asks() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.3
    world.stage(Stage.RETURN_FAILED, seconds=200)
    world.stable.errors, world.request = 0.001, "promote:1"
    world.phase(Phase.PROMOTED, seconds=300)
    assert (world.weight, world.reasons.count("PromotionFailed")) == (0, 1)


def test_nothing_is_accepted_before_git_said_anything() -> None:
    world = awaiting()
    world.request = "promote:1"
    world.rest(5)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Refused"
    assert world.remembered.phase is Phase.AWAITING_GIT


def test_patched_lost_while_git_is_awaited_lets_stable_serve_until_it_is_back() -> None:
    world = awaiting()
    world.patched.ready = 0
    world.rest(5)
    assert (world.weight, world.remembered.phase, world.remembered.held) == (0, Phase.AWAITING_GIT, "PatchedLost")
    world.patched.ready = None
    world.rest(15)
    assert (world.weight, world.remembered.held) == (100, None)


def test_one_commit_that_updates_stable_and_prunes_the_rest_is_safe() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors, world.stable.ready = "v2", 0.001, 1
    world.patched.exists = world.patched.service = False
    world.deleting = True
    world.rest(5)
    assert world.weight == 0
    assert not world.gone
    world.stable.ready = None
    world.run(lambda w: w.gone, seconds=120)
    assert world.weights == (1, None)


def test_what_is_pruned_with_its_rollout_while_it_is_analysed_is_not_waited_for() -> None:
    world = git_world().phase(Phase.ANALYZING)
    world.patched.exists = world.patched.service = False
    world.deleting, world.ack = True, world.route().ack.REJECTED
    world.run(lambda w: w.gone, seconds=60)
    assert world.weights == (1, None)


def test_patched_on_its_way_out_is_left_before_its_pods_go() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.patched.deleting = True
    world.look()
    assert world.weight == 0


def test_a_pruned_service_that_the_route_still_names_does_not_keep_it_from_ending() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.patched.exists = world.patched.service = False
    world.ack = world.route().ack.REJECTED
    world.phase(Phase.PROMOTED, seconds=120)
    assert (world.remembered.weight, world.ours) == (0, False)


def test_a_deletion_is_held_while_stable_runs_the_old_version() -> None:
    world = awaiting()
    world.deleting = True
    world.rest(60)
    assert (world.gone, world.weight, world.remembered.held) == (False, 100, "DeletionHeld")
    world.stable.template, world.stable.errors = "v2", 0.001
    world.run(lambda w: w.gone, seconds=300)


def test_a_deletion_is_held_for_what_cannot_be_seen_and_for_the_old_version_only_when_that_is_seen() -> None:
    world = awaiting()
    world.deleting = world.unseen = True
    world.rest(60)
    assert (world.gone, world.weight, world.remembered.held) == (False, 100, "ClusterUnavailable")
    assert "DeletionHeld" not in world.reasons
    world.unseen = False
    world.held("DeletionHeld", seconds=5)
    assert world.weight == 100


def test_object_and_patched_deleted_while_stable_is_old_goes_back_to_stable() -> None:
    world = awaiting()
    world.deleting, world.patched.exists = True, False
    world.run(lambda w: w.gone, seconds=200)
    assert world.weights == (1, None)


def test_a_rollback_is_done_before_git_changed_stable_and_refused_after() -> None:
    world = awaiting()
    world.request = "rollback:1"
    world.phase(Phase.ROLLED_BACK, seconds=120)
    world = awaiting()
    world.stable.template, world.stable.ready = "v2", 1
    world.request = "rollback:1"
    world.rest(5)
    assert world.remembered.last_handled_request
    assert world.remembered.last_handled_request.result == "Refused"
    assert world.weight == 100


def test_a_rollout_of_git_that_does_not_end_is_told() -> None:
    world = awaiting()
    world.stable.template, world.stable.ready = "v2", 1
    world.held("PromotionFailed", seconds=900)
    assert world.weight == 100
    world.stable.ready, world.stable.errors = None, 0.001
    world.phase(Phase.PROMOTED, seconds=300)


def test_people_are_reminded_at_the_deadline_and_then_each_time_the_waiting_has_doubled() -> None:
    world = awaiting(asked=a_spec(analysis={"deadline": "10m"}))
    world.rest(4000)
    assert world.remembered.promotion
    assert world.remembered.promotion.reminders == 3  # after 10, 20 and 40 minutes
    assert world.weight == 100
    told = [entry for entry in world.announced if "Git is waited for since" in entry.message]
    assert [entry.reason for entry in told] == ["AwaitingGit"] * 3


@pytest.mark.parametrize(
    ("mode", "phase", "weights"), [("KeepPatched", Phase.PROMOTED, (0, 100)), ("PatchStable", Phase.PROMOTED, (1, None))]
)
def test_the_manifest_may_ask_for_another_way_while_git_is_awaited(
    mode: str, phase: Phase, weights: tuple[int, int | None]
) -> None:
    world = ready_world()
    world.stable.template_manager = "some-pipeline"
    world.phase(Phase.AWAITING_GIT)
    world.asked = a_spec(promotion={"mode": mode})
    world.phase(phase, seconds=300)
    assert world.weights == weights


@pytest.mark.parametrize(("mode", "route"), [("PatchStable", None), ("KeepPatched", FLUX)])
def test_another_way_that_git_would_undo_is_refused_once_and_git_is_waited_for_all_the_same(mode: str, route: str | None) -> None:
    world = awaiting(route_owner=route)
    world.asked = a_spec(promotion={"mode": mode})
    world.rest(60)
    assert world.reasons.count("ManagedByGitOps") == 1
    assert (world.remembered.phase, world.remembered.held) == (Phase.AWAITING_GIT, None)
    assert condition(world, "Ready") == "True ServingPatched"
    assert world.remembered.message.count("is managed by Flux Kustomization flux-system/shop") == 1
    assert "In git, give Deployment checkout the images app=v2." in world.remembered.message
    world.asked = a_spec()
    world.rest(5)
    assert "is managed by" not in world.remembered.message
    world.stable.template, world.stable.errors = "v2", 0.001
    world.phase(Phase.PROMOTED, seconds=300)


# ---- what git is to say


def test_a_handover_is_told_in_the_status() -> None:
    world = awaiting()
    assert world.remembered.promotion
    assert world.remembered.promotion.handover.sentence == "In git, give Deployment checkout the images app=v2."
    assert "In git" in world.remembered.message
    assert "kustomization.yaml" not in world.remembered.message
    assert world.announced[-1].reason == "AwaitingGit"
    line = 'kustomization.yaml: images: [{"name": "v1", "newName": "v2", "newTag": "latest"}]'
    assert line in world.announced[-1].message
    assert "By hand: kubectl -n shop set image deployment/checkout app=v2" in world.announced[-1].message
    world.run(lambda w: w.remembered.decisions[-1].what == "remind", seconds=4000)
    assert line in world.announced[-1].message


# ---- what goes wrong while git is awaited


def test_a_stable_that_is_gone_when_git_is_first_waited_for_is_named_and_told_what_to_get_when_it_is_back() -> None:
    world = git_world().stage(Stage.ALL_TO_PATCHED)
    world.stable.exists = False
    world.held("TargetNotFound", seconds=20).rest(60)
    assert (world.remembered.phase, world.weight) == (Phase.AWAITING_GIT, 100)
    assert world.remembered.promotion
    assert world.remembered.promotion.handover is None
    world.stable.exists = True
    world.rest(10)
    assert world.remembered.promotion.handover.sentence == "In git, give Deployment checkout the images app=v2."
    world.stable.template, world.stable.errors = "v2", 0.001
    world.phase(Phase.PROMOTED, seconds=300)


def test_a_stable_with_the_fix_that_is_replaced_has_to_prove_itself_anew() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.rest(3)
    assert "StableProven" in world.remembered.since
    world.stable.exists = False
    world.rest(2)
    assert "StableProven" not in world.remembered.since
    assert not proven.has_fix(world.shown())
    assert (world.remembered.held, world.weight) == ("TargetNotFound", 100)
    world.stable.exists = True
    world.rest(4)
    assert (world.remembered.stage, world.weight) == (Stage.AWAITING_GIT, 100)
    world.phase(Phase.PROMOTED, seconds=300)


def test_a_patched_that_blinks_while_git_rolls_out_gets_everything_back() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors, world.stable.ready = "v2", 0.001, 1
    world.patched.ready = 0
    world.rest(3)
    assert (world.weight, world.remembered.phase) == (0, Phase.AWAITING_GIT)
    world.patched.ready = None
    world.rest(15)
    assert world.weight == 100
    world.stable.ready = None
    world.phase(Phase.PROMOTED, seconds=300)


def test_each_loss_of_patched_is_waited_out_twice_as_long_and_it_comes_back_with_all_its_pods() -> None:
    world, waits = awaiting(), []
    for _ in range(3):
        world.patched.ready = 0
        world.run(lambda w: w.weight == 0, seconds=10)
        world.patched.ready = 1
        world.rest(400)
        assert world.weight == 0, "one pod is not enough for everything"
        world.patched.ready = None
        began = world.now
        world.run(lambda w: w.weight == 100, seconds=400)
        waits.append(world.now - began)
    assert waits[0] <= waits[1] <= waits[2]


def test_a_new_stable_that_took_over_is_not_judged_by_what_it_failed_before() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.run(lambda w: "StableProven" in w.remembered.since, seconds=20)
    world.patched.ready, world.ack = 0, world.route().ack.PENDING
    world.stage(Stage.RETURNING, seconds=10)
    world.patched.ready = None
    world.rest(20)
    assert (world.remembered.stage, world.weight) == (Stage.RETURNING, 0)
    world.ack = None
    world.phase(Phase.PROMOTED, seconds=300)
    assert (world.weight, "PromotionFailed" in world.reasons) == (0, False)


@pytest.mark.parametrize("what", ["both sides", "route", "served by stable"])
def test_a_deleted_rollout_that_has_nothing_to_wait_for_goes(what: str) -> None:
    world = awaiting()
    if what == "both sides":
        world.stable.exists = world.patched.exists = False
    elif what == "route":
        world.route_exists = False
    else:
        world.patched.ready = 0
        world.rest(5)
    world.deleting = True
    world.run(lambda w: w.gone, seconds=300)
    assert "DeletionHeld" not in world.reasons[-1:]


def test_every_hold_of_a_deleted_rollout_says_how_to_end_it() -> None:
    world = awaiting()
    world.deleting, world.asked = True, a_spec(paused=True)
    world.rest(5)
    assert world.remembered.held == "DeletionHeld"
    assert "kubectl hotfix release fix" in world.remembered.message
    assert [entry.what for entry in world.remembered.decisions].count("hold") == 1


def test_keep_patched_is_refused_where_git_would_take_the_route_back() -> None:
    world = ready_world(route_owner=FLUX).phase(Phase.ANALYZING)
    world.asked = a_spec(promotion={"mode": "KeepPatched"})
    world.held("ManagedByGitOps", seconds=400)
    assert world.weight == 100


def test_a_failed_promotion_on_a_route_of_git_is_not_ended_with_patched() -> None:
    world = awaiting(route_owner=FLUX)
    world.stable.template, world.stable.errors = "v2", 0.3
    world.stage(Stage.RETURN_FAILED, seconds=200)
    assert "KeepPatched" not in world.remembered.message
    world.asked = a_spec(promotion={"mode": "KeepPatched"})
    world.rest(60)
    assert (world.remembered.stage, world.weight) == (Stage.RETURN_FAILED, 100)


def test_a_pod_spec_that_was_set_once_is_not_set_again() -> None:
    world = ready_world().stage(Stage.PATCHING_STABLE)
    world.stable.ready = 1
    world.rest(3)
    assert world.stable.template == "v2"
    world.stable.template = "v1"
    world.held("StableChanged", seconds=20)
    world.rest(60)
    assert (world.stable.template, world.weight) == ("v1", 100)


def test_what_was_known_by_its_digest_is_known_by_its_text_while_traffic_returns() -> None:
    world = git_world()
    world.patched.image_ids = ((f"registry.example/app@{PROVEN}",),)
    world.phase(Phase.AWAITING_GIT)
    world.stable.template, world.stable.errors, world.stable.image_ids = MIRRORED, 0.001, ((MIRRORED,),)
    world.stage(Stage.RETURNING, seconds=60)
    world.stable.ready = 1
    world.rest(2)
    assert world.remembered.stage is Stage.RETURNING


def test_a_wrong_commit_does_not_count_as_the_time_of_the_right_one() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v9", 0.001
    world.held("StableChanged", seconds=60)
    world.rest(700)
    world.stable.template, world.stable.ready = "v2", 1
    world.rest(30)
    assert world.remembered.held is None


def test_a_service_that_is_pruned_alone_is_patched_going_too() -> None:
    world = awaiting()
    world.stable.template, world.stable.errors = "v2", 0.001
    world.patched.service = False
    world.ack = world.route().ack.REJECTED
    world.phase(Phase.PROMOTED, seconds=300)
    assert (world.remembered.weight, "PromotionFailed" in world.reasons) == (0, False)


def test_a_stable_that_took_over_and_does_not_roll_out_is_told() -> None:
    world = awaiting()
    world.stable.template, world.stable.ready, world.patched.exists = "v2", 1, False
    world.held("PromotionFailed", seconds=900)
    assert world.weight == 0


def test_git_that_was_first_leaves_nothing_to_hand_over_and_nothing_to_revert() -> None:
    world = git_world().phase(Phase.ANALYZING)
    world.stable.template, world.stable.errors = "v2", 0.001
    world.phase(Phase.PROMOTED, seconds=900).rest(10)
    assert not [entry for entry in world.announced if entry.reason == "FixReverted" or "the ." in entry.message]
