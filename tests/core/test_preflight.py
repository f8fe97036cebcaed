"""What is refused before traffic moves, and what is only said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hotfix.core import changes, moments, preflight
from hotfix.core.observation import Ack, Series, ServiceView, SideSeries, SideView
from hotfix.core.status import Phase, Stage

from .world import Side, World, a_spec, ready_world


def change(**more: Any) -> Callable[[World], None]:
    """Set attributes of the world."""

    def apply(world: World) -> None:
        for name, value in more.items():
            side, _, attribute = name.partition("__")
            setattr(getattr(world, side) if attribute else world, attribute or side, value)

    return apply


KEEPS, PATCHES = (a_spec(promotion={"mode": mode}) for mode in ("KeepPatched", "PatchStable"))
REFUSED: list[tuple[str, Callable[[World], None], str, str]] = [
    ("a Deployment is missing", change(patched__exists=False), "TargetNotFound", "Deployment checkout-hotfix"),
    ("a Service is missing", change(stable__service=False), "TargetNotFound", "Service checkout"),
    ("the route is missing", change(route_exists=False), "TargetNotFound", "HTTPRoute shop"),
    ("no route names stable", change(candidates=()), "RouteAmbiguous", "No HTTPRoute"),
    ("two routes name stable", change(candidates=("a", "b")), "RouteAmbiguous", "a, b"),
    ("the router refuses", change(refusal="it is full."), "RouteUnfit", "it is full"),
    ("stable has no weight", change(weights=(0, 1)), "RouteUnfit", "weight is 0"),
    ("the same pod spec", change(patched__template="v1"), "NothingToPromote", "same pod spec; put the fix into the patched one."),
    (
        "the same pod spec by git",
        change(patched__template="v1", patched__owner="Flux Kustomization flux-system/shop"),
        "NothingToPromote",
        "images of a kustomization above both",
    ),
    ("git manages the route", change(route_owner="Flux Kustomization a/b", asked=KEEPS), "ManagedByGitOps", "AwaitGit"),
    ("git manages stable", change(stable__owner="Helm release shop", asked=PATCHES), "ManagedByGitOps", "AwaitGit"),
    ("patched has a weight", change(weights=(9, 1)), "PatchedAlreadyServes", "set that weight to 0"),
    ("the route is rejected", change(ack=Ack.REJECTED), "RouteRejected", "not accepted"),
    ("the route is not accepted yet", change(ack=Ack.PENDING), "RoutePending", "not reported"),
    (
        "the selectors overlap",
        change(stable__selector={"app": "checkout-hotfix"}),
        "ServiceSelectsBothSides",
        "labels that differ",
    ),
    ("the API server is silent", change(unseen=True), "ClusterUnavailable", "asking again"),
    ("a right is missing", change(refused=("Forbidden", "no right")), "Forbidden", "no right"),
    ("an answer nobody knows", change(refused=("Strange", "odd")), "Forbidden", "odd"),
    ("it has expired", change(asked=a_spec(expires="2020-01-01T00:00:00Z")), "Expired", "later spec.expires"),
    ("stable moved", change(asked=a_spec(stable={"deployment": "checkout", "image": "v0"})), "StableMoved", "runs v1"),
]


@pytest.mark.parametrize(("break_it", "reason", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_wrong_is_named_and_nothing_moves(break_it: Callable[[World], None], reason: str, words: str) -> None:
    world = ready_world()
    break_it(world)
    world.held(reason, seconds=60).rest(20)
    assert words in world.remembered.message
    assert world.weight in (0, 10, 100)
    assert world.remembered.phase is Phase.PENDING
    assert not world.ours


def test_what_is_put_right_before_the_next_look_is_not_told() -> None:
    world = ready_world()
    world.patched.exists = False
    world.look()
    assert world.remembered.held == "TargetNotFound"
    world.patched.exists = True
    world.advance(1)
    assert "TargetNotFound" not in world.phase(Phase.ANALYZING).reasons


def test_it_goes_on_by_itself_when_it_is_put_right() -> None:
    world = ready_world()
    world.patched.exists = False
    world.held("TargetNotFound", seconds=60)
    world.patched.exists = True
    world.phase(Phase.ANALYZING)
    assert world.remembered.held is None


def test_a_digest_in_stable_image_is_met_by_what_the_pods_run() -> None:
    world = ready_world(asked=a_spec(stable={"deployment": "checkout", "image": "shop@sha256:abc"}))
    world.stable.image_ids = (("shop@sha256:def",),)
    world.rest(30)
    assert world.remembered.phase is Phase.PENDING
    world.stable.image_ids = (("shop@sha256:abc",),)
    world.phase(Phase.ANALYZING)


def test_a_stable_that_runs_the_image_of_the_manifest_is_the_one_this_hotfix_is_for() -> None:
    world = ready_world(asked=a_spec(stable={"image": "v1"}))
    world.stable.image_ids = (("docker.io/shop/checkout@sha256:def",),)
    assert world.phase(Phase.ANALYZING, seconds=60).remembered.held is None


def test_rules_named_in_the_manifest_must_name_stable() -> None:
    asked = a_spec(traffic={"drain": "1s", "httpRoutes": [{"name": "shop", "rules": [3, "api"]}]})
    world = ready_world(asked=asked, candidates=None)
    world.held("RouteUnfit", seconds=60)
    assert "no rule to shift names Service checkout" in world.remembered.message
    assert not world.ours


def test_own_queries_need_no_preset_and_a_strange_controller_needs_one_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    route = World.route
    monkeypatch.setattr(World, "route", lambda self: replace(route(self), controllers=("example.com/other",)))
    world = ready_world().held("MetricsUnknown", seconds=60)
    assert "example.com/other" in world.remembered.message
    queries = {"requests": "a{$(pods)}", "errors": "b{$(pods)}"}
    assert ready_world(asked=a_spec(metrics=queries)).phase(Phase.ANALYZING).remembered.resolved.preset == "Custom"  # type: ignore[union-attr]
    assert ready_world(asked=a_spec(metrics={"preset": "http"})).phase(Phase.ANALYZING).remembered.resolved.preset == "http"  # type: ignore[union-attr]


def services(world: World, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Give both Services other properties than the Deployment's."""
    view = type(world.stable).view

    def changed(side: Any) -> SideView:
        seen: SideView = view(side)
        assert isinstance(seen.service, ServiceView)
        return replace(seen, service=replace(seen.service, **more))

    monkeypatch.setattr(type(world.stable), "view", changed)


