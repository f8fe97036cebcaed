"""What the counts say, from blocks to one judgement."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.core import folded, questions, reports
from hotfix.core.counting import Block, Count, Counter
from hotfix.core.evidence import State, extend
from hotfix.core.judgement import Evidence, Findings, Verdict
from hotfix.core.judging import judge
from hotfix.core.terms import FixTerms, SlowTerms
from tests.core.made import INTERVAL, START, block, noise, terms

CRASH, CURED, SAME = ((25, 25), (475, 1)), ((25, 0), (475, 24)), ((250, 0), (250, 0))


def scrapes(counts, number):
    """So many blocks of the same counts."""
    return [block(*counts, at=place) for place in range(number)]


def test_a_crash_is_worse_within_two_scrapes_and_not_in_one():
    assert judge(terms(), scrapes(CRASH, 1)).verdict is Verdict.UNDECIDED
    judged = judge(terms(), scrapes(CRASH, 2))
    assert judged.verdict is Verdict.WORSE
    assert judged.findings.worse.reached_ever


def test_worse_is_not_taken_back_by_good_scrapes_later():
    judged = judge(terms(), scrapes(CRASH, 2) + [block(*SAME, at=place) for place in range(2, 60)])
    assert judged.verdict is Verdict.WORSE
    assert not judged.findings.worse.reached_now


def test_a_cure_is_allowed_to_jump_to_the_largest_step_and_is_not_worse():
    judged = judge(terms(baseline_rate=0.05), scrapes(CURED, 3))
    assert judged.ramp_weight == 50
    proven = judge(terms(baseline_rate=0.05), scrapes(CURED, 12))
    assert proven.verdict is Verdict.NOT_WORSE
    assert proven.proven_margin == 0.005
    assert proven.expected_seconds == 0.0


def test_advancing_asks_for_the_evidence_of_now():
    turned = scrapes(SAME, 8) + [block((250, 20), (250, 0), at=place) for place in range(8, 10)]
    before, after = judge(terms(), scrapes(SAME, 8)), judge(terms(), turned)
    assert before.findings.not_worse.reached_now
    assert before.proven_margin == 0.005
    assert after.findings.not_worse.reached_ever
    assert not after.findings.not_worse.reached_now
    assert after.verdict is not Verdict.NOT_WORSE
    assert after.proven_margin is not None
    assert after.proven_margin > 0.005


def test_a_step_is_allowed_only_while_the_evidence_of_now_allows_it():
    turned = scrapes(SAME, 4) + [block((250, 60), (250, 0), at=place) for place in range(4, 8)]
    assert judge(terms(), turned[:4]).ramp_weight == 50
    assert judge(terms(), turned).ramp_weight < 25


def test_a_leak_that_begins_after_a_healthy_hour_is_found_soon():
    leaking = scrapes(SAME, 600) + [block((250, 13), (250, 0), at=place) for place in range(600, 606)]
    assert judge(terms(), leaking).verdict is Verdict.WORSE


def test_the_proven_margin_gets_tighter_and_includes_the_one_asked_for():
    asked = terms(delta=0.003)
    margins = [judge(asked, scrapes(SAME, number)).proven_margin for number in range(1, 60)]
    told = [margin for margin in margins if margin is not None]
    assert told == sorted(told, reverse=True)
    assert told[-1] == 0.003


def test_without_a_request_on_both_sides_there_is_no_traffic_to_judge():
    judged = judge(terms(), scrapes(((0, 0), (500, 25)), 5))
    assert judged.verdict is Verdict.NO_TRAFFIC
    assert (judged.stable.requests, judged.stable.bad, judged.patched.requests) == (2500, 125, 0)
    assert judged.fresh_until is None
    assert judged.findings.worse.log_now == judged.findings.not_worse.log_now == 0.0
    assert judge(terms(), []).request_rate is None


def test_blocks_before_the_evidence_begins_are_not_judged():
    judged = judge(terms(evidence_from=START + 2 * INTERVAL), [*scrapes(CRASH, 2), block(*SAME, at=2)])
    assert judged.verdict is Verdict.UNDECIDED
    assert judged.patched.requests == 250


def test_a_block_counts_as_held_where_the_weight_was_in_force_for_a_third_of_it():
    blocks = scrapes(SAME, 5)
    assert judge(terms(weight_since=START + 10.004), blocks).blocks_at_weight == 3
    assert judge(terms(weight_since=START + 3.3), blocks).blocks_at_weight == 5
    assert judge(terms(weight_since=START + 3.4), blocks).blocks_at_weight == 4
    assert judge(terms(weight_since=None), blocks).blocks_at_weight == 0


def test_the_share_is_observed_in_blocks_that_are_wholly_of_the_weight():
    blocks = [block((0, 0), (500, 0)), *(block((250, 0), (250, 0), at=number) for number in (1, 2))]
    assert judge(terms(weight_since=START + 1), blocks).observed_share == 0.5
    assert judge(terms(weight_since=None), blocks).observed_share is None


def test_a_bake_counts_scrapes_with_requests_on_both_sides_only():
    blocks = [*scrapes(SAME, 3), block((250, 0), (0, 0), at=3)]
    judged = judge(terms(bake_from=START + INTERVAL), blocks)
    assert judged.baked_seconds == 2 * INTERVAL
    assert judged.baked_until == START + 3 * INTERVAL
    assert judged.fresh_until == START + 3 * INTERVAL
    assert judge(terms(bake_from=None), blocks).baked_until is None


def test_scrapes_that_waited_for_the_other_side_are_baked_time_too():
    blocks = [block((250, 0), (0, 0), at=0), block((250, 0), (1, 0), at=1)]
    assert judge(terms(bake_from=START), blocks).baked_seconds == 2 * INTERVAL


def test_time_without_metrics_is_no_baked_time():
    after_a_gap = Block(START + INTERVAL, START + 100 * INTERVAL, Count(900, 0, 3), Count(900, 0, 6))
    assert judge(terms(bake_from=START), [*scrapes(SAME, 1), after_a_gap]).baked_seconds == 2 * INTERVAL


def test_the_split_is_compared_with_the_weight_that_was_asked_for():
    judged = judge(terms(weight=5), scrapes(SAME, 4))
    assert judged.share_off_blocks == 4
    assert judged.observed_share == 0.5
    assert judge(terms(weight=50), scrapes(SAME, 4)).share_off_blocks == 0


def test_at_the_ends_of_the_scale_there_is_no_share_to_compare():
    judged = judge(terms(weight=100), scrapes(SAME, 4))
    assert (judged.share_off_blocks, judged.not_answering_blocks, judged.expected_seconds) == (0, 0, None)


def test_a_patch_that_hangs_is_seen_although_it_has_no_requests_to_judge():
    blocks = [Block(START + 5 * k, START + 5 * k + 5, Count(0, 0, 0, 25), Count(475, 1, 6, 475)) for k in range(3)]
    judged = judge(terms(), blocks)
    assert judged.not_answering_blocks == 3
    assert judged.verdict is Verdict.NO_TRAFFIC


def test_loads_are_told_per_process():
    judged = judge(terms(), scrapes(CRASH, 4))
    assert (judged.request_rate, judged.patched_load, judged.stable_load) == (
        pytest.approx(100.0),
        pytest.approx(25 / 5 / 3),
        pytest.approx(475 / 5 / 6),
    )


def test_the_decision_is_expected_sooner_the_more_is_counted():
    spans = [judge(terms(weight=50), scrapes(SAME, number)).expected_seconds for number in (1, 3, 5)]
    assert None not in spans
    assert spans == sorted(spans, reverse=True)
    assert judge(terms(weight=50), []).expected_seconds is None


def test_where_patched_looks_worse_the_time_until_it_is_taken_out_is_expected():
    harm = block((500, 3), (500, 0))
    first = judge(terms(weight=50), [harm])
    assert first.findings.rejected is None
    assert first.expected_seconds is not None
    needed = next(
        n for n in range(2, 99) if judge(terms(weight=50), [block((500, 3), (500, 0), at=k) for k in range(n)]).findings.rejected
    )
    assert first.expected_seconds <= 2.5 * (needed - 1) * INTERVAL
    assert needed * INTERVAL <= 2.5 * first.expected_seconds
    assert judge(terms(weight=50, baseline_rate=0.05), scrapes(((250, 12), (250, 12)), 5)).expected_seconds is not None


def test_noise_between_processes_makes_the_decision_expected_later():
    quiet, noisy = (
        judge(terms(weight=50, baseline_rate=0.05, sigma2=sigma2), scrapes(((2500, 125), (2500, 125)), 2)).expected_seconds
        for sigma2 in (0.0, 0.5)
    )
    assert quiet is not None
    assert noisy is not None
    assert noisy > 3 * quiet
    assert judge(terms(), []).expected_seconds is None


def test_loads_are_told_per_ready_pod_where_a_proxy_counts():
    """One proxy on either side: what it counts is spread over the pods behind it."""
    half = [block((250, 0), (250, 0), at=place, pods=(1, 1)) for place in range(4)]
    one_for_ten = judge(terms(weight=50, endpoints=(1, 10)), half)
    assert (one_for_ten.patched_load, one_for_ten.stable_load) == (pytest.approx(50.0), pytest.approx(5.0))
    assert "capacity suspected" in reports.loads(one_for_ten)
    baking = [block((475, 0), (25, 0), at=place, pods=(1, 1)) for place in range(4)]
    shrunk = judge(terms(weight=95, endpoints=(19, 1)), baking)
    assert (shrunk.patched_load, shrunk.stable_load) == (pytest.approx(5.0), pytest.approx(5.0))
    assert "capacity suspected" not in reports.loads(shrunk)


counts = st.tuples(st.integers(0, 60), st.integers(0, 60))
histories = st.lists(st.tuples(counts, counts), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)  # questions are built once
@given(histories, st.integers(0, 12))
def test_a_judgement_is_the_same_whether_looked_at_often_or_once(history, looks):
    blocks = [block((max(c), min(c)), (max(s), min(s)), at=place) for place, (c, s) in enumerate(history)]
    for number in range(looks):
        judge(terms(), blocks[:number])
    often = judge(terms(), blocks)
    folded._remembered.clear()
    assert judge(terms(), blocks) == often


def test_a_block_that_changed_afterwards_is_judged_as_it_is_now():
    late = [block(*SAME, at=0), *(block(*CRASH, at=place) for place in (1, 2))]
    assert judge(terms(), [late[0], block(*SAME, at=1), block(*SAME, at=2)]).verdict is Verdict.NOT_WORSE
    assert judge(terms(), late).verdict is Verdict.WORSE
    assert judge(terms(), late[:1]).findings.worse.log_max < 1


def test_evidence_is_that_of_every_question_asked_alone():
    blocks = [*scrapes(CRASH, 3), block(*SAME, at=3)]
    asked = questions.questions(terms())
    states = folded.folded(terms(), blocks).states
    for question in asked.every:
        state = State()
        for one in blocks:
            state = extend(question, state, one, noise(0.02, START))
        assert states[question] == state


def test_what_is_remembered_of_finished_analyses_is_bounded(monkeypatch):
    folded._remembered.clear()
    monkeypatch.setattr(folded, "REMEMBERED", 8)
    for place in range(20):
        judge(terms(ramp_weights=(50,)), [block((1, 0), (1 + place, 0))])
    assert len(folded._remembered) == 8


def test_a_look_extends_the_evidence_by_the_new_blocks_only(monkeypatch):
    folded._remembered.clear()
    updates = []
    monkeypatch.setattr(folded, "extend", lambda *asked: updates.append(asked) or extend(*asked))
    for number in range(1, 101):
        judge(terms(), scrapes(SAME, number))  # every look has blocks of its own, as counted anew
    assert len(updates) == 100 * len(questions.questions(terms()).every)


def test_a_block_that_waits_for_the_other_side_is_paired_at_a_later_look():
    blocks = [block((250, 2), (250, 0)), block((250, 1), (0, 0), at=1), block((0, 0), (250, 3), at=2), block(*SAME, at=3)]
    for number in range(1, 5):
        judged = judge(terms(), blocks[:number])
    found = folded.folded(terms(), blocks)
    folded._remembered.clear()
    assert found == folded.folded(terms(), blocks)
    assert [(pair.start, pair.scrapes) for pair in found.pairs] == [(START, 1), (START + 5, 2), (START + 15, 1)]
    assert (judged.patched.bad, judged.stable.bad, judged.patched.requests) == (3, 3, 750)


def test_questions_do_not_depend_on_what_changes_from_look_to_look():
    changes = {"now": START + 1, "weight": 50, "weight_since": None, "bake_from": START, "processes": 4, "endpoints": (3, 4)}
    changes |= {"evidence_from": START + 5, "warm_until": START + 30, "sigma2": 0.4, "interval_seconds": 15.0, "rate_before": 9.0}
    assert changes.keys() == questions.NO_MATTER.keys()
    assert questions.questions(terms(**changes)) is questions.questions(terms())
    assert questions.questions(terms(delta=0.01)) != questions.questions(terms())


def test_a_step_that_risks_less_is_proven_sooner():
    first = {
        weight: next(n for n in range(1, 99) if judge(terms(), scrapes(((25, 0), (475, 0)), n)).ramp_weight >= weight)
        for weight in (1, 5, 25, 50)
    }
    assert first[1] <= first[5] <= first[25] < first[50]


FIX = FixTerms(min_reduction=0.5, expected_reduction=0.8, required=True)


def aimed(patched: float, stable: float, number: int) -> list[Block]:
    """Blocks of 2000 requests on both sides, with so large shares of errors that the hotfix is for."""
    counts = [Count(2000, round(2000 * rate), 6, target=round(2000 * rate)) for rate in (patched, stable)]
    return [Block(START + place * INTERVAL, START + (place + 1) * INTERVAL, *counts) for place in range(number)]


def test_a_fix_between_the_least_and_the_promised_reduction_is_not_rejected_once_the_least_was_proven():
    asked = terms(fix=FIX, rates=((Counter.BAD, 0.1), (Counter.TARGET, 0.1)), weight=50)
    found = judge(asked, aimed(0.035, 0.1, 40)).findings  # 65 % fewer
    assert found.fixed is not None
    assert found.fixed.reached_now
    assert found.rejected is None
    least = replace(asked, fix=replace(FIX, min_reduction=0.7))  # the same counts fall short of this one
    assert judge(least, aimed(0.035, 0.1, 40)).findings.rejected is Verdict.NOT_FIXED


def test_the_reductions_that_are_proven_are_those_that_the_counts_allow():
    asked = terms(fix=FIX, rates=((Counter.BAD, 0.1), (Counter.TARGET, 0.1)), weight=50)
    proven = {number: judge(asked, aimed(0.004, 0.1, number)).proven_reduction for number in (1, 3, 40)}
    assert proven[1] is None
    assert proven[40] == 0.95
    assert judge(asked, aimed(0.03, 0.1, 200)).proven_reduction == 0.5


@pytest.mark.parametrize(
    ("asked", "tests"),
    [
        ({}, 1),
        ({"client_errors": True}, 2),
        ({"fix": FIX, "client_errors": True}, 3),
        ({"fix": FIX, "client_errors": True, "slow": SlowTerms(delta=0.02, required=False)}, 4),
    ],
)
def test_all_that_can_roll_back_share_the_stated_risk(asked, tests):
    found = questions.questions(terms(**asked))
    against = [found.worse, found.not_fixed, found.client_errors, found.slow]
    assert [one.level for one in against if one] == [pytest.approx(0.01 / tests)] * tests


def evidence(*, reached: bool) -> Evidence:
    return Evidence(log_now=5.0 if reached else 1.0, log_max=5.0, log_threshold=3.0)


@pytest.mark.parametrize(
    ("fixed", "required", "not_slow", "proven"),
    [
        (True, True, None, True),
        (False, True, None, False),
        (False, False, None, True),
        (True, True, False, False),
        (True, True, True, True),
    ],
)
def test_everything_that_is_asked_for_must_be_proven_before_the_bake(fixed, required, not_slow, proven):
    no = Evidence(log_now=0.0, log_max=0.0, log_threshold=5.0)
    found = Findings(
        worse=no,
        not_worse=evidence(reached=True),
        fixed=evidence(reached=fixed),
        not_slow=None if not_slow is None else evidence(reached=not_slow),
        fix_required=required,
    )
    assert found.proven is proven
    assert not replace(found, not_worse=evidence(reached=False)).proven
