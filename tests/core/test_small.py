"""Quantities, moments, reasons, spans of metrics, invalid objects: the small modules."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hotfix.core import cel, guards, invalid, looking, moments, quantities, reasons, reports, vetoes
from hotfix.core.judgement import Verdict
from hotfix.core.look import Look
from hotfix.core.observation import MetricsView, SideSeries
from hotfix.core.status import Phase, Stage

from .world import INTERVAL, START, a_spec, ready_world


def test_durations_shares_and_spans() -> None:
    assert quantities.seconds("1h30m") == 5400
    assert quantities.seconds("1500ms") == 1.5
    assert quantities.share("0.5%") == Decimal("0.005")
    assert quantities.percent(0.0491) == "4.91 %"
    assert quantities.percent(1.0) == "100 %"
    assert [quantities.span(value) for value in (95, 3600, 0, 3725)] == ["1m35s", "1h", "0s", "1h2m5s"]
    for wrong in ("1", "h", "1d"):
        with pytest.raises(ValueError, match="not a duration"):
            quantities.seconds(wrong)
    for wrong in ("1", "0%", "101%", "-1%"):
        with pytest.raises(ValueError, match="not"):
            quantities.share(wrong)


@pytest.mark.parametrize(("times", "wait"), [(-3, 5), (0, 5), (1, 10), (2, 20), (5, 160), (6, 300), (10**9, 300)])
def test_a_wait_that_grows_has_a_first_and_a_longest(times: int, wait: float) -> None:
    assert moments.doubled(5, times, 300) == wait


def test_moments_go_there_and_back_and_need_a_zone() -> None:
    assert moments.rfc3339(0.5) == "1970-01-01T00:00:00.500Z"
    assert moments.whole_seconds(1.9) == "1970-01-01T00:00:01Z"
    assert moments.unix(moments.rfc3339(START)) == START
    with pytest.raises(ValueError, match="no time zone"):
        moments.unix("2026-01-01T00:00:00")


def test_every_reason_has_a_word_and_a_sentence() -> None:
    for reason in reasons.Reason:
        assert reason.value.isalnum()
        assert reason.sentence.endswith(".")
    assert reasons.named("Paused", reasons.Reason.FORBIDDEN) is reasons.Reason.PAUSED
    assert reasons.named("Nothing", reasons.Reason.FORBIDDEN) is reasons.Reason.FORBIDDEN


def test_every_rule_tells_what_to_do() -> None:
    for rules in (*cel.MODEL_RULES.values(), *cel.FIELD_RULES.values()):
        for rule in rules:
            assert len(rule.message) > 10


def test_metrics_are_asked_for_only_where_something_is_judged() -> None:
    world = ready_world()
    assert looking.metrics_span(world.asked, world.remembered, world.now, INTERVAL) is None
    world.stage(Stage.ADOPTING)
    start, end, interval = looking.metrics_span(world.asked, world.remembered, world.now, INTERVAL) or (0, 0, 0)
    assert interval == INTERVAL
    assert end <= world.now - interval
    assert world.now - start >= 3600


def test_the_interval_of_the_manifest_is_the_length_of_a_block() -> None:
    world = ready_world(asked=a_spec(metrics={"interval": "10s"})).stage(Stage.ADOPTING)
    assert world.remembered.baseline is not None
    assert world.remembered.baseline.interval_seconds == 10
    bare = world.remembered.model_copy(update={"baseline": None})
    assert (looking.metrics_span(world.asked, bare, world.now, INTERVAL) or (0, 0, 0))[2] == 10
    assert Look(world.asked, bare, world.observe()).interval_seconds == INTERVAL


def test_the_port_is_the_routed_one_else_the_services_first() -> None:
    side = ready_world().stable
    assert looking.port_of(side.view(), 8443) == 8443
    assert looking.port_of(side.view(), None) == 80
    assert looking.port_of(None, None) == 80


def test_an_unreadable_manifest_is_said_and_nothing_is_lost() -> None:
    stored = {"phase": "Analyzing", "weight": 25, "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "x"}]}
    said = invalid.status_of(stored, reasons.Reason.INVALID_SPEC, "steps:\n  wrong", 4, START)
    assert said["weight"] == 25
    assert said["observedGeneration"] == 4
    by_type = {entry["type"]: entry for entry in said["conditions"]}
    assert by_type["Ready"]["lastTransitionTime"] == "x"
    assert by_type["Stalled"]["status"] == "True"
    assert "steps: wrong" in said["message"]
    assert invalid.status_of({"conditions": "nonsense"}, reasons.Reason.INVALID_STATUS, "x", 1, START)["conditions"]


def test_loads_hint_at_capacity_when_they_differ_a_lot() -> None:
    world = ready_world().run(lambda w: w.remembered.weight == 50).rest(20)
    from hotfix.core import machine  # noqa: PLC0415 - only this test looks inside a decision

    look = machine._with_judgement(Look(world.asked, world.remembered, world.observe()))
    assert look.judgement is not None
    from dataclasses import replace  # noqa: PLC0415

    assert "capacity suspected" in reports.loads(replace(look.judgement, patched_load=40.0, stable_load=10.0))
    assert reports.loads(replace(look.judgement, patched_load=None)) == ""
    assert "Load per pod" in reports.rejected(look.judgement, Verdict.WORSE)


def test_the_first_guard_that_speaks_is_heard() -> None:
    world = ready_world().phase(Phase.ANALYZING)
    world.stable.ready = world.patched.ready = 0
    world.unseen = True
    look = Look(world.asked, world.remembered, world.observe())
    veto = vetoes.first(guards.HOLD, look)
    assert veto is not None
    assert veto.reason is reasons.Reason.CLUSTER_UNAVAILABLE


@pytest.mark.parametrize("interval", [1.0, 5.0, 12.0, 15.0, 60.0])
def test_a_look_follows_the_end_of_every_scrape_and_none_is_further_away_than_five_seconds(interval: float) -> None:
    now, moments_ = 1_000.3, []
    while now < 1_300:
        wait = looking.seconds_to_look(now, interval)
        assert 0 < wait <= min(interval, looking.LOOK_SECONDS) + looking.SOON_SECONDS
        now += wait
        moments_.append(now)
    due = looking.judging_lag(interval)
    for end in (number * interval for number in range(int(1_020 // interval), int(1_280 // interval))):
        assert any(due <= moment - end <= due + looking.SOON_SECONDS + 1e-6 for moment in moments_), f"nobody looks after {end}"


def test_what_was_asked_of_a_view_is_not_computed_again_and_another_view_knows_nothing_of_it() -> None:
    nothing = SideSeries(requests=(), errors=())
    view = MetricsView(start=0.0, end=5.0, interval_seconds=5.0, patched=nothing, stable=nothing)
    asked: list[str] = []

    def answer(what: str) -> str:
        asked.append(what)
        return what

    assert [view.once(what, lambda what=what: answer(what)) for what in ("a", "b", "a")] == ["a", "b", "a"]
    other = replace(view, end=10.0)
    assert other.once("a", lambda: answer("c")) == "c"
    assert asked == ["a", "b", "c"]
    assert view == MetricsView(start=0.0, end=5.0, interval_seconds=5.0, patched=nothing, stable=nothing)