def test_a_service_without_the_routed_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    services(world, monkeypatch, ports=(8080,))
    world.held("RouteUnfit", seconds=60)
    assert "no port 80" in world.remembered.message


def test_deployments_whose_selectors_overlap_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    services(world, monkeypatch, selector={"only": "this"})
    world.patched.selector = {"app": "checkout"}
    world.held("SelectorsOverlap", seconds=60)
    assert world.weights == (1, None)
    assert not world.ours


def test_a_stable_whose_selector_matches_patcheds_pods_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    services(world, monkeypatch, selector={"only": "this"})
    world.stable.selector = {"app": "checkout-hotfix"}
    world.held("SelectorsOverlap", seconds=60)
    assert not world.ours


def test_a_service_of_patched_that_sends_to_stables_pods_is_named_and_refused() -> None:
    world = ready_world()
    world.patched.selector = {"app": "checkout"}
    world.held("ServiceSelectsBothSides", seconds=60)
    assert "Service checkout-hotfix also selects the pods of checkout;" in world.remembered.message
    assert not world.ours


def test_nothing_is_written_before_the_other_rollouts_can_be_seen() -> None:
    world = ready_world(rivals=None).held("ClusterUnavailable").rest(60)
    assert (world.remembered.phase, world.remembered.borrowed, world.ours) == (Phase.PENDING, None, False)
    world.rivals = ()
    world.phase(Phase.ANALYZING)


@pytest.mark.parametrize("part", ["stable", "patched", "routes", "rivals"])
def test_one_part_of_the_cluster_that_is_out_of_sight_is_enough_to_wait(part: str) -> None:
    look = ready_world().shown()
    problem = preflight.first_problem(replace(look, seen=replace(look.seen, **{part: None})))  # type: ignore[arg-type]
    assert problem is not None
    assert problem.reason == "ClusterUnavailable"


def test_a_rule_that_names_no_port_is_met_by_any(monkeypatch: pytest.MonkeyPatch) -> None:
    route = World.route
    without = {"port": None}
    monkeypatch.setattr(World, "route", lambda self: replace(route(self), rules=(replace(route(self).rules[0], **without),)))
    assert ready_world().phase(Phase.ANALYZING).weight > 0


@pytest.mark.parametrize(("ahead", "starts"), [(0.0, False), (1.0, True)])
def test_it_has_expired_in_the_very_second_that_the_manifest_names(ahead: float, *, starts: bool) -> None:
    world = ready_world()
    world.asked = a_spec(expires=moments.rfc3339(world.now + ahead))
    world.look()
    assert (world.remembered.held != "Expired") is starts


def test_what_is_worth_knowing_is_said_and_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world(asked=a_spec(paused=True))
    services(world, monkeypatch, session_affinity=True)
    routes, observe = World.routes, World.observe
    monkeypatch.setattr(World, "routes", lambda self: replace(routes(self), bypasses=("Ingress old",)))
    monkeypatch.setattr(World, "observe", lambda self: replace(observe(self), owner="Flux Kustomization a/b"))
    world.held("Paused")
    assert "a patch that hangs is found late" not in world.remembered.message, "Contour counts what begins"
    for words in ("Ingress old", "session affinity", "without stable.image", "preStop"):
        assert words in world.remembered.message


@pytest.mark.parametrize(
    ("metrics", "late"),
    [
        ({"preset": "istio"}, True),
        ({"preset": "traefik"}, True),
        ({"preset": "linkerd"}, False),
        ({"requests": "a", "errors": "b"}, True),
        ({"requests": "a", "errors": "b", "started": "c"}, False),
    ],
)
def test_it_is_said_before_traffic_moves_that_hangs_are_found_late(metrics: dict[str, str], *, late: bool) -> None:
    world = ready_world(asked=a_spec(metrics=metrics, paused=True)).held("Paused")
    assert ("a patch that hangs is found late" in world.remembered.message) is late


def test_no_remark_where_nothing_is_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world(asked=a_spec(paused=True))
    world.stable.ready = world.patched.ready = 0
    world.stable.replicas = world.patched.replicas = 0
    world.held("Paused")
    assert "Note" not in world.remembered.message


def test_a_problem_that_comes_up_before_traffic_moved_holds_and_passes() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.patched.service = False
    world.held("TargetNotFound", seconds=20)
    assert world.weight == 0
    world.patched.service = True
    world.phase(Phase.ANALYZING)


def test_a_controller_that_rejects_patcheds_backend_is_said_and_waited_for() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.ack = Ack.REJECTED
    world.held("RouteRejected", seconds=20).rest(40)
    assert world.weight == 0
    world.ack = None
    world.phase(Phase.ANALYZING)


def test_pods_get_ready_whatever_a_controller_says_of_the_route() -> None:
    world = ready_world()
    world.stable.replicas = 6
    world.stage(Stage.SCALING)
    world.ack = Ack.REJECTED
    world.held("RouteRejected", seconds=20)
    assert world.patched.replicas == 6
    assert world.remembered.stage is Stage.ADOPTING


def test_pausing_before_traffic_moves_holds_at_zero() -> None:
    world = ready_world().stage(Stage.SCALING)
    world.asked = a_spec(paused=True)
    world.held("Paused", seconds=10).rest(400)
    assert world.weight == 0
    assert world.reasons.count("Paused") == 1
    world.asked = a_spec(paused=False)
    world.phase(Phase.ANALYZING, seconds=20)
    assert world.reasons.count("Resumed") == 1


def test_pods_that_get_unready_before_the_start_are_waited_for() -> None:
    world = ready_world(ack_seconds=20).stage(Stage.ADOPTING)
    world.patched.ready = 0
    world.stage(Stage.SCALING, seconds=10)
    world.rest(10)
    assert world.weight == 0, "nothing is sent to pods that are not ready"
    world.patched.ready = None
    world.phase(Phase.ANALYZING)


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (change(problem=("CountersSummedOverProcesses", "summed")), "CountersUnfit"),
        (change(no_series=True), "MetricsMissing"),
    ],
)
def test_metrics_that_cannot_be_judged_keep_traffic_from_moving(break_it: Callable[[World], None], reason: str) -> None:
    world = ready_world()
    break_it(world)
    world.held(reason, seconds=60).rest(30)
    assert world.weight == 0


def test_an_invalid_query_is_said_before_traffic_moves() -> None:
    world = ready_world().stage(Stage.ADOPTING)
    world.refused = ("InvalidQuery", "parse error")
    world.held("InvalidQuery", seconds=20).rest(30)
    assert world.weight == 0


def test_too_few_pods_for_the_start_weight_wait() -> None:
    asked = a_spec(startWeight=50, patched={"deployment": "checkout-hotfix", "replicas": "Own"})
    world = ready_world(asked=asked)
    world.stable.replicas = 6
    world.held("InsufficientCapacity", seconds=60)
    world.patched.replicas = 3
    assert world.phase(Phase.ANALYZING).weight == 50


def test_the_start_waits_for_the_request_rate_and_takes_the_largest_start_without_one() -> None:
    world = World()
    world.advance(1)
    world.rate = 0.0
    world.advance(4)
    world.patched.restarts = 1
    world.phase(Phase.ANALYZING)
    assert world.weight == 10
    assert "no requests were seen" in (world.remembered.resolved.start_reason or "")  # type: ignore[union-attr]
    assert world.remembered.baseline.patched_restarts == {"checkout-hotfix-0": 1, "checkout-hotfix-1": 1}  # type: ignore[union-attr]


def test_changed_paths_name_containers_and_nested_fields() -> None:
    before = {"containers": [{"name": "app", "image": "a", "env": [{"name": "X", "value": "1"}]}], "dns": [1]}
    after = {"containers": [{"name": "app", "image": "b", "env": [{"name": "X", "value": "2"}]}, {"name": "new"}], "dns": [2]}
    assert changes.changed_paths(before, after) == ["containers.app.env.X.value", "containers.app.image", "containers.new", "dns"]
    assert changes.changed_paths(after, after) == []


def test_grpc_is_not_judged_by_http_codes_but_by_queries_of_ones_own() -> None:
    world = ready_world()
    world.stable.grpc = world.patched.grpc = True
    world.held("MetricsBlindToGrpc")
    assert "grpc_code" in world.remembered.message
    world.asked = a_spec(metrics={"requests": "grpc_total", "errors": 'grpc_total{grpc_code!="OK"}'})
    world.phase(Phase.ANALYZING)


@pytest.mark.parametrize(
    ("controller", "says"),
    [
        ("gateway.envoyproxy.io/gatewayclass-controller", "counts all backends of a rule as one"),
        ("example.com/new", "is known for"),
    ],
)
def test_a_gateway_whose_counters_cannot_be_used_is_named_with_what_to_do(controller: str, says: str) -> None:
    world = ready_world(controllers=(controller,)).held("MetricsUnknown")
    assert says in world.remembered.message
    world.asked = a_spec(metrics={"preset": "http"})
    world.phase(Phase.ANALYZING)


@pytest.mark.parametrize("controller", ["gateway.envoyproxy.io/gatewayclass-controller", "projectcontour.io/gateway-controller"])
def test_the_word_for_a_gateway_that_cannot_tell_the_sides_apart_is_refused_with_what_to_do(controller: str) -> None:
    asked = a_spec(metrics={"preset": "envoy-gateway"})
    world = ready_world(asked=asked, controllers=(controller,)).held("MetricsUnknown").rest(60)
    assert "counts all backends of a rule as one cluster; set metrics.preset to http" in world.remembered.message
    assert (world.weight, world.ours) == (0, False)
    queries = {"requests": "a{$(pods)}", "errors": "b{$(pods)}"}
    world.asked = a_spec(metrics=queries)
    world.phase(Phase.ANALYZING)


def other_series(side: Side, label: str = "") -> SideSeries:
    """Counters of one name, whichever side they are of."""
    inside = tuple((moment, float(int(counts["requests"]))) for moment, counts in side.samples)
    series = (Series(f"proxy|cluster=all{label}", inside),) if inside else ()
    return SideSeries(requests=series, errors=())


def test_counters_that_belong_to_both_sides_are_refused_before_traffic_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    world.patched.counts["requests"] = 5.0
    monkeypatch.setattr(World, "_series", lambda self, side, start, end: other_series(side))
    world.held("SidesIndistinct", seconds=60).rest(60)
    assert "1 request series belong to both sides, for example proxy|cluster=all" in world.remembered.message
    assert world.weight == 0


def test_counters_that_come_to_belong_to_both_sides_are_not_judged_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world().phase(Phase.ANALYZING)
    weight = world.weight
    monkeypatch.setattr(World, "_series", lambda self, side, start, end: other_series(side))
    world.held("CountersUnfit", seconds=60).rest(60)
    assert "belong to both sides" in world.remembered.message
    assert world.weight == weight


def test_counters_that_fall_are_refused_before_traffic_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gauge of requests under way."""
    series = World._series

    def gauge(self: World, side: Side, start: float, end: float) -> SideSeries:
        seen = series(self, side, start, end)
        samples = tuple((moment, 40 + (7 * (moment // 5)) % 20) for one in seen.requests for moment, _ in one.samples)
        return replace(seen, requests=(Series(f"proxy|{side.name}", samples),))

    world = ready_world()
    monkeypatch.setattr(World, "_series", gauge)
    world.held("CountersUnfit", seconds=60).rest(120)
    assert "fell from" in world.remembered.message
    assert world.weight == 0
    monkeypatch.setattr(World, "_series", series)
    world.phase(Phase.ANALYZING, seconds=120)


@pytest.mark.parametrize("label", ["request_protocol=grpc", "grpc_status=0", "grpc_response_status=13", "grpc_code=OK"])
def test_grpc_calls_among_the_counters_are_refused_under_a_preset(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    world = ready_world()
    monkeypatch.setattr(World, "_series", lambda self, side, start, end: other_series(side, f",name={side.name},{label}"))
    world.held("MetricsBlindToGrpc", seconds=60).rest(30)
    assert "counts gRPC calls" in world.remembered.message
    assert world.weight == 0
    world.asked = a_spec(metrics={"requests": "a{$(pods)}", "errors": "b{$(pods)}"})
    world.phase(Phase.ANALYZING)


@pytest.mark.parametrize(
    ("since", "starts"),
    [((60.0, 60.0), True), ((60.0, 1.0), False), ((60.0,), False), ((), False)],
    ids=["all for a minute", "one just now", "one is not known", "none is known"],
)
def test_pods_that_have_been_ready_for_a_while_are_not_waited_for(since: tuple[float, ...], starts: bool) -> None:
    world = World()
    world.advance(60)
    world.patched.ready_since = tuple(world.now - seconds for seconds in since)
    created = world.now
    world.stage(Stage.ADOPTING, seconds=30)
    assert (world.now - created < 1) is starts
    world.phase(Phase.ANALYZING)
    assert world.remembered.started_at is not None


def test_a_pod_that_is_not_ready_now_has_not_been_ready_however_long_it_was() -> None:
    world = World()
    world.advance(60)
    world.patched.ready, world.patched.ready_since = 1, (world.now - 600, world.now - 600)
    world.rest(10)
    assert world.remembered.stage is Stage.SCALING
